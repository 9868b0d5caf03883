//! From a specification to maps and programs in a kernel.
//!
//! Nothing is probed beforehand: each thing is asked of the kernel in its best
//! form, and only a refusal leads to the next one. So an object with two
//! programs and four maps takes about ten bpf(2) calls.
//!
//! A program can be loaded later than the rest ([`Object::load_program`]), which
//! is how one of several flavours of a hook is chosen:
//!
//! ```no_run
//! # use trapline_loader::{Result, kernel_btf::KernelBtf, object::{LoadOptions, Object}, spec::ObjectSpec};
//! # fn main() -> Result<()> {
//! # let bytes = [0u8; 0];
//! let mut spec = ObjectSpec::parse("exec.bpf.o", &bytes)?;
//! for program in &mut spec.programs {
//!     program.kind.autoload = false;
//! }
//! let mut object = Object::load(spec, &mut KernelBtf::running(), &LoadOptions::default())?;
//! let attached = object.attach_first(&["exec_fentry", "exec_kprobe"])?;
//! println!("{} by {}", attached.program, attached.link.how());
//! # Ok(()) }
//! ```

mod ahead;
mod arg_ctx;
mod btf;
#[cfg(test)]
#[path = "../../tests/common/mod.rs"]
pub(crate) mod common;
mod data;
pub(crate) mod doors;
mod externs;
mod hooks;
mod kconfig;
mod kinds;
mod later;
mod map_types;
mod maps;
mod open;
mod pinned;
mod programs;
mod refusal;
mod sanitize;
mod struct_ops;
mod target;
mod too_old;
mod values;

use crate::error::{Error, Result, ResultExt};
use crate::kernel_btf::KernelBtf;
use crate::map::Map;
use crate::program::Program;
use crate::relo_core;
use crate::spec::ObjectSpec;
use crate::sys::Errno;
use core::fmt;
use programs::Waiting;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::sync::Arc;

pub use btf::BtfUse;
pub use hooks::look_up;
pub use later::Attached;
pub use open::open;
pub use target::AttachTarget;
pub(crate) use target::target_function;

/// How to load an object.
#[derive(Clone, Debug, Default)]
pub struct LoadOptions {
    /// Have the verifier tell what it counted: [`Program::stats`], and
    /// [`ProgramInfo::verified_insns`](crate::program::ProgramInfo::verified_insns)
    /// also before 5.16.
    pub want_stats: bool,
    /// Programs that may be refused without the object being refused: what the
    /// kernel said is then in [`Object::refused`].
    pub optional: Vec<String>,
    /// The folder of a BPF file system where maps that are to be pinned by name
    /// are, or will be; `/sys/fs/bpf` if not said.
    pub pin_root: Option<PathBuf>,
    /// Maps to use instead of creating them: name in the object, descriptor.
    pub reuse: Vec<(String, Arc<OwnedFd>)>,
    /// Kernel configuration that counts before the running kernel's own, in its
    /// form: lines such as `CONFIG_HZ=250`.
    pub kconfig: Option<String>,
    /// Programs that attach to a program which is loaded already, instead of to
    /// the kernel: freplace always, fentry and fexit of a BPF function.
    /// Kernel: 5.6, fentry and fexit 5.5
    pub targets: Vec<AttachTarget>,
}

impl LoadOptions {
    /// The same options with another [`want_stats`](Self::want_stats).
    #[must_use]
    pub fn with_stats(mut self, want_stats: bool) -> Self {
        self.want_stats = want_stats;
        self
    }

    /// The same options, and `map` to be used for the object's map `name`.
    ///
    /// # Errors
    /// EMFILE: another descriptor of the map is kept.
    pub fn reuse_map(mut self, name: impl Into<String>, map: &Map) -> Result<Self> {
        let fd = map.as_fd().try_clone_to_owned();
        let fd = fd.map_err(|error| Errno::from_io(&error).error("dup"))?;
        self.reuse.push((name.into(), Arc::new(fd)));
        Ok(self)
    }
}

/// An object in the kernel.
pub struct Object {
    name: String,
    maps: Vec<Map>,
    programs: Vec<Program>,
    refused: Vec<Refused>,
    relocations: relo_core::Report,
    btf: Arc<btf::Loaded>,
    /// Elements of maps that hold programs.
    slots: Vec<values::Slot>,
    /// Tables of functions, as the kernel takes them.
    tables: Vec<struct_ops::Table>,
    /// What is needed to load the remaining programs; none when all are.
    waiting: Option<Box<Waiting>>,
}

/// A program that the kernel refused.
#[derive(Debug)]
#[non_exhaustive]
pub struct Refused {
    /// The program.
    pub program: String,
    /// Why.
    pub error: Error,
}

impl Object {
    /// Creates the maps of an object and loads its programs, except those that
    /// are not to be loaded by themselves (`autoload`).
    ///
    /// `kernel` is looked at only if a program has CO-RE relocations or attaches
    /// to something that BTF describes. Relocations that the kernel has no
    /// answer to are legal: the program must not reach them.
    ///
    /// # Errors
    /// `Rejected` with the verifier's log; `NotFound` for functions and
    /// tracepoints that the kernel does not have; `PermissionDenied`; what the
    /// kernel says otherwise. Nothing stays behind.
    pub fn load(spec: ObjectSpec, kernel: &mut KernelBtf, options: &LoadOptions) -> Result<Self> {
        let name = spec.name.clone();
        Self::load_parts(spec, kernel, options).with_context(|| format!("object {name}"))
    }

    fn load_parts(
        mut spec: ObjectSpec,
        kernel: &mut KernelBtf,
        options: &LoadOptions,
    ) -> Result<Self> {
        let mut settled = hooks::resolve(&mut spec, kernel, options.kconfig.as_deref())?;
        let tables = struct_ops::lay_out(&mut spec, kernel, &mut settled.hooks)?;
        let btf = Arc::new(btf::load(&spec)?);
        let mut maps = maps::create_all(&mut spec, btf.fd.as_ref(), options)?;
        let slots = values::fill(&mut spec.maps, &maps)?;
        maps.extend(struct_ops::create(&mut spec, &tables, btf.fd.as_ref())?);
        let name = spec.name.clone();
        // Their content is in the kernel now.
        spec.maps.clear();
        let waiting = Waiting::new(
            spec,
            settled.hooks,
            settled.externs,
            btf.clone(),
            &maps,
            options,
        )?;
        let mut object = Self {
            name,
            maps,
            programs: Vec::new(),
            refused: Vec::new(),
            relocations: settled.report,
            btf,
            slots,
            tables,
            waiting: Some(Box::new(waiting)),
        };
        object.load_automatic(options)?;
        Ok(object)
    }

    /// The name that the specification was parsed under.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The loaded programs, in the order they were loaded.
    pub fn programs(&self) -> &[Program] {
        &self.programs
    }

    /// A loaded program.
    ///
    /// # Errors
    /// `NotFound`, with the reason where it is known.
    pub fn program(&self, name: &str) -> Result<&Program> {
        let found = self.position(name).and_then(|at| self.programs.get(at));
        found.ok_or_else(|| {
            let refused = self.refused.iter().find(|refused| refused.program == name);
            let state = match refused {
                Some(refused) => format!("was refused: {:#}", refused.error),
                None => "is not loaded".to_owned(),
            };
            Error::not_found(format!("program {name} {state}"))
                .context(format!("object {}", self.name))
        })
    }

    /// The maps, in the object's order.
    pub fn maps(&self) -> &[Map] {
        &self.maps
    }

    /// A map by its name in the object.
    ///
    /// # Errors
    /// `NotFound`, with the names that exist.
    pub fn map(&self, name: &str) -> Result<&Map> {
        self.maps
            .iter()
            .find(|map| map.name() == name)
            .ok_or_else(|| {
                let names: Vec<_> = self.maps.iter().map(Map::name).collect();
                Error::not_found(format!("no map {name} among {}", names.join(", ")))
                    .context(format!("object {}", self.name))
            })
    }

    /// The optional programs that were refused.
    pub fn refused(&self) -> &[Refused] {
        &self.refused
    }

    /// What became of the CO-RE relocations, of the programs that came last; none after
    /// [`Object::forget_waiting`].
    pub fn relocations(&self) -> &relo_core::Report {
        &self.relocations
    }

    /// Whether the kernel took the object's BTF.
    pub fn btf_use(&self) -> &BtfUse {
        &self.btf.btf_use
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.programs
            .iter()
            .position(|program| program.name() == name)
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Object")
            .field("name", &self.name)
            .field("maps", &self.maps)
            .field("programs", &self.programs)
            .field("refused", &self.refused)
            .field("btf_use", self.btf_use())
            .finish_non_exhaustive()
    }
}

/// A name as the kernel takes it: 15 bytes of letters, digits, `_` and `.`.
fn kernel_name(name: &str) -> [u8; 16] {
    let mut out = [0; 16];
    for (place, byte) in out.iter_mut().zip(name.bytes().take(15)) {
        let legal = byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.';
        *place = if legal { byte } else { b'_' };
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_and_cleaned_for_the_kernel() {
        assert_eq!(&kernel_name("a-b.c"), b"a_b.c\0\0\0\0\0\0\0\0\0\0\0");
        assert_eq!(&kernel_name("a_name_of_many_letters"), b"a_name_of_many_\0");
        assert_eq!(&kernel_name("é"), b"__\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    }
}

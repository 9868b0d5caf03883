//! The kernel's own types, read where they are.
//!
//! They are about six megabytes. Kernels since 6.16 let the file be mapped;
//! from older ones it is read in small pieces that are forgotten again. Never
//! is it held as a whole in the heap. Knows where the bytes come from; what
//! they mean is [`btf`](crate::btf)'s business.
//!
//! Whether an object fits a kernel is told by that kernel's types alone, on any host:
//!
//! ```
//! use trapline_loader::kernel_btf::KernelBtf;
//! use trapline_loader::relo_core::relocate;
//! # use trapline_loader::spec::ObjectSpec;
//!
//! # fn main() -> trapline_loader::Result<()> {
//! # let (bytes, path) = (trapline_sensors::objects::PROCESS.unpack()?, "../vm-images/btf/6.12.btf");
//! let mut spec = ObjectSpec::parse("process.bpf.o", &bytes)?;
//! // Its /sys/kernel/btf/vmlinux, or a vmlinux that has them.
//! let mut kernel = KernelBtf::from_file(path);
//! let report = relocate(&mut spec, kernel.target()?)?;
//! for relo in report.relocations.iter().filter(|relo| relo.poisoned) {
//!     println!("this kernel has no {}", relo.description);
//! }
//! for (program, error) in &report.failed {
//!     println!("{} cannot be loaded: {error:#}", spec.programs[*program].name);
//! }
//! # assert!(!report.relocations.is_empty() && report.failed.is_empty());
//! # Ok(()) }
//! ```

mod file;
mod hub;
mod modules;

pub(crate) use modules::Place;

use crate::btf::{Source, Target};
use crate::error::{Error, Result, ResultExt};
use crate::kallsyms::Symbols;
use crate::sys::{self, Errno};
use std::fs::File;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Where a kernel shows its types.
pub(crate) const RUNNING: &str = "/sys/kernel/btf/vmlinux";

/// The types of a kernel, opened when they are first needed.
///
/// What was found once is remembered, addresses of symbols as well: use one for
/// all objects, and a new one when modules have come or gone.
#[derive(Debug)]
pub struct KernelBtf {
    path: PathBuf,
    target: Option<Target<'static>>,
    /// Those that were added; the running kernel's, once they were needed.
    modules: Option<Vec<modules::Module>>,
    /// Addresses in the running kernel, wherever the types are from.
    symbols: Symbols,
}

impl KernelBtf {
    /// The types of the running kernel.
    ///
    /// Kernel: 5.4, with CONFIG_DEBUG_INFO_BTF
    pub fn running() -> Self {
        Self::from_file(RUNNING)
    }

    /// The types in a file, for kernels that do not show their own and for
    /// questions about other kernels: raw BTF, or an ELF file (vmlinux) with a
    /// `.BTF` section.
    pub fn from_file(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            target: None,
            modules: None,
            symbols: Symbols::default(),
        }
    }

    /// What is known of the running kernel's symbols.
    pub(crate) fn symbols(&mut self) -> &mut Symbols {
        &mut self.symbols
    }

    /// Does this speak of the kernel that runs, with its modules?
    fn is_running(&self) -> bool {
        self.path == Path::new(RUNNING)
    }

    /// The types, for looking things up.
    ///
    /// # Errors
    /// `Unsupported` for a running kernel that has none; `Malformed` for what
    /// is no BTF; what the kernel says otherwise.
    pub fn target(&mut self) -> Result<&mut Target<'static>> {
        if self.target.is_none() {
            let opened = open(&self.path).and_then(Target::new);
            let target = opened.with_context(|| format!("kernel BTF {}", self.path.display()))?;
            self.target = Some(target);
        }
        let nothing = || Error::not_found("kernel BTF");
        self.target.as_mut().ok_or_else(nothing)
    }
}

impl Default for KernelBtf {
    fn default() -> Self {
        Self::running()
    }
}

/// The bytes of a BTF file, mapped if it is the kernel's own and that allows it.
fn open(path: &Path) -> Result<Source<'static>> {
    if path != Path::new(RUNNING) {
        return file::open(path);
    }
    let file = match sys::open_read(path) {
        Ok(file) => file,
        Err(Errno::NOENT) => return hub::open_vmlinux(),
        Err(errno) => return Err(errno.error("open")),
    };
    match running_mapped(&file) {
        Some(bytes) => Ok(Source::from_bytes(bytes)),
        None => file::of_file(file),
    }
}

/// The running kernel's types, mapped once in the life of the process: they are
/// kernel memory already, so keeping them mapped costs nothing.
fn running_mapped(file: &File) -> Option<&'static [u8]> {
    static MAPPING: OnceLock<Option<sys::FileMapping>> = OnceLock::new();
    let mapping = MAPPING.get_or_init(|| {
        let bytes = usize::try_from(sys::file_len(file).ok()?).ok()?;
        sys::FileMapping::of_sysfs(file.as_fd(), bytes).ok()
    });
    mapping.as_ref().map(sys::FileMapping::as_bytes)
}

#[cfg(test)]
mod tests;

//! What an object file asks for: maps, programs, and how they hang together.
//!
//! Pure values, made from bytes alone and the same on every host. Knows ELF,
//! BTF and libbpf's section names; deliberately knows nothing of the running
//! kernel: file descriptors, kernel BTF ids and relocation results come later.

mod code;
mod ext;
mod externs;
mod fixup;
mod globals;
mod hook;
mod legacy;
mod lines;
mod link;
mod maps;
mod parse;
mod places;
mod sections;
mod struct_ops;
mod types;
mod values;

pub use externs::{ExternKind, ExternRef, ExternSpec, KconfigExtern, KconfigType};
pub(crate) use sections::program_kind;
pub use struct_ops::{StructOpsSlot, StructOpsSpec};
pub use types::{
    AttachSpec, CoreReloRef, MapKind, MapRef, MapSpec, MapValue, MultiAt, ProgramKind, ProgramSpec,
    Variable,
};

use crate::btf::ObjectBtf;
use crate::error::{Error, Result, ResultExt};

/// One object file, taken apart.
///
/// Until it is loaded, maps, programs and global variables can be changed:
///
/// ```
/// # use trapline_loader::spec::ObjectSpec;
/// # fn main() -> trapline_loader::Result<()> {
/// # let bytes = trapline_sensors::objects::NETWORK.unpack()?;
/// let mut spec = ObjectSpec::parse("network.bpf.o", &bytes)?;
/// spec.map_mut("sockets")?.max_entries = 1 << 12;
/// spec.set_global("payload_bytes", &512_u32.to_le_bytes())?;
/// assert_eq!(spec.global("payload_bytes")?, [0, 2, 0, 0]);
///
/// let error = spec.set_global("payload_byte", &[0; 4]).unwrap_err();
/// println!("{error:#}"); // with the names of those that there are
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct ObjectSpec {
    /// The name the caller gave, for messages and for map names.
    pub name: String,
    /// Content of the `license` section, empty where there is none.
    pub license: String,
    /// Content of the `version` section. Only kernels before 5.0 care.
    pub kernel_version: Option<u32>,
    /// Maps, in the order that [`MapRef::map`] counts.
    pub maps: Vec<MapSpec>,
    /// Entry programs, each with its subprograms already appended.
    pub programs: Vec<ProgramSpec>,
    /// Tables of functions, each with a map.
    pub struct_ops: Vec<StructOpsSpec>,
    /// What the kernel has to provide, in the order that
    /// [`ExternRef::index`] counts.
    pub externs: Vec<ExternSpec>,
    /// The object's own types, fixed up for the kernel.
    pub btf: Option<ObjectBtf>,
    /// What could not be used, and why: `(section or program, reason)`.
    pub skipped: Vec<(String, String)>,
}

impl ObjectSpec {
    /// Takes an object file apart. `name` is for messages.
    ///
    /// What cannot be used alone, such as one section of an unknown name, is
    /// reported in [`ObjectSpec::skipped`] and blocks nothing else.
    ///
    /// # Errors
    /// `Malformed` where ELF, BTF or `.BTF.ext` do not fit together,
    /// `Unsupported` for another class, byte order or machine.
    pub fn parse(name: &str, bytes: &[u8]) -> Result<Self> {
        Self::parse_programs(name, bytes, |_| true)
    }

    /// The same with those programs alone whose names `wanted` takes: of an object with
    /// alternatives for each hook, the others need no memory. They are as if they were
    /// not in the file; the maps are all there.
    ///
    /// # Errors
    /// As [`ObjectSpec::parse`].
    pub fn parse_programs(
        name: &str,
        bytes: &[u8],
        mut wanted: impl FnMut(&str) -> bool,
    ) -> Result<Self> {
        parse::parse(name, bytes, &mut wanted).with_context(|| format!("object {name}"))
    }

    /// Index of the map with this name.
    pub fn map_index(&self, name: &str) -> Option<usize> {
        self.maps.iter().position(|map| map.name == name)
    }

    /// The map with this name, to be changed before it is created.
    ///
    /// # Errors
    /// `NotFound`, naming the maps that exist.
    pub fn map_mut(&mut self, name: &str) -> Result<&mut MapSpec> {
        match self.map_index(name) {
            Some(index) => Ok(&mut self.maps[index]),
            None => {
                let names = self.maps.iter().map(|map| map.name.as_str());
                Err(missing("map", name, names).context(format!("object {}", self.name)))
            }
        }
    }

    /// The program with this name, to be changed before it is loaded.
    ///
    /// # Errors
    /// `NotFound`, naming the programs that exist.
    pub fn program_mut(&mut self, name: &str) -> Result<&mut ProgramSpec> {
        match self
            .programs
            .iter()
            .position(|program| program.name == name)
        {
            Some(index) => Ok(&mut self.programs[index]),
            None => {
                let names = self.programs.iter().map(|program| program.name.as_str());
                Err(missing("program", name, names).context(format!("object {}", self.name)))
            }
        }
    }

    /// The initial bytes of a global variable.
    ///
    /// # Errors
    /// `NotFound`, naming the variables that exist.
    pub fn global(&self, name: &str) -> Result<Vec<u8>> {
        let (map, range) = self.variable(name)?;
        let content = self.maps[map].content.as_deref().unwrap_or_default();
        let size = range.len();
        let end = range.end.min(content.len());
        let mut value = content.get(range.start..end).unwrap_or_default().to_vec();
        value.resize(size, 0);
        Ok(value)
    }

    /// Sets the initial bytes of a global variable, little-endian.
    ///
    /// # Errors
    /// `NotFound`, naming the variables that exist; `InvalidInput` where the
    /// size is another, or where the kernel's configuration sets the value.
    pub fn set_global(&mut self, name: &str, value: &[u8]) -> Result<()> {
        let (map, range) = self.variable(name)?;
        if self.maps[map].kind == MapKind::Kconfig {
            return Err(Error::invalid_input(format!(
                "the value of {name} is the kernel's; LoadOptions::kconfig gives another"
            )));
        }
        let size = range.len();
        if size != value.len() {
            let cause = format!("variable {name} has {size} bytes, not {}", value.len());
            return Err(Error::invalid_input(cause).context(format!("object {}", self.name)));
        }
        let content = self.maps[map].content.get_or_insert_default();
        if content.len() < range.end {
            content.resize(range.end, 0);
        }
        content[range].copy_from_slice(value);
        Ok(())
    }

    /// The map and the bytes in it that a variable takes.
    fn variable(&self, name: &str) -> Result<(usize, core::ops::Range<usize>)> {
        let all = || {
            let maps = self.maps.iter().enumerate();
            maps.flat_map(|(map, spec)| spec.variables.iter().map(move |variable| (map, variable)))
        };
        match all().find(|(_, variable)| variable.name == name) {
            Some((map, variable)) => {
                let start = variable.offset as usize;
                Ok((map, start..start.saturating_add(variable.size as usize)))
            }
            None => {
                let names = all().map(|(_, variable)| variable.name.as_str());
                Err(missing("variable", name, names).context(format!("object {}", self.name)))
            }
        }
    }

    /// The extern that an instruction of a program calls or loads.
    pub fn extern_at(&self, program: &ProgramSpec, insn: usize) -> Option<&ExternSpec> {
        let mut refs = program.extern_refs.iter();
        let found = refs.find(|reference| reference.insn == insn)?;
        self.externs.get(found.index)
    }
}

/// What was looked for, and what there is instead.
fn missing<'n>(what: &str, name: &str, names: impl Iterator<Item = &'n str>) -> Error {
    /// Names that a message shows.
    const SHOWN: usize = 40;
    let names: Vec<_> = names.take(SHOWN).collect();
    let names = match names.is_empty() {
        true => "there is none".to_owned(),
        false => format!("there are {}", names.join(", ")),
    };
    Error::not_found(format!("no {what} {name}; {names}"))
}

//! What an object file asks for: maps, programs, and how they hang together.
//!
//! Pure values, made from bytes alone and the same on every host. Knows ELF,
//! BTF and libbpf's section names; deliberately knows nothing of the running
//! kernel: file descriptors, kernel BTF ids and relocation results come later.

mod types;

pub use types::{
    AttachSpec, CoreReloRef, MapKind, MapRef, MapSpec, ProgramKind, ProgramSpec, Variable,
};

use crate::btf::ObjectBtf;

/// One object file, taken apart.
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
    /// The object's own types, fixed up for the kernel.
    pub btf: Option<ObjectBtf>,
    /// What could not be used, and why: `(section or program, reason)`.
    pub skipped: Vec<(String, String)>,
}

//! Ways to the parsers that have no public one, for fuzzing.
//!
//! No part of what this crate offers: each takes bytes, reads them as the
//! kernel's or an object's, and says whether they were accepted. None reaches a
//! kernel, and a program that does not fuzz holds none of them.

use crate::btf::{Source, Target};
use crate::elf::Elf;
use crate::error::Result;
use crate::relo_core;
use crate::spec::ObjectSpec;

pub use crate::attach::doors::{netlink_messages, probed_archive, probed_binary};
pub use crate::object::doors::{kconfig, sanitize};
pub use crate::ring::doors::{perf_records, ring_records};

/// An ELF file as this crate reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ElfView {
    /// All sections, the reserved first one, too.
    pub sections: Vec<SectionView>,
    /// All symbols, the reserved first one, too.
    pub symbols: Vec<SymbolView>,
}

/// One section.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields of the file format")]
pub struct SectionView {
    pub name: String,
    pub kind: u32,
    pub is_alloc: bool,
    pub size: u64,
    pub data: Vec<u8>,
    /// Offset, type and symbol, by offset.
    pub relocations: Vec<(u64, u32, usize)>,
}

/// One symbol.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields of the file format")]
pub struct SymbolView {
    pub name: String,
    pub kind: u8,
    pub is_global: bool,
    pub is_hidden: bool,
    pub section: Option<usize>,
    pub value: u64,
    pub size: u64,
}

/// Reads an object's tables.
///
/// # Errors
/// `Malformed` and `Unsupported`, as [`ObjectSpec::parse`](crate::spec::ObjectSpec::parse).
pub fn elf(bytes: &[u8]) -> Result<ElfView> {
    let elf = Elf::parse(bytes)?;
    let sections = elf.sections.iter().enumerate().map(|(index, section)| {
        let relocations = elf.relocations(index)?.into_iter();
        Ok(SectionView {
            name: section.name.to_owned(),
            kind: section.kind,
            is_alloc: section.is_alloc(),
            size: section.size,
            data: section.data.to_vec(),
            relocations: relocations.map(|r| (r.offset, r.kind, r.symbol)).collect(),
        })
    });
    let symbols = elf.symbols().map(|symbol| SymbolView {
        name: symbol.name.to_owned(),
        kind: symbol.kind,
        is_global: symbol.is_global,
        is_hidden: symbol.is_hidden,
        section: symbol.section,
        value: symbol.value,
        size: symbol.size,
    });
    Ok(ElfView {
        symbols: symbols.collect(),
        sections: sections.collect::<Result<_>>()?,
    })
}

/// Unpacks a compressed configuration of at most `limit_bytes`.
pub fn gunzip(bytes: &[u8], limit_bytes: usize) -> bool {
    crate::inflate::gunzip(bytes, limit_bytes).is_ok()
}

/// Relocates an object against a kernel and one of its modules.
pub fn module_btf(spec: &mut ObjectSpec, kernel: &[u8], module: &[u8]) -> bool {
    let mut relocate = || {
        let mut base = Target::new(Source::from_bytes(kernel))?;
        let mut module = Target::of_module(Source::from_bytes(module), &base)?;
        let needs = relo_core::needs(spec);
        base.prepare(&needs.roots, &needs.names)?;
        let shared = base.shared_strings(&needs.roots)?;
        module.prepare_module(&needs.roots, &shared)?;
        relo_core::relocate_in(spec, &base, &[&module]).map(drop)
    };
    relocate().is_ok()
}

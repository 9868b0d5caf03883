//! Symbols, and the relocations that name them.

use object::LittleEndian as LE;
use object::elf::{self, Rel64, SectionHeader64, Sym64};
use object::pod;

use super::{Elf, Section, name};
use crate::error::{Error, Result};
use crate::order::{self, Key};

/// One symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Symbol<'d> {
    /// Index in the symbol table.
    pub index: usize,
    /// Name; empty for section symbols, and where it is not UTF-8.
    pub name: &'d str,
    /// `STT_*`.
    pub kind: u8,
    /// Global or weak?
    pub is_global: bool,
    /// Weak?
    pub is_weak: bool,
    /// Of hidden or internal visibility?
    pub is_hidden: bool,
    /// Its section; `None` for undefined and special ones.
    pub section: Option<usize>,
    /// Byte offset in its section.
    pub value: u64,
    /// Size in bytes.
    pub size: u64,
}

impl Symbol<'_> {
    /// Is it a function?
    pub fn is_function(&self) -> bool {
        self.kind == elf::STT_FUNC.0
    }

    /// Is it a variable?
    pub fn is_object(&self) -> bool {
        self.kind == elf::STT_OBJECT.0
    }

    /// Is it to be found elsewhere: in the kernel or its configuration?
    pub fn is_extern(&self) -> bool {
        self.section.is_none() && self.is_global && self.kind == elf::STT_NOTYPE.0
    }
}

/// One relocation without an addend of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relocation {
    /// Byte offset in the section it applies to.
    pub offset: u64,
    /// `R_BPF_*`.
    pub kind: u32,
    /// Index of its symbol.
    pub symbol: usize,
}

/// The symbol table and its names; both empty where there is none.
pub(super) fn table<'d>(sections: &[Section<'d>]) -> Result<(&'d [Sym64<LE>], &'d [u8])> {
    let Some(table) = sections.iter().find(|s| s.kind == elf::SHT_SYMTAB.0) else {
        return Ok((&[], &[]));
    };
    let symbols = pod::slice_from_all_bytes(table.data).map_err(|()| {
        Error::malformed(format!(
            "symbol table of {} bytes is torn",
            table.data.len()
        ))
    })?;
    let names = sections.get(table.link as usize).ok_or_else(|| {
        Error::malformed(format!("symbol names in absent section {}", table.link))
    })?;
    Ok((symbols, names.data))
}

impl<'d> Elf<'d> {
    /// All symbols, in order.
    pub fn symbols(&self) -> impl Iterator<Item = Symbol<'d>> + '_ {
        (0..self.symbols.len()).filter_map(|index| self.symbol(index))
    }

    /// The symbol with this index.
    pub fn symbol(&self, index: usize) -> Option<Symbol<'d>> {
        let symbol = self.symbols.get(index)?;
        let section = symbol.st_shndx.get(LE);
        let is_ordinary = section != elf::SHN_UNDEF && section.0 < elf::SHN_LORESERVE;
        let visibility = symbol.st_visibility();
        let bind = symbol.st_bind();
        Some(Symbol {
            index,
            name: name(self.symbol_names, symbol.st_name.get(LE)),
            kind: symbol.st_type().0,
            is_global: bind == elf::STB_GLOBAL || bind == elf::STB_WEAK,
            is_weak: bind == elf::STB_WEAK,
            is_hidden: visibility == elf::STV_HIDDEN || visibility == elf::STV_INTERNAL,
            section: is_ordinary.then_some(section.0.into()),
            value: symbol.st_value.get(LE),
            size: symbol.st_size.get(LE),
        })
    }

    /// The relocations that apply to a section, sorted by offset.
    ///
    /// # Errors
    /// `Malformed` where a relocation section is torn.
    pub fn relocations(&self, section: usize) -> Result<Vec<Relocation>> {
        let mut relocations = Vec::new();
        for table in &self.sections {
            if table.kind != elf::SHT_REL.0 || table.info as usize != section {
                continue;
            }
            let entries = pod::slice_from_all_bytes::<Rel64<LE>>(table.data)
                .map_err(|()| Error::malformed(format!("section {} is torn", table.name)))?;
            relocations.extend(entries.iter().map(|entry| Relocation {
                offset: entry.r_offset.get(LE),
                kind: entry.r_type(LE).0,
                symbol: entry.r_sym(LE) as usize,
            }));
        }
        order::sort(&mut relocations, |relocation| {
            Key::number(relocation.offset)
        });
        Ok(relocations)
    }
}

// The layouts this module trusts `object` with.
const _: () = assert!(size_of::<SectionHeader64<LE>>() == 64);
const _: () = assert!(size_of::<Sym64<LE>>() == 24 && size_of::<Rel64<LE>>() == 16);

//! What the compiler leaves open in an object's BTF, filled in from ELF.
//!
//! Section sizes and variable offsets are zero in clang's output; hidden
//! functions and variables have to look static to the kernel, so that the
//! verifier sees the callers' knowledge; sections that only declare externs
//! have no size at all, and the kernel refuses such a DATASEC.
//!
//! Source: `bpf_object_fixup_btf`, tools/lib/bpf/libbpf.c.

use super::externs::Layout;
use crate::btf::{Kind, ObjectBtf, SecVar, Type, Types};
use crate::elf::{Elf, Symbol};
use crate::error::{Error, Result, ResultExt};
use crate::order::{self, Key, Names};

/// Words of a type before its elements.
const HEADER_WORDS: usize = 3;
/// Words of one DATASEC element.
const SEC_VAR_WORDS: usize = 3;
/// Linkage of static variables and functions.
const STATIC: u32 = 0;
/// Linkage of global variables and functions.
const GLOBAL: u32 = 1;
/// Linkage of what is declared only.
const EXTERN: u32 = 2;

/// Global symbols by name; the first of each name counts.
struct Symbols<'e, 'd> {
    elf: &'e Elf<'d>,
    names: Names<'d>,
}

impl<'e, 'd> Symbols<'e, 'd> {
    fn new(elf: &'e Elf<'d>) -> Self {
        // What has no name is not found.
        let name = |symbol: Symbol<'d>| if symbol.is_global { symbol.name } else { "" };
        let names = Names::new(elf.symbols().map(|symbol| name(symbol).as_bytes()));
        Self { elf, names }
    }

    fn find(&self, name: &str) -> Option<Symbol<'d>> {
        self.elf.symbol(self.names.find(name.as_bytes())?)
    }
}

/// Fixes all of an object's types up for the kernel; `kconfig` describes the map
/// of its configuration values, if it has one.
pub(super) fn fix_up(btf: &mut ObjectBtf, elf: &Elf<'_>, kconfig: Option<&Layout>) -> Result<()> {
    let symbols = Symbols::new(elf);
    for id in btf.ids() {
        match btf.type_by_id(id)?.kind() {
            Kind::DataSec if kconfig.is_some_and(|layout| layout.section_id == id) => {}
            Kind::DataSec => {
                let name = btf.type_name(id)?;
                fix_section(btf, elf, &symbols, id, &name)
                    .with_context(|| format!("BTF type {id}, section {name}"))?;
            }
            Kind::Func => fix_function(btf, &symbols, id)?,
            Kind::Var if kconfig.is_some_and(|layout| layout.var(id).is_some()) => {
                btf.set_word(id, HEADER_WORDS, GLOBAL)?;
            }
            Kind::Var => fix_extern_variable(btf, id)?,
            _ => {}
        }
    }
    kconfig.map_or(Ok(()), |layout| lay_out(btf, layout))
}

/// Gives the variables of `.kconfig`, which have become those of a map, their
/// places in it.
fn lay_out(btf: &mut ObjectBtf, layout: &Layout) -> Result<()> {
    let mut vars = btf.type_by_id(layout.section_id)?.sec_vars();
    for var in &mut vars {
        if let Some(placed) = layout.var(var.type_id) {
            (var.offset, var.size) = (placed.offset, placed.size);
        }
    }
    order::sort(&mut vars, |var: &SecVar| Key::number(var.offset.into()));
    btf.set_word(layout.section_id, 2, layout.size)?;
    for (index, var) in vars.iter().enumerate() {
        write_sec_var(btf, layout.section_id, index, *var)?;
    }
    Ok(())
}

/// Hidden functions become static. Extern ones, which the kernel takes in no
/// object, become typedefs of their prototype: as long, and without a check
/// that parameters have names.
fn fix_function(btf: &mut ObjectBtf, symbols: &Symbols<'_, '_>, id: u32) -> Result<()> {
    let func = btf.type_by_id(id)?;
    if func.vlen() == EXTERN {
        return btf.set_word(id, 1, (Kind::Typedef as u32) << 24);
    }
    if func.vlen() != GLOBAL {
        return Ok(());
    }
    let name = btf.text(func.name_off)?;
    let is_hidden = symbols
        .find(&name)
        .is_some_and(|symbol| symbol.is_function() && symbol.is_hidden);
    if is_hidden {
        btf.set_word(id, 1, (Kind::Func as u32) << 24 | STATIC)?;
    }
    Ok(())
}

/// The kernel takes no extern variables: they become global ones of a type
/// that is known to have a size.
fn fix_extern_variable(btf: &mut ObjectBtf, id: u32) -> Result<()> {
    if btf.type_by_id(id)?.var_linkage() != Some(EXTERN) {
        return Ok(());
    }
    let int = plain_int(btf)?;
    btf.set_word(id, 2, int)?;
    btf.set_word(id, HEADER_WORDS, GLOBAL)
}

fn fix_section(
    btf: &mut ObjectBtf,
    elf: &Elf<'_>,
    symbols: &Symbols<'_, '_>,
    id: u32,
    name: &str,
) -> Result<()> {
    let section = btf.type_by_id(id)?;
    let mut vars = section.sec_vars();
    if name == ".ksyms" || name == ".kconfig" {
        return hide_section(btf, id);
    }
    // A linked object has all of this filled in already.
    let is_open = section.size_or_type == 0;
    if is_open {
        let size = elf.find(name).map_or(0, |(_, section)| section.size);
        let size = u32::try_from(size).unwrap_or(0);
        if size == 0 {
            return hide_section(btf, id);
        }
        btf.set_word(id, 2, size)?;
    }
    for var in &mut vars {
        let ty = btf.type_by_id(var.type_id)?;
        if ty.var_linkage() != Some(GLOBAL) {
            continue;
        }
        let name = btf.text(ty.name_off)?;
        let symbol = symbols
            .find(&name)
            .ok_or_else(|| Error::malformed(format!("variable {name} has no symbol")))?;
        if is_open {
            var.offset = u32::try_from(symbol.value)
                .map_err(|_| Error::malformed(format!("variable {name} lies past 4 GiB")))?;
        }
        if symbol.is_hidden {
            btf.set_word(var.type_id, HEADER_WORDS, STATIC)?;
        }
    }
    order::sort(&mut vars, |var: &SecVar| Key::number(var.offset.into()));
    for (index, var) in vars.iter().enumerate() {
        write_sec_var(btf, id, index, *var)?;
    }
    Ok(())
}

fn write_sec_var(btf: &mut ObjectBtf, id: u32, index: usize, var: SecVar) -> Result<()> {
    let first = HEADER_WORDS + index * SEC_VAR_WORDS;
    btf.set_word(id, first, var.type_id)?;
    btf.set_word(id, first + 1, var.offset)?;
    btf.set_word(id, first + 2, var.size)
}

/// Turns a section of externs into an anonymous struct of the same length,
/// whose members are all at offset 0 of their own types.
///
/// Nothing refers to a DATASEC but the data map it describes, and externs
/// have none. Members are named after nothing, so names cannot clash.
fn hide_section(btf: &mut ObjectBtf, id: u32) -> Result<()> {
    let section = btf.type_by_id(id)?;
    let (vars, vlen) = (section.sec_vars(), section.vlen());
    let int = plain_int(btf)?;
    let size = btf.size_of(int)?;
    btf.set_word(id, 0, 0)?;
    btf.set_word(id, 1, (Kind::Struct as u32) << 24 | vlen)?;
    btf.set_word(id, 2, size)?;
    for index in 0..vars.len() {
        // An anonymous member at offset 0, as wide as the struct.
        let member = SecVar {
            type_id: 0,
            offset: int,
            size: 0,
        };
        write_sec_var(btf, id, index, member)?;
    }
    Ok(())
}

/// Any integer that may be a struct's member.
fn plain_int(btf: &ObjectBtf) -> Result<u32> {
    let is_plain = |id: &u32| btf.type_by_id(*id).is_ok_and(|ty| is_plain_int(&ty));
    btf.ids()
        .find(is_plain)
        .ok_or_else(|| Error::unsupported("externs in an object without an integer type", None))
}

/// A whole number of bytes from bit 0 on, as a struct member has to be.
fn is_plain_int(ty: &Type<'_>) -> bool {
    ty.int().is_some_and(|int| {
        int.offset_bits == 0 && u64::from(int.width_bits) == u64::from(ty.size_or_type) * 8
    })
}

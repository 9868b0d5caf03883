//! Tables of functions: the variables of `.struct_ops` sections, each a map
//! whose only value the kernel calls through.
//!
//! The variable's own type says what the object's source knew of the table.
//! The kernel's may have more members, and in another order.
//!
//! Source: `init_struct_ops_maps`, `bpf_object__collect_st_ops_relos`,
//! tools/lib/bpf/libbpf.c.

use super::code::Code;
use super::types::{AttachSpec, MapKind, MapSpec, ProgramSpec};
use crate::btf::{Kind, ObjectBtf, Type, Types};
use crate::elf::{Elf, Section};
use crate::error::{Error, Result, ResultExt};
use crate::insn::INSN_SIZE_BYTES;

/// `BPF_MAP_TYPE_STRUCT_OPS`. Kernel: 5.6
const STRUCT_OPS: u32 = 26;
/// `BPF_F_LINK`. Kernel: 6.4
const LINK: u32 = 1 << 13;
/// Bytes that the tables of an object may take together; a table has some
/// hundreds.
const MAX_BYTES: usize = 1 << 20;

/// One table of functions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StructOpsSpec {
    /// Index of its map in [`ObjectSpec::maps`](super::ObjectSpec::maps).
    pub map: usize,
    /// Name of its struct, with its flavor: `tcp_congestion_ops___v2`.
    pub type_name: String,
    /// BTF id of its struct in the object.
    pub type_id: u32,
    /// The bytes of the variable; where functions are, zeros.
    pub content: Vec<u8>,
    /// The functions in it.
    pub slots: Vec<StructOpsSlot>,
    /// Create the map without being asked? A section name that starts with `?`
    /// says no.
    pub autocreate: bool,
}

/// One function in a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StructOpsSlot {
    /// Which member of the object's struct.
    pub member: usize,
    /// The program.
    pub program: String,
}

/// Does a section of this name hold tables? With the name without its `?`.
fn kind(name: &str) -> Option<(&str, bool)> {
    let (plain, autocreate) = match name.strip_prefix('?') {
        Some(plain) => (plain, false),
        None => (name, true),
    };
    matches!(plain, ".struct_ops" | ".struct_ops.link").then_some((plain, autocreate))
}

/// The tables of all sections, each with its map; what cannot be used is
/// reported to `skip`.
pub(super) fn collect(
    elf: &Elf<'_>,
    btf: Option<&ObjectBtf>,
    code: &Code<'_, '_>,
    mut skip: impl FnMut(&str, &Error),
) -> Result<Vec<(MapSpec, StructOpsSpec)>> {
    let mut all = Vec::new();
    let mut left_bytes = MAX_BYTES;
    for (index, section) in elf.sections.iter().enumerate().skip(1) {
        let Some((plain, autocreate)) = kind(section.name) else {
            continue;
        };
        let tables = btf.ok_or_else(|| Error::unsupported("struct_ops without BTF", None));
        let tables = tables.and_then(|btf| {
            let tables = Tables {
                elf,
                btf,
                code,
                index,
                section,
            };
            tables.read(plain, autocreate, &mut left_bytes)
        });
        match tables {
            Ok(tables) => all.extend(tables),
            Err(error) => skip(section.name, &error),
        }
    }
    Ok(all)
}

/// Programs that only tables name which are not created are not loaded either,
/// all others in tables are, whatever their own section says.
pub(super) fn set_autoload(programs: &mut [ProgramSpec], tables: &[StructOpsSpec]) {
    for program in programs {
        if !matches!(program.kind.attach, AttachSpec::StructOps { .. }) {
            continue;
        }
        let is_in = |table: &&StructOpsSpec| {
            let mut slots = table.slots.iter();
            slots.any(|slot| slot.program == program.name)
        };
        let mut its = tables.iter().filter(is_in).peekable();
        if its.peek().is_some() {
            program.kind.autoload = its.any(|table| table.autocreate);
        }
    }
}

/// One section while it is read.
struct Tables<'e, 'd> {
    elf: &'e Elf<'d>,
    btf: &'e ObjectBtf,
    code: &'e Code<'e, 'd>,
    index: usize,
    section: &'e Section<'d>,
}

impl Tables<'_, '_> {
    fn read(
        &self,
        plain: &str,
        autocreate: bool,
        left_bytes: &mut usize,
    ) -> Result<Vec<(MapSpec, StructOpsSpec)>> {
        let missing = || Error::malformed("its variables are not in BTF");
        let id = self.btf.find(Kind::DataSec, self.section.name);
        let section = self.btf.type_by_id(id.ok_or_else(missing)?)?;
        let relocations = self.elf.relocations(self.index)?;
        let mut tables = Vec::new();
        for var in section.sec_vars() {
            let ty = self.btf.type_by_id(var.type_id)?;
            let name = self.btf.text(ty.name_off)?;
            let mut read = || -> Result<_> {
                let (ty, content) = self.variable(&ty, var.offset)?;
                let left = left_bytes.checked_sub(content.len());
                let too_large = || Error::invalid_input("tables of over 1 MiB together");
                *left_bytes = left.ok_or_else(too_large)?;
                let mut table = StructOpsSpec {
                    map: 0,
                    type_name: self.btf.text(ty.name_off)?,
                    type_id: ty.id,
                    content: content.to_vec(),
                    slots: Vec::new(),
                    autocreate,
                };
                let first = u64::from(var.offset);
                let within = first..first + content.len() as u64;
                for relocation in relocations.iter().filter(|r| within.contains(&r.offset)) {
                    let offset = (relocation.offset - first) as usize;
                    self.fill(&mut table, &ty, offset, relocation.symbol)
                        .with_context(|| format!("byte {offset}"))?;
                }
                Ok(table)
            };
            let table = read().with_context(|| format!("struct_ops {name}"))?;
            let map = MapSpec {
                name,
                map_type: STRUCT_OPS,
                key_size: 4,
                value_size: table.content.len() as u32,
                max_entries: 1,
                flags: if plain == ".struct_ops.link" { LINK } else { 0 },
                value_type_id: table.type_id,
                kind: MapKind::StructOps,
                ..MapSpec::default()
            };
            tables.push((map, table));
        }
        Ok(tables)
    }

    /// The struct of a variable, and its bytes.
    fn variable(&self, var: &Type<'_>, offset: u32) -> Result<(Type<'_>, &[u8])> {
        if var.kind() != Kind::Var {
            return Err(Error::malformed("not a variable"));
        }
        let ty = self.btf.strip_modifiers(var.size_or_type)?;
        if ty.kind() != Kind::Struct || ty.name_off == 0 {
            return Err(Error::invalid_input("not of a struct that has a name"));
        }
        let content = self.section.data.get(offset as usize..);
        let content = content.and_then(|rest| rest.get(..ty.size_or_type as usize));
        let content = content.ok_or_else(|| Error::malformed("past the section's end"))?;
        Ok((ty, content))
    }

    /// Notes the program whose address is at an offset of a table.
    fn fill(
        &self,
        table: &mut StructOpsSpec,
        ty: &Type<'_>,
        offset: usize,
        symbol: usize,
    ) -> Result<()> {
        let at = |member: &crate::btf::Member| member.offset_bits as usize == offset * 8;
        let member = ty.members().position(|member| at(&member));
        let member = member.ok_or_else(|| Error::malformed("no member is there"))?;
        let type_id = ty.member(member).map_or(0, |member| member.type_id);
        let pointer = self.btf.strip_modifiers(type_id)?;
        let behind = self.btf.strip_modifiers(pointer.size_or_type);
        if pointer.kind() != Kind::Ptr || behind?.kind() != Kind::FuncProto {
            return Err(Error::malformed(
                "the address of a function in another type",
            ));
        }
        let place = table.content.get_mut(offset..).unwrap_or_default();
        let place = place.first_chunk_mut::<8>();
        let place = place.ok_or_else(|| Error::malformed("half an address"))?;
        // Section symbols carry the offset in the place itself.
        let addend = u64::from_le_bytes(core::mem::take(place));
        let symbol = self.elf.symbol(symbol);
        let function = symbol.and_then(|symbol| {
            let value = symbol.value.checked_add(addend)? as usize;
            let slot = (value % INSN_SIZE_BYTES == 0).then_some(value / INSN_SIZE_BYTES)?;
            let index = self.code.function_at(symbol.section?, slot)?;
            self.code.functions.get(index)
        });
        let function = function.ok_or_else(|| Error::malformed("no function is there"))?;
        table.slots.push(StructOpsSlot {
            member,
            program: function.name.to_owned(),
        });
        Ok(())
    }
}

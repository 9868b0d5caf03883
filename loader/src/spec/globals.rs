//! Global data: `.rodata`, `.data` and `.bss` as maps with one value.

use super::types::{MapKind, MapSpec, Variable};
use crate::btf::{Kind, ObjectBtf, Types};
use crate::elf::{Elf, Section};
use crate::error::{Error, Result, ResultExt};
use crate::order::{self, Key};

/// `BPF_MAP_TYPE_ARRAY`.
const ARRAY: u32 = 2;
/// `BPF_F_RDONLY_PROG`. Kernel: 5.2, as is global data.
const RDONLY_PROG: u32 = 1 << 7;
/// `BPF_F_MMAPABLE`. Kernel: 5.5
const MMAPABLE: u32 = 1 << 10;
/// `BPF_MAP_TYPE_ARENA`. Kernel: 6.9
const ARENA: u32 = 33;
/// The section of global variables that lie in the arena.
pub(super) const ARENA_SECTION: &str = ".addr_space.1";

/// Bytes of zeros that all `.bss` sections of an object may ask for; no file
/// content pays for them, so something else has to be the bound.
const MAX_BSS_BYTES: u64 = 64 << 20;

/// What kind of data a section of this name holds.
pub(super) fn kind(name: &str) -> Option<MapKind> {
    let is = |base: &str| {
        name.strip_prefix(base)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    if is(".rodata") {
        Some(MapKind::Rodata)
    } else if is(".data") {
        Some(MapKind::Data)
    } else if is(".bss") {
        Some(MapKind::Bss)
    } else {
        None
    }
}

/// Makes data maps, keeping count of the zeros handed out.
#[derive(Debug)]
pub(super) struct Globals {
    left_bss_bytes: u64,
    /// DATASEC types by name.
    types: Vec<(String, u32)>,
}

impl Globals {
    pub fn new(btf: Option<&ObjectBtf>) -> Result<Self> {
        let mut types = Vec::new();
        for (btf, id) in btf
            .iter()
            .flat_map(|btf| btf.ids().map(move |id| (btf, id)))
        {
            if btf.type_by_id(id)?.kind() == Kind::DataSec {
                types.push((btf.type_name(id)?, id));
            }
        }
        order::sort(&mut types, |(name, _): &(String, u32)| {
            Key::text(name.as_bytes())
        });
        Ok(Self {
            left_bss_bytes: MAX_BSS_BYTES,
            types,
        })
    }

    /// The first DATASEC of a section's name.
    pub fn type_id(&self, section: &str) -> Option<u32> {
        let at = self.types.partition_point(|(name, _)| **name < *section);
        let (name, id) = self.types.get(at)?;
        (name == section).then_some(*id)
    }

    /// The map of a data section.
    pub fn map(
        &mut self,
        elf: &Elf<'_>,
        index: usize,
        section: &Section<'_>,
        btf: Option<&ObjectBtf>,
    ) -> Result<MapSpec> {
        let kind = kind(section.name).unwrap_or_default();
        let type_id = self.type_id(section.name);
        let (content, size, variables) = self.section(elf, index, section, btf)?;
        let rdonly = if kind == MapKind::Rodata {
            RDONLY_PROG
        } else {
            0
        };
        let mmapable = match (btf, type_id) {
            (Some(btf), Some(id)) if has_visible_variable(btf, id) => MMAPABLE,
            _ => 0,
        };
        Ok(MapSpec {
            name: section.name.to_owned(),
            map_type: ARRAY,
            key_size: 4,
            value_size: size,
            max_entries: 1,
            flags: rdonly | mmapable,
            value_type_id: type_id.unwrap_or(0),
            content: Some(content),
            kind,
            variables,
            ..MapSpec::default()
        })
    }

    /// Gives the object's arena the global variables of its section; returns
    /// the arena's index and their size in bytes.
    pub fn arena(
        &mut self,
        elf: &Elf<'_>,
        index: usize,
        section: &Section<'_>,
        btf: Option<&ObjectBtf>,
        maps: &mut [MapSpec],
    ) -> Result<(usize, u32)> {
        let mut arenas = maps.iter_mut().enumerate();
        let mut arenas = arenas.by_ref().filter(|(_, map)| map.map_type == ARENA);
        let (arena, map) = match (arenas.next(), arenas.next()) {
            (Some(one), None) => one,
            (None, _) => return Err(Error::not_found("no map is an arena")),
            (Some(_), Some(_)) => {
                return Err(Error::invalid_input("more than one map is an arena"));
            }
        };
        let (mut content, size_bytes, variables) = self.section(elf, index, section, btf)?;
        // How much of an arena they take is told by their length.
        content.resize(size_bytes as usize, 0);
        map.content = Some(content);
        map.variables = variables;
        Ok((arena, size_bytes))
    }

    /// The bytes of a section, none where they are all zero; its size; the
    /// variables in it.
    fn section(
        &mut self,
        elf: &Elf<'_>,
        index: usize,
        section: &Section<'_>,
        btf: Option<&ObjectBtf>,
    ) -> Result<(Vec<u8>, u32, Vec<Variable>)> {
        let size = self.size(section)?;
        let variables = match (btf, self.type_id(section.name)) {
            (Some(btf), Some(id)) => typed_variables(btf, id)?,
            _ => untyped_variables(elf, index),
        };
        for variable in &variables {
            let end = u64::from(variable.offset) + u64::from(variable.size);
            if end > size.into() {
                return Err(Error::malformed(format!(
                    "variable {} ends at byte {end} of {size}",
                    variable.name
                )));
            }
        }
        // That of zeros is empty: a file of no size at all can ask for them.
        Ok((section.data.to_vec(), size, variables))
    }

    fn size(&mut self, section: &Section<'_>) -> Result<u32> {
        if !section.is_nobits() {
            let size = u32::try_from(section.data.len());
            return size.map_err(|_| Error::malformed("larger than 4 GiB"));
        }
        let left = self.left_bss_bytes.checked_sub(section.size);
        self.left_bss_bytes = left.ok_or_else(|| {
            Error::invalid_input(format!(
                "{} bytes of zeros, the limit for an object is {MAX_BSS_BYTES}",
                section.size
            ))
        })?;
        // Within the limit, so it fits.
        Ok(section.size as u32)
    }
}

/// Is there a variable that others than the object's own functions see? Without
/// one nobody has a use for the section's memory, and what must not be mapped,
/// such as locks and timers, is kept in static variables: as libbpf has it.
fn has_visible_variable(btf: &ObjectBtf, section_id: u32) -> bool {
    let vars = btf.type_by_id(section_id).map(|ty| ty.sec_vars());
    vars.unwrap_or_default().iter().any(|var| {
        let var = btf.type_by_id(var.type_id);
        var.is_ok_and(|var| var.var_linkage().is_some_and(|linkage| linkage != 0))
    })
}

fn typed_variables(btf: &ObjectBtf, section_id: u32) -> Result<Vec<Variable>> {
    let vars = btf.type_by_id(section_id)?.sec_vars();
    vars.iter()
        .map(|var| {
            let ty = btf.type_by_id(var.type_id)?;
            if ty.kind() != Kind::Var {
                return Err(Error::malformed("not a variable"));
            }
            Ok(Variable {
                name: btf.text(ty.name_off)?,
                offset: var.offset,
                size: var.size,
                type_id: ty.size_or_type,
            })
        })
        .collect::<Result<_>>()
        .with_context(|| format!("BTF type {section_id}"))
}

fn untyped_variables(elf: &Elf<'_>, section: usize) -> Vec<Variable> {
    let symbols = elf
        .symbols()
        .filter(|symbol| symbol.section == Some(section) && symbol.is_object());
    let variable = symbols.filter_map(|symbol| {
        Some(Variable {
            name: symbol.name.to_owned(),
            offset: u32::try_from(symbol.value).ok()?,
            size: u32::try_from(symbol.size).ok()?,
            type_id: 0,
        })
    });
    let mut variables: Vec<_> = variable.collect();
    order::sort(&mut variables, |variable: &Variable| {
        Key::number(variable.offset.into())
    });
    variables
}

//! Global data: `.rodata`, `.data` and `.bss` as maps with one value.

use std::collections::BTreeMap;

use super::types::{MapKind, MapSpec, Variable};
use crate::btf::{Kind, ObjectBtf, Types};
use crate::elf::{Elf, Section};
use crate::error::{Error, Result, ResultExt};

/// `BPF_MAP_TYPE_ARRAY`.
const ARRAY: u32 = 2;
/// `BPF_F_RDONLY_PROG`. Kernel: since 5.2, as is global data.
const RDONLY_PROG: u32 = 1 << 7;

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
    types: BTreeMap<String, u32>,
}

impl Globals {
    pub fn new(btf: Option<&ObjectBtf>) -> Result<Self> {
        let mut types = BTreeMap::new();
        for (btf, id) in btf
            .iter()
            .flat_map(|btf| btf.ids().map(move |id| (btf, id)))
        {
            if btf.type_by_id(id)?.kind() == Kind::DataSec {
                types.entry(btf.type_name(id)?).or_insert(id);
            }
        }
        Ok(Self {
            left_bss_bytes: MAX_BSS_BYTES,
            types,
        })
    }

    /// The DATASEC of a section.
    pub fn type_id(&self, section: &str) -> Option<u32> {
        self.types.get(section).copied()
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
        let content = self.content(section)?;
        let type_id = self.type_id(section.name);
        let variables = match (btf, type_id) {
            (Some(btf), Some(id)) => typed_variables(btf, id)?,
            _ => untyped_variables(elf, index),
        };
        for variable in &variables {
            let end = u64::from(variable.offset) + u64::from(variable.size);
            if end > content.len() as u64 {
                return Err(Error::malformed(format!(
                    "variable {} ends at byte {end} of {}",
                    variable.name,
                    content.len()
                )));
            }
        }
        let is_rodata = kind == MapKind::Rodata;
        Ok(MapSpec {
            name: section.name.to_owned(),
            map_type: ARRAY,
            key_size: 4,
            value_size: content.len() as u32,
            max_entries: 1,
            flags: if is_rodata { RDONLY_PROG } else { 0 },
            value_type_id: type_id.unwrap_or(0),
            content: Some(content),
            kind,
            variables,
            ..MapSpec::default()
        })
    }

    fn content(&mut self, section: &Section<'_>) -> Result<Vec<u8>> {
        if !section.is_nobits() {
            return match u32::try_from(section.data.len()) {
                Ok(_) => Ok(section.data.to_vec()),
                Err(_) => Err(Error::malformed("larger than 4 GiB")),
            };
        }
        let left = self.left_bss_bytes.checked_sub(section.size);
        self.left_bss_bytes = left.ok_or_else(|| {
            Error::invalid_input(format!(
                "{} bytes of zeros, the limit for an object is {MAX_BSS_BYTES}",
                section.size
            ))
        })?;
        Ok(vec![0; section.size as usize])
    }
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
    variables.sort_by_key(|variable| variable.offset);
    variables
}

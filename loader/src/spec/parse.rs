//! From bytes to [`ObjectSpec`]: sections, types, maps, programs, in order.

use super::code::Code;
use super::ext::Ext;
use super::externs::{self, Externs};
use super::globals::{self, Globals};
use super::link::{self, Inputs, Workspace};
use super::places::MapPlaces;
use super::types::{MapSpec, MapValue, ProgramSpec};
use super::{ObjectSpec, fixup, legacy, maps, sections, struct_ops, values};
use crate::btf::{ObjectBtf, Types};
use crate::bytes;
use crate::elf::Elf;
use crate::error::{Error, Result, ResultExt};
use crate::order::{self, Key, Names};

/// Bytes that the programs of an object may take in all, subprograms counted
/// once per program.
const MAX_LINKED_BYTES: usize = 64 << 20;

/// What is left out is reported; past this many it is only counted.
const MAX_SKIPPED: usize = 256;

/// What could not be used, and why.
#[derive(Debug, Default)]
struct Skipped {
    entries: Vec<(String, String)>,
    more: usize,
}

impl Skipped {
    fn push(&mut self, what: &str, error: &Error) {
        if self.entries.len() < MAX_SKIPPED {
            self.entries.push((what.to_owned(), format!("{error:#}")));
        } else {
            self.more += 1;
        }
    }

    /// The same, returning the reason for whoever needs what is left out.
    fn reason(&mut self, what: &str, error: &Error) -> String {
        self.push(what, error);
        format!("{error:#}")
    }

    fn into_entries(mut self) -> Vec<(String, String)> {
        if self.more > 0 {
            let reason = format!("{} more are left out", self.more);
            self.entries.push(("...".to_owned(), reason));
        }
        self.entries
    }
}

pub(super) fn parse(
    name: &str,
    data: &[u8],
    wanted: &mut dyn FnMut(&str) -> bool,
) -> Result<ObjectSpec> {
    let elf = Elf::parse(data)?;
    let mut skipped = Skipped::default();
    let (btf, externs) = parse_btf(&elf).with_context(|| "section .BTF")?;
    let ext = match (elf.find(".BTF.ext"), &btf) {
        (Some((_, section)), Some(btf)) => {
            Ext::parse(section.data, btf, &elf).with_context(|| "section .BTF.ext")?
        }
        _ => Ext::default(),
    };
    let (mut map_specs, places) = collect_maps(&elf, btf.as_ref(), &mut skipped)?;
    let kconfig_map = map_specs.len();
    map_specs.extend(externs.kconfig_map());
    let code = Code::new(&elf, |name, error| skipped.push(name, &error))?;
    let inputs = Inputs {
        elf: &elf,
        code,
        btf: btf.as_ref(),
        ext,
        maps: places,
        externs: &externs,
        kconfig_map,
    };
    let mut programs = collect_programs(&inputs, wanted, &mut skipped)?;
    let tables = struct_ops::collect(&elf, btf.as_ref(), &inputs.code, |name, error| {
        skipped.push(name, error);
    })?;
    let mut struct_ops = Vec::with_capacity(tables.len());
    for (map, mut table) in tables {
        table.map = map_specs.len();
        map_specs.push(map);
        struct_ops.push(table);
    }
    struct_ops::set_autoload(&mut programs, &struct_ops);
    check_programs(&mut map_specs, &programs, &mut skipped);
    let text = |name| elf.find(name).map(|(_, section)| section.data);
    let license = text("license").unwrap_or_default();
    let license = license.split(|&byte| byte == 0).next().unwrap_or_default();
    Ok(ObjectSpec {
        name: name.to_owned(),
        license: String::from_utf8_lossy(license).into_owned(),
        kernel_version: text("version").and_then(|data| bytes::word(data, 0)),
        maps: map_specs,
        programs,
        struct_ops,
        externs: externs.specs,
        btf,
        skipped: skipped.into_entries(),
    })
}

/// The object's types, fixed up, and its externs, whose types are gone then.
fn parse_btf(elf: &Elf<'_>) -> Result<(Option<ObjectBtf>, Externs)> {
    let section = elf.find(".BTF");
    let btf = section.map(|(_, section)| ObjectBtf::parse(section.data));
    let mut btf = btf.transpose()?;
    let externs = externs::collect(elf, btf.as_ref())?;
    if let Some(btf) = &mut btf {
        fixup::fix_up(btf, elf, externs.layout.as_ref())?;
    }
    Ok((btf, externs))
}

/// Maps of `.maps` first, then those of `maps`, then data sections in the
/// file's order.
fn collect_maps(
    elf: &Elf<'_>,
    btf: Option<&ObjectBtf>,
    skipped: &mut Skipped,
) -> Result<(Vec<MapSpec>, MapPlaces)> {
    let mut specs = Vec::new();
    let mut places = MapPlaces::default();
    let mut globals = Globals::new(btf)?;
    if let Some((section, _)) = elf.find(".maps") {
        match (btf, globals.type_id(".maps")) {
            (Some(btf), Some(id)) => {
                defined_maps(elf, btf, section, id, &mut specs, &mut places, skipped)?;
            }
            _ => {
                let error = Error::unsupported("a map definition without BTF", None);
                skipped.push(".maps", &error);
            }
        }
    }
    for (index, section) in elf.sections.iter().enumerate().skip(1) {
        if legacy::is_section(section.name) {
            let mut defined = Vec::new();
            for symbol in legacy::variables(elf, index) {
                let map = match legacy::parse(section, &symbol, btf) {
                    Ok(spec) => {
                        specs.push(spec);
                        Ok(specs.len() - 1)
                    }
                    Err(error) => Err(skipped.reason(section.name, &error)),
                };
                defined.push((symbol.value, map));
            }
            places.define(index, defined);
        }
    }
    for (index, section) in elf.sections.iter().enumerate().skip(1) {
        let kind = globals::kind(section.name);
        let is_arena = section.name == globals::ARENA_SECTION;
        if kind.is_none() && !is_arena {
            continue;
        }
        // Debug information and the like has such names, too, in no memory.
        if section.size == 0 || !section.is_alloc() || section.is_code() {
            continue;
        }
        let map = match is_arena {
            true => globals.arena(elf, index, section, btf, &mut specs),
            false => globals.map(elf, index, section, btf).map(|spec| {
                let size_bytes = spec.value_size;
                specs.push(spec);
                (specs.len() - 1, size_bytes)
            }),
        };
        let map = map.map(|(map, size_bytes)| (map, size_bytes, kind.unwrap_or_default()));
        let map = map.map_err(|error| skipped.reason(section.name, &error));
        places.set_data(index, map);
    }
    Ok((specs, places))
}

/// The maps of `.maps`, whose DATASEC is the type `id`, and what they hold.
fn defined_maps(
    elf: &Elf<'_>,
    btf: &ObjectBtf,
    section: usize,
    id: u32,
    specs: &mut Vec<MapSpec>,
    places: &mut MapPlaces,
    skipped: &mut Skipped,
) -> Result<()> {
    let (mut variables, mut maps) = (Vec::new(), Vec::new());
    for var in btf.type_by_id(id)?.sec_vars() {
        let map = match maps::parse(btf, var.type_id) {
            Ok(defined) => {
                variables.push(values::Place {
                    offset: var.offset,
                    size: var.size,
                    map: specs.len(),
                    values: defined.values_offset,
                });
                specs.push(defined.spec);
                Ok(specs.len() - 1)
            }
            Err(error) => Err(skipped.reason(".maps", &error)),
        };
        maps.push((u64::from(var.offset), map));
    }
    places.define(section, maps);
    order::sort(&mut variables, |variable: &values::Place| {
        Key::number(variable.offset.into())
    });
    values::collect(elf, section, &variables, places, specs, |error| {
        skipped.push(".maps", error);
    })
}

/// Leaves out elements of maps whose programs are none, or cannot be used.
fn check_programs(maps: &mut [MapSpec], programs: &[ProgramSpec], skipped: &mut Skipped) {
    if maps.iter().all(|map| map.values.is_empty()) {
        return;
    }
    let names = programs.iter().map(|program| program.name.as_bytes());
    let names = Names::new(names);
    for map in maps {
        let name = &map.name;
        map.values.retain(|(element, value)| {
            let MapValue::Program(program) = value else {
                return true;
            };
            let is_there = names.find(program.as_bytes()).is_some();
            if !is_there {
                let cause = format!("element {element}: {program} is no program to be loaded");
                skipped.push(
                    ".maps",
                    &Error::not_found(cause).context(format!("map {name}")),
                );
            }
            is_there
        });
    }
}

fn collect_programs(
    inputs: &Inputs<'_, '_>,
    wanted: &mut dyn FnMut(&str) -> bool,
    skipped: &mut Skipped,
) -> Result<Vec<ProgramSpec>> {
    let mut programs = Vec::new();
    let mut workspace = Workspace::new(MAX_LINKED_BYTES, &inputs.code);
    let mut unknown = None;
    for (index, function) in inputs.code.functions.iter().enumerate() {
        let section = inputs.elf.section(function.section);
        let section = section.map_or("", |section| section.name);
        // Functions of .text, and static ones, only run when called.
        if section == ".text" || !function.is_global {
            continue;
        }
        let Some(kind) = sections::program_kind(section) else {
            if unknown != Some(function.section) {
                unknown = Some(function.section);
                let error = Error::invalid_input("no program type is known for this section name");
                skipped.push(section, &error);
            }
            continue;
        };
        if !wanted(function.name) {
            continue;
        }
        match link::link(inputs, &mut workspace, index) {
            Ok(linked) => programs.push(ProgramSpec {
                name: function.name.to_owned(),
                section: section.to_owned(),
                kind,
                insns: linked.insns,
                map_refs: linked.map_refs,
                extern_refs: linked.extern_refs,
                core_relos: linked.core_relos,
                func_info: linked.func_info,
                line_info: linked.line_info,
                subprograms: linked.subprograms,
            }),
            Err(error) => skipped.push(&format!("{section}: {}", function.name), &error),
        }
    }
    Ok(programs)
}

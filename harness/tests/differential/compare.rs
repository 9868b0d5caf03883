//! Two recordings of one object, held against each other.

use std::fmt::Debug;

use trapline_loader::kernel_btf::KernelBtf;

use super::ours::Ours;
use super::records::{MapRecord, ProgRecord};
use super::{Loaded, Types, interpose, kernel, libbpf, ours};

/// Differing instructions of a program that are shown.
const SHOWN_INSNS: usize = 6;

/// What came of one object and one kernel.
#[derive(Default)]
pub struct Outcome {
    /// Programs and maps that both loaders gave the kernel.
    pub compared: usize,
    pub differences: Vec<String>,
}

impl Outcome {
    fn of(difference: String) -> Self {
        Self {
            compared: 0,
            differences: vec![difference],
        }
    }
}

/// All differences between the loaders on one object and one kernel.
pub fn compare(name: &str, bytes: &[u8], types: &Types, read: &mut KernelBtf) -> Outcome {
    interpose::set_kernel_types(&types.path);
    kernel::boot();
    let ours = ours::load(name, bytes, read);
    kernel::boot();
    let names = libbpf::programs(name, bytes, &types.path);
    let (ours, names) = match (ours, names) {
        (Ok(ours), Ok(names)) => (ours, names),
        (Err(ours), Err(libbpf)) => {
            return Outcome::of(format!("object: refused by both: {ours}; {libbpf}"));
        }
        (Err(ours), Ok(_)) => {
            return Outcome::of(format!("object: refused by us alone: {ours}"));
        }
        (Ok(_), Err(libbpf)) => {
            return Outcome::of(format!("object: refused by libbpf alone: {libbpf}"));
        }
    };
    let mut found = Vec::new();
    let compared = ours.loaded.programs.len() + ours.loaded.maps.len();
    let is_loaded = |name: &str| ours.loaded.programs.contains_key(name);
    match libbpf::load(name, bytes, &types.path, &is_loaded) {
        Ok(theirs) => compare_loaded(&ours, &theirs, &mut found),
        Err(_) if compared == 0 => found.push("object: nothing to compare".to_owned()),
        Err(error) => found.push(format!("object: refused by libbpf alone: {error}")),
    }
    for program in names.iter().filter(|name| !is_loaded(name)) {
        kernel::boot();
        let alone = libbpf::load(name, bytes, &types.path, &|name| name == program);
        let reason = ours.refused.iter().find(|(name, _)| name == program);
        let reason = reason.map_or("not there", |(_, reason)| reason);
        let skipped = &ours.skipped;
        let by_whom = match alone {
            // Programs of a table that is not created are not loaded, asked or not.
            Ok(loaded) if !loaded.programs.contains_key(program) => continue,
            Ok(_) => "by us alone".to_owned(),
            Err(theirs) => format!("by both, libbpf: {theirs}"),
        };
        found.push(format!(
            "program {program}: refused {by_whom}: {reason}; {skipped:?}"
        ));
    }
    Outcome {
        compared,
        differences: found,
    }
}

fn compare_loaded(ours: &Ours, theirs: &Loaded, found: &mut Vec<String>) {
    for (name, program) in &ours.loaded.programs {
        match theirs.programs.get(name) {
            Some(other) => compare_programs(ours, name, program, other, found),
            None => found.push(format!("program {name}: libbpf has none of that name")),
        }
    }
    compare_maps(&ours.loaded.maps, &theirs.maps, found);
}

/// One field, and what each loader put there.
fn field<T: PartialEq + Debug>(of: &str, field: &str, values: (&T, &T), found: &mut Vec<String>) {
    let (ours, theirs) = values;
    if ours != theirs {
        found.push(format!("{of}: {field}: ours {ours:?}, libbpf's {theirs:?}"));
    }
}

fn compare_programs(
    ours: &Ours,
    name: &str,
    a: &ProgRecord,
    b: &ProgRecord,
    found: &mut Vec<String>,
) {
    let of = format!("program {name}");
    field(&of, "name", (&a.name, &b.name), found);
    field(&of, "type", (&a.prog_type, &b.prog_type), found);
    let expected = (&a.expected_attach_type, &b.expected_attach_type);
    field(&of, "expected attach type", expected, found);
    field(&of, "flags", (&a.flags, &b.flags), found);
    field(&of, "license", (&a.license, &b.license), found);
    field(&of, "has BTF", (&a.has_btf, &b.has_btf), found);
    field(
        &of,
        "attach_btf_id",
        (&a.attach_btf_id, &b.attach_btf_id),
        found,
    );
    field(&of, "maps", (&a.maps, &b.maps), found);
    field(&of, "function records", (&a.func_info, &b.func_info), found);
    field(&of, "functions", (&a.functions, &b.functions), found);
    field(&of, "line records", (&a.line_info, &b.line_info), found);
    field(&of, "instructions", (&a.insns.len(), &b.insns.len()), found);
    let index = ours.names.iter().position(|program| program == name);
    let pairs = a.insns.iter().zip(&b.insns).enumerate();
    let differing = pairs.filter(|(_, (a, b))| a != b);
    for (at, (a, b)) in differing.take(SHOWN_INSNS) {
        let relocation = index.and_then(|index| ours.report.at(index, at));
        let about = relocation.map_or("no relocation", |relocated| &relocated.description);
        let (a, b) = (u64::from_be_bytes(*a), u64::from_be_bytes(*b));
        found.push(format!(
            "{of}: instruction {at}: ours {a:016x}, libbpf's {b:016x} ({about})"
        ));
    }
}

fn compare_maps(ours: &[MapRecord], theirs: &[MapRecord], found: &mut Vec<String>) {
    let names = |maps: &[MapRecord]| {
        let mut names: Vec<String> = maps.iter().map(|map| map.name.clone()).collect();
        names.sort();
        names
    };
    field("maps", "names", (&names(ours), &names(theirs)), found);
    for a in ours {
        let Some(b) = theirs.iter().find(|map| map.name == a.name) else {
            continue;
        };
        let of = format!("map {}", a.name);
        field(&of, "type", (&a.map_type, &b.map_type), found);
        field(&of, "key size", (&a.key_bytes, &b.key_bytes), found);
        field(&of, "value size", (&a.value_bytes, &b.value_bytes), found);
        field(&of, "entries", (&a.max_entries, &b.max_entries), found);
        field(&of, "flags", (&a.flags, &b.flags), found);
        field(&of, "NUMA node", (&a.numa_node, &b.numa_node), found);
        field(&of, "extra", (&a.extra, &b.extra), found);
        let typed = |map: &MapRecord| (map.key_type_id, map.value_type_id);
        field(&of, "types of key and value", (&typed(a), &typed(b)), found);
        let kernel_types = (&a.kernel_value_type_id, &b.kernel_value_type_id);
        field(&of, "the kernel's type of the value", kernel_types, found);
        field(&of, "inner map", (&a.inner, &b.inner), found);
        field(&of, "frozen", (&a.frozen, &b.frozen), found);
        field(&of, "content", (&content(a), &content(b)), found);
    }
}

/// What was put into a map; zeros are what is there anyway.
fn content(map: &MapRecord) -> Vec<(String, String)> {
    let is_worth = |value: &&Vec<u8>| value.iter().any(|byte| *byte != 0);
    let entries = map.content.iter().filter(|(_, value)| is_worth(value));
    let shown = entries.map(|(key, value)| {
        let text = value.escape_ascii().to_string();
        (key.escape_ascii().to_string(), text)
    });
    shown.collect()
}

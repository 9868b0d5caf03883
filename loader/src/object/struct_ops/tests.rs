//! Against a small kernel whose tables have another order than the object's.

use super::*;
use crate::object::common::{btf_of, object};

/// The tables of the object as the small kernel takes them, with `created`
/// created beside those that are anyway.
fn laid_out(created: &str) -> Result<(ObjectSpec, Vec<Table>, Vec<Hook>)> {
    let path = std::env::temp_dir().join(format!(
        "trapline-struct-ops-{}-{:?}.btf",
        std::process::id(),
        std::thread::current().id()
    ));
    std::fs::write(&path, btf_of(&object("struct_ops_kernel"))).unwrap();
    let mut spec = ObjectSpec::parse("struct_ops", &object("struct_ops")).unwrap();
    for table in &mut spec.struct_ops {
        table.autocreate |= spec.maps[table.map].name == created;
    }
    let mut hooks = vec![Hook::Untyped; spec.programs.len()];
    let tables = lay_out(&mut spec, &mut KernelBtf::from_file(&path), &mut hooks);
    std::fs::remove_file(&path).unwrap();
    tables.map(|tables| (spec, tables, hooks))
}

fn refusal(created: &str) -> String {
    let laid_out = laid_out(created).map(drop);
    format!("{:#}", laid_out.unwrap_err())
}

#[test]
fn members_go_where_the_kernel_has_them() {
    let (_, tables, _) = laid_out("").unwrap();
    let [table, linked] = &tables[..] else {
        panic!("{} tables", tables.len());
    };
    assert_eq!((&*table.name, table.is_link), ("table", false));
    // refcnt, name, more, second, first, number
    assert_eq!(table.value.len(), 48);
    assert_eq!(table.value[8..16], *b"table\0\0\0");
    assert_eq!(table.value[40..44], 7u32.to_le_bytes());
    assert!(table.value[16..40].iter().all(|byte| *byte == 0));
    let functions = [(32, "first".to_owned()), (24, "second".to_owned())];
    assert_eq!(table.functions, functions);
    assert_eq!((&*linked.name, linked.is_link), ("linked", true));
    assert_eq!(linked.functions, functions[..1]);
}

#[test]
fn programs_are_told_which_member_of_which_struct_they_are() {
    let (spec, tables, hooks) = laid_out("").unwrap();
    let hook = |name: &str| {
        let at = spec
            .programs
            .iter()
            .position(|program| program.name == name);
        let at = at.unwrap();
        let member = spec.programs[at].kind.expected_attach_type;
        match &hooks[at] {
            Hook::Type { id, module: None } => Some((*id, member)),
            _ => None,
        }
    };
    let (id, first) = hook("first").unwrap();
    assert_eq!((first, hook("second")), (3, Some((id, 2))));
    assert_ne!(id, tables[0].value_type_id);
    assert_eq!(hook("lonely"), None);
}

#[test]
fn tables_decide_which_of_their_programs_are_loaded() {
    let (spec, ..) = laid_out("").unwrap();
    let autoload = |name: &str| {
        let mut programs = spec.programs.iter();
        programs.find(|p| p.name == name).unwrap().kind.autoload
    };
    // In a table that is created, in none that is, in none at all.
    assert!(autoload("second") && !autoload("third") && autoload("lonely"));
}

#[test]
fn a_member_that_the_kernel_has_not_may_be_left_out_but_not_set() {
    assert_eq!(
        refusal("older"),
        "struct_ops older: member not_there: the kernel's table has no such member"
    );
}

#[test]
fn a_member_of_another_size_is_refused() {
    assert_eq!(
        refusal("misfit"),
        "struct_ops misfit: member number: 8 bytes here, 4 bytes in the kernel"
    );
}

#[test]
fn a_table_that_the_kernel_has_not_is_named() {
    assert_eq!(
        refusal("absent"),
        "struct_ops absent: the kernel has no table of functions absent_ops (no struct bpf_struct_ops_absent_ops)"
    );
}

#[test]
fn tables_are_the_last_maps_with_the_flags_of_their_section() {
    let spec = ObjectSpec::parse("struct_ops", &object("struct_ops")).unwrap();
    let maps = spec.struct_ops.iter().map(|table| &spec.maps[table.map]);
    let maps: Vec<_> = maps
        .map(|map| (&*map.name, map.map_type, map.flags))
        .collect();
    assert_eq!(
        maps,
        [
            ("table", 26, 0),
            ("linked", 26, BPF_F_LINK),
            ("misfit", 26, 0),
            ("absent", 26, 0),
            ("older", 26, BPF_F_LINK),
        ]
    );
    let autocreate: Vec<_> = spec
        .struct_ops
        .iter()
        .map(|table| table.autocreate)
        .collect();
    assert_eq!(autocreate, [true, true, false, false, false]);
}

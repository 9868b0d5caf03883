//! Maps in every form, as a specification has them.

mod common;

use common::{program, spec};
use trapline_loader::btf::Types as _;
use trapline_loader::spec::{MapKind, MapSpec, MapValue, ObjectSpec};

const MMAPABLE: u32 = 1 << 10;

fn map<'s>(spec: &'s ObjectSpec, name: &str) -> &'s MapSpec {
    let index = spec.map_index(name);
    &spec.maps[index.unwrap_or_else(|| panic!("no map {name}: {:?}", spec.skipped))]
}

fn reason<'s>(spec: &'s ObjectSpec, about: &str) -> &'s str {
    let mut skipped = spec.skipped.iter().map(|(_, reason)| reason.as_str());
    let found = skipped.find(|reason| reason.contains(about));
    found.unwrap_or_else(|| panic!("nothing about {about}: {:?}", spec.skipped))
}

#[test]
fn a_map_of_maps_says_what_its_maps_are_like() {
    let spec = spec("maps");
    let outer = map(&spec, "outer");
    assert_eq!(
        (outer.map_type, outer.key_size, outer.value_size),
        (12, 4, 4)
    );
    let inner = outer.inner.as_ref().unwrap();
    assert_eq!(
        (inner.map_type, inner.max_entries, inner.value_size),
        (2, 7, 8)
    );
    assert_eq!(inner.name, "outer.inner");
    let btf = spec.btf.as_ref().unwrap();
    assert_eq!(btf.type_name(inner.value_type_id).unwrap(), "__u64");
    let inner = map(&spec, "outer_hash").inner.as_ref().unwrap();
    assert_eq!(
        (inner.map_type, inner.key_size, inner.value_size),
        (1, 8, 2)
    );
}

#[test]
fn maps_in_maps_are_noted_by_element() {
    let spec = spec("maps");
    let index = |name| MapValue::Map(spec.map_index(name).unwrap());
    let expected = [(0, index("first")), (3, index("second"))];
    assert_eq!(map(&spec, "outer").values, expected);
    assert_eq!(map(&spec, "outer_hash").values, []);
}

#[test]
fn elements_need_keys_of_four_bytes() {
    let spec = spec("maps");
    assert_eq!(map(&spec, "wide_keys").values, []);
    assert!(reason(&spec, "map wide_keys").contains("four bytes"));
}

#[test]
fn maps_of_maps_of_maps_are_refused_alone() {
    let spec = spec("maps");
    assert_eq!(spec.map_index("too_deep"), None);
    assert!(reason(&spec, "map too_deep").contains("inner map"));
}

#[test]
fn programs_in_maps_are_noted_by_name_and_only_if_they_are_programs() {
    let spec = spec("maps");
    let jumps = map(&spec, "jumps");
    assert_eq!((jumps.map_type, jumps.value_size), (3, 4));
    assert_eq!(jumps.values, [(1, MapValue::Program("tail".to_owned()))]);
    assert!(reason(&spec, "map jumps").contains("helper is no program"));
}

#[test]
fn an_arena_holds_the_variables_of_its_section() {
    let mut spec = spec("maps");
    let arena = map(&spec, "arena");
    assert_eq!(
        (arena.map_type, arena.flags, arena.max_entries),
        (33, 1024, 16)
    );
    assert_eq!(arena.map_extra, 1 << 44);
    assert_eq!(arena.content.as_ref().map(Vec::len), Some(12));
    assert_eq!(spec.global("arena_counter").unwrap(), 5u64.to_le_bytes());
    spec.set_global("arena_other", &9u32.to_le_bytes()).unwrap();
    let index = spec.map_index("arena");
    let entry = program(&spec, "entry").map_refs.iter();
    let offsets: Vec<_> = entry
        .filter(|reference| Some(reference.map) == index)
        .map(|reference| reference.value_offset)
        .collect();
    assert!(
        offsets.contains(&Some(0)) && offsets.contains(&Some(8)),
        "{offsets:?}"
    );
}

#[test]
fn definitions_without_types_are_maps_too() {
    let spec = spec("maps");
    let legacy = map(&spec, "legacy");
    let sizes = (legacy.key_size, legacy.value_size, legacy.max_entries);
    assert_eq!((legacy.map_type, sizes, legacy.flags), (1, (4, 8, 16), 1));
    assert_eq!((legacy.kind, legacy.key_type_id), (MapKind::Defined, 0));
    let refs = &program(&spec, "tail").map_refs;
    assert_eq!(Some(refs[0].map), spec.map_index("legacy"));
    let refs = &program(&spec, "longer_user").map_refs;
    assert_eq!(Some(refs[0].map), spec.map_index("longer"));
}

#[test]
fn a_definition_that_asks_for_more_is_refused_with_its_programs() {
    let spec = spec("maps");
    assert_eq!(spec.map_index("iproute"), None);
    assert!(reason(&spec, "map iproute").contains("more than type"));
    assert!(
        spec.programs
            .iter()
            .all(|program| program.name != "iproute_user")
    );
}

#[test]
fn data_can_be_mapped_where_a_variable_is_visible() {
    let spec = spec("maps");
    assert_eq!(map(&spec, ".data.visible").flags, MMAPABLE);
    assert_eq!(map(&spec, ".data.unseen").flags, 0);
    assert_eq!(map(&spec, ".data.hidden").flags, 0);
}

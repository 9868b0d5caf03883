//! BTF made by hand: headers, unknown kinds and circles that no compiler
//! writes.

use super::{Kind, ObjectBtf, Source, Target, Types};
use crate::ErrorKind;

/// A header of `header_bytes`, types, an optional layout, strings.
fn btf(header_bytes: u32, types: &[u32], layout: &[u8], strings: &[u8]) -> Vec<u8> {
    let type_bytes = types.len() as u32 * 4;
    let layout_bytes = layout.len() as u32;
    let mut header = vec![0x0001_eb9f, header_bytes, 0, type_bytes];
    header.extend([type_bytes + layout_bytes, strings.len() as u32]);
    header.extend([type_bytes, layout_bytes]);
    let mut bytes: Vec<u8> = header.iter().flat_map(|word| word.to_le_bytes()).collect();
    bytes.resize(header_bytes as usize, 0xee);
    bytes.extend(types.iter().flat_map(|word| word.to_le_bytes()));
    bytes.extend_from_slice(layout);
    bytes.extend_from_slice(strings);
    bytes
}

const fn info(kind: u32, vlen: u32) -> u32 {
    kind << 24 | vlen
}

/// `int`, `struct s { int a; }`.
const INT_AND_STRUCT: [u32; 10] = [1, info(1, 0), 4, 32, 5, info(4, 1), 4, 7, 1, 0];
const STRINGS: &[u8] = b"\0int\0s\0a\0";

fn find(bytes: &[u8], kind: Kind, name: &str) -> crate::Result<Option<u32>> {
    Target::new(Source::from_bytes(bytes))?.find_one(kind, name)
}

#[test]
fn headers_of_any_length_are_read() {
    for header_bytes in [24, 28, 32, 40, 128] {
        let bytes = btf(header_bytes, &INT_AND_STRUCT, &[], STRINGS);
        assert_eq!(find(&bytes, Kind::Struct, "s").unwrap(), Some(2));
        assert_eq!(
            ObjectBtf::parse(&bytes).unwrap().find(Kind::Int, "int"),
            Some(1)
        );
    }
}

#[test]
fn sums_that_overflow_are_an_error() {
    for word in 1..6 {
        let mut bytes = btf(24, &INT_AND_STRUCT, &[], STRINGS);
        bytes[word * 4..word * 4 + 4].copy_from_slice(&(u32::MAX - 3).to_le_bytes());
        assert!(
            Target::new(Source::from_bytes(&bytes)).is_err(),
            "word {word}"
        );
        assert!(ObjectBtf::parse(&bytes).is_err(), "word {word}");
    }
}

#[test]
fn other_byte_orders_are_refused_by_name() {
    let bytes = [&[0xeb, 0x9f, 1, 0][..], &[0; 40]].concat();
    let error = ObjectBtf::parse(&bytes).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Unsupported { .. }));
}

#[test]
fn a_header_alone_has_no_types() {
    let bytes = btf(24, &[], &[], &[]);
    assert_eq!(find(&bytes, Kind::Struct, "s").unwrap(), None);
    assert_eq!(
        Target::new(Source::from_bytes(&bytes))
            .unwrap()
            .last_id()
            .unwrap(),
        0
    );
}

/// A type of kind 77 with one element, then a struct.
const UNKNOWN_THEN_STRUCT: [u32; 11] = [
    1,
    info(1, 0),
    4,
    32,
    0,
    info(77, 1),
    0,
    0xdead,
    5,
    info(4, 0),
    0,
];

#[test]
fn unknown_kinds_are_stepped_over_by_their_layout() {
    let mut layout = vec![0; 4 * 78];
    layout[4 * 77 + 1] = 4;
    let bytes = btf(32, &UNKNOWN_THEN_STRUCT, &layout, STRINGS);
    assert_eq!(find(&bytes, Kind::Struct, "s").unwrap(), Some(3));
    let target = Target::new(Source::from_bytes(&bytes)).unwrap();
    assert_eq!(target.type_by_id(2).unwrap().kind(), Kind::Unknown);
}

#[test]
fn without_a_layout_an_unknown_kind_ends_what_can_be_read() {
    let bytes = btf(24, &UNKNOWN_THEN_STRUCT, &[], STRINGS);
    assert_eq!(find(&bytes, Kind::Int, "int").unwrap(), Some(1));
    let error = find(&bytes, Kind::Struct, "s").unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Unsupported { .. }));
    assert!(format!("{error:#}").contains("BTF type 2 is of unknown kind 77"));
}

#[test]
fn a_string_offset_at_the_very_end_is_an_error() {
    let bytes = btf(24, &INT_AND_STRUCT, &[], STRINGS);
    let (object, target) = (
        ObjectBtf::parse(&bytes).unwrap(),
        Target::new(Source::from_bytes(&bytes)).unwrap(),
    );
    for offset in [STRINGS.len() as u32, u32::MAX] {
        assert!(object.string(offset).is_err() && target.string(offset).is_err());
        assert!(!target.string_is(offset, b"a").unwrap());
    }
}

#[test]
fn circles_of_types_are_an_error() {
    // const → volatile → const; an array of itself.
    let types = [
        0,
        info(10, 0),
        2,
        0,
        info(9, 0),
        1,
        0,
        info(3, 0),
        0,
        3,
        3,
        2,
    ];
    let btf = ObjectBtf::parse(&btf(24, &types, &[], b"\0")).unwrap();
    assert!(btf.strip_modifiers(1).is_err());
    assert!(btf.size_of(2).is_err());
    assert!(btf.size_of(3).is_err());
}

#[test]
fn flavors_and_exact_names_are_told_apart() {
    let types = [1, info(4, 0), 0, 3, info(4, 0), 0];
    let bytes = btf(24, &types, &[], b"\0s\0s___old\0");
    let mut target = Target::new(Source::from_bytes(&bytes)).unwrap();
    assert_eq!(target.find(&[(Kind::Struct, "s")]).unwrap(), [[1]]);
    let wanted = (
        Box::from(*b"s"),
        super::Kinds::compatible_with(Kind::Struct),
        true,
    );
    target.prepare(core::slice::from_ref(&wanted), &[]).unwrap();
    assert_eq!(target.ids(&wanted).unwrap(), [1, 2]);
}

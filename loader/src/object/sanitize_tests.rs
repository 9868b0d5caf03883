//! Old kinds for new ones.

use super::*;

fn btf(types: &[u32]) -> Vec<u8> {
    let types_bytes = (types.len() * 4) as u32;
    let header = [0x0001_eb9f, 24, 0, types_bytes, types_bytes, 1];
    let words = header
        .iter()
        .chain(types)
        .flat_map(|word| word.to_le_bytes());
    words.chain([0]).collect()
}

fn sanitize_new(raw: &[u8]) -> Option<Vec<u8>> {
    sanitize(raw, Step::Kinds)
}

fn words(raw: &[u8]) -> Vec<u32> {
    let types_bytes = u32_at(raw, 12).unwrap() as usize;
    (0..types_bytes / 4)
        .map(|i| u32_at(raw, 24 + i * 4).unwrap())
        .collect()
}

#[test]
fn old_kinds_are_left_alone() {
    assert_eq!(sanitize_new(&btf(&[1, KIND_INT << 24, 4, 32])), None);
}

#[test]
fn a_float_becomes_a_struct_of_its_size() {
    let out = sanitize_new(&btf(&[1, KIND_FLOAT << 24, 8])).unwrap();
    assert_eq!(words(&out), [0, KIND_STRUCT << 24, 8]);
}

#[test]
fn tags_keep_what_follows_in_its_place() {
    let out = sanitize_new(&btf(&[
        1,
        KIND_DECL_TAG << 24,
        3,
        u32::MAX,
        1,
        KIND_TYPE_TAG << 24,
        3,
        1,
        KIND_INT << 24,
        4,
        32,
    ]))
    .unwrap();
    assert_eq!(
        words(&out),
        [
            1,
            KIND_INT << 24,
            1,
            8,
            0,
            KIND_CONST << 24,
            3,
            1,
            KIND_INT << 24,
            4,
            32
        ]
    );
}

#[test]
fn a_64_bit_enum_becomes_a_union_and_the_strings_move() {
    let out = sanitize_new(&btf(&[
        5,
        KIND_FLAG | KIND_ENUM64 << 24 | 1,
        8,
        7,
        0xffff,
        0xffff,
    ]));
    let out = out.unwrap();
    assert_eq!(
        words(&out),
        [5, KIND_UNION << 24 | 1, 8, 7, 2, 0, 0, KIND_INT << 24, 1, 8]
    );
    assert_eq!(u32_at(&out, 16), Some(40));
    assert_eq!(out.len(), 24 + 40 + 1);
}

#[test]
fn a_signed_enum_loses_its_sign_only() {
    let out = sanitize_new(&btf(&[1, KIND_FLAG | KIND_ENUM << 24 | 1, 4, 2, 3])).unwrap();
    assert_eq!(words(&out), [1, KIND_ENUM << 24 | 1, 4, 2, 3]);
}

#[test]
fn torn_or_unknown_btf_is_left_alone() {
    let whole = btf(&[1, KIND_FLOAT << 24, 8, 1, KIND_ENUM64 << 24 | 2, 8]);
    for end in 0..whole.len() {
        assert_eq!(sanitize_new(&whole[..end]), None);
    }
    assert_eq!(sanitize_new(&btf(&[1, 31 << 24, 8])), None);
}

#[test]
fn functions_lose_their_linkage_and_then_themselves() {
    let raw = btf(&[
        1,
        KIND_FUNC << 24 | GLOBAL,
        2,
        0,
        KIND_FUNC_PROTO << 24 | 1,
        0,
        1,
        3,
    ]);
    assert_eq!(sanitize(&raw, Step::Kinds), None);
    let out = sanitize(&raw, Step::Linkage).unwrap();
    assert_eq!(words(&out)[..3], [1, KIND_FUNC << 24, 2]);
    let out = sanitize(&raw, Step::Functions).unwrap();
    let expected = [1, KIND_TYPEDEF << 24, 2, 0, KIND_ENUM << 24 | 1, 4, 1, 3];
    assert_eq!(words(&out), expected);
}

#[test]
fn a_section_becomes_a_struct_of_its_variables() {
    let raw = btf(&[
        1,
        KIND_VAR << 24,
        7,
        1,
        1,
        KIND_DATASEC << 24 | 1,
        12,
        1,
        4,
        8,
    ]);
    assert_eq!(sanitize(&raw, Step::Linkage), None);
    let out = sanitize(&raw, Step::Data).unwrap();
    let variable = [1, KIND_INT << 24, 1, ONE_BYTE_INT];
    assert_eq!(words(&out)[..4], variable);
    assert_eq!(words(&out)[4..], [0, KIND_STRUCT << 24 | 1, 12, 0, 1, 32]);
}

#[test]
fn a_question_mark_before_a_section_goes() {
    let mut raw = btf(&[1, KIND_DATASEC << 24, 0]);
    raw.extend_from_slice(b"?.struct_ops\0");
    raw[20] += 13;
    let out = sanitize_new(&raw).unwrap();
    assert!(out.ends_with(b"\0_.struct_ops\0"));
    assert_eq!(words(&out), [1, KIND_DATASEC << 24, 0]);
}

#[test]
fn what_describes_kinds_goes_and_everything_else_moves_together() {
    let types = [1u32, KIND_INT << 24, 4, 32].map(u32::to_le_bytes).concat();
    let header = [0x0001_eb9f, 32, 0, 16, 24, 2, 16, 8].map(u32::to_le_bytes);
    let raw = [&header.concat()[..], &types, &[7; 8], b"\0x"].concat();
    let out = sanitize_new(&raw).unwrap();
    let header = [0x0001_eb9f, 24, 0, 16, 16, 2].map(u32::to_le_bytes);
    assert_eq!(out, [&header.concat()[..], &types, b"\0x"].concat());
}

#[test]
fn parameters_without_a_name_get_one() {
    let raw = btf(&[0, KIND_FUNC_PROTO << 24 | 2, 0, 0, 3, 0, 4]);
    let out = sanitize(&raw, Step::Functions).unwrap();
    assert_eq!(words(&out), [0, KIND_ENUM << 24 | 2, 4, 2, 3, 2, 4]);
    assert!(out.ends_with(b"\0\0_\0"));
}

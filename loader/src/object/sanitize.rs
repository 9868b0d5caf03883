//! Rewriting an object's BTF for a kernel that does not know all its kinds.
//!
//! Each kind that is too new becomes an old one of the same length, so that no
//! type's number changes. Only what the kernel is shown is rewritten: CO-RE
//! keeps reading the original.
//!
//! | kind     | kernel | becomes |
//! |----------|--------|---------|
//! | FLOAT    | 5.13   | a struct of the same size without members |
//! | DECL_TAG | 5.16   | an integer of one byte |
//! | TYPE_TAG | 5.17   | const |
//! | ENUM64   | 6.0    | a union whose members are one-byte integers |
//! | signed ENUM | 6.0 | the same without the sign |

use crate::bytes::u32_at;

const KIND_INT: u32 = 1;
const KIND_ARRAY: u32 = 3;
const KIND_STRUCT: u32 = 4;
const KIND_UNION: u32 = 5;
const KIND_ENUM: u32 = 6;
const KIND_CONST: u32 = 10;
const KIND_FUNC_PROTO: u32 = 13;
const KIND_VAR: u32 = 14;
const KIND_DATASEC: u32 = 15;
const KIND_FLOAT: u32 = 16;
const KIND_DECL_TAG: u32 = 17;
const KIND_TYPE_TAG: u32 = 18;
const KIND_ENUM64: u32 = 19;

/// Name offset, info, size or type.
const TYPE_BYTES: usize = 12;
/// An integer of one byte: eight bits, no encoding.
const ONE_BYTE_INT: u32 = 8;
const KIND_FLAG: u32 = 1 << 31;

/// The BTF with all newer kinds replaced, or `None` where there is nothing to
/// replace or the bytes are no BTF.
pub(super) fn sanitize(raw: &[u8]) -> Option<Vec<u8>> {
    let header_bytes = u32_at(raw, 4)? as usize;
    let types_start = header_bytes.checked_add(u32_at(raw, 8)? as usize)?;
    let types_end = types_start.checked_add(u32_at(raw, 12)? as usize)?;
    raw.get(types_start..types_end)?;
    // An enum's values become members of this type, which goes to the end.
    let placeholder_id = count_types(raw, types_start, types_end)? + 1;
    let mut out = raw.to_vec();
    let mut changed = false;
    let mut needs_placeholder = false;
    let mut at = types_start;
    while at < types_end {
        let info = u32_at(raw, at + 4)?;
        let (kind, count) = (kind_of(info), info & 0xffff);
        changed |= match kind {
            KIND_FLOAT => rewrite(&mut out, at, Some(0), KIND_STRUCT << 24, None),
            KIND_TYPE_TAG => rewrite(&mut out, at, Some(0), KIND_CONST << 24, None),
            KIND_DECL_TAG => {
                put(&mut out, at + TYPE_BYTES, ONE_BYTE_INT);
                rewrite(&mut out, at, None, KIND_INT << 24, Some(1))
            }
            KIND_ENUM if info & KIND_FLAG != 0 => {
                rewrite(&mut out, at, None, info & !KIND_FLAG, None)
            }
            KIND_ENUM64 => {
                needs_placeholder = true;
                for member in 0..count as usize {
                    let member_at = at + TYPE_BYTES + member * 12;
                    put(&mut out, member_at + 4, placeholder_id);
                    put(&mut out, member_at + 8, 0);
                }
                rewrite(&mut out, at, None, KIND_UNION << 24 | count, None)
            }
            _ => false,
        };
        at += TYPE_BYTES + trailing_bytes(kind, count)?;
    }
    if needs_placeholder {
        insert_placeholder(&mut out, types_end)?;
    }
    changed.then_some(out)
}

fn kind_of(info: u32) -> u32 {
    info >> 24 & 0x1f
}

/// The types between two offsets, which must end exactly at the second.
fn count_types(raw: &[u8], start: usize, end: usize) -> Option<u32> {
    let (mut at, mut count) = (start, 0);
    while at < end {
        let info = u32_at(raw, at + 4)?;
        at += TYPE_BYTES + trailing_bytes(kind_of(info), info & 0xffff)?;
        count += 1;
    }
    (at == end).then_some(count)
}

/// The bytes behind a type's first twelve; `None` for an unknown kind.
fn trailing_bytes(kind: u32, count: u32) -> Option<usize> {
    let count = count as usize;
    Some(match kind {
        KIND_INT | KIND_VAR | KIND_DECL_TAG => 4,
        KIND_ARRAY => 12,
        KIND_STRUCT | KIND_UNION | KIND_DATASEC | KIND_ENUM64 => count * 12,
        KIND_ENUM | KIND_FUNC_PROTO => count * 8,
        1..=KIND_ENUM64 => 0,
        _ => return None,
    })
}

/// Replaces the parts of a type's first twelve bytes that are given.
fn rewrite(out: &mut [u8], at: usize, name: Option<u32>, info: u32, size: Option<u32>) -> bool {
    if let Some(name) = name {
        put(out, at, name);
    }
    put(out, at + 4, info);
    if let Some(size) = size {
        put(out, at + 8, size);
    }
    true
}

/// Writes one word; the walk over the original has shown that it is inside.
fn put(out: &mut [u8], at: usize, word: u32) {
    if let Some(place) = out.get_mut(at..at + 4) {
        place.copy_from_slice(&word.to_le_bytes());
    }
}

/// Appends the placeholder to the types; the strings move behind it.
fn insert_placeholder(out: &mut Vec<u8>, types_end: usize) -> Option<()> {
    const PLACEHOLDER: [u32; 4] = [0, KIND_INT << 24, 1, ONE_BYTE_INT];
    let bytes = PLACEHOLDER.map(u32::to_le_bytes);
    let added = size_of_val(&bytes) as u32;
    out.splice(types_end..types_end, bytes.into_iter().flatten());
    let types_bytes = u32_at(out, 12)?.checked_add(added)?;
    put(out, 12, types_bytes);
    // Strings may come before the types, though nobody writes them so.
    let strings_offset = u32_at(out, 16)?;
    if strings_offset as usize + u32_at(out, 4)? as usize >= types_end {
        put(out, 16, strings_offset.checked_add(added)?);
    }
    Some(())
}

#[cfg(test)]
mod tests {
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

    fn words(raw: &[u8]) -> Vec<u32> {
        let types_bytes = u32_at(raw, 12).unwrap() as usize;
        (0..types_bytes / 4)
            .map(|i| u32_at(raw, 24 + i * 4).unwrap())
            .collect()
    }

    #[test]
    fn old_kinds_are_left_alone() {
        assert_eq!(sanitize(&btf(&[1, KIND_INT << 24, 4, 32])), None);
    }

    #[test]
    fn a_float_becomes_a_struct_of_its_size() {
        let out = sanitize(&btf(&[1, KIND_FLOAT << 24, 8])).unwrap();
        assert_eq!(words(&out), [0, KIND_STRUCT << 24, 8]);
    }

    #[test]
    fn tags_keep_what_follows_in_its_place() {
        let out = sanitize(&btf(&[
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
        let out = sanitize(&btf(&[
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
        let out = sanitize(&btf(&[1, KIND_FLAG | KIND_ENUM << 24 | 1, 4, 2, 3])).unwrap();
        assert_eq!(words(&out), [1, KIND_ENUM << 24 | 1, 4, 2, 3]);
    }

    #[test]
    fn torn_or_unknown_btf_is_left_alone() {
        let whole = btf(&[1, KIND_FLOAT << 24, 8, 1, KIND_ENUM64 << 24 | 2, 8]);
        for end in 0..whole.len() {
            assert_eq!(sanitize(&whole[..end]), None);
        }
        assert_eq!(sanitize(&btf(&[1, 31 << 24, 8])), None);
    }
}

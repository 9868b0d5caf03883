//! Rewriting an object's BTF for a kernel that does not know all its kinds.
//!
//! Each kind that is too new becomes an old one of the same length, so that no
//! type's number changes. Only what the kernel is shown is rewritten: CO-RE
//! keeps reading the original.
//!
//! | kind     | kernel | becomes |
//! |----------|--------|---------|
//! | FUNC     | 5.0    | a typedef of its prototype |
//! | FUNC_PROTO | 5.0  | an enum of its parameters |
//! | VAR      | 5.2    | an integer of one byte |
//! | DATASEC  | 5.2    | a struct of integers without names |
//! | global FUNC | 5.6 | a static one |
//! | FLOAT    | 5.13   | a struct of the same size without members |
//! | DECL_TAG | 5.16   | an integer of one byte |
//! | TYPE_TAG | 5.17   | const |
//! | ENUM64   | 6.0    | a union whose members are one-byte integers |
//! | signed ENUM | 6.0 | the same without the sign |
//! | DATASEC named `?...` | 6.9 | named `_...` |
//! | kind layouts | 7.1 | nothing: what describes the other kinds is left out |

use crate::bytes::u32_at;

const KIND_INT: u32 = 1;
const KIND_ARRAY: u32 = 3;
const KIND_STRUCT: u32 = 4;
const KIND_UNION: u32 = 5;
const KIND_ENUM: u32 = 6;
const KIND_TYPEDEF: u32 = 8;
const KIND_CONST: u32 = 10;
const KIND_FUNC: u32 = 12;
const KIND_FUNC_PROTO: u32 = 13;
const KIND_VAR: u32 = 14;
const KIND_DATASEC: u32 = 15;
const KIND_FLOAT: u32 = 16;
const KIND_DECL_TAG: u32 = 17;
const KIND_TYPE_TAG: u32 = 18;
const KIND_ENUM64: u32 = 19;

/// The header that all kernels know.
const HEADER_BYTES: usize = 24;
/// Name offset, info, size or type.
const TYPE_BYTES: usize = 12;
/// An integer of one byte: eight bits, no encoding.
const ONE_BYTE_INT: u32 = 8;
const KIND_FLAG: u32 = 1 << 31;
/// Linkage of a global FUNC.
const GLOBAL: u32 = 1;

/// The name of parameters that have none, after the end of another string.
const UNNAMED: &[u8] = b"\0_\0";

/// How much is replaced; each step all of those before it, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    /// What came after 5.6.
    Kinds,
    /// Global functions. Kernel: 5.6
    Linkage,
    /// Variables and their sections. Kernel: 5.2
    Data,
    /// Functions; records about them make no sense then. Kernel: 5.0
    Functions,
}

impl Step {
    /// All, the gentlest first.
    pub(super) const ALL: [Self; 4] = [Self::Kinds, Self::Linkage, Self::Data, Self::Functions];
}

/// Where types and strings lie in the whole.
struct Parts<'r> {
    raw: &'r [u8],
    header_bytes: usize,
    types_start: usize,
    types_end: usize,
    strings: &'r [u8],
}

impl<'r> Parts<'r> {
    fn of(raw: &'r [u8]) -> Option<Self> {
        let header_bytes = u32_at(raw, 4)? as usize;
        let types_start = header_bytes.checked_add(u32_at(raw, 8)? as usize)?;
        let types_end = types_start.checked_add(u32_at(raw, 12)? as usize)?;
        let strings_start = header_bytes.checked_add(u32_at(raw, 16)? as usize)?;
        let strings_end = strings_start.checked_add(u32_at(raw, 20)? as usize)?;
        raw.get(types_start..types_end)?;
        Some(Self {
            raw,
            header_bytes,
            types_start,
            types_end,
            strings: raw.get(strings_start..strings_end)?,
        })
    }
}

/// The BTF with all kinds replaced that `step` says, or `None` where there is
/// nothing to replace or the bytes are no BTF.
pub(super) fn sanitize(raw: &[u8], step: Step) -> Option<Vec<u8>> {
    let parts = Parts::of(raw)?;
    // An enum's values become members of this type, which goes to the end.
    let placeholder_id = count_types(raw, parts.types_start, parts.types_end)? + 1;
    let mut types = raw.get(parts.types_start..parts.types_end)?.to_vec();
    let mut strings = parts.strings.to_vec();
    let mut changed = parts.header_bytes != HEADER_BYTES;
    let mut needs_placeholder = false;
    let mut at = 0;
    while at < types.len() {
        let (name, info) = (u32_at(&types, at)?, u32_at(&types, at + 4)?);
        let (kind, count) = (kind_of(info), info & 0xffff);
        changed |= match kind {
            KIND_FUNC_PROTO if step >= Step::Functions => {
                replace_prototype(&mut types, at, count, &mut strings)
            }
            KIND_FUNC | KIND_VAR | KIND_DATASEC => {
                replace_old(&mut types, at, step) || rename(&mut strings, kind, name)
            }
            KIND_ENUM64 => {
                needs_placeholder = true;
                replace_enum64(&mut types, at, count as usize, placeholder_id)
            }
            _ => replace_new(&mut types, at, kind, info),
        };
        at += TYPE_BYTES + trailing_bytes(kind, count)?;
    }
    if needs_placeholder {
        let placeholder = [0, KIND_INT << 24, 1, ONE_BYTE_INT];
        types.extend(placeholder.iter().flat_map(|word: &u32| word.to_le_bytes()));
    }
    changed.then(|| joined(&parts, &types, &strings)).flatten()
}

/// The offset that a string gets at the end of a BTF's strings.
pub(super) fn next_string(raw: &[u8]) -> Option<u32> {
    u32::try_from(Parts::of(raw)?.strings.len()).ok()
}

/// The BTF with more types behind the others, and a string behind its strings.
pub(super) fn append(raw: &[u8], more: &[u32], string: &str) -> Option<Vec<u8>> {
    let parts = Parts::of(raw)?;
    let mut types = raw.get(parts.types_start..parts.types_end)?.to_vec();
    types.extend(more.iter().flat_map(|word| word.to_le_bytes()));
    let strings = [parts.strings, string.as_bytes(), &[0]].concat();
    joined(&parts, &types, &strings)
}

/// Header, types, strings, without a gap and without anything else: the kernel
/// takes no more.
fn joined(parts: &Parts<'_>, types: &[u8], strings: &[u8]) -> Option<Vec<u8>> {
    let types_bytes = u32::try_from(types.len()).ok()?;
    let strings_bytes = u32::try_from(strings.len()).ok()?;
    let mut out = parts.raw.get(..4)?.to_vec();
    let header = [
        HEADER_BYTES as u32,
        0,
        types_bytes,
        types_bytes,
        strings_bytes,
    ];
    out.extend(header.iter().flat_map(|word| word.to_le_bytes()));
    out.extend_from_slice(types);
    out.extend_from_slice(strings);
    Some(out)
}

/// Kinds that are replaced only for kernels before 5.6.
fn replace_old(types: &mut [u8], at: usize, step: Step) -> bool {
    let info = u32_at(types, at + 4).unwrap_or(0);
    let count = info & 0xffff;
    match kind_of(info) {
        KIND_FUNC if step >= Step::Functions => rewrite(types, at, None, KIND_TYPEDEF << 24, None),
        KIND_FUNC if step >= Step::Linkage && count == GLOBAL => {
            rewrite(types, at, None, KIND_FUNC << 24, None)
        }
        KIND_VAR if step >= Step::Data => {
            put(types, at + TYPE_BYTES, ONE_BYTE_INT);
            rewrite(types, at, None, KIND_INT << 24, Some(1))
        }
        KIND_DATASEC if step >= Step::Data => {
            for element in 0..count as usize {
                // From type, offset and size in bytes to name, type and bits.
                let place = at + TYPE_BYTES + element * 12;
                let [var, offset] = [place, place + 4].map(|at| u32_at(types, at).unwrap_or(0));
                put(types, place, 0);
                put(types, place + 4, var);
                put(types, place + 8, offset.saturating_mul(8));
            }
            rewrite(types, at, Some(0), KIND_STRUCT << 24 | count, None)
        }
        _ => false,
    }
}

/// Kinds whose replacement does not depend on the kernel's age.
fn replace_new(types: &mut [u8], at: usize, kind: u32, info: u32) -> bool {
    match kind {
        KIND_FLOAT => rewrite(types, at, Some(0), KIND_STRUCT << 24, None),
        KIND_TYPE_TAG => rewrite(types, at, Some(0), KIND_CONST << 24, None),
        KIND_DECL_TAG => {
            put(types, at + TYPE_BYTES, ONE_BYTE_INT);
            rewrite(types, at, None, KIND_INT << 24, Some(1))
        }
        KIND_ENUM if info & KIND_FLAG != 0 => rewrite(types, at, None, info & !KIND_FLAG, None),
        _ => false,
    }
}

/// A prototype's parameters become values, which need names.
fn replace_prototype(types: &mut [u8], at: usize, count: u32, strings: &mut Vec<u8>) -> bool {
    for element in 0..count as usize {
        let place = at + TYPE_BYTES + element * 8;
        if u32_at(types, place) == Some(0) {
            if !strings.ends_with(UNNAMED) {
                strings.extend_from_slice(UNNAMED);
            }
            put(types, place, (strings.len() - UNNAMED.len() + 1) as u32);
        }
    }
    rewrite(types, at, None, KIND_ENUM << 24 | count, Some(4))
}

fn replace_enum64(types: &mut [u8], at: usize, count: usize, placeholder_id: u32) -> bool {
    for member in 0..count {
        let member_at = at + TYPE_BYTES + member * 12;
        put(types, member_at + 4, placeholder_id);
        put(types, member_at + 8, 0);
    }
    rewrite(types, at, None, KIND_UNION << 24 | count as u32, None)
}

/// Takes the question mark off a section's name.
fn rename(strings: &mut [u8], kind: u32, name: u32) -> bool {
    match strings.get_mut(name as usize) {
        Some(first) if kind == KIND_DATASEC && *first == b'?' => {
            *first = b'_';
            true
        }
        _ => false,
    }
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

#[cfg(test)]
#[path = "sanitize_tests.rs"]
mod tests;

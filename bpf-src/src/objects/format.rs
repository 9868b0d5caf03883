//! How objects are packed: what `build.rs`, which packs them, and the reader share.
//!
//! Three times four bytes, little endian: how long the object is, where its `.BTF.ext`
//! starts, how long that is. Then raw LZMA with the parameters below, with the object
//! [`SHARED`] as what came before, but for that itself. In `.BTF.ext` an instruction's
//! offset is the difference to that of the record before.

/// The smallest object with all that the others share.
pub const SHARED: &str = "mount";

/// Bytes before the LZMA.
pub const HEADER_BYTES: usize = 12;

/// Of LZMA: what an instruction looks like depends on the byte's place in its eight.
pub const LITERAL_CONTEXT_BITS: u32 = 0;
/// See [`LITERAL_CONTEXT_BITS`].
pub const LITERAL_POSITION_BITS: u32 = 3;
/// See [`LITERAL_CONTEXT_BITS`].
pub const POSITION_BITS: u32 = 3;

/// How far LZMA looks back: over all of the longest object to the shared one, which makes
/// them an eighth smaller. The reader holds no more of it than there is.
pub const WINDOW_BYTES: u32 = 2 << 20;

/// Makes differences of the offsets in `ext`, the bytes of a `.BTF.ext`.
#[allow(dead_code, reason = "only build.rs packs")]
pub fn to_differences(ext: &mut [u8]) {
    each_offset(ext, |before, word| (word, word.wrapping_sub(before)));
}

/// Makes offsets of the differences in `ext`.
#[allow(dead_code, reason = "only the crate unpacks")]
pub fn to_offsets(ext: &mut [u8]) {
    each_offset(ext, |before, word| {
        let offset = before.wrapping_add(word);
        (offset, offset)
    });
}

/// Has `change` replace each record's offset: it gets what it made of the record before,
/// 0 in front of a section's first, and gives what the next one gets and what to write.
/// Stops where `ext` is not what a compiler writes.
///
/// Source: `struct btf_ext_header` and the info sections, tools/lib/bpf/libbpf_internal.h
fn each_offset(ext: &mut [u8], mut change: impl FnMut(u32, u32) -> (u32, u32)) -> Option<()> {
    let header = word(ext, 4)? as usize;
    // Of functions, lines and relocations: where and how long.
    for table in [8, 16, 24] {
        let mut at = header.checked_add(word(ext, table)? as usize)?;
        let end = at.checked_add(word(ext, table + 4)? as usize)?;
        let step = word(ext, at)? as usize;
        at += 4;
        while at < end {
            let records = word(ext, at + 4)?;
            at += 8;
            let mut before = 0;
            for _ in 0..records {
                let (next, written) = change(before, word(ext, at)?);
                ext.get_mut(at..at + 4)?
                    .copy_from_slice(&written.to_le_bytes());
                before = next;
                at = at.checked_add(step)?;
            }
        }
    }
    Some(())
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at.checked_add(4)?)?;
    bytes.try_into().ok().map(u32::from_le_bytes)
}

//! How objects are packed: what `build.rs`, which packs them, and the reader share.
//!
//! Four times four bytes, little endian: how long the object is, where its `.BTF.ext`
//! starts, how long that is, and how long what follows first is packed. That is the object
//! without its `.BTF.ext`, then the latter, each raw LZMA with the parameters below, with
//! the same part of the object [`SHARED`] as what came before, but for that itself. In
//! `.BTF.ext` an instruction's offset is the difference to that of the record before.
//!
//! What LZMA looks back to is in memory a second time while a part is read, so two parts
//! take less than the whole; packed they are a hundredth more.

use std::ops::Range;

/// The smallest object with all that the others share.
pub const SHARED: &str = "mount";

/// Bytes before the LZMA.
pub const HEADER_BYTES: usize = 16;

/// Of LZMA: what an instruction looks like depends on the byte's place in its eight.
pub const LITERAL_CONTEXT_BITS: u32 = 0;
/// See [`LITERAL_CONTEXT_BITS`].
pub const LITERAL_POSITION_BITS: u32 = 3;
/// See [`LITERAL_CONTEXT_BITS`].
pub const POSITION_BITS: u32 = 3;

/// How far LZMA looks back: over all of the longest part to the shared one, which makes
/// them an eighth smaller. The reader holds no more of it than there is.
pub const WINDOW_BYTES: u32 = 2 << 20;

/// An object as it is packed.
pub struct Parts {
    /// All but `.BTF.ext`.
    pub most: Vec<u8>,
    /// Where in `most` that was.
    pub ext_at: usize,
    /// `.BTF.ext`, with differences for offsets.
    pub ext: Vec<u8>,
}

impl Parts {
    /// Takes an object apart whose `.BTF.ext` is at `ext`.
    #[allow(dead_code, reason = "only build.rs packs")]
    pub fn of(mut object: Vec<u8>, ext: Range<usize>) -> Self {
        let ext_at = ext.start;
        let mut ext: Vec<u8> = object.drain(ext).collect();
        each_offset(&mut ext, |before, word| (word, word.wrapping_sub(before)));
        Self {
            most: object,
            ext_at,
            ext,
        }
    }

    /// Puts it together again, without more memory if `most` has room; `None` if one part
    /// does not fit the other.
    #[allow(dead_code, reason = "only the crate unpacks")]
    pub fn into_object(self) -> Option<Vec<u8>> {
        let Self {
            most: mut object,
            ext_at,
            mut ext,
        } = self;
        each_offset(&mut ext, |before, word| {
            let offset = before.wrapping_add(word);
            (offset, offset)
        });
        object.extend_from_slice(&ext);
        object.get_mut(ext_at..)?.rotate_right(ext.len());
        Some(object)
    }
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

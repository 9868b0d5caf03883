//! Where types, strings and kind layouts lie inside BTF bytes.

use core::ops::Range;

use super::types::Kind;
use crate::bytes;
use crate::error::{Error, Result};

/// The first two bytes, little-endian.
const MAGIC: u16 = 0xeb9f;
/// Bytes up to and with `str_len`: the smallest header there is.
const MIN_HEADER_BYTES: usize = 24;
/// Bytes up to and with `layout_len`. Kernel: 7.1
pub const KNOWN_HEADER_BYTES: usize = 32;
/// Kinds are numbers of seven bits.
const KIND_COUNT: usize = 128;

/// Byte ranges from the start of the BTF.
#[derive(Clone, Debug, Default)]
pub struct Header {
    pub types: Range<u64>,
    pub strings: Range<u64>,
    pub layout: Range<u64>,
}

impl Header {
    /// Reads a header from the first bytes of `total` bytes of BTF.
    ///
    /// Header fields from the future are ignored, and so is their length.
    pub fn parse(head: &[u8], total: u64) -> Result<Self> {
        let word = |index: usize| -> u64 { bytes::word(head, index).unwrap_or(0).into() };
        if head.len() < MIN_HEADER_BYTES {
            return Err(Error::malformed(format!(
                "{total} bytes are too few for a BTF header"
            )));
        }
        let magic = word(0) as u16;
        if magic == MAGIC.swap_bytes() {
            return Err(Error::new(
                crate::ErrorKind::Unsupported {
                    feature: "big-endian BTF",
                    since: None,
                },
                "BTF is big-endian, only little-endian is supported",
            ));
        }
        if magic != MAGIC {
            return Err(Error::malformed(format!(
                "BTF starts with {magic:#06x}, not {MAGIC:#06x}"
            )));
        }
        let header_bytes = word(1);
        if header_bytes < MIN_HEADER_BYTES as u64 || header_bytes > total {
            return Err(Error::malformed(format!(
                "BTF header of {header_bytes} bytes in {total} bytes"
            )));
        }
        let section = |what, offset: u64, length: u64| {
            // Neither sum can overflow: three u32 values in a u64.
            let start = header_bytes + offset;
            let end = start + length;
            if end > total {
                return Err(Error::malformed(format!(
                    "BTF {what} end at byte {end} of {total}"
                )));
            }
            Ok(start..end)
        };
        let types = section("types", word(2), word(3))?;
        let strings = section("strings", word(4), word(5))?;
        let layout = if header_bytes >= KNOWN_HEADER_BYTES as u64 {
            section("kind layouts", word(6), word(7))?
        } else {
            0..0
        };
        if word(2) % 4 != 0 {
            return Err(Error::malformed(format!(
                "BTF types start at odd byte {}",
                word(2)
            )));
        }
        if types.end > strings.start && strings.end > types.start {
            return Err(Error::malformed("BTF types and strings overlap"));
        }
        Ok(Self {
            types,
            strings,
            layout,
        })
    }
}

/// How many bytes follow the header of a type, by kind: a fixed part and a
/// part per element. Unknown kinds come from the layout section, if there is
/// one, so that they can be stepped over.
#[derive(Clone, Debug)]
pub struct Sizes([Option<(u8, u8)>; KIND_COUNT]);

impl Sizes {
    /// Sizes of all known kinds, and of those in the layout section.
    pub fn new(layout: &[u8]) -> Self {
        let mut sizes = [None; KIND_COUNT];
        for (number, size) in sizes.iter_mut().enumerate() {
            *size = Kind::from_number(number as u32).trailing_bytes();
        }
        // A kind that is known here keeps its known size.
        for (size, entry) in sizes.iter_mut().zip(layout.chunks_exact(4)) {
            let (info_bytes, elem_bytes) = (entry[0], entry[1]);
            if size.is_none() && info_bytes % 4 == 0 && elem_bytes % 4 == 0 {
                *size = Some((info_bytes, elem_bytes));
            }
        }
        Self(sizes)
    }

    /// Bytes that follow the header, `None` for a kind nobody knows.
    pub fn trailing_bytes(&self, kind_number: u32, vlen: u32) -> Option<usize> {
        let (fixed, element) = (*self.0.get(kind_number as usize)?)?;
        // At most 255 + 2^24 * 255: fits 32 bits.
        Some(fixed as usize + element as usize * vlen as usize)
    }
}

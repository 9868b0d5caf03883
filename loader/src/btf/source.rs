//! Megabytes of BTF that stay where they are: mapped, or behind a reader.

use core::fmt;
use core::ops::Range;
use std::borrow::Cow;
use std::cell::RefCell;

use crate::error::{Error, Result};

/// Bytes of one cached block; sysfs gives no more per read.
const BLOCK_BYTES: usize = 4 << 10;
/// Blocks in the cache.
const BLOCKS: usize = 16;
/// Bytes that a scan reads at a time.
const WINDOW_BYTES: usize = 32 << 10;

/// Bytes at an offset: a file, or whatever can be read from anywhere.
pub trait ReadAt {
    /// Reads some bytes at `offset` and says how many; 0 only at the end.
    ///
    /// # Errors
    /// The reader's own.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize>;
}

/// Where the kernel's BTF is read from.
pub struct Source<'a>(Inner<'a>);

enum Inner<'a> {
    Bytes(&'a [u8]),
    Reader {
        reader: Box<dyn ReadAt + 'a>,
        len_bytes: u64,
        cache: RefCell<Cache>,
    },
}

/// The last blocks read, each at the place its number says.
#[derive(Default)]
struct Cache(Vec<(u64, Box<[u8]>)>);

impl fmt::Debug for Source<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.0 {
            Inner::Bytes(_) => "mapped",
            Inner::Reader { .. } => "read",
        };
        write!(f, "Source({kind}, {} bytes)", self.len_bytes())
    }
}

impl<'a> Source<'a> {
    /// BTF in memory: a mapping, or a file that was read.
    pub const fn from_bytes(bytes: &'a [u8]) -> Self {
        Self(Inner::Bytes(bytes))
    }

    /// BTF of `len_bytes` bytes that is read in pieces and never held whole.
    pub fn from_reader(reader: impl ReadAt + 'a, len_bytes: u64) -> Self {
        Self(Inner::Reader {
            reader: Box::new(reader),
            len_bytes,
            cache: RefCell::default(),
        })
    }

    /// All bytes there are.
    pub fn len_bytes(&self) -> u64 {
        match &self.0 {
            Inner::Bytes(bytes) => bytes.len() as u64,
            Inner::Reader { len_bytes, .. } => *len_bytes,
        }
    }

    /// Is every byte in memory, so that looking at one costs nothing?
    pub(super) fn is_mapped(&self) -> bool {
        matches!(self.0, Inner::Bytes(_))
    }

    /// The bytes of a range.
    pub(super) fn bytes(&self, range: Range<u64>) -> Result<Cow<'a, [u8]>> {
        if range.start > range.end || range.end > self.len_bytes() {
            return Err(Error::malformed(format!(
                "BTF bytes {} to {} of {}",
                range.start,
                range.end,
                self.len_bytes()
            )));
        }
        match &self.0 {
            // The checks above make both casts exact.
            Inner::Bytes(bytes) => Ok(Cow::Borrowed(
                &bytes[range.start as usize..range.end as usize],
            )),
            Inner::Reader { .. } => {
                let mut buffer = vec![0; (range.end - range.start) as usize];
                self.read_cached(range.start, &mut buffer)?;
                Ok(Cow::Owned(buffer))
            }
        }
    }

    /// Fills a small array from an offset.
    pub(super) fn array<const N: usize>(&self, offset: u64) -> Result<[u8; N]> {
        let mut array = [0; N];
        let end = offset.saturating_add(N as u64);
        match &self.0 {
            Inner::Bytes(_) => array.copy_from_slice(&self.bytes(offset..end)?),
            Inner::Reader { len_bytes, .. } if end <= *len_bytes => {
                self.read_cached(offset, &mut array)?;
            }
            Inner::Reader { len_bytes, .. } => {
                return Err(Error::malformed(format!("BTF byte {end} of {len_bytes}")));
            }
        }
        Ok(array)
    }

    /// The string at an offset, up to a NUL before `end`.
    pub(super) fn string(&self, offset: u64, end: u64, max_bytes: usize) -> Result<Cow<'a, [u8]>> {
        let end = end.min(offset.saturating_add(max_bytes as u64));
        let unending = || Error::malformed(format!("BTF string at byte {offset} has no end"));
        if self.is_mapped() {
            let Cow::Borrowed(tail) = self.bytes(offset..end.max(offset))? else {
                return Err(unending());
            };
            let length = tail
                .iter()
                .position(|&byte| byte == 0)
                .ok_or_else(unending)?;
            return Ok(Cow::Borrowed(&tail[..length]));
        }
        let mut string = Vec::new();
        let mut at = offset;
        while at < end {
            // Mostly one piece: names are short.
            let piece = self.bytes(at..end.min(at + 64))?;
            if let Some(length) = piece.iter().position(|&byte| byte == 0) {
                string.extend_from_slice(&piece[..length]);
                return Ok(Cow::Owned(string));
            }
            string.extend_from_slice(&piece);
            at += piece.len() as u64;
        }
        Err(unending())
    }

    /// Fills the buffer by way of the cache; the range has been checked.
    fn read_cached(&self, mut offset: u64, mut buffer: &mut [u8]) -> Result<()> {
        let Inner::Reader {
            reader,
            len_bytes,
            cache,
        } = &self.0
        else {
            return Err(Error::invalid_input("mapped BTF is not read"));
        };
        let mut cache = cache.borrow_mut();
        while !buffer.is_empty() {
            let number = offset / BLOCK_BYTES as u64;
            let inside = (offset % BLOCK_BYTES as u64) as usize;
            let block = cache.block(number, *len_bytes, &**reader)?;
            let piece = block.get(inside..).unwrap_or_default();
            let length = piece.len().min(buffer.len());
            if length == 0 {
                return Err(Error::malformed(format!("BTF ends at byte {offset}")));
            }
            let (now, later) = buffer.split_at_mut(length);
            now.copy_from_slice(&piece[..length]);
            buffer = later;
            offset += length as u64;
        }
        Ok(())
    }
}

impl Cache {
    fn block(&mut self, number: u64, len_bytes: u64, reader: &dyn ReadAt) -> Result<&[u8]> {
        if self.0.is_empty() {
            self.0 = (0..BLOCKS).map(|_| (u64::MAX, Box::default())).collect();
        }
        let place = (number % BLOCKS as u64) as usize;
        let slot = &mut self.0[place];
        if slot.0 != number {
            let start = number * BLOCK_BYTES as u64;
            let length = (len_bytes - start.min(len_bytes)).min(BLOCK_BYTES as u64);
            let mut block = vec![0; length as usize];
            fill(reader, start, &mut block)?;
            *slot = (number, block.into_boxed_slice());
        }
        Ok(&slot.1)
    }
}

/// Reads until the buffer is full.
fn fill(reader: &dyn ReadAt, mut offset: u64, mut buffer: &mut [u8]) -> Result<()> {
    while !buffer.is_empty() {
        let count = reader.read_at(offset, buffer)?.min(buffer.len());
        if count == 0 {
            return Err(Error::malformed(format!("BTF ends at byte {offset}")));
        }
        buffer = &mut buffer[count..];
        offset += count as u64;
    }
    Ok(())
}

/// A range that is gone through once, front to back.
pub(super) struct Window<'s, 'a> {
    source: &'s Source<'a>,
    end: u64,
    buffer: Vec<u8>,
    start: u64,
}

impl<'s, 'a> Window<'s, 'a> {
    pub fn new(source: &'s Source<'a>, end: u64) -> Self {
        Self {
            source,
            end,
            buffer: Vec::new(),
            start: 0,
        }
    }

    /// Bytes from an offset on: as many as there are to the end of the range,
    /// or at least `least_bytes`.
    pub fn at(&mut self, offset: u64, least_bytes: u64) -> Result<&[u8]> {
        let Inner::Reader { reader, .. } = &self.source.0 else {
            return match self.source.bytes(offset..self.end)? {
                Cow::Borrowed(bytes) => Ok(bytes),
                Cow::Owned(_) => Ok(&[]),
            };
        };
        let held_to = self.start + self.buffer.len() as u64;
        let wanted_to = (offset + least_bytes).min(self.end);
        if offset < self.start || wanted_to > held_to || self.buffer.is_empty() {
            let length = (self.end - offset.min(self.end)).min(WINDOW_BYTES as u64);
            self.buffer.resize(length as usize, 0);
            fill(&**reader, offset, &mut self.buffer)?;
            self.start = offset;
        }
        Ok(self
            .buffer
            .get((offset - self.start) as usize..)
            .unwrap_or_default())
    }
}

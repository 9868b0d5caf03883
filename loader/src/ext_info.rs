//! Function and line records of `.BTF.ext`, in the kernel's own layout.
//!
//! Records keep the size the object says, so that what a newer compiler adds
//! reaches the kernel untouched.
//!
//! Source: `struct bpf_func_info`, `struct bpf_line_info`, uapi/linux/bpf.h.

use core::marker::PhantomData;

use crate::bytes::word;
use crate::error::{Error, Result};

/// A record that starts with a known part.
pub trait Record: Sized {
    /// Bytes of the known part.
    const KNOWN_SIZE_BYTES: usize;
    /// Reads the known part from at least that many bytes.
    fn read(bytes: &[u8]) -> Option<Self>;
}

/// Where a function starts, and its FUNC type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FuncInfo {
    /// First instruction of the function, in slots.
    pub insn_offset: u32,
    /// BTF id of its FUNC.
    pub type_id: u32,
}

/// The source line an instruction comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineInfo {
    /// First instruction of the line, in slots.
    pub insn_offset: u32,
    /// String offset of the file name.
    pub file_name_off: u32,
    /// String offset of the source text.
    pub line_off: u32,
    /// Line number in the upper 22 bits, column in the lower 10.
    pub line_col: u32,
}

impl LineInfo {
    /// Line number, from 1.
    pub const fn line(self) -> u32 {
        self.line_col >> 10
    }

    /// Column, from 1.
    pub const fn column(self) -> u32 {
        self.line_col & 0x3ff
    }
}

impl Record for FuncInfo {
    const KNOWN_SIZE_BYTES: usize = 8;

    fn read(bytes: &[u8]) -> Option<Self> {
        Some(Self {
            insn_offset: word(bytes, 0)?,
            type_id: word(bytes, 1)?,
        })
    }
}

impl Record for LineInfo {
    const KNOWN_SIZE_BYTES: usize = 16;

    fn read(bytes: &[u8]) -> Option<Self> {
        Some(Self {
            insn_offset: word(bytes, 0)?,
            file_name_off: word(bytes, 1)?,
            line_off: word(bytes, 2)?,
            line_col: word(bytes, 3)?,
        })
    }
}

/// Records of one kind, `rec_size` bytes each, instruction offset first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Records<R> {
    rec_size: usize,
    bytes: Vec<u8>,
    kind: PhantomData<R>,
}

impl<R: Record> Default for Records<R> {
    fn default() -> Self {
        Self {
            rec_size: R::KNOWN_SIZE_BYTES,
            bytes: Vec::new(),
            kind: PhantomData,
        }
    }
}

impl<R: Record> Records<R> {
    /// No records yet, of `rec_size` bytes each.
    ///
    /// # Errors
    /// `Malformed` where the size is below the known part, is no multiple of
    /// four, or is past anything sensible.
    pub fn with_rec_size(rec_size: u32) -> Result<Self> {
        let size = rec_size as usize;
        if size < R::KNOWN_SIZE_BYTES || size % 4 != 0 || size > MAX_REC_SIZE_BYTES {
            return Err(Error::malformed(format!("record size of {size} bytes")));
        }
        Ok(Self {
            rec_size: size,
            bytes: Vec::new(),
            kind: PhantomData,
        })
    }

    /// Makes room for `count` more records.
    pub(crate) fn reserve(&mut self, count: usize) {
        self.bytes
            .reserve_exact(count.saturating_mul(self.rec_size));
    }

    /// Bytes of one record, as the `*_rec_size` fields of `BPF_PROG_LOAD`.
    pub fn rec_size(&self) -> u32 {
        self.rec_size as u32
    }

    /// Number of records.
    pub fn len(&self) -> usize {
        self.bytes.len() / self.rec_size
    }

    /// Are there none?
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// All records, as the kernel reads them.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Drops all records, for a kernel that does not take them.
    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    /// The known part of each record.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = R> + '_ {
        self.bytes.chunks_exact(self.rec_size).filter_map(R::read)
    }

    /// Appends a raw record with a new instruction offset.
    ///
    /// # Errors
    /// `InvalidInput` where the record has another size.
    pub fn push_rebased(&mut self, record: &[u8], insn_offset: u32) -> Result<()> {
        match record.get(4..) {
            Some(rest) if record.len() == self.rec_size => {
                self.bytes.extend_from_slice(&insn_offset.to_le_bytes());
                self.bytes.extend_from_slice(rest);
                Ok(())
            }
            _ => Err(Error::invalid_input(format!(
                "a record of {} bytes among records of {}",
                record.len(),
                self.rec_size
            ))),
        }
    }
}

/// No compiler writes more; the kernel's own limit (4 KiB) is far above.
const MAX_REC_SIZE_BYTES: usize = 252;

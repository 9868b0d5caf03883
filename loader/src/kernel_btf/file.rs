//! Files that hold a kernel's or a module's types: raw BTF, or an ELF file with
//! a `.BTF` section. Neither is ever read whole.

use crate::btf::{ReadAt, Source};
use crate::bytes::word;
use crate::error::{Error, ErrorKind, Result};
use crate::sys;
use std::fs::File;
use std::path::Path;

const ELF_HEADER_BYTES: usize = 64;
const SECTION_HEADER_BYTES: usize = 64;
/// Longest table of section names that is read.
const MAX_NAMES_BYTES: u64 = 1 << 20;
/// ELF's magic, 64 bits, little-endian.
const ELF64_LITTLE: [u8; 6] = [0x7f, b'E', b'L', b'F', 2, 1];

/// Opens the types in a file.
///
/// # Errors
/// `NotFound` for an ELF file without BTF; `Malformed`; what the kernel says.
pub(super) fn open(path: &Path) -> Result<Source<'static>> {
    let file = sys::open_read(path).map_err(|errno| errno.error("open"))?;
    of_file(file)
}

/// The same with the file open.
pub(super) fn of_file(file: File) -> Result<Source<'static>> {
    let len_bytes = sys::file_len(&file).map_err(|errno| errno.error("fstat"))?;
    let mut head = [0; ELF_HEADER_BYTES];
    let read = sys::pread(&file, 0, &mut head).map_err(|errno| errno.error("pread"))?;
    if !head.get(..read).unwrap_or_default().starts_with(b"\x7fELF") {
        let reader = Part { file, start: 0 };
        return Ok(Source::from_reader(reader, len_bytes));
    }
    let (start, bytes) = btf_section(&file, &head, len_bytes)?;
    Ok(Source::from_reader(Part { file, start }, bytes))
}

/// Where the `.BTF` section of an ELF file lies: offset and length.
fn btf_section(file: &File, head: &[u8; ELF_HEADER_BYTES], len_bytes: u64) -> Result<(u64, u64)> {
    if !head.starts_with(&ELF64_LITTLE) {
        return Err(Error::new(
            ErrorKind::Unsupported {
                feature: "an ELF file that is not 64-bit little-endian",
                since: None,
            },
            "not a 64-bit little-endian ELF file",
        ));
    }
    let half = |at: usize| u64::from(u16::from_le_bytes([head[at], head[at + 1]]));
    let table = u64_at(head, 40);
    let (entry_bytes, count, names) = (half(58), half(60), half(62));
    if entry_bytes != SECTION_HEADER_BYTES as u64 || names >= count {
        return Err(Error::malformed("section table"));
    }
    let read = |start: u64, bytes: u64, what: &'static str| {
        let end = start.checked_add(bytes).filter(|&end| end <= len_bytes);
        end.ok_or_else(|| Error::malformed(format!("{what} out of bounds")))?;
        let mut buffer = vec![0; bytes as usize];
        match sys::pread(file, start, &mut buffer) {
            Ok(read) if read == buffer.len() => Ok(buffer),
            Ok(_) => Err(Error::malformed(format!("{what} is torn"))),
            Err(errno) => Err(errno.error("pread")),
        }
    };
    let headers = read(table, entry_bytes * count, "section table")?;
    let header = |index: u64| {
        let start = index as usize * SECTION_HEADER_BYTES;
        headers.get(start..start + SECTION_HEADER_BYTES)
    };
    let names = header(names).unwrap_or_default();
    let (start, bytes) = (u64_at(names, 24), u64_at(names, 32));
    if bytes > MAX_NAMES_BYTES {
        return Err(Error::malformed("section names of over 1 MiB"));
    }
    let names = read(start, bytes, "section names")?;
    for header in headers.chunks_exact(SECTION_HEADER_BYTES) {
        let name = word(header, 0).and_then(|at| names.get(at as usize..));
        if name.is_some_and(|name| name.starts_with(b".BTF\0")) {
            let (start, bytes) = (u64_at(header, 24), u64_at(header, 32));
            let end = start.checked_add(bytes).filter(|&end| end <= len_bytes);
            end.ok_or_else(|| Error::malformed("section .BTF out of bounds"))?;
            return Ok((start, bytes));
        }
    }
    Err(Error::not_found("an ELF file without a section .BTF"))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let chunk = bytes.get(at..).and_then(|rest| rest.first_chunk());
    chunk.map_or(0, |chunk| u64::from_le_bytes(*chunk))
}

/// A part of a file, read in pieces.
struct Part {
    file: File,
    start: u64,
}

impl ReadAt for Part {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize> {
        let offset = self.start.saturating_add(offset);
        sys::pread(&self.file, offset, buffer).map_err(|errno| errno.error("pread"))
    }
}

//! User programs and libraries, as far as probes need them: where in the file
//! a function or a note lies.
//!
//! The file belongs to somebody else: it may be huge, torn or made to harm.
//! Tables are read in pieces and never held as a whole, but for the section and
//! program headers, which the format itself limits.

mod find;
mod symbols;
mod zip;

pub(super) use find::{FoundFile, find_file};
pub(super) use zip::member;

use crate::btf::ReadAt;
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::sys;
use object::LittleEndian as LE;
use object::elf::{self, FileHeader64, ProgramHeader64, SectionHeader64};
use object::pod;
use std::fs::File;

/// The longest name of a function or section that is looked at, in bytes; C++
/// has names of some kilobytes.
const MAX_NAME_BYTES: usize = 16 << 10;
/// Strings are read in pieces of this size.
const WINDOW_BYTES: usize = 64 << 10;

/// An ELF file of 64 bits, or one in another file.
pub(super) struct Binary<R> {
    reader: R,
    len_bytes: u64,
    /// Where it begins in the file that probes are set in.
    start: u64,
    pub(super) machine: u16,
    /// Is it linked to fixed addresses (ET_EXEC)?
    pub(super) is_fixed: bool,
    sections: Vec<Section>,
    segments: Vec<Segment>,
    names: Option<usize>,
}

/// One section header.
#[derive(Clone, Copy, Debug)]
pub(super) struct Section {
    name_off: u32,
    kind: u32,
    link: u32,
    pub(super) addr: u64,
    offset: u64,
    size: u64,
}

/// One part of the file that is mapped to run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    pub(super) is_code: bool,
    pub(super) addr: u64,
    pub(super) offset: u64,
    pub(super) file_bytes: u64,
}

/// A file that is read in pieces, from a byte on.
pub(super) struct FileReader {
    file: File,
    start: u64,
}

impl ReadAt for FileReader {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize> {
        let offset = self.start.saturating_add(offset);
        sys::pread(&self.file, offset, buffer).map_err(|errno| errno.error("pread"))
    }
}

impl Binary<FileReader> {
    /// Opens a file and reads the headers of the binary in it.
    pub(super) fn open(found: &FoundFile) -> Result<Self> {
        let open = || {
            let file = sys::open_read(&found.path).map_err(|errno| match errno {
                sys::Errno::NOENT => Error::not_found("no such file"),
                errno => errno.error("open"),
            })?;
            let len_bytes = sys::file_len(&file).map_err(|errno| errno.error("fstat"))?;
            let mut reader = FileReader { file, start: 0 };
            let place = match &found.member {
                Some(member) => zip::member(&reader, len_bytes, member)?,
                None => 0..len_bytes,
            };
            reader.start = place.start;
            let binary = Self::read(reader, place.end - place.start)?;
            Ok(Self {
                start: place.start,
                ..binary
            })
        };
        open().with_context(|| format!("binary {found}"))
    }
}

impl<R: ReadAt> Binary<R> {
    /// Reads the headers.
    pub(super) fn read(reader: R, len_bytes: u64) -> Result<Self> {
        let mut binary = Self {
            reader,
            len_bytes,
            start: 0,
            machine: 0,
            is_fixed: false,
            sections: Vec::new(),
            segments: Vec::new(),
            names: None,
        };
        let head = binary.bytes(0, size_of::<FileHeader64<LE>>() as u64, u64::MAX)?;
        let no_elf = || Error::malformed("no ELF file");
        let (header, _) = pod::from_bytes::<FileHeader64<LE>>(&head).map_err(|()| no_elf())?;
        if header.e_ident.magic != elf::ELFMAG {
            return Err(no_elf());
        }
        if header.e_ident.class != elf::ELFCLASS64 || header.e_ident.data != elf::ELFDATA2LSB {
            let feature = "a binary other than a 64-bit little-endian one";
            return Err(Error::unsupported(feature, None));
        }
        binary.machine = header.e_machine.get(LE).0;
        binary.is_fixed = header.e_type.get(LE) == elf::ET_EXEC;
        binary.read_sections(header)?;
        binary.read_segments(header)?;
        Ok(binary)
    }

    fn read_sections(&mut self, header: &FileHeader64<LE>) -> Result<()> {
        const ENTRY: u64 = size_of::<SectionHeader64<LE>>() as u64;
        let offset = header.e_shoff.get(LE);
        if offset == 0 {
            return Ok(());
        }
        if u64::from(header.e_shentsize.get(LE)) != ENTRY {
            return Err(Error::malformed("section headers of another size"));
        }
        let first = self.bytes(offset, ENTRY, ENTRY)?;
        let (first, _) = pod::from_bytes::<SectionHeader64<LE>>(&first)
            .map_err(|()| Error::malformed("section headers are torn"))?;
        // For very many sections the counts are in the first header.
        let count = match header.e_shnum.get(LE) {
            0 => first.sh_size.get(LE),
            count => count.into(),
        };
        let names = match header.e_shstrndx.get(LE) {
            elf::SHN_XINDEX => first.sh_link.get(LE),
            index => index.0.into(),
        };
        self.names = (names != 0).then_some(names as usize);
        let table = count.saturating_mul(ENTRY);
        let table = self
            .bytes(offset, table, 8 << 20)
            .with_context(|| "section headers")?;
        let (headers, _) = pod::slice_from_bytes::<SectionHeader64<LE>>(&table, count as usize)
            .map_err(|()| Error::malformed("section headers are torn"))?;
        self.sections = headers.iter().map(Section::new).collect();
        Ok(())
    }

    fn read_segments(&mut self, header: &FileHeader64<LE>) -> Result<()> {
        const ENTRY: u64 = size_of::<ProgramHeader64<LE>>() as u64;
        let count = header.e_phnum.get(LE);
        if count == 0 {
            return Ok(());
        }
        if u64::from(header.e_phentsize.get(LE)) != ENTRY {
            return Err(Error::malformed("program headers of another size"));
        }
        let table = u64::from(count) * ENTRY;
        let table = self.bytes(header.e_phoff.get(LE), table, 8 << 20);
        let table = table.with_context(|| "program headers")?;
        let (headers, _) = pod::slice_from_bytes::<ProgramHeader64<LE>>(&table, count.into())
            .map_err(|()| Error::malformed("program headers are torn"))?;
        let loaded = headers
            .iter()
            .filter(|header| header.p_type.get(LE) == elf::PT_LOAD);
        self.segments = loaded.map(Segment::new).collect();
        Ok(())
    }

    /// Some bytes of the file: all of them, and at most `limit_bytes`.
    fn bytes(&self, offset: u64, count: u64, limit_bytes: u64) -> Result<Vec<u8>> {
        let end = offset.checked_add(count);
        if count > limit_bytes || end.is_none_or(|end| end > self.len_bytes) {
            return Err(Error::malformed(format!(
                "{count} bytes at byte {offset} of {}",
                self.len_bytes
            )));
        }
        let mut bytes = vec![0; count as usize];
        let read = self.reader.read_at(offset, &mut bytes)?;
        // It may have been cut since.
        bytes.truncate(read);
        Ok(bytes)
    }

    /// The bytes of a section.
    ///
    /// # Errors
    /// `Malformed` where it lies outside of the file, or is larger than
    /// `limit_bytes`.
    pub(super) fn content(&self, section: &Section, limit_bytes: u64) -> Result<Vec<u8>> {
        self.bytes(section.offset, section.size, limit_bytes)
    }

    /// The first section of that name.
    pub(super) fn section(&self, name: &str) -> Result<Option<Section>> {
        let names = self.names.and_then(|index| self.sections.get(index));
        let Some(names) = names else {
            return Ok(None);
        };
        let mut names = Strings::new(self, names);
        for section in &self.sections {
            if names.get(section.name_off.into())? == name.as_bytes() {
                return Ok(Some(*section));
            }
        }
        Ok(None)
    }

    /// The part of the file that is mapped to an address.
    pub(super) fn segment_at(&self, addr: u64) -> Option<&Segment> {
        self.segments.iter().find(|segment| {
            let inside = addr.checked_sub(segment.addr);
            inside.is_some_and(|inside| inside < segment.file_bytes)
        })
    }

    /// The byte in the file that is mapped to an address.
    pub(super) fn file_offset(&self, addr: u64) -> Option<u64> {
        let segment = self.segment_at(addr)?;
        let offset = segment.offset.checked_add(addr - segment.addr)?;
        offset.checked_add(self.start)
    }
}

impl Section {
    fn new(header: &SectionHeader64<LE>) -> Self {
        Self {
            name_off: header.sh_name.get(LE),
            kind: header.sh_type.get(LE).0,
            link: header.sh_link.get(LE),
            addr: header.sh_addr.get(LE),
            offset: header.sh_offset.get(LE),
            size: header.sh_size.get(LE),
        }
    }
}

impl Segment {
    fn new(header: &ProgramHeader64<LE>) -> Self {
        Self {
            is_code: header.p_flags.get(LE).0 & elf::PF_X.0 != 0,
            addr: header.p_vaddr.get(LE),
            offset: header.p_offset.get(LE),
            file_bytes: header.p_filesz.get(LE),
        }
    }
}

/// A table of strings, read in pieces; quickest in rising order.
struct Strings<'b, R> {
    binary: &'b Binary<R>,
    start: u64,
    end: u64,
    window: Vec<u8>,
    window_at: u64,
}

impl<'b, R: ReadAt> Strings<'b, R> {
    fn new(binary: &'b Binary<R>, table: &Section) -> Self {
        let end = table.offset.saturating_add(table.size);
        Self {
            binary,
            start: table.offset,
            end: end.min(binary.len_bytes),
            window: Vec::new(),
            window_at: 0,
        }
    }

    /// The string at an offset; empty where there is none, or it has no end.
    fn get(&mut self, offset: u64) -> Result<&[u8]> {
        let at = self.start.saturating_add(offset);
        if at >= self.end {
            return Ok(&[]);
        }
        if !self.has(at) {
            let count = (self.end - at).min(WINDOW_BYTES as u64);
            self.window = self.binary.bytes(at, count, WINDOW_BYTES as u64)?;
            self.window_at = at;
        }
        let tail = self.tail(at).unwrap_or_default();
        let end = tail.iter().position(|&byte| byte == 0).unwrap_or(0);
        Ok(tail.get(..end).unwrap_or_default())
    }

    /// Does the window tell all that there is to know of the string at a byte
    /// of the file: its end, or that it is too long?
    fn has(&self, at: u64) -> bool {
        let window_end = self.window_at + self.window.len() as u64;
        self.tail(at).is_some_and(|tail| {
            let is_cut = tail.len() < MAX_NAME_BYTES && window_end < self.end;
            !tail.is_empty() && (!is_cut || tail.contains(&0))
        })
    }

    /// What the window has from a byte of the file on, as far as a name goes.
    fn tail(&self, at: u64) -> Option<&[u8]> {
        let start = usize::try_from(at.checked_sub(self.window_at)?).ok()?;
        let tail = self.window.get(start..)?;
        Some(tail.get(..MAX_NAME_BYTES).unwrap_or(tail))
    }
}

/// The error for what a binary does not have.
fn missing(what: &str) -> Error {
    Error::new(ErrorKind::NotFound, format!("the binary has no {what}"))
}

#[cfg(test)]
pub(super) mod tests;

//! An ELF file as sections, symbols and relocations, each checked once.
//!
//! Knows the container and nothing of what BPF puts into it. Every offset,
//! size and index of the file is doubted: whatever does not fit is an error
//! that names the section.

mod symbols;

pub use symbols::{Relocation, Symbol};

use object::LittleEndian as LE;
use object::elf::{self, FileHeader64, SectionHeader64, Sym64};
use object::pod;

use crate::error::{Error, ErrorKind, Result};
use crate::order::Names;

/// Longest name that is read, in bytes; the kernel's longest symbol has 511.
const MAX_NAME_BYTES: usize = 1024;

/// A checked ELF file over borrowed bytes.
#[derive(Debug)]
pub struct Elf<'d> {
    /// All sections; index 0 is the reserved one.
    pub sections: Vec<Section<'d>>,
    symbols: &'d [Sym64<LE>],
    symbol_names: &'d [u8],
}

/// One section and its bytes.
#[derive(Clone, Debug)]
pub struct Section<'d> {
    /// Name; empty where it is not UTF-8.
    pub name: &'d str,
    /// `SHT_*`.
    pub kind: u32,
    /// `SHF_*`.
    pub flags: u64,
    /// Size in bytes, also where the file holds none (`SHT_NOBITS`).
    pub size: u64,
    /// `sh_link`, by kind.
    pub link: u32,
    /// `sh_info`: for relocations the section they apply to.
    pub info: u32,
    /// Content, empty for `SHT_NOBITS`.
    pub data: &'d [u8],
}

impl<'d> Section<'d> {
    /// Does it hold instructions?
    pub fn is_code(&self) -> bool {
        self.kind == elf::SHT_PROGBITS.0 && self.flags & elf::SHF_EXECINSTR.0 != 0
    }

    /// Is it part of what runs, not of what describes it?
    pub fn is_alloc(&self) -> bool {
        self.flags & elf::SHF_ALLOC.0 != 0
    }

    /// Does it take no space in the file?
    pub fn is_nobits(&self) -> bool {
        self.kind == elf::SHT_NOBITS.0
    }
}

impl<'d> Elf<'d> {
    /// Reads the tables of a relocatable little-endian BPF object.
    ///
    /// # Errors
    /// `Malformed` for anything that does not fit, `Unsupported` for an ELF
    /// file of another class, byte order or machine.
    pub fn parse(data: &'d [u8]) -> Result<Self> {
        let header = file_header(data)?;
        let headers = section_headers(data, header)?;
        let names = name_table(data, header, headers)?;
        let mut sections = Vec::with_capacity(headers.len());
        // Sections never share bytes. If they did, a small file could stand
        // for any amount of content.
        let mut left_bytes = data.len();
        for (index, header) in headers.iter().enumerate() {
            let section = section(data, index, header, names)?;
            left_bytes = left_bytes.checked_sub(section.data.len()).ok_or_else(|| {
                Error::malformed(format!(
                    "section {index} ({}) overlaps another",
                    section.name
                ))
            })?;
            sections.push(section);
        }
        let (symbols, symbol_names) = symbols::table(&sections)?;
        Ok(Self {
            sections,
            symbols,
            symbol_names,
        })
    }

    /// The section with this index, other than the reserved ones.
    pub fn section(&self, index: usize) -> Option<&Section<'d>> {
        self.sections.get(index).filter(|_| index != 0)
    }

    /// The first section of each name.
    pub fn names(&self) -> Names<'d> {
        let names = self.sections.iter().enumerate();
        Names::new(names.map(|(index, section)| match index {
            0 => &[],
            _ => section.name.as_bytes(),
        }))
    }

    /// The first section of this name.
    pub fn find(&self, name: &str) -> Option<(usize, &Section<'d>)> {
        self.sections
            .iter()
            .enumerate()
            .skip(1)
            .find(|(_, section)| section.name == name)
    }
}

fn file_header(data: &[u8]) -> Result<&FileHeader64<LE>> {
    let (header, _) = pod::from_bytes::<FileHeader64<LE>>(data).map_err(|()| {
        let bytes = data.len();
        Error::malformed(format!(
            "no ELF file: {bytes} bytes have no room for its header"
        ))
    })?;
    let ident = &header.e_ident;
    if ident.magic != elf::ELFMAG {
        return Err(Error::malformed(
            "no ELF file: it does not start with 7f 45 4c 46",
        ));
    }
    let machine = header.e_machine.get(LE);
    let what = if ident.class != elf::ELFCLASS64 {
        "a 32-bit ELF file, which BPF does not have".to_owned()
    } else if ident.data != elf::ELFDATA2LSB {
        "a big-endian ELF file; only little-endian ones are loaded (clang --target=bpfel)"
            .to_owned()
    } else if machine != elf::EM_BPF {
        format!(
            "an ELF file for machine {}, not for BPF, which is 247 (clang --target=bpf)",
            machine.0
        )
    } else if header.e_type.get(LE) != elf::ET_REL {
        "a linked ELF file, not an object as clang -c makes it".to_owned()
    } else {
        return Ok(header);
    };
    let kind = ErrorKind::Unsupported {
        feature: "an ELF file other than a 64-bit little-endian BPF object",
        since: None,
    };
    Err(Error::new(kind, what))
}

/// The section table; its length is in the file header or, for very many
/// sections, in the first section.
fn section_headers<'d>(
    data: &'d [u8],
    header: &FileHeader64<LE>,
) -> Result<&'d [SectionHeader64<LE>]> {
    let offset = header.e_shoff.get(LE);
    let bad = || {
        Error::malformed(format!(
            "the section table at byte {offset} does not lie in the file's {} bytes",
            data.len()
        ))
    };
    let table = usize::try_from(offset).ok().and_then(|at| data.get(at..));
    let table = table.ok_or_else(bad)?;
    if usize::from(header.e_shentsize.get(LE)) != size_of::<SectionHeader64<LE>>() {
        return Err(Error::malformed(format!(
            "section table entries of {} bytes",
            header.e_shentsize.get(LE)
        )));
    }
    let count = match header.e_shnum.get(LE) {
        0 => {
            let (first, _) = pod::from_bytes::<SectionHeader64<LE>>(table).map_err(|()| bad())?;
            usize::try_from(first.sh_size.get(LE)).map_err(|_| bad())?
        }
        count => usize::from(count),
    };
    let (headers, _) = pod::slice_from_bytes(table, count).map_err(|()| bad())?;
    Ok(headers)
}

fn name_table<'d>(
    data: &'d [u8],
    header: &FileHeader64<LE>,
    headers: &[SectionHeader64<LE>],
) -> Result<&'d [u8]> {
    let index = match header.e_shstrndx.get(LE) {
        elf::SHN_XINDEX => headers.first().map_or(0, |first| first.sh_link.get(LE)),
        index => u32::from(index.0),
    };
    let section = headers
        .get(index as usize)
        .ok_or_else(|| Error::malformed(format!("section names in absent section {index}")))?;
    content(data, section).ok_or_else(|| Error::malformed("section names are out of bounds"))
}

fn section<'d>(
    data: &'d [u8],
    index: usize,
    header: &SectionHeader64<LE>,
    names: &'d [u8],
) -> Result<Section<'d>> {
    let name = name(names, header.sh_name.get(LE));
    let file_bytes = data.len();
    let data = content(data, header).ok_or_else(|| {
        Error::malformed(format!(
            "section {index} ({name}): {} bytes at byte {} do not lie in the file's {}",
            header.sh_size.get(LE),
            header.sh_offset.get(LE),
            file_bytes
        ))
    })?;
    Ok(Section {
        name,
        kind: header.sh_type.get(LE).0,
        flags: header.sh_flags.get(LE).0,
        size: header.sh_size.get(LE),
        link: header.sh_link.get(LE),
        info: header.sh_info.get(LE),
        data,
    })
}

/// The bytes of a section, `None` where they are not in the file.
fn content<'d>(data: &'d [u8], header: &SectionHeader64<LE>) -> Option<&'d [u8]> {
    let kind = header.sh_type.get(LE);
    if kind == elf::SHT_NOBITS || kind == elf::SHT_NULL {
        return Some(&[]);
    }
    let offset = usize::try_from(header.sh_offset.get(LE)).ok()?;
    let size = usize::try_from(header.sh_size.get(LE)).ok()?;
    data.get(offset..)?.get(..size)
}

/// The text from an offset to the next NUL; empty where there is none, where
/// it is not UTF-8, and where it is too long.
fn name(table: &[u8], offset: u32) -> &str {
    let tail = table.get(offset as usize..).unwrap_or_default();
    let tail = tail.get(..MAX_NAME_BYTES).unwrap_or(tail);
    let end = tail.iter().position(|&byte| byte == 0).unwrap_or(0);
    core::str::from_utf8(tail.get(..end).unwrap_or_default()).unwrap_or_default()
}

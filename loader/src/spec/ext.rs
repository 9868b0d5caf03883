//! `.BTF.ext`: functions, lines and CO-RE relocations, by section and offset.
//!
//! Source: `struct btf_ext_header`, tools/lib/bpf/libbpf_internal.h.

use core::ops::Range;

use crate::btf::{ObjectBtf, Types};
use crate::bytes::{u32_at, word};
use crate::elf::Elf;
use crate::error::{Error, Result, ResultExt};
use crate::ext_info::{FuncInfo, LineInfo, Record};
use crate::order::{self, Key, Names};

/// Bytes of the header up to the line table.
const MIN_HEADER_BYTES: u32 = 24;
/// Bytes of the header with the CO-RE table.
const CORE_HEADER_BYTES: u32 = 32;
/// Magic number, as for BTF itself.
const MAGIC: u32 = 0xeb9f;
/// Bytes of one instruction, the unit that offsets here are multiples of.
const INSN_BYTES: u32 = crate::insn::INSN_SIZE_BYTES as u32;

/// All of `.BTF.ext`.
#[derive(Debug, Default)]
pub struct Ext<'d> {
    pub functions: Table<'d>,
    pub lines: Table<'d>,
    pub core_relos: Table<'d>,
}

/// One of the three tables.
#[derive(Debug, Default)]
pub struct Table<'d> {
    /// Bytes of each record.
    pub rec_size: u32,
    /// The table's bytes.
    data: &'d [u8],
    /// By section, the records that speak of it: each one's slot there, and where in
    /// `data` it is.
    sections: Vec<Vec<(u32, u32)>>,
}

/// One relocation as the compiler wrote it, without its place.
#[derive(Clone, Copy, Debug)]
pub struct RawCoreRelo {
    pub type_id: u32,
    pub access_str_off: u32,
    pub kind: u32,
}

impl Record for RawCoreRelo {
    const KNOWN_SIZE_BYTES: usize = 16;

    fn read(bytes: &[u8]) -> Option<Self> {
        Some(Self {
            type_id: word(bytes, 1)?,
            access_str_off: word(bytes, 2)?,
            kind: word(bytes, 3)?,
        })
    }
}

impl<'d> Ext<'d> {
    /// Takes the section apart; names of sections become their indices.
    pub fn parse(data: &'d [u8], btf: &ObjectBtf, elf: &Elf<'_>) -> Result<Self> {
        let field = |index| word(data, index).unwrap_or(0);
        let header_bytes = field(1);
        if field(0) & 0xffff != MAGIC {
            let found = field(0) & 0xffff;
            return Err(Error::malformed(format!(
                "it starts with {found:#x}, not {MAGIC:#x}"
            )));
        }
        if header_bytes < MIN_HEADER_BYTES || data.len() < header_bytes as usize {
            return Err(Error::malformed(format!(
                "header of {header_bytes} bytes in {} bytes",
                data.len()
            )));
        }
        let body = data.get(header_bytes as usize..).unwrap_or_default();
        let names = elf.names();
        let table = |what: &'static str, first_field: usize, record_bytes: usize| {
            let (offset, length) = (field(first_field) as usize, field(first_field + 1) as usize);
            let bytes = body.get(offset..).and_then(|rest| rest.get(..length));
            bytes
                .ok_or_else(|| {
                    Error::malformed(format!(
                        "{length} bytes at byte {offset} do not lie in the section's {}",
                        body.len()
                    ))
                })
                .and_then(|bytes| Table::parse(bytes, record_bytes, btf, &names))
                .with_context(|| format!("{what} table"))
        };
        Ok(Self {
            functions: table("function", 2, FuncInfo::KNOWN_SIZE_BYTES)?,
            lines: table("line", 4, LineInfo::KNOWN_SIZE_BYTES)?,
            core_relos: if header_bytes >= CORE_HEADER_BYTES {
                table("CO-RE", 6, RawCoreRelo::KNOWN_SIZE_BYTES)?
            } else {
                Table::default()
            },
        })
    }
}

impl<'d> Table<'d> {
    fn parse(
        data: &'d [u8],
        known_bytes: usize,
        btf: &ObjectBtf,
        names: &Names<'_>,
    ) -> Result<Self> {
        if data.is_empty() {
            return Ok(Self::default());
        }
        let torn = || Error::malformed("torn");
        let rec_size = u32_at(data, 0).ok_or_else(torn)?;
        if (rec_size as usize) < known_bytes || rec_size % 4 != 0 {
            return Err(Error::malformed(format!(
                "records of {rec_size} bytes, not of {known_bytes} or more"
            )));
        }
        u32::try_from(data.len()).map_err(|_| Error::malformed("more than 4 GiB"))?;
        let mut sections = Vec::<Vec<_>>::new();
        let mut rest = data.get(4..).unwrap_or_default();
        while !rest.is_empty() {
            let name = word(rest, 0).ok_or_else(torn)?;
            let count = word(rest, 1).ok_or_else(torn)?;
            let length = (count as usize).checked_mul(rec_size as usize);
            let length = length.ok_or_else(torn)?;
            let tail = rest.get(8..).unwrap_or_default();
            let (records, next) = tail.split_at_checked(length).ok_or_else(torn)?;
            rest = next;
            // Records of a section that is not here speak of no instruction.
            let Some(section) = names.find(&btf.string(name)?) else {
                continue;
            };
            // Where the first one is: behind what is neither left nor of this section.
            let start = data.len() - rest.len() - length;
            let at = (start as u32..).step_by(rec_size as usize);
            let records = records.chunks_exact(rec_size as usize).zip(at);
            let records = records.filter_map(|(r, at)| Some((word(r, 0)? / INSN_BYTES, at)));
            if sections.len() <= section {
                sections.resize_with(section + 1, Vec::new);
            }
            let own = &mut sections[section];
            // What is left out has no size known beforehand: room for all.
            own.reserve(count as usize);
            own.extend(records);
        }
        for records in &mut sections {
            order::sort(records, |&(slot, _)| Key::number(slot.into()));
        }
        Ok(Self {
            rec_size,
            data,
            sections,
        })
    }

    /// The records of some slots of a section, by slot.
    pub fn records(
        &self,
        section: usize,
        slots: &Range<usize>,
    ) -> impl ExactSizeIterator<Item = (u32, &'d [u8])> + '_ {
        let records = self.sections.get(section).map_or(&[][..], Vec::as_slice);
        let from = records.partition_point(|&(slot, _)| (slot as usize) < slots.start);
        let to = records.partition_point(|&(slot, _)| (slot as usize) < slots.end);
        let records = records.get(from..to).unwrap_or_default();
        records.iter().map(|&(slot, at)| {
            let at = at as usize;
            let record = self.data.get(at..at.saturating_add(self.rec_size as usize));
            (slot, record.unwrap_or_default())
        })
    }
}

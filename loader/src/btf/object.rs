//! An object's own BTF: owned bytes, every type indexed, open to fix-ups.

use std::borrow::Cow;

use super::header::{Header, KNOWN_HEADER_BYTES, Sizes};
use super::types::{Kind, TYPE_HEADER_BYTES, Type, TypeHeader};
use super::{MAX_STRING_BYTES, Types};
use crate::error::{Error, Result};

/// About as long as types are: what an index makes room for.
const AVERAGE_TYPE_BYTES: usize = 20;

/// Parsed `.BTF` of an object file.
///
/// Its bytes are fixed up for the kernel: DATASEC sizes and offsets are
/// filled in, hidden functions and variables are static. Type ids never move.
#[derive(Clone, Debug)]
pub struct ObjectBtf {
    raw: Vec<u8>,
    header: Header,
    /// Byte offset of the type with id `index + 1`.
    offsets: Vec<u32>,
}

impl ObjectBtf {
    /// Parses and checks all of an object's BTF.
    ///
    /// # Errors
    /// `Malformed` for anything that does not fit together, `Unsupported` for
    /// big-endian BTF.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let total = bytes.len() as u64;
        let head = &bytes[..bytes.len().min(KNOWN_HEADER_BYTES)];
        let header = Header::parse(head, total)?;
        let strings = slice(bytes, &header.strings);
        if !strings.is_empty() && (strings.first() != Some(&0) || strings.last() != Some(&0)) {
            return Err(Error::malformed(
                "BTF strings do not start and end with NUL",
            ));
        }
        let sizes = Sizes::new(slice(bytes, &header.layout));
        let offsets = index(bytes, &header, &sizes)?;
        Ok(Self {
            raw: bytes.to_vec(),
            header,
            offsets,
        })
    }

    /// The bytes to load into the kernel.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// The highest type id.
    pub fn last_id(&self) -> u32 {
        self.offsets.len() as u32
    }

    /// All ids but `void`'s, in order.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = u32> + use<> {
        1..=self.last_id()
    }

    /// The first type of this kind and name.
    pub fn find(&self, kind: Kind, name: &str) -> Option<u32> {
        self.ids().find(|&id| {
            let ty = self.type_by_id(id).ok();
            ty.is_some_and(|ty| {
                ty.kind() == kind
                    && self
                        .string(ty.name_off)
                        .is_ok_and(|s| *s == *name.as_bytes())
            })
        })
    }

    /// Overwrites one 32-bit word of a type: word 0 is `name_off`, words from
    /// 3 follow the header.
    ///
    /// Only for what keeps every type where it is and as long as it is.
    pub(crate) fn set_word(&mut self, id: u32, word: usize, value: u32) -> Result<()> {
        let offset = self.offset_of(id)?;
        let at = word
            .checked_mul(4)
            .and_then(|bytes| bytes.checked_add(offset));
        let place = at
            .and_then(|at| self.raw.get_mut(at..))
            .and_then(|rest| rest.first_chunk_mut());
        match place {
            Some(place) => {
                *place = value.to_le_bytes();
                Ok(())
            }
            None => Err(Error::invalid_input(format!(
                "BTF type {id} has no word {word}"
            ))),
        }
    }

    fn offset_of(&self, id: u32) -> Result<usize> {
        let index = id.checked_sub(1).map(|index| index as usize);
        match index.and_then(|index| self.offsets.get(index)) {
            Some(&offset) => Ok(offset as usize),
            None => Err(Error::not_found(format!(
                "there is no BTF type {id}, the last is {}",
                self.last_id()
            ))),
        }
    }
}

impl Types for ObjectBtf {
    fn type_by_id(&self, id: u32) -> Result<Type<'_>> {
        if id == 0 {
            return Ok(Type::VOID);
        }
        let offset = self.offset_of(id)?;
        let next = self
            .offsets
            .get(id as usize)
            .map_or(self.header.types.end as usize, |&o| o as usize);
        let bytes = self.raw.get(offset..next).unwrap_or_default();
        match bytes.split_first_chunk::<TYPE_HEADER_BYTES>() {
            Some((header, trailing)) => Ok(Type::new(
                id,
                TypeHeader::read(*header),
                Cow::Borrowed(trailing),
            )),
            None => Err(Error::malformed(format!("BTF type {id} is torn"))),
        }
    }

    fn string(&self, offset: u32) -> Result<Cow<'_, [u8]>> {
        if offset == 0 {
            return Ok(Cow::Borrowed(&[]));
        }
        let strings = slice(&self.raw, &self.header.strings);
        let tail = strings.get(offset as usize..).unwrap_or_default();
        let tail = tail.get(..MAX_STRING_BYTES).unwrap_or(tail);
        match tail.iter().position(|&byte| byte == 0) {
            Some(end) => Ok(Cow::Borrowed(&tail[..end])),
            None => Err(Error::malformed(format!(
                "BTF string offset {offset} has no end in the table's {} bytes",
                strings.len()
            ))),
        }
    }
}

/// A range that [`Header::parse`] has checked against the same bytes.
fn slice<'b>(bytes: &'b [u8], range: &core::ops::Range<u64>) -> &'b [u8] {
    bytes
        .get(range.start as usize..range.end as usize)
        .unwrap_or_default()
}

/// Byte offset of every type; each type lies whole inside the section.
fn index(bytes: &[u8], header: &Header, sizes: &Sizes) -> Result<Vec<u32>> {
    let end = header.types.end as usize;
    let section = &bytes[..end];
    let mut at = header.types.start as usize;
    // Types have 12 bytes and mostly some more.
    let mut offsets = Vec::with_capacity((end - at) / AVERAGE_TYPE_BYTES);
    while at < end {
        let id = offsets.len() + 1;
        let torn = || Error::malformed(format!("BTF type {id} at byte {at} is torn"));
        let header = section
            .get(at..)
            .and_then(|rest| rest.first_chunk())
            .ok_or_else(torn)?;
        let header = TypeHeader::read(*header);
        let kind = header.kind_number();
        let trailing = sizes
            .trailing_bytes(kind, header.vlen())
            .filter(|_| kind != 0)
            .ok_or_else(|| {
                Error::malformed(format!(
                    "BTF type {id} at byte {at} is of unknown kind {kind}"
                ))
            })?;
        let next = at + TYPE_HEADER_BYTES + trailing;
        if next > end {
            return Err(torn());
        }
        let offset = u32::try_from(at).map_err(|_| Error::malformed("BTF is larger than 4 GiB"))?;
        offsets.push(offset);
        at = next;
    }
    Ok(offsets)
}

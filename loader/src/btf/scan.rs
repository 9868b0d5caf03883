//! One pass over strings and one over types, for all names at once.
//!
//! Strings are looked for as whole entries of the table: what writes kernel
//! BTF (pahole, by way of libbpf) stores each string once and shares no tails.

use core::ffi::CStr;
use std::collections::BTreeMap;

use super::header::{Header, Sizes};
use super::names::essential_name;
use super::source::{Source, Window};
use super::types::{Kind, TYPE_HEADER_BYTES, TypeHeader};
use crate::error::Result;

/// Every so many types, the index remembers where the next one starts.
pub const INDEX_STRIDE: u32 = 64;

/// A set of kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kinds(u32);

impl Kinds {
    /// The kinds that may stand for a type of this kind in CO-RE: itself, and
    /// enums of either width for each other.
    pub const fn compatible_with(kind: Kind) -> Self {
        match kind {
            Kind::Enum | Kind::Enum64 => Self(1 << Kind::Enum as u32 | 1 << Kind::Enum64 as u32),
            kind => Self(1 << kind as u32),
        }
    }

    pub const fn contains(self, kind: Kind) -> bool {
        self.0 >> kind as u32 & 1 == 1
    }
}

/// What to look for: kinds, whether flavors of the name count, the name.
pub type Wanted = (Box<[u8]>, Kinds, bool);

/// Where types start, and where reading them has to stop.
#[derive(Debug, Default)]
pub struct Index {
    /// Byte offset in the type section of every [`INDEX_STRIDE`]th type, from
    /// id 1 on.
    pub offsets: Vec<u32>,
    /// The highest id that can be read.
    pub last_id: u32,
    /// Why types after that cannot be read.
    pub stopped: Option<String>,
}

/// A string that was wanted: its offset, which name, is it exactly that?
#[derive(Debug)]
pub struct Hit {
    offset: u32,
    name: usize,
    exact: bool,
}

/// Names by their first byte, to pass over most strings at one glance.
struct Names<'n> {
    sorted: Vec<&'n [u8]>,
    first_bytes: [bool; 256],
}

impl<'n> Names<'n> {
    fn new(names: impl Iterator<Item = &'n [u8]>) -> Self {
        let mut sorted: Vec<_> = names.collect();
        sorted.sort_unstable();
        sorted.dedup();
        let mut first_bytes = [false; 256];
        for first in sorted.iter().filter_map(|name| name.first()) {
            first_bytes[usize::from(*first)] = true;
        }
        Self {
            sorted,
            first_bytes,
        }
    }

    fn hit(&self, string: &[u8], offset: u32, hits: &mut Vec<Hit>) {
        let Some(&first) = string.first() else {
            return;
        };
        if !self.first_bytes[usize::from(first)] {
            return;
        }
        if let Ok(name) = self.sorted.binary_search(&string) {
            hits.push(Hit {
                offset,
                name,
                exact: true,
            });
        }
        let essential = essential_name(string);
        if essential.len() != string.len() {
            if let Ok(name) = self.sorted.binary_search(&essential) {
                hits.push(Hit {
                    offset,
                    name,
                    exact: false,
                });
            }
        }
    }
}

/// What one scan finds.
#[derive(Debug, Default)]
pub struct Found {
    /// Ids of the types wanted, in order.
    pub types: BTreeMap<Wanted, Vec<u32>>,
    /// String offsets of names that were asked for.
    pub strings: BTreeMap<Box<[u8]>, Vec<u32>>,
}

/// Finds all wanted types and the offsets of all wanted strings.
pub fn scan(
    source: &Source<'_>,
    header: &Header,
    sizes: &Sizes,
    wanted: Vec<Wanted>,
    strings: Vec<Box<[u8]>>,
) -> Result<(Found, Index)> {
    let roots = wanted.iter().map(|(name, ..)| &**name);
    let names = Names::new(roots.chain(strings.iter().map(|string| &**string)));
    let hits = find_strings(source, header, &names)?;
    // Wanted types by the index of their name.
    let mut by_name = vec![Vec::new(); names.sorted.len()];
    for (index, (name, ..)) in wanted.iter().enumerate() {
        if let Ok(name) = names.sorted.binary_search(&&**name) {
            by_name[name].push(index);
        }
    }
    let mut found = Found::default();
    for string in &strings {
        let name = names.sorted.binary_search(&&**string).unwrap_or(usize::MAX);
        let offsets = hits.iter().filter(|hit| hit.exact && hit.name == name);
        let offsets = offsets.map(|hit| hit.offset).collect();
        found.strings.insert(string.clone(), offsets);
    }
    let filter = Filter::new(&hits);
    let mut ids = vec![Vec::new(); wanted.len()];
    let index = walk(source, header, sizes, |id, ty| {
        for hit in filter.hits(ty.name_off) {
            for &at in by_name.get(hit.name).into_iter().flatten() {
                let (_, kinds, flavors) = &wanted[at];
                let is_wanted = kinds.contains(Kind::from_number(ty.kind_number()));
                if is_wanted && (hit.exact || *flavors) {
                    ids[at].push(id);
                }
            }
        }
    })?;
    found.types = wanted.into_iter().zip(ids).collect();
    Ok((found, index))
}

/// All wanted strings, by offset.
fn find_strings(source: &Source<'_>, header: &Header, names: &Names<'_>) -> Result<Vec<Hit>> {
    let mut hits = Vec::new();
    let mut window = Window::new(source, header.strings.end);
    let mut at = header.strings.start;
    // Inside a string that began before the window: no name is that long.
    let mut inside = false;
    while at < header.strings.end {
        let bytes = window.at(at, LONGEST_NAME_BYTES)?;
        let mut rest = bytes;
        while let Ok(string) = CStr::from_bytes_until_nul(rest) {
            let done = bytes.len() - rest.len();
            let string = string.to_bytes();
            let offset = at - header.strings.start + done as u64;
            if !inside {
                // The string section's length is a u32, so is the offset.
                names.hit(string, offset as u32, &mut hits);
            }
            inside = false;
            rest = rest.get(string.len() + 1..).unwrap_or_default();
        }
        let done = bytes.len() - rest.len();
        if done == 0 {
            inside = true;
            at += bytes.len().max(1) as u64;
        } else {
            at += done as u64;
        }
    }
    Ok(hits)
}

/// Names longer than this are not looked for.
const LONGEST_NAME_BYTES: u64 = 1024;

/// Hits by string offset, behind a bitmap that turns nearly all others away.
struct Filter<'h> {
    bits: [u64; 64],
    sorted: Vec<&'h Hit>,
}

impl<'h> Filter<'h> {
    fn new(hits: &'h [Hit]) -> Self {
        let mut bits = [0; 64];
        for hit in hits {
            let (word, bit) = Self::place(hit.offset);
            bits[word] |= 1 << bit;
        }
        let mut sorted: Vec<_> = hits.iter().collect();
        sorted.sort_unstable_by_key(|hit| hit.offset);
        Self { bits, sorted }
    }

    fn place(offset: u32) -> (usize, u32) {
        // Multiplying by a large odd number spreads neighbours.
        let hash = offset.wrapping_mul(0x9e37_79b1) >> 20;
        ((hash >> 6) as usize & 63, hash & 63)
    }

    fn hits(&self, offset: u32) -> &[&'h Hit] {
        let (word, bit) = Self::place(offset);
        if self.bits[word] >> bit & 1 == 0 {
            return &[];
        }
        let from = self.sorted.partition_point(|hit| hit.offset < offset);
        let rest = self.sorted.get(from..).unwrap_or_default();
        let count = rest.iter().take_while(|hit| hit.offset == offset).count();
        &rest[..count]
    }
}

/// Visits every type once and notes where every 64th starts.
///
/// A type that cannot be stepped over ends the walk, not the program: what
/// came before it stays usable.
pub fn walk(
    source: &Source<'_>,
    header: &Header,
    sizes: &Sizes,
    mut visit: impl FnMut(u32, TypeHeader),
) -> Result<Index> {
    let section = &header.types;
    let mut index = Index::default();
    let mut window = Window::new(source, section.end);
    let mut at = section.start;
    let mut id = 1u32;
    'refill: while at < section.end {
        let (window_at, bytes) = (at, window.at(at, TYPE_HEADER_BYTES as u64)?);
        let mut done = 0;
        while let Some(head) = bytes.get(done..).and_then(<[u8]>::first_chunk) {
            let ty = TypeHeader::read(*head);
            let kind = ty.kind_number();
            at = window_at + done as u64;
            let trailing = sizes.trailing_bytes(kind, ty.vlen()).filter(|_| kind != 0);
            let Some(trailing) = trailing else {
                index.stopped = Some(format!("BTF type {id} is of unknown kind {kind}"));
                break 'refill;
            };
            let next = at + (TYPE_HEADER_BYTES + trailing) as u64;
            if next > section.end {
                index.stopped = Some(format!("BTF type {id} at byte {at} is torn"));
                break 'refill;
            }
            if (id - 1) % INDEX_STRIDE == 0 {
                index.offsets.push((at - section.start) as u32);
            }
            visit(id, ty);
            index.last_id = id;
            id += 1;
            at = next;
            done = (next - window_at) as usize;
        }
        if done == 0 {
            index.stopped = Some(format!("BTF type {id} at byte {at} is torn"));
            break;
        }
    }
    Ok(index)
}

//! One pass over strings and one over types, for all names at once.
//!
//! Strings are looked for as whole entries of the table: what writes kernel
//! BTF (pahole, by way of libbpf) stores each string once and shares no tails.

use core::ffi::CStr;

use super::header::{Header, Sizes};
use super::names::essential_name;
use super::source::{Source, Window};
use super::types::{Kind, TYPE_HEADER_BYTES, TypeHeader};
use crate::error::Result;
use crate::order::{self, Key};

/// Every so many types, the index remembers where the next one starts.
pub const INDEX_STRIDE: u32 = 64;

/// Types of a kernel have at least so many bytes, on average.
const LEAST_AVERAGE_BYTES: u64 = 24;

/// A set of kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kinds(u32);

impl Kinds {
    /// No type at all: what is wanted are the offsets of the string.
    pub const STRING: Self = Self(0);

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

/// What to look for: the name, kinds, whether flavors of the name count.
pub type Wanted = (Box<[u8]>, Kinds, bool);

/// What it is sorted by.
pub fn key((name, kinds, flavors): &Wanted) -> Key<'_> {
    Key::new(u64::from(kinds.0) << 1 | u64::from(*flavors), name)
}

/// What the offsets of a string are sorted by.
pub fn string_key(name: &[u8]) -> Key<'_> {
    Key::text(name)
}

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
#[derive(Clone, Debug)]
pub struct Hit {
    offset: u32,
    name: usize,
    exact: bool,
}

/// Names, and a bitmap of how they begin, to pass over most strings at one
/// glance.
struct Names<'n> {
    sorted: Vec<&'n [u8]>,
    /// One bit for each pair of first bytes.
    beginnings: Box<[u64; 1 << 10]>,
}

impl<'n> Names<'n> {
    fn new(names: impl Iterator<Item = &'n [u8]>) -> Self {
        let mut sorted: Vec<_> = names.filter(|name| !name.is_empty()).collect();
        order::sort(&mut sorted, |name| Key::text(name));
        sorted.dedup();
        let mut beginnings = Box::new([0; 1 << 10]);
        let mut add = |first, second| {
            let (word, bit) = Self::place(first, second);
            beginnings[word] |= 1 << bit;
        };
        for name in &sorted {
            match **name {
                [first, second, ..] => add(first, second),
                // The end of the string, or of the name before its flavor.
                [first] => {
                    add(first, 0);
                    add(first, b'_');
                }
                [] => {}
            }
        }
        Self { sorted, beginnings }
    }

    fn place(first: u8, second: u8) -> (usize, u32) {
        let pair = u16::from_le_bytes([first, second]);
        (usize::from(pair >> 6), u32::from(pair & 63))
    }

    /// May a wanted name begin like this?
    fn may_begin(&self, string: &[u8]) -> bool {
        let [first, second, ..] = *string else {
            return false;
        };
        let (word, bit) = Self::place(first, second);
        self.beginnings[word] >> bit & 1 == 1
    }

    fn hit(&self, string: &[u8], offset: u32, hits: &mut Vec<Hit>) {
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

/// What scans found: ids of types, or offsets of strings, in order.
#[derive(Debug, Default)]
pub struct Found(Vec<(Wanted, Vec<u32>)>);

impl Found {
    /// What was found for this, if it was looked for.
    pub fn get(&self, wanted: Key<'_>) -> Option<&[u32]> {
        let at = self.0.partition_point(|(other, _)| key(other) < wanted);
        let (_, found) = self.0.get(at).filter(|(other, _)| key(other) == wanted)?;
        Some(found)
    }

    /// Adds what was not looked for before.
    pub fn extend(&mut self, more: Self) {
        self.0.extend(more.0);
        order::sort(&mut self.0, |(wanted, _)| key(wanted));
    }
}

/// Wanted strings of a base, which the types of its modules may refer to.
#[derive(Debug)]
pub struct Shared(Vec<Hit>);

/// What is scanned: the whole of a kernel, or the part that is a module's.
#[derive(Debug)]
pub struct Place<'s, 'a> {
    pub source: &'s Source<'a>,
    pub header: &'s Header,
    pub sizes: &'s Sizes,
    pub first_id: u32,
    pub first_string: u32,
}

/// Finds the names of wanted types among a base's strings.
pub fn find_shared(source: &Source<'_>, header: &Header, wanted: &[Wanted]) -> Result<Shared> {
    let names = Names::new(wanted.iter().map(|(name, ..)| &**name));
    find_strings(source, header, &names).map(Shared)
}

/// Finds all wanted types and the offsets of all wanted strings. For a module,
/// `shared` is what was found for the same names in its base.
pub fn scan(
    place: &Place<'_, '_>,
    wanted: Vec<Wanted>,
    shared: Option<&Shared>,
) -> Result<(Found, Index)> {
    let Place {
        source,
        header,
        sizes,
        ..
    } = *place;
    let names = Names::new(wanted.iter().map(|(name, ..)| &**name));
    let mut hits = find_strings(source, header, &names)?;
    for hit in &mut hits {
        hit.offset = hit.offset.saturating_add(place.first_string);
    }
    hits.extend(
        shared
            .into_iter()
            .flat_map(|shared| shared.0.iter().cloned()),
    );
    // Wanted types by the index of their name.
    let mut by_name = vec![Vec::new(); names.sorted.len()];
    for (index, (name, ..)) in wanted.iter().enumerate() {
        if let Ok(name) = names.sorted.binary_search(&&**name) {
            by_name[name].push(index);
        }
    }
    let mut found: Vec<(Wanted, Vec<u32>)> = wanted
        .into_iter()
        .map(|wanted| (wanted, Vec::new()))
        .collect();
    order::sort(&mut hits, |hit| Key::number(hit.offset.into()));
    for hit in hits.iter().filter(|hit| hit.exact) {
        for &at in by_name.get(hit.name).into_iter().flatten() {
            let ((_, kinds, _), offsets) = &mut found[at];
            if *kinds == Kinds::STRING {
                offsets.push(hit.offset);
            }
        }
    }
    let filter = Filter::new(&hits);
    let index = walk(source, header, sizes, |id, ty| {
        for hit in filter.hits(ty.name_off) {
            for &at in by_name.get(hit.name).into_iter().flatten() {
                let ((_, kinds, flavors), ids) = &mut found[at];
                let is_wanted = kinds.contains(Kind::from_number(ty.kind_number()));
                if is_wanted && (hit.exact || *flavors) {
                    ids.push(id.saturating_add(place.first_id - 1));
                }
            }
        }
    })?;
    let mut all = Found::default();
    all.extend(Found(found));
    Ok((all, index))
}

/// All wanted strings, by offset.
fn find_strings(source: &Source<'_>, header: &Header, names: &Names<'_>) -> Result<Vec<Hit>> {
    let section = &header.strings;
    let mut hits = Vec::new();
    if names.sorted.is_empty() {
        return Ok(hits);
    }
    let mut window = Window::new(source, section.end);
    let mut at = section.start;
    // Inside a string that began before the window: no name is that long.
    let mut inside = false;
    while at < section.end {
        let bytes = window.at(at, LONGEST_NAME_BYTES)?;
        let Some(last) = bytes.iter().rposition(|&byte| byte == 0) else {
            inside = true;
            at += bytes.len().max(1) as u64;
            continue;
        };
        let whole = &bytes[..=last];
        let mut look = |start: usize| {
            let string = &whole[start..];
            if names.may_begin(string) {
                let string = CStr::from_bytes_until_nul(string).unwrap_or_default();
                // The string section's length is a u32, so is the offset.
                let offset = at - section.start + start as u64;
                names.hit(string.to_bytes(), offset as u32, &mut hits);
            }
        };
        if !inside {
            look(0);
        }
        each_nul(whole, |nul| look(nul + 1));
        inside = false;
        at += whole.len() as u64;
    }
    Ok(hits)
}

/// Visits the place of every NUL, eight bytes at a time.
fn each_nul(bytes: &[u8], mut visit: impl FnMut(usize)) {
    const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    let chunks = bytes.chunks_exact(8);
    let rest = chunks.remainder();
    let mut base = 0;
    for chunk in chunks {
        let word = chunk
            .first_chunk()
            .map_or(0, |chunk| u64::from_le_bytes(*chunk));
        // The top bit of each byte that is zero, exactly.
        let mut nuls = !(((word & LOW) + LOW) | word | LOW);
        while nuls != 0 {
            visit(base + (nuls.trailing_zeros() / 8) as usize);
            nuls &= nuls - 1;
        }
        base += 8;
    }
    for (index, _) in rest.iter().enumerate().filter(|(_, byte)| **byte == 0) {
        visit(base + index);
    }
}

/// Names longer than this are not looked for.
const LONGEST_NAME_BYTES: u64 = 1024;

/// Hits by string offset, behind a bitmap that turns nearly all others away.
struct Filter<'h> {
    bits: [u64; 64],
    /// By offset.
    hits: &'h [Hit],
}

impl<'h> Filter<'h> {
    /// `hits` are by offset.
    fn new(hits: &'h [Hit]) -> Self {
        let mut bits = [0; 64];
        for hit in hits {
            let (word, bit) = Self::place(hit.offset);
            bits[word] |= 1 << bit;
        }
        Self { bits, hits }
    }

    fn place(offset: u32) -> (usize, u32) {
        // Multiplying by a large odd number spreads neighbours.
        let hash = offset.wrapping_mul(0x9e37_79b1) >> 20;
        ((hash >> 6) as usize & 63, hash & 63)
    }

    fn hits(&self, offset: u32) -> &'h [Hit] {
        let (word, bit) = Self::place(offset);
        if self.bits[word] >> bit & 1 == 0 {
            return &[];
        }
        let from = self.hits.partition_point(|hit| hit.offset < offset);
        let rest = self.hits.get(from..).unwrap_or_default();
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
    // A little more than there will be: what is not used is never touched.
    let types = (section.end - section.start.min(section.end)) / LEAST_AVERAGE_BYTES;
    let types = usize::try_from(types).unwrap_or(0);
    index.offsets.reserve(types / INDEX_STRIDE as usize + 1);
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

//! Damage to inputs, from numbers that can be had again.

#![allow(dead_code, reason = "each user takes its own part")]

use std::ops::Range;

use object::{Object as _, ObjectSection as _};

/// Numbers without a pattern, the same for the same start.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The numbers of one input.
    pub fn new(seed: u64, index: u64) -> Self {
        Self(seed ^ index.wrapping_mul(0xd1b5_4a32_d192_ed03))
    }

    /// The next number (SplitMix64).
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// A number below `end`, or 0.
    pub fn below(&mut self, end: usize) -> usize {
        match end {
            0 => 0,
            end => (self.next() % end as u64) as usize,
        }
    }
}

/// Something to damage, and where that is worth while.
#[derive(Clone, Debug)]
pub struct Seed {
    /// The bytes as they should be.
    pub bytes: Vec<u8>,
    areas: Vec<Range<usize>>,
}

impl Seed {
    /// An object: damaged where it is read, not in what is for debuggers.
    pub fn object(bytes: Vec<u8>) -> Self {
        let mut areas = vec![0..bytes.len(), 0..64.min(bytes.len())];
        if let Ok(file) = object::File::parse(&*bytes) {
            areas.push(bytes.len().saturating_sub(file.sections().count() * 64)..bytes.len());
            for section in file.sections() {
                let Some((start, size)) = section.file_range() else {
                    continue;
                };
                let area = start as usize..(start + size) as usize;
                let name = section.name().unwrap_or_default();
                // Types are half of what there is to get wrong.
                let times = if name.starts_with(".BTF") { 4 } else { 1 };
                areas.extend(core::iter::repeat_n(area, times));
            }
        }
        Self { bytes, areas }
    }

    /// An object, damaged in its header and its table of sections.
    pub fn tables(bytes: Vec<u8>) -> Self {
        let sections = object::File::parse(&*bytes).map_or(0, |file| file.sections().count());
        let table = bytes.len().saturating_sub((sections + 1) * 64)..bytes.len();
        let areas = vec![0..64.min(bytes.len()), table.clone(), table];
        Self { bytes, areas }
    }

    /// Anything with a header of `header_bytes`.
    pub fn plain(bytes: Vec<u8>, header_bytes: usize) -> Self {
        let whole = 0..bytes.len();
        let areas = vec![whole.clone(), whole, 0..header_bytes.min(bytes.len())];
        Self { bytes, areas }
    }

    /// A damaged copy, into `out`.
    pub fn damaged(&self, random: &mut Random, out: &mut Vec<u8>) {
        out.clear();
        out.extend_from_slice(&self.bytes);
        for _ in 0..1 + random.below(4) {
            let area = &self.areas[random.below(self.areas.len())];
            damage(out, area, random);
        }
    }
}

/// Numbers that are often one too many or too few.
const EDGES: [u32; 12] = [
    0,
    1,
    2,
    7,
    8,
    0x7f,
    0xff,
    0xffff,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_fff8,
    0xffff_ffff,
];

/// One change inside of an area.
fn damage(out: &mut Vec<u8>, area: &Range<usize>, random: &mut Random) {
    let at = area.start + random.below(area.len());
    // Most fields are aligned; so is most damage that gets far.
    let word = at & !3;
    match random.below(12) {
        0..3 => write(out, at, &[random.next() as u8]),
        3 => flip(out, at, random),
        4..6 => write(out, word, &EDGES[random.below(EDGES.len())].to_le_bytes()),
        6 => write(out, word, &(random.below(256) as u32).to_le_bytes()),
        7 => write(out, word, &(random.next() as u32).to_le_bytes()),
        8 => add(out, word, random.below(33) as u32),
        9 | 10 => {
            let (from, bytes) = (area.start + random.below(area.len()), 1 + random.below(64));
            if from.max(at) + bytes <= out.len() {
                out.copy_within(from..from + bytes, at);
            }
        }
        _ if random.below(4) == 0 => out.truncate(at),
        _ => write(out, word, &random.next().to_le_bytes()),
    }
}

fn write(out: &mut [u8], at: usize, bytes: &[u8]) {
    if let Some(place) = out.get_mut(at..at + bytes.len()) {
        place.copy_from_slice(bytes);
    }
}

fn flip(out: &mut [u8], at: usize, random: &mut Random) {
    if let Some(byte) = out.get_mut(at) {
        *byte ^= 1 << random.below(8);
    }
}

/// Moves a number by at most 16 either way.
fn add(out: &mut [u8], at: usize, by: u32) {
    if let Some(place) = out.get(at..at + 4) {
        let number = u32::from_le_bytes(place.try_into().unwrap());
        let number = number.wrapping_add(by).wrapping_sub(16);
        write(out, at, &number.to_le_bytes());
    }
}

//! A kernel's types as a module would have them: on top of others.

/// A kernel with a single type, an integer.
pub fn tiny_kernel() -> Vec<u8> {
    let types = [1u32, 1 << 24, 4, 1 << 24 | 32];
    let strings = b"\0int\0";
    let header = [0x0001_eb9f, 24, 0, 16, 16, strings.len() as u32];
    let words = header.into_iter().chain(types);
    let mut bytes: Vec<u8> = words.flat_map(u32::to_le_bytes).collect();
    bytes.extend_from_slice(strings);
    bytes
}

/// The same types, with numbers that go on where those of [`tiny_kernel`] end.
pub fn on_tiny_kernel(btf: &[u8]) -> Vec<u8> {
    let word = |at: usize| u32::from_le_bytes(btf[at..at + 4].try_into().unwrap());
    let mut out = btf.to_vec();
    // One type and six bytes of strings come before.
    let mut shift = |at: usize, by: u32| {
        let moved = match word(at) {
            0 => 0,
            number => number + by,
        };
        out[at..at + 4].copy_from_slice(&moved.to_le_bytes());
    };
    let (ids, names) = (1, 6);
    let start = (word(4) + word(8)) as usize;
    let end = start + word(12) as usize;
    let mut at = start;
    while at < end {
        let (kind, count) = (word(at + 4) >> 24 & 0x1f, word(at + 4) as usize & 0xffff);
        shift(at, names);
        let behind = at + 12;
        // Bytes of an element, and which of its words are a name and an id.
        let (element, name, id) = match kind {
            4 | 5 => (12, Some(0), Some(4)),
            6 => (8, Some(0), None),
            13 => (8, Some(0), Some(4)),
            15 => (12, None, Some(0)),
            19 => (12, Some(0), None),
            _ => (0, None, None),
        };
        if matches!(kind, 2 | 8..=14 | 17 | 18) {
            shift(at + 8, ids);
        }
        if kind == 3 {
            shift(behind, ids);
            shift(behind + 4, ids);
        }
        for index in 0..if element == 0 { 0 } else { count } {
            name.into_iter()
                .for_each(|name| shift(behind + index * element + name, names));
            id.into_iter()
                .for_each(|id| shift(behind + index * element + id, ids));
        }
        at = behind
            + match kind {
                1 | 14 | 17 => 4,
                3 => 12,
                _ => element * count,
            };
    }
    out
}

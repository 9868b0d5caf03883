//! DEFLATE and gzip, as much as a compressed kernel configuration takes.
//!
//! Bytes in, bytes out. The output has a limit, so that a small file cannot
//! become any amount of memory; whatever does not fit is an error.
//!
//! Source: RFC 1951, RFC 1952.

use crate::error::{Error, Result};

/// Longest code in bits.
const MAX_CODE_BITS: usize = 15;
/// Symbols of the literal and length alphabet.
const LITERALS: usize = 288;
/// Symbols of the distance alphabet.
const DISTANCES: usize = 32;
/// How far back a copy may reach in bytes.
const WINDOW_BYTES: usize = 32 << 10;
/// The order in which the lengths of the code lengths' own codes come.
const CODE_LENGTH_ORDER: [u8; 19] = [
    16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
];

/// Unpacks one gzip member of at most `limit_bytes`.
///
/// # Errors
/// `Malformed` for what is no gzip, is torn or is larger.
pub(crate) fn gunzip(data: &[u8], limit_bytes: usize) -> Result<Vec<u8>> {
    let body = gzip_body(data).ok_or_else(|| Error::malformed("no gzip header"))?;
    let mut bits = Bits {
        data: body,
        at: 0,
        held: 0,
        count: 0,
    };
    let mut out = Vec::new();
    while !block(&mut bits, &mut out, limit_bytes)? {}
    let trailer = bits.rest();
    let (crc, length) = (word(trailer, 0), word(trailer, 4));
    if crc != Some(crc32(&out)) || length != Some(out.len() as u32) {
        return Err(Error::malformed("gzip checksum or length is wrong"));
    }
    Ok(out)
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    crate::bytes::u32_at(bytes, at)
}

/// What follows the header and its optional fields.
fn gzip_body(data: &[u8]) -> Option<&[u8]> {
    const HEADER_CRC: u8 = 2;
    const EXTRA: u8 = 4;
    const NAME: u8 = 8;
    const COMMENT: u8 = 16;
    const DEFLATE: u8 = 8;
    let (head, mut rest) = data.split_at_checked(10)?;
    if !head.starts_with(&[0x1f, 0x8b, DEFLATE]) {
        return None;
    }
    let flags = head[3];
    if flags & EXTRA != 0 {
        let length = usize::from(u16::from_le_bytes(*rest.first_chunk()?));
        rest = rest.get(2 + length..)?;
    }
    for text in [NAME, COMMENT] {
        if flags & text != 0 {
            let end = rest.iter().position(|&byte| byte == 0)?;
            rest = rest.get(end + 1..)?;
        }
    }
    if flags & HEADER_CRC != 0 {
        rest = rest.get(2..)?;
    }
    Some(rest)
}

/// The checksum of gzip, four bits at a time: no table to build or to carry.
fn crc32(bytes: &[u8]) -> u32 {
    const NIBBLES: [u32; 16] = {
        let mut table = [0u32; 16];
        let mut index = 0;
        while index < 16 {
            let mut value = index as u32;
            let mut bit = 0;
            while bit < 4 {
                value = value >> 1 ^ if value & 1 == 1 { 0xedb8_8320 } else { 0 };
                bit += 1;
            }
            table[index] = value;
            index += 1;
        }
        table
    };
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..2 {
            crc = crc >> 4 ^ NIBBLES[(crc & 15) as usize];
        }
    }
    !crc
}

/// Bits of the input, the lowest of each byte first.
struct Bits<'d> {
    data: &'d [u8],
    at: usize,
    held: u32,
    count: u32,
}

impl<'d> Bits<'d> {
    /// The next `count` bits, at most 16.
    fn take(&mut self, count: u32) -> Result<u32> {
        while self.count < count {
            let byte = self.data.get(self.at);
            let byte = byte.ok_or_else(|| Error::malformed("compressed data ends too soon"))?;
            self.held |= u32::from(*byte) << self.count;
            self.at += 1;
            self.count += 8;
        }
        let taken = self.held & ((1 << count) - 1);
        self.held >>= count;
        self.count -= count;
        Ok(taken)
    }

    /// The next whole bytes; what is left of the last one is dropped. No more
    /// than seven bits are ever held after a whole symbol.
    fn rest(&mut self) -> &'d [u8] {
        (self.held, self.count) = (0, 0);
        self.data.get(self.at..).unwrap_or_default()
    }
}

/// A canonical Huffman code: how many codes there are of each length, and the
/// symbols in the order of their codes.
struct Code<const N: usize> {
    counts: [u16; MAX_CODE_BITS + 1],
    symbols: [u16; N],
}

impl<const N: usize> Code<N> {
    /// The code in which symbol `i` has `lengths[i]` bits, or none for 0.
    fn new(lengths: &[u8]) -> Result<Self> {
        let mut counts = [0u16; MAX_CODE_BITS + 1];
        for &length in lengths {
            counts[usize::from(length)] += 1;
        }
        counts[0] = 0;
        // Unused codes are legal (one distance of one bit), too many are not.
        let mut left = 1i32;
        for &count in &counts[1..] {
            left = left * 2 - i32::from(count);
            if left < 0 {
                return Err(Error::malformed("too many codes of a length"));
            }
        }
        let mut next = [0u16; MAX_CODE_BITS + 2];
        for (length, &count) in counts.iter().enumerate() {
            next[length + 1] = next[length] + count;
        }
        let mut symbols = [0; N];
        for (symbol, &length) in lengths.iter().enumerate() {
            if length != 0 {
                let place = &mut next[usize::from(length)];
                symbols[usize::from(*place)] = symbol as u16;
                *place += 1;
            }
        }
        Ok(Self { counts, symbols })
    }

    fn symbol(&self, bits: &mut Bits<'_>) -> Result<usize> {
        // The codes of a length are consecutive numbers, those of the next one
        // start at twice what follows them.
        let (mut code, mut first, mut index) = (0i32, 0i32, 0i32);
        for &count in &self.counts[1..] {
            code |= bits.take(1)? as i32;
            let count = i32::from(count);
            if code - first < count {
                let symbol = self.symbols.get((index + code - first) as usize);
                return Ok(usize::from(symbol.copied().unwrap_or(0)));
            }
            index += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        Err(Error::malformed("a code that stands for nothing"))
    }
}

/// Unpacks one block; true if it is the last.
fn block(bits: &mut Bits<'_>, out: &mut Vec<u8>, limit_bytes: usize) -> Result<bool> {
    let is_last = bits.take(1)? == 1;
    match bits.take(2)? {
        0 => stored(bits, out, limit_bytes)?,
        1 => {
            let mut lengths = [8; LITERALS];
            lengths[144..256].fill(9);
            lengths[256..280].fill(7);
            compressed(bits, out, limit_bytes, &lengths, &[5; DISTANCES])?;
        }
        2 => {
            let (lengths, literals) = dynamic(bits)?;
            let (literals, distances) = lengths.split_at(literals);
            compressed(bits, out, limit_bytes, literals, distances)?;
        }
        _ => return Err(Error::malformed("a block of unknown type")),
    }
    Ok(is_last)
}

fn room(out: &[u8], more: usize, limit_bytes: usize) -> Result<()> {
    if more > limit_bytes.saturating_sub(out.len()) {
        return Err(Error::malformed(format!("over {limit_bytes} bytes")));
    }
    Ok(())
}

fn stored(bits: &mut Bits<'_>, out: &mut Vec<u8>, limit_bytes: usize) -> Result<()> {
    let rest = bits.rest();
    let length = word(rest, 0).unwrap_or(0);
    let (length, inverse) = (length as u16, (length >> 16) as u16);
    let bytes = rest.get(4..).and_then(|rest| rest.get(..length.into()));
    match bytes {
        Some(bytes) if length == !inverse => {
            room(out, bytes.len(), limit_bytes)?;
            out.extend_from_slice(bytes);
            bits.at += 4 + bytes.len();
            Ok(())
        }
        _ => Err(Error::malformed("a stored block is torn")),
    }
}

/// The lengths of a block's own codes, and how many of them are literals'.
fn dynamic(bits: &mut Bits<'_>) -> Result<(Vec<u8>, usize)> {
    let literals = bits.take(5)? as usize + 257;
    let distances = bits.take(5)? as usize + 1;
    let count = bits.take(4)? as usize + 4;
    if literals > 286 || distances > 30 {
        return Err(Error::malformed("too many codes"));
    }
    let mut lengths = [0; CODE_LENGTH_ORDER.len()];
    for &symbol in &CODE_LENGTH_ORDER[..count] {
        lengths[usize::from(symbol)] = bits.take(3)? as u8;
    }
    let code = Code::<19>::new(&lengths)?;
    let total = literals + distances;
    let mut lengths: Vec<u8> = Vec::with_capacity(total);
    while lengths.len() < total {
        let symbol = code.symbol(bits)?;
        let (value, times) = match symbol {
            0..=15 => (symbol as u8, 1),
            16 => {
                let last = lengths.last().copied();
                let last = last.ok_or_else(|| Error::malformed("nothing to repeat"))?;
                (last, 3 + bits.take(2)? as usize)
            }
            17 => (0, 3 + bits.take(3)? as usize),
            _ => (0, 11 + bits.take(7)? as usize),
        };
        if lengths.len() + times > total {
            return Err(Error::malformed("too many code lengths"));
        }
        lengths.resize(lengths.len() + times, value);
    }
    Ok((lengths, literals))
}

fn compressed(
    bits: &mut Bits<'_>,
    out: &mut Vec<u8>,
    limit_bytes: usize,
    literals: &[u8],
    distances: &[u8],
) -> Result<()> {
    let literals = Code::<LITERALS>::new(literals)?;
    let distances = Code::<DISTANCES>::new(distances)?;
    loop {
        let symbol = literals.symbol(bits)?;
        match symbol {
            0..=255 => {
                room(out, 1, limit_bytes)?;
                out.push(symbol as u8);
            }
            256 => return Ok(()),
            _ => {
                let length = copy_length(bits, symbol - 257)?;
                let symbol = distances.symbol(bits)?;
                let distance = copy_distance(bits, symbol)?;
                room(out, length, limit_bytes)?;
                let from = out.len().checked_sub(distance);
                let from = from.filter(|_| distance <= WINDOW_BYTES);
                let from =
                    from.ok_or_else(|| Error::malformed("a copy of what was never there"))?;
                // A copy may run into what it has just written.
                for at in from..from + length {
                    out.push(out[at]);
                }
            }
        }
    }
}

/// Lengths 3 to 10 have a symbol each, then four share each extra bit.
fn copy_length(bits: &mut Bits<'_>, symbol: usize) -> Result<usize> {
    match symbol {
        0..=7 => Ok(symbol + 3),
        8..=27 => {
            let extra = symbol as u32 / 4 - 1;
            let base = (4 + symbol % 4) << extra;
            Ok(base + 3 + bits.take(extra)? as usize)
        }
        28 => Ok(258),
        _ => Err(Error::malformed("a length that does not exist")),
    }
}

/// Distances 1 to 4 have a symbol each, then two share each extra bit.
fn copy_distance(bits: &mut Bits<'_>, symbol: usize) -> Result<usize> {
    match symbol {
        0..=3 => Ok(symbol + 1),
        4..=29 => {
            let extra = symbol as u32 / 2 - 1;
            let base = (2 + symbol % 2) << extra;
            Ok(base + 1 + bits.take(extra)? as usize)
        }
        _ => Err(Error::malformed("a distance that does not exist")),
    }
}

#[cfg(test)]
mod tests;

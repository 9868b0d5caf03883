//! The kernel's answers about networks and the binaries that probes are set in,
//! without a kernel: for fuzzing.

use super::binary::{self, Binary};
use super::netlink::{Attributes, Messages};
use super::usdt;
use crate::btf::ReadAt;
use crate::error::Result;
use core::ops::Range;

/// Nests of attributes that are looked into.
const DEPTH: usize = 4;

/// Reads a datagram as every request of this crate would.
pub fn netlink_messages(bytes: &[u8]) -> bool {
    let mut accepted = true;
    for message in Messages(bytes) {
        let Ok(message) = message else {
            return false;
        };
        accepted &= message.verdict().is_ok();
        if let Ok((_, attributes)) = message.split::<20>() {
            read(attributes, DEPTH);
        }
        if let Ok((_, attributes)) = message.split::<16>() {
            read(attributes, DEPTH);
        }
    }
    accepted
}

fn read(attributes: Attributes<'_>, depth: usize) {
    for (kind, payload) in attributes {
        let _ = (attributes.u32(kind), attributes.text(kind));
        if depth > 0 {
            read(Attributes(payload), depth - 1);
        }
    }
}

/// Bytes that are read like a file.
struct Bytes<'b>(&'b [u8]);

impl ReadAt for Bytes<'_> {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let tail = self.0.get(start..).unwrap_or_default();
        let count = tail.len().min(buffer.len());
        for (place, byte) in buffer.iter_mut().zip(tail) {
            *place = *byte;
        }
        Ok(count)
    }
}

/// Looks for functions and a static probe, as probes of `lib/probed` would.
pub fn probed_binary(bytes: &[u8]) -> bool {
    let Ok(binary) = Binary::read(Bytes(bytes), bytes.len() as u64) else {
        return false;
    };
    let named = binary.functions(&["probed_one", "probed_two@VERS_1"]);
    let like = binary.functions_like("probed*");
    let is_understood = usdt::is_understood(&binary, "trapline", "site");
    named.is_ok() && like.is_ok() && is_understood
}

/// Looks for the same in an archive.
pub fn probed_archive(bytes: &[u8]) -> bool {
    let found = binary::member(&Bytes(bytes), bytes.len() as u64, "lib/probed");
    let inside = |Range { start, end }| bytes.get(start as usize..end as usize);
    found.ok().and_then(inside).is_some_and(probed_binary)
}

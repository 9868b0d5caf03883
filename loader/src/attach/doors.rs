//! The kernel's answers about networks, without a kernel: for fuzzing.

use super::netlink::{Attributes, Messages};

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

//! Frames: building them byte by byte, and saying what came out of a wire.

use std::net::IpAddr;

pub const TCP: u8 = 6;
pub const UDP: u8 = 17;
pub const ICMP: u8 = 1;
pub const ICMP6: u8 = 58;
pub const IPV4: u16 = 0x0800;
pub const IPV6: u16 = 0x86dd;
pub const ARP: u16 = 0x0806;
/// A TCP segment's flags.
pub const SYN: u8 = 2;
pub const ACK: u8 = 16;

/// An Ethernet frame.
#[must_use]
pub fn ethernet(to: [u8; 6], from: [u8; 6], kind: u16, payload: &[u8]) -> Vec<u8> {
    [&to[..], &from, &kind.to_be_bytes(), payload].concat()
}

/// An IP packet of either family; hop limit 64.
#[must_use]
pub fn ip(from: IpAddr, to: IpAddr, protocol: u8, payload: &[u8]) -> Vec<u8> {
    match (from, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            let len = (payload.len() as u16 + 20).to_be_bytes();
            let mut head = vec![0x45, 0, len[0], len[1], 0, 1, 0, 0, 64, protocol, 0, 0];
            head.extend(from.octets());
            head.extend(to.octets());
            let sum = checksum(&[&head]).to_be_bytes();
            head[10..12].copy_from_slice(&sum);
            [&head[..], payload].concat()
        }
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            let len = (payload.len() as u16).to_be_bytes();
            let head = [0x60, 0, 0, 0, len[0], len[1], protocol, 64];
            [&head[..], &from.octets(), &to.octets(), payload].concat()
        }
        _ => Vec::new(),
    }
}

/// Which type a frame with such a packet has.
#[must_use]
pub fn kind_of(address: IpAddr) -> u16 {
    match address {
        IpAddr::V4(_) => IPV4,
        IpAddr::V6(_) => IPV6,
    }
}

/// A UDP datagram with its sum.
#[must_use]
pub fn udp((from, source): (IpAddr, u16), (to, dest): (IpAddr, u16), data: &[u8]) -> Vec<u8> {
    let len = data.len() as u16 + 8;
    let words = [source, dest, len, 0].map(u16::to_be_bytes);
    let mut datagram = [&words.concat()[..], data].concat();
    let sum = transport_sum(from, to, UDP, &datagram).to_be_bytes();
    datagram[6..8].copy_from_slice(&sum);
    ip(from, to, UDP, &datagram)
}

/// A TCP segment with its sum and without data.
#[must_use]
pub fn tcp((from, source): (IpAddr, u16), (to, dest): (IpAddr, u16), flags: u8) -> Vec<u8> {
    let ports = [source, dest].map(u16::to_be_bytes).concat();
    let mut segment = [
        &ports[..],
        &[0, 0, 0, 1, 0, 0, 0, 0, 0x50, flags, 16, 0, 0, 0, 0, 0],
    ]
    .concat();
    let sum = transport_sum(from, to, TCP, &segment).to_be_bytes();
    segment[16..18].copy_from_slice(&sum);
    ip(from, to, TCP, &segment)
}

/// A ping.
#[must_use]
pub fn echo(from: IpAddr, to: IpAddr) -> Vec<u8> {
    let (protocol, kind) = match from {
        IpAddr::V4(_) => (ICMP, 8),
        IpAddr::V6(_) => (ICMP6, 128),
    };
    let mut message = vec![kind, 0, 0, 0, 0, 7, 0, 1, 1, 2, 3, 4];
    let sum = match from {
        IpAddr::V4(_) => checksum(&[&message]),
        IpAddr::V6(_) => transport_sum(from, to, ICMP6, &message),
    };
    message[2..4].copy_from_slice(&sum.to_be_bytes());
    ip(from, to, protocol, &message)
}

fn transport_sum(from: IpAddr, to: IpAddr, protocol: u8, payload: &[u8]) -> u16 {
    let octets = |address: IpAddr| match address {
        IpAddr::V4(four) => four.octets().to_vec(),
        IpAddr::V6(six) => six.octets().to_vec(),
    };
    let len = (payload.len() as u32).to_be_bytes();
    checksum(&[
        &octets(from),
        &octets(to),
        &len,
        &[0, 0, 0, protocol],
        payload,
    ])
}

/// The Internet's; every part but the last is even.
fn checksum(parts: &[&[u8]]) -> u16 {
    let words = parts.iter().flat_map(|part| part.chunks(2));
    let words = words.map(|word| u32::from(word[0]) << 8 | u32::from(*word.get(1).unwrap_or(&0)));
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

/// What a frame is, in words: `arp`, `nd`, `tcp 4660 5000`, `udp 1 2`, `icmp 8`,
/// `type 88cc`.
#[must_use]
pub fn describe(frame: &[u8]) -> String {
    let word = |at: usize| {
        let bytes = frame.get(at..at + 2).unwrap_or(&[0, 0]);
        u16::from_be_bytes([bytes[0], bytes[1]])
    };
    let byte = |at: usize| frame.get(at).copied().unwrap_or(0);
    let (mut at, mut protocol) = match word(12) {
        ARP => return "arp".to_owned(),
        IPV4 => (14 + usize::from(byte(14) & 15) * 4, byte(23)),
        IPV6 => (54, byte(20)),
        other => return format!("type {other:04x}"),
    };
    // Hop-by-hop options, as listener reports have them.
    if word(12) == IPV6 && protocol == 0 {
        protocol = byte(at);
        at += 8;
    }
    match protocol {
        TCP => format!("tcp {} {}", word(at), word(at + 2)),
        UDP => format!("udp {} {}", word(at), word(at + 2)),
        ICMP6 if (133..=136).contains(&byte(at)) => "nd".to_owned(),
        ICMP6 if matches!(byte(at), 131 | 132 | 143) => "mld".to_owned(),
        ICMP | ICMP6 => format!("icmp {}", byte(at)),
        other => format!("protocol {other}"),
    }
}

//! Packets and frames that are out of the ordinary.

use std::net::IpAddr;

use super::frames::{self, ICMP6, ip};
use super::world::HOST6;

/// One VLAN tag more, inside of the frame.
pub fn tagged(frame: &[u8], kind: u16) -> Vec<u8> {
    let tag = [&kind.to_be_bytes()[..], &[0, 5]].concat();
    [&frame[..12], &tag, &frame[12..]].concat()
}

/// The same IPv4 packet with four bytes of options after its head.
pub fn with_options(packet: &[u8], options: [u8; 4]) -> Vec<u8> {
    let mut packet = [&packet[..20], &options, &packet[20..]].concat();
    packet[0] = 0x46;
    packet[3] += 4;
    packet
}

/// An IPv4 fragment: flags and offset in units of eight bytes, and its number.
pub fn fragment(packet: &[u8], bits: u16, number: u8) -> Vec<u8> {
    let mut packet = packet.to_vec();
    packet[5] = number;
    packet[6..8].copy_from_slice(&bits.to_be_bytes());
    packet
}

pub const MORE: u16 = 0x2000;

/// An IPv6 packet with an extension header of eight bytes before the payload.
pub fn extended(packet: &[u8], kind: u8, head: [u8; 8]) -> Vec<u8> {
    let mut head = head;
    head[0] = packet[6];
    let mut packet = [&packet[..40], &head, &packet[40..]].concat();
    packet[6] = kind;
    packet[5] += 8;
    packet
}

/// The same IPv6 packet with another hop limit.
pub fn hops(mut packet: Vec<u8>, limit: u8) -> Vec<u8> {
    packet[7] = limit;
    packet
}

/// An ICMP message about a packet.
pub fn error(from: IpAddr, to: IpAddr, (kind, code): (u8, u8), about: &[u8]) -> Vec<u8> {
    let protocol = if from.is_ipv4() { frames::ICMP } else { ICMP6 };
    let message = [&[kind, code, 0, 0, 0, 0, 5, 0], about].concat();
    ip(from, to, protocol, &message)
}

/// A neighbour message of that type.
pub fn neighbour(from: IpAddr, to: IpAddr, kind: u8, limit: u8) -> Vec<u8> {
    let message = [&[kind, 0, 0, 0, 0, 0, 0, 0][..], &HOST6.octets()].concat();
    hops(ip(from, to, ICMP6, &message), limit)
}

pub fn arp(operation: u8) -> Vec<u8> {
    let mut message = vec![0, 1, 8, 0, 6, 4, 0, operation];
    message.resize(28, 0);
    message
}

pub fn udp_head(source: u16, dest: u16) -> [u8; 8] {
    let [s, t] = source.to_be_bytes();
    let [d, e] = dest.to_be_bytes();
    [s, t, d, e, 0, 48, 0, 0]
}

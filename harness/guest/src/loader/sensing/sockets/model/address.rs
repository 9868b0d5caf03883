//! Addresses, as sockets have them and find each other by.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::super::place::Kind;

/// IPv4 as IPv4 has it.
pub fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// As a socket of this kind has it.
pub fn as_of(kind: Kind, address: SocketAddr) -> SocketAddr {
    match (kind.is_six(), address.ip()) {
        (true, IpAddr::V4(ip)) => SocketAddr::new(ip.to_ipv6_mapped().into(), address.port()),
        (false, _) => canonical(address),
        (true, IpAddr::V6(_)) => address,
    }
}

/// Any address, with this port.
pub fn anywhere(kind: Kind, port: u16) -> SocketAddr {
    match kind.is_six() {
        true => SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), port),
        false => SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port),
    }
}

/// No way leads between addresses of two of these.
pub fn class(ip: IpAddr) -> u8 {
    match ip {
        IpAddr::V4(ip) if ip.is_loopback() => 0,
        IpAddr::V4(_) => 1,
        IpAddr::V6(ip) if ip.to_ipv4_mapped().is_some() => MAPPED,
        IpAddr::V6(_) => 3,
    }
}

/// IPv4 through IPv6.
pub const MAPPED: u8 = 2;

/// Whether a socket there is to be found here.
pub fn is_found(at: SocketAddr, asked: SocketAddr) -> bool {
    let (at_own, asked_own) = (canonical(at), canonical(asked));
    let is_any = at.ip().is_unspecified() && (at.is_ipv6() || asked_own.is_ipv4());
    at.port() == asked.port() && (is_any || at_own == asked_own)
}

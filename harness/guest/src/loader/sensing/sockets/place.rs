//! What sockets there are, and the addresses that calls are given.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::super::tree::Random;
use crate::workloads::network::world::{HERE, HERE_V6, NOWHERE, THERE, mapped};

/// Where who listens never hears.
pub const DEAF_PORT: u16 = 7009;
/// Where sockets are bound to, so that others find them.
const PORTS: [u16; 4] = [7001, 7002, 7003, 7004];

/// What a socket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Tcp4,
    Tcp6,
    Udp4,
    Udp6,
    Stream,
    Datagram,
}

impl Kind {
    pub const ALL: [Self; 6] = [
        Self::Tcp4,
        Self::Tcp6,
        Self::Udp4,
        Self::Udp6,
        Self::Stream,
        Self::Datagram,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp4 => "tcp4",
            Self::Tcp6 => "tcp6",
            Self::Udp4 => "udp4",
            Self::Udp6 => "udp6",
            Self::Stream => "stream",
            Self::Datagram => "datagram",
        }
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// `AF_`, `SOCK_` and `IPPROTO_`.
    pub fn numbers(self) -> (i32, i32, i32) {
        match self {
            Self::Tcp4 => (libc::AF_INET, libc::SOCK_STREAM, libc::IPPROTO_TCP),
            Self::Tcp6 => (libc::AF_INET6, libc::SOCK_STREAM, libc::IPPROTO_TCP),
            Self::Udp4 => (libc::AF_INET, libc::SOCK_DGRAM, libc::IPPROTO_UDP),
            Self::Udp6 => (libc::AF_INET6, libc::SOCK_DGRAM, libc::IPPROTO_UDP),
            Self::Stream => (libc::AF_UNIX, libc::SOCK_STREAM, 0),
            Self::Datagram => (libc::AF_UNIX, libc::SOCK_DGRAM, 0),
        }
    }

    pub fn is_tcp(self) -> bool {
        matches!(self, Self::Tcp4 | Self::Tcp6)
    }

    pub fn is_udp(self) -> bool {
        matches!(self, Self::Udp4 | Self::Udp6)
    }

    pub fn is_six(self) -> bool {
        matches!(self, Self::Tcp6 | Self::Udp6)
    }
}

/// Addresses by the names that lines have for them: those of the world, and loopback's.
fn ips() -> [(&'static str, IpAddr); 8] {
    const NOWHERE_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xffff, 0, 0, 0, 0, 1);
    [
        ("a", HERE),
        ("b", THERE),
        ("no", NOWHERE),
        ("lo", Ipv4Addr::LOCALHOST.into()),
        ("ma", mapped(HERE)),
        ("mb", mapped(THERE)),
        ("six", HERE_V6),
        ("no6", NOWHERE_V6.into()),
    ]
}

/// An address as a call is given it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    Ip(SocketAddr),
    /// An abstract name, with a number in it.
    Name(u16),
    /// A path, likewise.
    Path(u16),
}

impl Place {
    /// Of a UNIX socket: its bytes, a path below this folder.
    pub fn unix_bytes(self, folder: &str) -> Vec<u8> {
        match self {
            Self::Path(number) => format!("{folder}/{number}").into_bytes(),
            Self::Name(number) => format!("\0model {number}").into_bytes(),
            Self::Ip(_) => Vec::new(),
        }
    }

    /// Any for such a socket, where somebody may be or not.
    pub fn random(random: &mut Random, kind: Kind) -> Self {
        let number = random.below(4);
        let ips: &[&str] = match kind {
            Kind::Tcp4 | Kind::Udp4 => &["a", "a", "b", "no", "lo"],
            Kind::Tcp6 | Kind::Udp6 => &["six", "six", "ma", "mb", "no6"],
            Kind::Stream | Kind::Datagram if random.below(2) == 0 => {
                return Self::Path(number as u16);
            }
            Kind::Stream | Kind::Datagram => return Self::Name(number as u16),
        };
        let name = ips[random.below(ips.len())];
        let ip = ips_named(name).unwrap_or(HERE);
        let port = match random.below(8) {
            0 => DEAF_PORT,
            _ => PORTS[number],
        };
        Self::Ip(SocketAddr::new(ip, port))
    }

    /// Reads one as it is written; `None` if it is none.
    pub fn read(text: &str) -> Option<Self> {
        if let Some(number) = text.strip_prefix('@') {
            return Some(Self::Name(number.parse().ok()?));
        }
        if let Some(number) = text.strip_prefix('/') {
            return Some(Self::Path(number.parse().ok()?));
        }
        let (ip, port) = text.split_once(':')?;
        let ip = ips_named(ip)?;
        Some(Self::Ip(SocketAddr::new(ip, port.parse().ok()?)))
    }
}

fn ips_named(name: &str) -> Option<IpAddr> {
    let known = ips().into_iter().find(|(known, _)| *known == name);
    known.map(|(_, ip)| ip)
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(number) => write!(f, "@{number}"),
            Self::Path(number) => write!(f, "/{number}"),
            Self::Ip(address) => {
                let known = ips().into_iter().find(|(_, ip)| *ip == address.ip());
                write!(f, "{}:{}", known.map_or("?", |it| it.0), address.port())
            }
        }
    }
}

//! What happens to sockets.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Text, flag_names};
use crate::abi;

/// See [`Kind::Socket`](super::Kind::Socket).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Socket {
    /// What was done.
    pub operation: SocketOperation,
    /// errno, 0: it is done. A connect that goes on has `EINPROGRESS`, or what
    /// interrupted it, and [`abi::SOCKET_IN_PROGRESS`].
    pub error: u32,
    /// What else is known.
    pub flags: SocketFlags,
    /// Its cookie, as `SO_COOKIE` has it: names the socket for as long as the machine
    /// is up. The highest bit is set where the sensor had to give it a number.
    pub socket_id: u64,
    /// `AF_`.
    pub family: u16,
    /// `SOCK_`.
    pub socket_type: u16,
    /// `IPPROTO_`; of a packet socket `ETH_P_`.
    pub protocol: u16,
    /// This end.
    pub local: Option<Address>,
    /// The other: that was asked for, or that answered.
    pub remote: Option<Address>,
    /// `AF_UNIX`: the path, or a NUL and an abstract name.
    pub path: Text,
    /// The network namespace of the socket, an inode number.
    pub net_ns: u32,
    /// The index of the interface that it is bound to; 0: any.
    pub interface: u32,
    /// listen: the backlog; otherwise 0.
    pub detail: u32,
    /// Who opened or accepted it: `process_id` and tgid; `None` where it was opened
    /// before the sensors were there.
    pub owner: Option<(u64, u32)>,
    /// When it was opened or first seen, `CLOCK_BOOTTIME` in nanoseconds.
    pub opened_time_ns: u64,
    /// Since it was opened; of a flow's end, between it and `remote` alone.
    pub totals: Totals,
    /// When the first and the last datagram of the flow went, `CLOCK_BOOTTIME` in
    /// nanoseconds: of a flow's end only.
    pub flow_ns: Option<(u64, u64)>,
    /// send: the first bytes, and how many went before them.
    pub payload: Option<Payload>,
}

/// What has gone through a socket since it was opened, or through one of its flows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// That the kernel took to send.
    pub sent_bytes: u64,
    /// TCP: that came, read or not.
    pub received_bytes: u64,
    /// TCP: segments, acknowledgements among them.
    pub sent_packets: u64,
    /// TCP: segments, acknowledgements among them.
    pub received_packets: u64,
}

/// What was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    /// How many bytes were sent before these.
    pub offset_bytes: u64,
    /// The bytes; flagged where there were more or they could not be read.
    pub data: Text,
}

/// One end of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// As the socket has it: IPv4 through an IPv6 socket is `::ffff:192.0.2.1`.
    pub ip: IpAddr,
    /// 0: none.
    pub port: u16,
    /// IPv6: the interface that the address is of, 0: none.
    pub scope: u32,
}

/// `AF_INET` of Linux.
const AF_INET: u16 = 2;
/// `AF_INET6` of Linux.
const AF_INET6: u16 = 10;

impl Address {
    /// From the wire: `Ok(None)` is no address, `Err` the family that none is of.
    pub(crate) fn from_wire(wire: abi::Address) -> Result<Option<Self>, u16> {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&wire.ip_first.to_ne_bytes());
        bytes[8..].copy_from_slice(&wire.ip_second.to_ne_bytes());
        let [a, b, c, d, ..] = bytes;
        let ip = match wire.family {
            0 => return Ok(None),
            AF_INET => IpAddr::V4(Ipv4Addr::new(a, b, c, d)),
            AF_INET6 => IpAddr::V6(Ipv6Addr::from(bytes)),
            other => return Err(other),
        };
        Ok(Some(Self {
            ip,
            port: wire.port,
            scope: wire.scope,
        }))
    }
}

/// `192.0.2.1:80`, `[2001:db8::1]:80`, `[fe80::1%2]:80`.
impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.ip, self.scope) {
            (IpAddr::V4(ip), _) => write!(f, "{ip}:{}", self.port),
            (IpAddr::V6(ip), 0) => write!(f, "[{ip}]:{}", self.port),
            (IpAddr::V6(ip), scope) => write!(f, "[{ip}%{scope}]:{}", self.port),
        }
    }
}

wire_names! {
    /// What was done to a socket.
    SocketOperation: u16 {
        /// A raw or packet socket was opened.
        Create = KIND_SOCKET_CREATE "socket",
        /// It was given an address.
        Bind = KIND_SOCKET_BIND "bind",
        /// It waits for connections.
        Listen = KIND_SOCKET_LISTEN "listen",
        /// It is connected, or was to be.
        Connect = KIND_SOCKET_CONNECT "connect",
        /// A connection from elsewhere was accepted.
        Accept = KIND_SOCKET_ACCEPT "accept",
        /// Something was sent.
        Send = KIND_SOCKET_SEND "send",
        /// Something was received.
        Receive = KIND_SOCKET_RECEIVE "receive",
        /// It is gone.
        Close = KIND_SOCKET_CLOSE "socket_close",
        /// Nothing goes between it and this other end any more.
        FlowEnd = KIND_FLOW_END "flow_end",
    }
}

/// `SOCKET_` bits of [`abi`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SocketFlags(pub u32);

/// The bits and their names, in the order in which they are told.
const SOCKET_FLAG_NAMES: [(u32, &str); 7] = [
    (abi::SOCKET_BY_OWNER, "by_owner"),
    (abi::SOCKET_BY_KERNEL, "by_kernel"),
    (abi::SOCKET_IN_PROGRESS, "in_progress"),
    (abi::SOCKET_OUTCOME, "outcome"),
    (abi::SOCKET_FAST_OPEN, "fast_open"),
    (abi::SOCKET_OPENED_UNSEEN, "opened_unseen"),
    (abi::SOCKET_PAYLOAD_ENDS, "payload_ends"),
];

impl SocketFlags {
    /// Every bit that means something.
    pub const KNOWN: u32 = (1 << SOCKET_FLAG_NAMES.len()) - 1;

    /// Whether `bit`, one of the `SOCKET_` bits, is set.
    pub fn has(self, bit: u32) -> bool {
        self.0 & bit != 0
    }

    /// The names of the bits that are set.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        flag_names(self.0, &SOCKET_FLAG_NAMES)
    }
}

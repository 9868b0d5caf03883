//! What is known of a socket besides its descriptor.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::os::fd::BorrowedFd;

use super::world::World;
use crate::sys::sockets;
use crate::workloads::failure::{Outcome, Tried};
use crate::workloads::truth;

/// What is known of a socket besides its descriptor.
#[derive(Clone, Debug)]
pub struct About {
    /// `SO_COOKIE`; none where another socket has the same.
    pub cookie: Option<u64>,
    /// The cookie could only be asked for after the first event.
    pub is_late: bool,
    /// Who opened or accepted it, in the initial pid namespace.
    pub owner: i32,
    /// `SO_DOMAIN`.
    pub family: u64,
    /// `SO_TYPE`.
    pub kind: u64,
    /// `SO_PROTOCOL`.
    pub protocol: u64,
    /// Inode number of its network namespace.
    pub net_ns: u64,
    /// The index of the interface that it is bound to, 0: any.
    pub interface: u32,
    /// Bytes that the kernel took.
    pub sent: u64,
    /// Bytes that came.
    pub received: u64,
    /// Datagrams that the kernel took.
    pub sent_packets: u64,
    /// Datagrams that came.
    pub received_packets: u64,
    /// Bytes that were read.
    pub(super) read: u64,
    /// Nothing of it is told: it is within loopback.
    pub(super) is_silent: bool,
    /// Something of it was told, so that its end is.
    pub has_events: bool,
    /// A connection failed: what addresses are left then is the kernel's business.
    pub has_failed: bool,
    pub(super) payload_told: usize,
    pub(super) sent_to: BTreeSet<SocketAddr>,
    pub(super) received_from: BTreeSet<SocketAddr>,
    pub(super) has_received: bool,
}

impl About {
    /// Of a socket that this process has just got.
    ///
    /// # Errors
    /// What getsockopt(2) says.
    pub fn of(socket: BorrowedFd<'_>, world: &World, is_late: bool) -> Outcome<Self> {
        let get = |option| sockets::get(socket, libc::SOL_SOCKET, option).tried("getsockopt");
        Ok(Self {
            cookie: Some(get(libc::SO_COOKIE)?),
            is_late,
            owner: truth::own_pid()?,
            family: get(libc::SO_DOMAIN)?,
            kind: get(libc::SO_TYPE)?,
            protocol: get(libc::SO_PROTOCOL)?,
            net_ns: world.net_ns,
            interface: 0,
            sent: 0,
            received: 0,
            sent_packets: 0,
            received_packets: 0,
            read: 0,
            is_silent: false,
            has_events: false,
            has_failed: false,
            payload_told: 0,
            sent_to: BTreeSet::new(),
            received_from: BTreeSet::new(),
            has_received: false,
        })
    }

    /// Whether what goes through it keeps its bounds.
    #[must_use]
    pub fn is_datagrams(&self) -> bool {
        self.kind == libc::SOCK_DGRAM as u64
    }
}

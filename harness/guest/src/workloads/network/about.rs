//! What is known of a socket besides its descriptor.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::os::fd::BorrowedFd;

use super::world::World;
use crate::sys::{process, sockets};
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
    /// Of a datagram socket: what went between it and each other end.
    pub(super) flows: BTreeMap<SocketAddr, Flow>,
    /// A time before all that is to come.
    now_ns: u64,
    pub(super) has_received: bool,
}

/// What went between a datagram socket and one other end.
#[derive(Clone, Debug)]
pub struct Flow {
    /// Who sent or received first, in the initial pid namespace.
    pub by: i32,
    /// The socket's address then.
    pub local: Option<SocketAddr>,
    /// Bytes and datagrams to there.
    pub sent: (u64, u64),
    /// And from there.
    pub received: (u64, u64),
    /// Between which times the first datagram went, `CLOCK_BOOTTIME` in nanoseconds.
    pub first_ns: (u64, u64),
    /// And the last.
    pub last_ns: (u64, u64),
}

/// One way of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// To the other end.
    Sent,
    /// From there.
    Received,
}

impl About {
    /// What comes next comes later than this.
    pub fn mark(&mut self) {
        self.now_ns = process::boottime_ns();
    }

    /// This process has sent or received a datagram. Whether it is the first of this way between
    /// these ends.
    ///
    /// # Errors
    /// Without /proc.
    pub fn follow(
        &mut self,
        way: Way,
        bytes: &[u8],
        local: Option<SocketAddr>,
        remote: Option<SocketAddr>,
    ) -> Outcome<bool> {
        let Some(remote) = remote else {
            return Ok(false);
        };
        let by = truth::own_pid()?;
        let went_ns = (self.now_ns, process::boottime_ns());
        let flow = self.flows.entry(remote).or_insert(Flow {
            by,
            local,
            sent: (0, 0),
            received: (0, 0),
            first_ns: went_ns,
            last_ns: went_ns,
        });
        flow.last_ns = went_ns;
        let total = match way {
            Way::Sent => &mut flow.sent,
            Way::Received => &mut flow.received,
        };
        total.0 += bytes.len() as u64;
        total.1 += 1;
        Ok(total.1 == 1)
    }

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
            flows: BTreeMap::new(),
            now_ns: process::boottime_ns(),
            has_received: false,
        })
    }

    /// Whether what goes through it keeps its bounds.
    #[must_use]
    pub fn is_datagrams(&self) -> bool {
        self.kind == libc::SOCK_DGRAM as u64
    }
}

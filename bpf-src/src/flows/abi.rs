//! The map of flows, as `c/socket_flow.bpf.h` defines it; a test compares both.

use crate::abi::{Address, Member, Process, Wire, wire_structs};

wire_structs! {
    /// Which flow.
    Key = "flow_key" {
        /// When its socket was opened, `CLOCK_BOOTTIME` in nanoseconds.
        opened_time_ns: u64,
        /// Where the kernel has the socket: the key of the map of sockets.
        sk: u64,
        /// The other end.
        remote: Address,
    }

    /// What is known of it: but for the counts and `last_time_ns`, as it was at the
    /// first datagram.
    Flow = "flow" {
        /// Who sent or received that.
        process: Process,
        /// This end.
        local: Address,
        /// As in an event.
        socket_id: u64,
        /// `process_id` of who opened the socket.
        owner_id: u64,
        /// `CLOCK_BOOTTIME` in nanoseconds; 0: it is still being made.
        first_time_ns: u64,
        /// Of the last datagram.
        last_time_ns: u64,
        /// To the other end.
        sent_bytes: u64,
        /// From there.
        received_bytes: u64,
        /// Datagrams.
        sent_packets: u64,
        /// Datagrams.
        received_packets: u64,
        /// Who opened the socket.
        owner_tgid: u32,
        /// Network namespace of the socket, an inode number.
        net_ns: u32,
        /// The interface that it is bound to; 0: any.
        interface: u32,
        /// `AF_`.
        family: u16,
        /// `SOCK_`.
        socket_type: u16,
        /// `IPPROTO_`.
        protocol: u16,
        /// 1: the socket was opened before the sensors looked.
        is_unseen: u16,
        /// Zero.
        padding: u32,
    }
}

/// Where `struct socket_state` of `c/socket.bpf.h` has `opened_time_ns`.
pub const SOCKET_OPENED_TIME_OFFSET: usize = 8;

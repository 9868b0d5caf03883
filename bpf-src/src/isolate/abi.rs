//! The values of the maps, as `c/isolate.h` defines them; a test compares both.

use crate::abi::{Member, Wire, wire_structs};

wire_structs! {
    /// A set of rules: the bit of each.
    Set = "isolate_set" {
        /// 64 rules each.
        words: [u64; 4],
    }

    /// What the programs, and whoever asks, have to know.
    Config = "isolate_config" {
        /// Rules that name no port.
        any_port: Set,
        /// `CLOCK_BOOTTIME` after which everything passes; 0: none.
        deadline_ns: u64,
        /// `CLOCK_BOOTTIME` of the start.
        started_ns: u64,
        /// When the program that set it up began, in ticks since boot.
        pid_start: u64,
        /// One of the `STATE_` constants.
        state: u32,
        /// The program that set it up.
        pid: u32,
        /// How many rules there are.
        rules: u32,
        /// The network namespace whose interfaces are covered: its inode number.
        netns: u32,
        /// The numbers of the maps by which it is switched.
        gate_ids: [u32; 3],
        /// Zero.
        padding: u32,
    }

    /// Key of the trie of IPv4 addresses.
    Prefix4 = "isolate_prefix4" {
        /// How many bits count.
        bits: u32,
        /// In network order.
        address: [u8; 4],
    }

    /// Key of the trie of IPv6 addresses.
    Prefix6 = "isolate_prefix6" {
        /// How many bits count.
        bits: u32,
        /// In network order.
        address: [u8; 16],
    }

    /// Key of the ports.
    Port = "isolate_port" {
        /// In network order.
        port: [u8; 2],
        /// `IPPROTO_TCP` or `IPPROTO_UDP`.
        protocol: u8,
        /// Zero.
        padding: u8,
    }

    /// Packets.
    Count = "isolate_count" {
        /// How many.
        packets: u64,
        /// Their size.
        bytes: u64,
    }

    /// What a rule let pass.
    PassedCount = "isolate_passed" {
        /// To the host.
        r#in: Count,
        /// From it.
        out: Count,
    }

    /// Key of what was dropped.
    Drop = "isolate_drop" {
        /// 0: where there was no room.
        ifindex: u32,
        /// One of the `REASON`s.
        reason: u16,
        /// `IN` or `OUT`.
        direction: u8,
        /// `AT_INTERFACE` or `AT_SOCKET`.
        place: u8,
    }

    /// A rule, to be read back.
    StoredRule = "isolate_rule" {
        /// In network order; the rest of an IPv4 address is zero.
        address: [u8; 16],
        /// 4 or 6.
        family: u8,
        /// How many bits of the address count.
        bits: u8,
        /// 0: all.
        protocol: u8,
        /// 0: asked for; 1: a resolver.
        origin: u8,
        /// In the machine's order; 0: all.
        port: u16,
        /// Zero.
        padding: u16,
    }

    /// A covered interface, to be read back.
    StoredInterface = "isolate_interface" {
        /// One of the `LINK_` constants.
        link: u32,
        /// 1: its qdisc was made for this.
        made_qdisc: u32,
    }
}

/// Enumerators of `isolate.h`.
macro_rules! constants {
    ($($(#[$doc:meta])* $name:ident: $kind:ty = $c_name:ident $value:expr,)*) => {
        $($(#[$doc])* pub const $name: $kind = $value;)*

        /// Every enumerator: its name in `isolate.h`, its value.
        pub const CONSTANTS: &[(&str, u64)] = &[$((stringify!($c_name), $value as u64)),*];
    };
}

constants! {
    /// Rules at most.
    RULES: u32 = ISOLATE_RULES 256,
    /// Words of a set.
    WORDS: usize = ISOLATE_WORDS 4,
    /// Maps by which it is switched.
    GATES: usize = ISOLATE_GATES 3,
    /// To the host.
    IN: u8 = ISOLATE_IN 0,
    /// From the host.
    OUT: u8 = ISOLATE_OUT 1,
    /// How many directions there are.
    DIRECTIONS: u32 = ISOLATE_DIRECTIONS 2,
    /// Packets begin with an Ethernet header.
    LINK_ETHERNET: u32 = ISOLATE_ETHERNET 0,
    /// Packets begin with the IP header.
    LINK_IP: u32 = ISOLATE_IP 1,
    /// Packets are not understood.
    LINK_OTHER: u32 = ISOLATE_OTHER 2,
    /// How many kinds of links there are.
    LINKS: u32 = ISOLATE_LINKS 3,
    /// Dropped at an interface.
    AT_INTERFACE: u8 = ISOLATE_AT_INTERFACE 0,
    /// Dropped at a socket.
    AT_SOCKET: u8 = ISOLATE_AT_SOCKET 1,
    /// No rule names the peer.
    REASON_ADDRESS: u16 = ISOLATE_ADDRESS 1,
    /// Rules name the peer, but not this port.
    REASON_PORT: u16 = ISOLATE_PORT 2,
    /// Neither TCP nor UDP nor ICMP.
    REASON_PROTOCOL: u16 = ISOLATE_PROTOCOL 3,
    /// ICMP that no allowed flow needs.
    REASON_ICMP: u16 = ISOLATE_ICMP 4,
    /// A fragment whose first one was not allowed.
    REASON_FRAGMENT: u16 = ISOLATE_FRAGMENT 5,
    /// IPv4 options.
    REASON_OPTIONS: u16 = ISOLATE_OPTIONS 6,
    /// An IPv6 extension header.
    REASON_EXTENSION: u16 = ISOLATE_EXTENSION 7,
    /// Too many VLAN tags.
    REASON_VLAN: u16 = ISOLATE_VLAN 8,
    /// Not IP.
    REASON_ETHERTYPE: u16 = ISOLATE_ETHERTYPE 9,
    /// An interface whose packets are not understood.
    REASON_LINK_LAYER: u16 = ISOLATE_LINK_LAYER 10,
    /// Cut short, or not what it says it is.
    REASON_MALFORMED: u16 = ISOLATE_MALFORMED 11,
    /// One more than the last.
    REASONS: u16 = ISOLATE_REASONS 12,
    /// Passes besides the rules: ARP.
    BESIDES_ARP: u32 = ISOLATE_ARP 256,
    /// IPv6 neighbour discovery.
    BESIDES_NEIGHBOUR: u32 = ISOLATE_NEIGHBOUR 257,
    /// IPv6 multicast listeners.
    BESIDES_LISTENER: u32 = ISOLATE_LISTENER 258,
    /// DHCP on the link.
    BESIDES_DHCP: u32 = ISOLATE_DHCP 259,
    /// LACP and EAPOL.
    BESIDES_LINK_CONTROL: u32 = ISOLATE_LINK_CONTROL 260,
    /// One more than the last.
    PASSED: u32 = ISOLATE_PASSED 261,
    /// Being set up.
    STATE_STARTING: u32 = ISOLATE_STARTING 1,
    /// In force until released.
    STATE_STAYS: u32 = ISOLATE_STAYS 2,
    /// In force while the program runs.
    STATE_WHILE_RUNNING: u32 = ISOLATE_WHILE_RUNNING 3,
}

/// The bytes of a value.
pub(super) fn bytes(value: &impl Wire) -> Vec<u8> {
    let mut out = Vec::new();
    value.write(&mut out);
    out
}

//! What the host sends, and what becomes of it.

use std::net::IpAddr;

use super::craft::{MORE, arp, extended, fragment, neighbour, tagged, udp_head, with_options};
use super::frames::{self, ACK, ARP, SYN, UDP, ethernet, ip, tcp, udp};
use super::packets::{
    FAR, FAR_SIX, FRIEND, HOST, HOST_SIX, LINK_LOCAL, PORT, STRANGER, STRANGER_SIX, Sent, Way, sent,
};

/// What the host sends.
pub fn outgoing(way: Way) -> Vec<Sent> {
    let broadcast = IpAddr::from([255, 255, 255, 255]);
    let to_far = udp((HOST, 5000), (FAR, PORT), b"question");
    let fragmented = ip(
        HOST,
        FAR,
        UDP,
        &[&udp_head(5000, PORT)[..], &[0; 40]].concat(),
    );
    let rest = ip(HOST, FAR, UDP, &[0; 24]);
    let inner = udp((HOST_SIX, 5000), (FAR_SIX, PORT), b"inside");
    vec![
        sent(
            "to a port of a rule",
            way.four(&to_far),
            "10.77.0.2:4660/udp",
        ),
        sent(
            "to another port",
            way.four(&udp((HOST, 5000), (FAR, 53), b"x")),
            "port",
        ),
        sent(
            "to a stranger",
            way.four(&udp((HOST, 5000), (STRANGER, PORT), b"x")),
            "address",
        ),
        sent(
            "with one tag",
            tagged(&way.four(&to_far), 0x8100),
            "10.77.0.2:4660/udp",
        ),
        sent(
            "to a stranger, with two tags",
            tagged(
                &tagged(&way.four(&udp((HOST, 5000), (STRANGER, 5), b"x")), 0x8100),
                0x88a8,
            ),
            "address",
        ),
        sent(
            "with three tags",
            tagged(&tagged(&tagged(&way.four(&to_far), 0x8100), 0x8100), 0x88a8),
            "vlan",
        ),
        sent(
            "a source route",
            way.four(&with_options(&to_far, [131, 3, 4, 0])),
            "ip-options",
        ),
        sent(
            "opens from a port of a rule",
            way.four(&tcp((HOST, PORT), (FAR, 9), SYN)),
            "port",
        ),
        sent(
            "goes on from a port of a rule",
            way.four(&tcp((HOST, PORT), (FAR, 9), ACK)),
            "10.77.0.2:4660/tcp",
        ),
        sent(
            "the first fragment",
            way.four(&fragment(&fragmented, MORE, 7)),
            "10.77.0.2:4660/udp",
        ),
        sent(
            "a later fragment",
            way.four(&fragment(&rest, 6, 7)),
            "10.77.0.2:4660/udp",
        ),
        sent(
            "a fragment of another",
            way.four(&fragment(&rest, 6, 8)),
            "fragment",
        ),
        sent(
            "a fragment over the ports",
            way.four(&fragment(&rest, 1, 7)),
            "fragment",
        ),
        sent(
            "a fragment without ports",
            way.four(&fragment(&ip(HOST, FAR, UDP, &[0; 8]), MORE, 9)),
            "fragment",
        ),
        sent(
            "a fragment to a friend",
            way.four(&fragment(&ip(HOST, FRIEND, UDP, &[0; 8]), 6, 9)),
            "10.77.0.4",
        ),
        sent(
            "IPv6 in IPv4",
            way.four(&ip(HOST, FAR, 41, &inner)),
            "protocol",
        ),
        sent(
            "IPv4 in IPv4, to a friend",
            way.four(&ip(HOST, FRIEND, 4, &to_far)),
            "protocol",
        ),
        sent(
            "GRE to a friend",
            way.four(&ip(HOST, FRIEND, 47, &[0; 8])),
            "protocol",
        ),
        sent(
            "IPv4 in IPv6",
            way.six(&ip(HOST_SIX, FAR_SIX, 4, &to_far)),
            "protocol",
        ),
        sent(
            "a ping to a friend",
            way.four(&frames::echo(HOST, FRIEND)),
            "10.77.0.4",
        ),
        sent(
            "asks all for DHCP",
            way.four(&udp((HOST, 68), (broadcast, 67), b"x")),
            "dhcp",
        ),
        sent(
            "asks one for DHCP",
            way.four(&udp((HOST, 68), (STRANGER, 67), b"x")),
            "address",
        ),
        sent(
            "asks who has",
            ethernet(way.to, way.from, ARP, &arp(1)),
            "arp",
        ),
        sent(
            "a reverse ARP",
            ethernet(way.to, way.from, ARP, &arp(3)),
            "not-ip",
        ),
        sent(
            "LLDP",
            ethernet(way.to, way.from, 0x88cc, &[0; 46]),
            "not-ip",
        ),
        sent(
            "LACP",
            ethernet([1, 0x80, 0xc2, 0, 0, 2], way.from, 0x8809, &[1; 46]),
            "link-control",
        ),
        sent(
            "LACP to somebody",
            ethernet(way.to, way.from, 0x8809, &[1; 46]),
            "not-ip",
        ),
        sent("IPv6 that is none", way.six(&to_far), "malformed"),
        sent("cut short", way.four(&to_far[..24]), "malformed"),
        sent(
            "to a port of a rule by IPv6",
            way.six(&inner),
            "[fd77::2]:4660/udp",
        ),
        sent(
            "a routing header",
            way.six(&extended(&inner, 43, [0, 0, 4, 1, 0, 0, 0, 0])),
            "ipv6-extension",
        ),
        sent(
            "destination options",
            way.six(&extended(&inner, 60, [0; 8])),
            "ipv6-extension",
        ),
        sent(
            "hop-by-hop options",
            way.six(&extended(&inner, 0, [0, 0, 1, 4, 0, 0, 0, 0])),
            "[fd77::2]:4660/udp",
        ),
        sent(
            "the first IPv6 fragment",
            way.six(&extended(
                &ip(
                    HOST_SIX,
                    FAR_SIX,
                    UDP,
                    &[&udp_head(1, PORT)[..], &[0; 40]].concat(),
                ),
                44,
                [0, 0, 0, 1, 0, 0, 0, 7],
            )),
            "[fd77::2]:4660/udp",
        ),
        sent(
            "a later IPv6 fragment",
            way.six(&extended(
                &ip(HOST_SIX, FAR_SIX, UDP, &[0; 40]),
                44,
                [0, 0, 0, 48, 0, 0, 0, 7],
            )),
            "[fd77::2]:4660/udp",
        ),
        sent(
            "an IPv6 fragment of another",
            way.six(&extended(
                &ip(HOST_SIX, FAR_SIX, UDP, &[0; 40]),
                44,
                [0, 0, 0, 48, 0, 0, 0, 8],
            )),
            "fragment",
        ),
        sent(
            "advertises itself to a stranger",
            way.six(&neighbour(HOST_SIX, STRANGER_SIX, 136, 255)),
            "icmp",
        ),
        sent(
            "is a router",
            way.six(&neighbour(HOST_SIX, LINK_LOCAL.into(), 134, 255)),
            "icmp",
        ),
    ]
}

/// What the host sends after what has come in.
pub fn answers(way: Way) -> Vec<Sent> {
    vec![sent(
        "advertises itself to a stranger that was heard",
        way.six(&neighbour(HOST_SIX, STRANGER_SIX, 136, 255)),
        "neighbour-discovery",
    )]
}

//! What comes from outside, and what becomes of it.

use super::craft::{error, fragment, neighbour, tagged};
use super::frames::{self, ACK, SYN, TCP, ip, tcp, udp};
use super::packets::{
    FAR, FAR_SIX, FRIEND, HOST, HOST_SIX, LINK_LOCAL, PORT, STRANGER, STRANGER_SIX, Sent, Way, sent,
};

/// What comes from outside.
pub fn incoming(way: Way) -> Vec<Sent> {
    let asked = udp((HOST, 5000), (FAR, PORT), b"question");
    let not_asked = udp((HOST, 5000), (STRANGER, PORT), b"question");
    let asked_six = udp((HOST_SIX, 5000), (FAR_SIX, PORT), b"question");
    let (too_big, unreachable) = ((3, 4), (3, 3));
    vec![
        sent(
            "answers",
            way.four(&udp((FAR, PORT), (HOST, 5000), b"x")),
            "10.77.0.2:4660/udp",
        ),
        sent(
            "answers nobody",
            way.four(&udp((FAR, PORT), (HOST, 5001), b"x")),
            "port",
        ),
        sent(
            "from a stranger",
            way.four(&udp((STRANGER, PORT), (HOST, 5000), b"x")),
            "address",
        ),
        sent(
            "opens from a port of a rule",
            way.four(&tcp((FAR, PORT), (HOST, 9), SYN)),
            "port",
        ),
        sent(
            "opens to a port of a rule",
            way.four(&tcp((FAR, 9), (HOST, PORT), SYN)),
            "10.77.0.2:4660/tcp",
        ),
        sent(
            "accepts",
            way.four(&tcp((FAR, PORT), (HOST, 9), SYN | ACK)),
            "10.77.0.2:4660/tcp",
        ),
        sent(
            "accepts at another port",
            way.four(&tcp((FAR, 9), (HOST, PORT), SYN | ACK)),
            "port",
        ),
        sent(
            "a fragment nobody began",
            way.four(&fragment(&ip(FAR, HOST, TCP, &[0; 24]), 6, 7)),
            "fragment",
        ),
        sent(
            "in a tag, from a stranger",
            tagged(&way.four(&frames::echo(STRANGER, HOST)), 0x8100),
            "address",
        ),
        sent(
            "path MTU of a router",
            way.four(&error(STRANGER, HOST, too_big, &asked)),
            "10.77.0.2:4660/udp",
        ),
        sent(
            "path MTU of no flow",
            way.four(&error(STRANGER, HOST, too_big, &not_asked)),
            "icmp",
        ),
        sent(
            "path MTU of nobody's flow",
            way.four(&error(STRANGER, FRIEND, too_big, &asked)),
            "icmp",
        ),
        sent(
            "unreachable, says the peer",
            way.four(&error(FAR, HOST, unreachable, &asked)),
            "10.77.0.2:4660/udp",
        ),
        sent(
            "unreachable, says a stranger",
            way.four(&error(STRANGER, HOST, unreachable, &asked)),
            "icmp",
        ),
        sent(
            "path MTU with much inside",
            way.four(&error(
                STRANGER,
                HOST,
                too_big,
                &[&asked[..], &[0; 900]].concat(),
            )),
            "icmp",
        ),
        sent(
            "path MTU by IPv6",
            way.six(&error(STRANGER_SIX, HOST_SIX, (2, 0), &asked_six)),
            "[fd77::2]:4660/udp",
        ),
        sent(
            "IPv6 unreachable, says a stranger",
            way.six(&error(STRANGER_SIX, HOST_SIX, (1, 4), &asked_six)),
            "icmp",
        ),
        sent(
            "a ping of a friend",
            way.four(&frames::echo(FRIEND, HOST)),
            "10.77.0.4",
        ),
        sent(
            "a DHCP answer",
            way.four(&udp((STRANGER, 67), (HOST, 68), b"x")),
            "dhcp",
        ),
        sent(
            "a DHCPv6 answer",
            way.six(&udp((LINK_LOCAL.into(), 547), (HOST_SIX, 546), b"x")),
            "dhcp",
        ),
        sent(
            "a DHCPv6 answer from afar",
            way.six(&udp((STRANGER_SIX, 547), (HOST_SIX, 546), b"x")),
            "address",
        ),
        sent(
            "solicits",
            way.six(&neighbour(STRANGER_SIX, HOST_SIX, 135, 255)),
            "neighbour-discovery",
        ),
        sent(
            "solicits from afar",
            way.six(&neighbour(STRANGER_SIX, HOST_SIX, 135, 254)),
            "icmp",
        ),
        sent(
            "redirects",
            way.six(&neighbour(LINK_LOCAL.into(), HOST_SIX, 137, 255)),
            "address",
        ),
    ]
}

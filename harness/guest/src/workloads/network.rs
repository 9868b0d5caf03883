//! Workloads for the network sensors: sockets that are opened, connected, used and closed.

mod about;
mod data;
mod ends;
mod failed;
mod handed;
mod listens;
mod odd;
mod other;
pub mod pending;
mod raw;
mod rings;
mod sends;
mod sock;
mod soon;
mod steps;
mod tcp;
mod told;
mod udp;
mod unix;
pub mod world;

use super::Workload;
use super::failure::Outcome;
use super::scene::Scene;

const fn network(name: &'static str, run: fn(&Scene) -> Outcome, about: &'static str) -> Workload {
    Workload {
        family: "network",
        name,
        prepare: None,
        run,
        about,
    }
}

/// The family, in the order in which it runs.
pub const WORKLOADS: &[Workload] = &[
    network("tcp", tcp::over_ipv4, "a question and an answer"),
    network("tcp_ipv6", tcp::over_ipv6, "the same over IPv6"),
    network(
        "tcp_dual_stack",
        tcp::dual_stack,
        "a server of both is asked over IPv4",
    ),
    network(
        "tcp_mapped",
        tcp::mapped,
        "an IPv4 address through a socket of IPv6",
    ),
    network(
        "ends_in_127",
        tcp::ends_in_127,
        "192.0.2.127 is no loopback",
    ),
    network("loopback", tcp::loopback, "nothing is told of it"),
    network("refused", failed::refused, "nobody waits there"),
    network("unreachable", failed::unreachable, "no way leads there"),
    network(
        "bind_failures",
        failed::bind,
        "addresses that are not to be had",
    ),
    network("pending", pending::established, "in progress, then there"),
    network(
        "pending_refused",
        pending::refused,
        "in progress, then refused",
    ),
    network("timed_out", pending::timed_out, "nobody answers"),
    network("impatient", pending::impatient, "waits only for a while"),
    network(
        "interrupted",
        pending::interrupted,
        "a signal comes while it waits",
    ),
    network(
        "asked_again",
        pending::asked_again,
        "connect again and again",
    ),
    network(
        "abandoned",
        pending::abandoned,
        "closed before anybody answered",
    ),
    network(
        "half_open",
        pending::half_open,
        "no room at the server, then some",
    ),
    network(
        "simultaneous",
        pending::simultaneous,
        "each connects to the other",
    ),
    network(
        "with_itself",
        pending::with_itself,
        "a socket connects to itself",
    ),
    network("send_calls", sends::calls, "every call that writes"),
    network("send_pieces", sends::pieces, "twenty pieces at once"),
    network(
        "send_empty_pieces",
        sends::empty_pieces,
        "pieces of nothing among them",
    ),
    network("send_large", sends::large, "more at once than is told"),
    network(
        "send_many",
        sends::many,
        "more than is told, little by little",
    ),
    network(
        "send_to_the_end",
        sends::to_the_end,
        "just as much as is told",
    ),
    network("send_partial", sends::partial, "more than the kernel takes"),
    network("send_file", sends::from_file, "by sendfile"),
    network("send_splice", sends::from_pipe, "from a pipe"),
    network(
        "send_zero_copy",
        sends::zero_copy,
        "from the program's own pages",
    ),
    network("receive_splice", sends::received_into_pipe, "into a pipe"),
    network(
        "handed_over",
        handed::over,
        "opened by one process, used by another",
    ),
    network("inherited", handed::inherited, "the child lets go last"),
    network(
        "close_by_exit",
        handed::at_exit,
        "the end of a process closes its sockets",
    ),
    network(
        "close_duplicates",
        handed::duplicates,
        "two descriptors, one end",
    ),
    network(
        "elsewhere",
        handed::elsewhere,
        "the process has left the socket's network",
    ),
    network(
        "listen_unbound",
        listens::unbound,
        "the kernel finds a port; backlogs",
    ),
    network(
        "shared_port",
        listens::shared_port,
        "two sockets at one port",
    ),
    network(
        "untaken",
        listens::untaken,
        "a connection that nobody accepts",
    ),
    network(
        "privileged",
        listens::privileged,
        "a port that is not for everybody",
    ),
    network(
        "many_waiting",
        listens::many_waiting,
        "forty threads wait for connections",
    ),
    network("shut_down", ends::shut_down, "half closed, then closed"),
    network("reset", ends::reset, "closed by a reset"),
    network("unread", ends::unread, "closed before all was read"),
    network("looked_at", ends::looked_at, "seen before it is received"),
    network(
        "again",
        ends::again,
        "sockets one after the other in the same memory",
    ),
    network(
        "long_addresses",
        odd::long_addresses,
        "addresses of 128 bytes",
    ),
    network(
        "both_kinds",
        odd::both_kinds,
        "IPv4 and IPv6 through one socket",
    ),
    network("of_interface", odd::of_interface, "bound to an interface"),
    network(
        "uring",
        rings::all,
        "connect, accept, send and receive by request",
    ),
    network("fast_open", other::fast_open, "connected by sending"),
    network(
        "fast_open_later",
        other::fast_open_later,
        "connect returns first, sending connects",
    ),
    network("mptcp", other::mptcp, "several paths for one connection"),
    network("raw", raw::made, "sockets that see whole packets"),
    network("raw_refused", raw::refused, "by somebody who may not"),
    network(
        "unix_stream",
        unix::streams,
        "streams by path and abstract name",
    ),
    network(
        "unix_datagram",
        unix::datagrams,
        "datagrams by path and abstract name",
    ),
    network(
        "unix_packet",
        unix::packets,
        "packets by path and abstract name",
    ),
    network(
        "udp_connected",
        udp::connected,
        "datagrams between two connected sockets",
    ),
    network("udp_unconnected", udp::unconnected, "one socket, two peers"),
    network(
        "udp_server",
        udp::server,
        "real peers of a server of any address",
    ),
    network("udp_refused", udp::refused, "datagrams to nobody"),
    network("udp_many_peers", udp::many_peers, "each peer is told once"),
    network(
        "udp_reconnected",
        udp::reconnected,
        "connected, dissolved, connected again",
    ),
    network("udp_calls", udp::calls, "every call that sends a datagram"),
    network(
        "udp_connected_later",
        udp::connected_later,
        "used before it is connected and after",
    ),
    network(
        "udp_inherited",
        udp::inherited,
        "opened by a parent, used by its child",
    ),
    network(
        "udp_within_and_without",
        udp::within_and_without,
        "a peer here and one elsewhere",
    ),
    network("dns", udp::dns, "each query and each answer is told"),
];

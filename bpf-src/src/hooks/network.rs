//! Sockets: opened, bound, connected, accepted, used, closed.

use super::{Argument, Hook, RESULT, argument, required, where_present};

/// The arguments that the programs of the network family look for.
pub(crate) const NETWORK_ARGUMENTS: &[Argument] = &[
    argument("inet_accept", RESULT),
    argument("mptcp_stream_accept", RESULT),
    argument("mptcp_recvmsg", RESULT),
    argument("tcp_recvmsg", RESULT),
];

/// The hooks of the network family. A close is attached first: what is remembered
/// of a socket must not outlive it.
pub(crate) const NETWORK: &[Hook] = &[
    required("close of sockets", &["close_fentry"], &["close_kprobe"]),
    required(
        "socket",
        &["create_fentry", "made_fentry"],
        &["create_kprobe", "within_create_kprobe", "made_kprobe"],
    ),
    required(
        "bind",
        &["bind_fentry", "bind_asked_fentry"],
        &["bind_kprobe", "bind_asked_kprobe"],
    ),
    where_present(
        "bind by io_uring since 6.11",
        &["bind_socket_fentry"],
        &["bind_socket_kprobe"],
    ),
    required(
        "listen",
        &["listen_fentry", "listen_asked_fentry"],
        &["listen_kprobe", "listen_asked_kprobe"],
    ),
    where_present(
        "listen by io_uring since 6.11",
        &["listen_socket_fentry"],
        &["listen_socket_kprobe"],
    ),
    required(
        "connect",
        &["connect_fentry", "state_fentry"],
        &["connect_kprobe", "within_connect_kprobe", "state_raw_tp"],
    ),
    required(
        "accept",
        &["accept_fentry"],
        &["accept_kprobe", "within_accept_kprobe"],
    ),
    where_present(
        "MPTCP",
        &[
            "accept_mptcp_fentry",
            "send_mptcp_fentry",
            "receive_mptcp_fentry",
        ],
        &[
            "accept_mptcp_kprobe",
            "within_accept_mptcp_kprobe",
            "send_mptcp_kprobe",
            "within_send_mptcp_kprobe",
            "receive_mptcp_kprobe",
            "within_receive_mptcp_kprobe",
        ],
    ),
    required(
        "TCP send",
        &["send_tcp_fentry"],
        &["send_tcp_kprobe", "within_send_tcp_kprobe"],
    ),
    where_present(
        "TCP send of pages up to 6.4",
        &["send_page_fentry"],
        &["send_page_kprobe", "within_send_page_kprobe"],
    ),
    required(
        "UDP send",
        &["send_udp_fentry"],
        &["send_udp_kprobe", "within_send_udp_kprobe"],
    ),
    required(
        "UDP send over IPv6",
        &["send_udp6_fentry"],
        &["send_udp6_kprobe", "within_send_udp6_kprobe"],
    ),
    required(
        "TCP receive",
        &["receive_tcp_fentry"],
        &["receive_tcp_kprobe", "within_receive_tcp_kprobe"],
    ),
    required(
        "TCP receive into a pipe",
        &["receive_splice_fentry"],
        &["receive_splice_kprobe", "within_receive_splice_kprobe"],
    ),
    required(
        "UDP receive",
        &["receive_udp_fentry"],
        &["receive_udp_kprobe"],
    ),
    required(
        "the end of a thread",
        &["socket_actor_exit_fentry"],
        &["socket_actor_exit_kprobe"],
    ),
];

//! What happened to a socket.

use trapline_sensors::abi;
use trapline_sensors::event::{Address, Socket, SocketOperation};
use trapline_sensors::payload::{Content, dns};

use super::super::cell::shown;
use super::{bytes, errno};

/// `AF_UNIX`, `AF_NETLINK`, `AF_PACKET`, `AF_VSOCK` of Linux.
const FAMILIES: [(u16, &str); 4] = [(1, "unix"), (16, "netlink"), (17, "packet"), (40, "vsock")];
const PROTOCOLS: [(u16, &str); 8] = [
    (1, "icmp"),
    (2, "igmp"),
    (6, "tcp"),
    (17, "udp"),
    (58, "icmp6"),
    (132, "sctp"),
    (136, "udplite"),
    (262, "mptcp"),
];

pub fn what(socket: &Socket) -> String {
    let mut text = protocol(socket);
    text.push(' ');
    text.push_str(&ends(socket));
    match socket.operation {
        SocketOperation::Listen => text.push_str(&format!(", backlog {}", socket.detail)),
        SocketOperation::Send | SocketOperation::Receive => {
            if let Some(payload) = &socket.payload {
                let size = payload.data.bytes.len() as u64;
                text.push_str(&format!(", {}", bytes(size)));
                if payload.offset_bytes > 0 {
                    text.push_str(&format!(" from {} on", payload.offset_bytes));
                }
            }
            match Content::of(socket) {
                Some(Content::Dns(message)) => text.push_str(&of_dns(&message)),
                Some(Content::ClientHello(hello)) => {
                    let name = hello.server_name.unwrap_or_default();
                    text.push_str(&format!(", tls {}", shown(name.as_bytes())));
                }
                _ => {}
            }
        }
        SocketOperation::Create | SocketOperation::Bind => {}
        SocketOperation::Connect | SocketOperation::Accept => {}
        _ => {
            let totals = &socket.totals;
            let (sent, received) = (totals.sent_bytes, totals.received_bytes);
            text.push_str(&format!(", {} out, {} in", bytes(sent), bytes(received)));
        }
    }
    text
}

/// A connection under way is no failure.
pub fn result(socket: &Socket) -> (String, bool) {
    let is_going_on = socket.flags.has(abi::SOCKET_IN_PROGRESS);
    match is_going_on {
        true => ("in progress".to_owned(), false),
        false => (errno(socket.error), socket.error != 0),
    }
}

fn protocol(socket: &Socket) -> String {
    let known = |table: &[(u16, &str)], number| {
        let mut table = table.iter();
        let found = table.find(|(known, _)| *known == number);
        found.map(|(_, name)| (*name).to_owned())
    };
    match known(&FAMILIES, socket.family) {
        Some(name) => name,
        None => known(&PROTOCOLS, socket.protocol)
            .unwrap_or_else(|| format!("{}/{}", socket.family, socket.protocol)),
    }
}

fn ends(socket: &Socket) -> String {
    if !socket.path.flags.has(abi::TEXT_NONE) {
        // An abstract name begins with a NUL, which is shown as people write it.
        let path = &socket.path.bytes;
        return match path.strip_prefix(b"\0") {
            Some(name) => format!("@{}", shown(name)),
            None => shown(path),
        };
    }
    let arrow = match socket.operation {
        SocketOperation::Accept | SocketOperation::Receive => "<-",
        SocketOperation::Connect | SocketOperation::Send => "->",
        _ => "-",
    };
    match (&socket.local, &socket.remote) {
        (Some(local), Some(remote)) => format!("{} {arrow} {}", end(local), end(remote)),
        (Some(one), None) => end(one),
        (None, Some(remote)) => format!("{arrow} {}", end(remote)),
        (None, None) => "-".to_owned(),
    }
}

/// IPv4 as people write it, however the socket has it.
fn end(address: &Address) -> String {
    let ip = address.ip.to_canonical();
    Address { ip, ..*address }.to_string()
}

fn of_dns(message: &dns::Message) -> String {
    let names = message.questions.iter();
    let names: Vec<String> = names.map(|one| shown(one.name.as_bytes())).collect();
    let names = names.join(" ");
    if !message.is_answer {
        return format!(", dns {names}?");
    }
    let told = message.answers.iter().map(|answer| match &answer.data {
        dns::Data::Ip(ip) => ip.to_string(),
        dns::Data::Name(name) => shown(name.as_bytes()),
        _ => format!("type {}", answer.kind),
    });
    let told: Vec<String> = told.collect();
    match (message.code, told.is_empty()) {
        (0, false) => format!(", dns {names} is {}", told.join(" ")),
        (0, true) => format!(", dns {names} has none"),
        (code, _) => format!(", dns {names} fails, code {code}"),
    }
}

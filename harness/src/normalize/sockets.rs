//! The lines of a socket event.

use std::fmt::Write as _;

use trapline_sensors::abi;
use trapline_sensors::event::{Address, Socket, SocketOperation};
use trapline_sensors::payload::{Content, dns};
use trapline_sensors::{Event, Kind};

use super::identity::{Cast, Space};
use super::{names, text};
use crate::truth;

/// So much of a payload is shown; all of it is compared with the workload's word.
const PAYLOAD_SHOWN_BYTES: usize = 32;

/// Whether it tells who asked for a connection in the place of who acts.
pub fn is_by_owner(event: &Event) -> bool {
    matches!(&event.kind, Kind::Socket(socket) if socket.flags.has(abi::SOCKET_BY_OWNER))
}

/// Whether it tells of one flow of a socket.
pub fn is_flow_end(socket: &Socket) -> bool {
    socket.operation == SocketOperation::FlowEnd
}

/// What follows the kind and the process in an event's first line.
pub fn headline(socket: &Socket) -> String {
    let mut line = String::new();
    if socket.operation == SocketOperation::Listen || socket.detail != 0 {
        let _ = write!(line, " with backlog {}", socket.detail);
    }
    let flags: Vec<&str> = socket.flags.names().collect();
    if !flags.is_empty() {
        let _ = write!(line, " [{}]", flags.join(", "));
    }
    if socket.error != 0 {
        let goes_on = socket.flags.has(abi::SOCKET_IN_PROGRESS);
        let verb = if goes_on { ":" } else { " fails:" };
        let _ = write!(line, "{verb} {}", names::error(socket.error));
    }
    line
}

/// Which socket, between whom, and what went through it.
pub fn lines(socket: &Socket, cast: &Cast) -> String {
    let mut lines = String::new();
    let mut say = |name: &str, value: &str| {
        let _ = writeln!(lines, "  {name:<8}{value}");
    };
    say("socket", &identity(socket, cast));
    let end = |address: Option<Address>| address.map_or_else(|| "-".into(), |it| cast.address(&it));
    let flow = format!("{} -> {}", end(socket.local), end(socket.remote));
    if (socket.local, socket.remote) != (None, None) || names::has_addresses(socket.family) {
        say("flow", &flow);
    }
    if !socket.path.flags.has(abi::TEXT_NONE) {
        say("path", &text::text(&socket.path));
    }
    // How much has come by some earlier time is compared with what the workload says; it may be
    // the kernel's choice.
    if socket.operation == SocketOperation::Close || is_flow_end(socket) {
        say("totals", &totals(socket));
    }
    if let Some(payload) = &socket.payload {
        let bytes = &payload.data.bytes;
        let shown = bytes.len().min(PAYLOAD_SHOWN_BYTES);
        let more = if shown < bytes.len() { "..." } else { "" };
        let start = text::quoted(bytes.get(..shown).unwrap_or_default());
        let (count, at) = (bytes.len(), payload.offset_bytes);
        let flags = text::flags(payload.data.flags, 0);
        say(
            "payload",
            &format!("{count} bytes from byte {at}: {start}{more}{flags}"),
        );
    }
    match Content::of(socket) {
        Some(Content::Dns(message)) => say("dns", &of_dns(&message)),
        Some(Content::ClientHello(hello)) => {
            let name = hello.server_name.as_deref().unwrap_or("-");
            say("tls", &format!("to {name} {:?}", hello.protocols));
        }
        _ => {}
    }
    lines
}

/// `0x1234 trapline.example type 1 = 192.0.2.1`
fn of_dns(message: &dns::Message) -> String {
    let mut line = format!("{:#06x}", message.id);
    for question in &message.questions {
        let _ = write!(line, " {} type {}", question.name, question.kind);
    }
    for answer in &message.answers {
        let _ = match &answer.data {
            dns::Data::Ip(ip) => write!(line, " = {ip}"),
            dns::Data::Name(name) => write!(line, " = {name}"),
            other => write!(line, " = {other:?}"),
        };
    }
    if message.is_answer {
        let _ = write!(line, ", code {}", message.code);
    }
    line
}

/// `S1 inet stream tcp in N1, of P2`
fn identity(socket: &Socket, cast: &Cast) -> String {
    let mut line = format!(
        "{} {} {} {} in {}, of {}",
        cast.socket(socket.socket_id),
        names::address_family(socket.family),
        names::socket_type(socket.socket_type),
        names::protocol(socket.family, socket.protocol),
        cast.space(Space::Net, socket.net_ns.into()),
        socket
            .owner
            .map_or_else(|| "nobody known".into(), |(id, _)| cast.process(id)),
    );
    if socket.interface != 0 {
        let _ = write!(line, ", bound to interface {}", socket.interface);
    }
    line
}

/// How many segments bytes make is TCP's business.
fn totals(socket: &Socket) -> String {
    let totals = &socket.totals;
    let one = |bytes: u64, packets: u64| {
        if socket.socket_type == names::SOCK_DGRAM {
            format!("{bytes} bytes in {packets}")
        } else {
            format!("{bytes} bytes")
        }
    };
    format!(
        "sent {}, received {}",
        one(totals.sent_bytes, totals.sent_packets),
        one(totals.received_bytes, totals.received_packets)
    )
}

/// A fact in a line: `connect 192.0.2.1:E1 -> 192.0.2.1:80: ECONNREFUSED`.
pub fn fact_line(fact: &truth::Socket, cast: &Cast) -> String {
    let mut line = fact.operation.clone();
    if let Some(Some(local)) = &fact.local {
        let _ = write!(line, " {}", cast.address_said(local));
    }
    if let Some(Some(remote)) = &fact.remote {
        let _ = write!(line, " -> {}", cast.address_said(remote));
    }
    if let Some(Some(path)) = &fact.path {
        let _ = write!(line, " {}", text::text_of(&path.0));
    }
    if let Some(payload) = &fact.payload {
        let _ = write!(line, ", {} bytes", payload.0.len());
    }
    if !fact.flags.is_empty() {
        let _ = write!(line, " [{}]", fact.flags.join(", "));
    }
    if fact.error != 0 {
        let _ = write!(line, ": {}", names::error(fact.error));
    }
    line
}

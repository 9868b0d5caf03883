//! Sockets and what goes through them.

use std::net::IpAddr;

use super::{Clock, text};
use crate::event::{Address, Socket, SocketOperation};
use crate::json::{Object, quoted};
use crate::payload::{Content, dns, tls};

/// `IPPROTO_` numbers and their names in the schema.
const TRANSPORTS: [(u16, &str); 6] = [
    (1, "icmp"),
    (6, "tcp"),
    (17, "udp"),
    (58, "ipv6-icmp"),
    (132, "sctp"),
    // Multipath TCP is TCP with more than one path.
    (262, "tcp"),
];

/// Types of DNS records and their names.
const DNS_TYPES: [(u16, &str); 11] = [
    (1, "A"),
    (2, "NS"),
    (5, "CNAME"),
    (6, "SOA"),
    (12, "PTR"),
    (15, "MX"),
    (16, "TXT"),
    (28, "AAAA"),
    (33, "SRV"),
    (64, "SVCB"),
    (65, "HTTPS"),
];

/// Response codes of DNS and their names.
const DNS_CODES: [&str; 6] = [
    "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED",
];

pub(super) fn types(socket: &Socket) -> &'static [&'static str] {
    match socket.operation {
        SocketOperation::Connect | SocketOperation::Accept => &["connection", "start"],
        SocketOperation::Close | SocketOperation::FlowEnd => &["connection", "end"],
        SocketOperation::Send | SocketOperation::Receive => &["connection", "protocol"],
        SocketOperation::Create | SocketOperation::Bind | SocketOperation::Listen => &["info"],
    }
}

pub(super) fn members(json: &mut Object, time_ns: u64, clock: Clock, socket: &Socket) {
    let is_inbound = matches!(
        socket.operation,
        SocketOperation::Accept | SocketOperation::Receive
    );
    // Who began is the source; of a socket that only waits, nobody has.
    let totals = &socket.totals;
    let sent = (totals.sent_bytes, totals.sent_packets);
    let received = (totals.received_bytes, totals.received_packets);
    let (source, destination) = match is_inbound {
        true => ((socket.remote, received), (socket.local, sent)),
        false => ((socket.local, sent), (socket.remote, received)),
    };
    end(json, "source", source);
    end(json, "destination", destination);
    match socket.operation {
        _ if is_inbound => json.string("network.direction", b"ingress"),
        SocketOperation::Connect | SocketOperation::Send => {
            json.string("network.direction", b"egress");
        }
        _ => {}
    }
    let transport = TRANSPORTS
        .iter()
        .find(|(number, _)| *number == socket.protocol);
    if let Some((_, name)) = transport {
        json.string("network.transport", name.as_bytes());
    }
    let ip = socket.local.or(socket.remote).map(|address| address.ip);
    match ip {
        Some(IpAddr::V4(_)) => json.string("network.type", b"ipv4"),
        Some(IpAddr::V6(_)) => json.string("network.type", b"ipv6"),
        None => {}
    }
    let lasted_ns = match (socket.operation, socket.flow_ns) {
        (SocketOperation::Close, _) => Some((socket.opened_time_ns, time_ns)),
        (_, flow_ns) => flow_ns,
    };
    if let Some((first_ns, last_ns)) = lasted_ns {
        json.string("event.start", clock.told(first_ns).as_bytes());
        json.string("event.end", clock.told(last_ns).as_bytes());
        json.number("event.duration", last_ns.saturating_sub(first_ns));
        json.number("network.bytes", sent.0.saturating_add(received.0));
        json.number("network.packets", sent.1.saturating_add(received.1));
    }
    text(json, "trapline.socket.path", &socket.path);
    json.string(
        "trapline.socket.id",
        format!("{:016x}", socket.socket_id).as_bytes(),
    );
    json.number("trapline.socket.family", socket.family);
    json.number("trapline.socket.type", socket.socket_type);
    json.number("trapline.socket.net_ns", socket.net_ns);
    if let Some((process_id, tgid)) = socket.owner {
        json.string(
            "trapline.socket.owner.entity_id",
            format!("{process_id:016x}").as_bytes(),
        );
        json.number("trapline.socket.owner.pid", tgid);
    }
    json.names("trapline.socket.flags", socket.flags.names());
    match Content::of(socket) {
        Some(Content::Dns(message)) => of_dns(json, &message),
        Some(Content::ClientHello(hello)) => of_tls(json, &hello),
        None => {}
    }
}

/// One end of a flow, and what came from there.
fn end(json: &mut Object, under: &str, (address, (bytes, packets)): (Option<Address>, (u64, u64))) {
    let Some(address) = address else { return };
    let ip = address.ip.to_canonical().to_string();
    json.string(&format!("{under}.address"), ip.as_bytes());
    json.string(&format!("{under}.ip"), ip.as_bytes());
    json.number(&format!("{under}.port"), address.port);
    json.number(&format!("{under}.bytes"), bytes);
    json.number(&format!("{under}.packets"), packets);
}

fn of_dns(json: &mut Object, message: &dns::Message) {
    json.string("network.protocol", b"dns");
    let kind: &[u8] = match message.is_answer {
        true => b"answer",
        false => b"query",
    };
    json.string("dns.type", kind);
    json.string("dns.id", message.id.to_string().as_bytes());
    if let Some(question) = message.questions.first() {
        json.string("dns.question.name", question.name.as_bytes());
        json.string("dns.question.type", dns_type(question.kind).as_bytes());
    }
    if !message.is_answer {
        return;
    }
    let code = DNS_CODES.get(usize::from(message.code));
    let code = code.map_or_else(|| message.code.to_string(), |name| (*name).to_owned());
    json.string("dns.response_code", code.as_bytes());
    let answers = message.answers.iter().map(|record| {
        let mut json = Object::new();
        json.string("name", record.name.as_bytes());
        json.string("type", dns_type(record.kind).as_bytes());
        json.number("ttl", record.ttl_s);
        match &record.data {
            dns::Data::Ip(ip) => json.string("data", ip.to_string().as_bytes()),
            dns::Data::Name(name) => json.string("data", name.as_bytes()),
            dns::Data::Other(_) => {}
        }
        json.close()
    });
    json.list("dns.answers", answers);
    let ips = message
        .answers
        .iter()
        .filter_map(|record| match record.data {
            dns::Data::Ip(ip) => Some(quoted(ip.to_string().as_bytes())),
            _ => None,
        });
    json.list("dns.resolved_ip", ips);
}

fn dns_type(number: u16) -> String {
    let named = DNS_TYPES.iter().find(|(known, _)| *known == number);
    named.map_or_else(|| format!("TYPE{number}"), |(_, name)| (*name).to_owned())
}

fn of_tls(json: &mut Object, hello: &tls::ClientHello) {
    json.string("network.protocol", b"tls");
    if let Some(name) = &hello.server_name {
        json.string("tls.client.server_name", name.as_bytes());
    }
}

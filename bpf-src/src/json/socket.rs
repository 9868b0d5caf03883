//! The members of an event about a socket.

use super::{Object, quoted};
use crate::abi;
use crate::event::{Address, Socket};
use crate::payload::{Content, dns, tls};

pub(super) fn members(json: &mut Object, socket: &Socket) {
    json.number("error", socket.error);
    json.number("socket_id", socket.socket_id);
    json.number("family", socket.family);
    json.number("type", socket.socket_type);
    json.number("protocol", socket.protocol);
    for (name, address) in [("local", &socket.local), ("remote", &socket.remote)] {
        if let Some(address) = address {
            json.raw(name, &of_address(address));
        }
    }
    if !socket.path.flags.has(abi::TEXT_NONE) {
        json.text("path", &socket.path);
    }
    json.number("net_ns", socket.net_ns);
    json.number("interface", socket.interface);
    if socket.detail != 0 {
        json.number("backlog", socket.detail);
    }
    if let Some((process_id, tgid)) = socket.owner {
        json.number("owner_id", process_id);
        json.number("owner_tgid", tgid);
    }
    json.number("opened_time_ns", socket.opened_time_ns);
    let totals = &socket.totals;
    for (name, value) in [
        ("sent_bytes", totals.sent_bytes),
        ("received_bytes", totals.received_bytes),
        ("sent_packets", totals.sent_packets),
        ("received_packets", totals.received_packets),
    ] {
        json.number(name, value);
    }
    if let Some((first_time_ns, last_time_ns)) = socket.flow_ns {
        json.number("first_time_ns", first_time_ns);
        json.number("last_time_ns", last_time_ns);
    }
    if let Some(payload) = &socket.payload {
        json.number("payload_offset_bytes", payload.offset_bytes);
        json.text("payload", &payload.data);
    }
    match Content::of(socket) {
        Some(Content::Dns(message)) => json.raw("dns", &of_dns(&message)),
        Some(Content::ClientHello(hello)) => json.raw("tls", &of_tls(&hello)),
        None => {}
    }
    json.names("flags", socket.flags.names());
}

fn of_address(address: &Address) -> String {
    let mut json = Object::new();
    json.string("ip", address.ip.to_string().as_bytes());
    json.number("port", address.port);
    if address.scope != 0 {
        json.number("scope", address.scope);
    }
    json.close()
}

fn of_dns(message: &dns::Message) -> String {
    let mut json = Object::new();
    json.number("id", message.id);
    json.boolean("answer", message.is_answer);
    json.number("code", message.code);
    if message.is_truncated {
        json.boolean("truncated", true);
    }
    let questions = message.questions.iter().map(|question| {
        let mut json = Object::new();
        json.string("name", question.name.as_bytes());
        json.number("type", question.kind);
        json.close()
    });
    json.list("questions", questions);
    json.list("answers", message.answers.iter().map(of_record));
    json.close()
}

fn of_record(record: &dns::Record) -> String {
    let mut json = Object::new();
    json.string("name", record.name.as_bytes());
    json.number("type", record.kind);
    json.number("ttl_s", record.ttl_s);
    match &record.data {
        dns::Data::Ip(ip) => json.string("ip", ip.to_string().as_bytes()),
        dns::Data::Name(name) => json.string("target", name.as_bytes()),
        dns::Data::Other(bytes) => json.number("size_bytes", bytes),
    }
    json.close()
}

fn of_tls(hello: &tls::ClientHello) -> String {
    let mut json = Object::new();
    match &hello.server_name {
        Some(name) => json.string("server_name", name.as_bytes()),
        None => json.raw("server_name", "null"),
    }
    let protocols = hello.protocols.iter();
    json.list("protocols", protocols.map(|name| quoted(name.as_bytes())));
    json.close()
}

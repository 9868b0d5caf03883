//! Sockets that connect, wait, send, receive and end.

use serde_json::{Value, json};
use trapline_sensors::abi;

use super::record::{INITIAL, Record, Who};
use super::{ROOT, S, Story};

const CHILD: u32 = 201;
const HERE: [u8; 4] = [192, 0, 2, 1];
/// Set in the number of a socket without a cookie.
const OWN_NUMBER: u64 = 1 << 63;

/// Both processes, and the parent of the first.
struct People {
    root: Who,
    child: Who,
    capture: Who,
}

/// A socket of the story, and what has gone through it.
#[derive(Clone, Copy)]
struct Sock {
    id: u64,
    owner: Who,
    family: u64,
    kind: u64,
    protocol: u64,
    local: Option<u64>,
    remote: Option<u64>,
    sent: (u64, u64),
    received: (u64, u64),
}

impl People {
    fn parent(&self, who: &Who) -> &Who {
        if who.tgid == ROOT {
            &self.capture
        } else {
            &self.root
        }
    }

    /// What this process does to a socket.
    fn event(&self, kind: u16, who: &Who, socket: &Sock) -> Record {
        let mut record = Record::new("event_socket", kind.into()).people(who, self.parent(who));
        socket.fill(&mut record);
        record
    }

    /// What happens to a socket by itself.
    fn by_owner(&self, kind: u16, socket: &Sock) -> Record {
        let mut record = Record::new("event_socket", kind.into()).nobody_but(&socket.owner);
        socket.fill(&mut record);
        record
    }
}

impl Sock {
    fn fill(&self, record: &mut Record) {
        for (end, port) in [("local", self.local), ("remote", self.remote)] {
            let Some(port) = port else { continue };
            record.set(&format!("{end}.family"), self.family);
            record.set(&format!("{end}.port"), port);
            if self.family == 2 {
                let ip = u64::from(u32::from_ne_bytes(HERE));
                record.set(&format!("{end}.ip_first"), ip);
            } else {
                // 2001:db8::1
                let first = u64::from_ne_bytes([0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0]);
                record.set(&format!("{end}.ip_first"), first);
                record.set(&format!("{end}.ip_second"), 1_u64.to_be());
                record.set(&format!("{end}.scope"), 7);
            }
        }
        for (name, value) in [
            ("socket_id", self.id),
            ("owner_id", self.owner.process_id()),
            ("owner_tgid", self.owner.tgid.into()),
            ("opened_time_ns", 9 * S + 500 + self.id % 100),
            ("net_ns", INITIAL.2.into()),
            ("family", self.family),
            ("socket_type", self.kind),
            ("protocol", self.protocol),
            ("sent_bytes", self.sent.0),
            ("sent_packets", self.sent.1),
            ("received_bytes", self.received.0),
            ("received_packets", self.received.1),
        ] {
            record.set(name, value);
        }
        record.text("path", b"", abi::TEXT_NONE);
        record.text("payload", b"", abi::TEXT_NONE);
    }

    fn said(&self, who: &Who, operation: &str) -> Value {
        let end = |port: Option<u64>| {
            port.map(|port| match self.family {
                2 => format!("192.0.2.1:{port}"),
                _ => format!("[2001:db8::1%7]:{port}"),
            })
        };
        let mut fact = json!({
            "what": "socket", "pid": who.tgid, "operation": operation,
            "owner": self.owner.tgid, "net_ns": INITIAL.2,
            "family": self.family, "type": self.kind, "protocol": self.protocol,
            "local": end(self.local), "remote": end(self.remote), "path": null,
            "sent": self.sent.0, "received": self.received.0,
        });
        let cookie = if self.id & OWN_NUMBER != 0 {
            "late_cookie"
        } else {
            "cookie"
        };
        fact[cookie] = json!(self.id & !OWN_NUMBER);
        if self.kind == 2 {
            fact["sent_packets"] = json!(self.sent.1);
            fact["received_packets"] = json!(self.received.1);
        }
        fact
    }
}

/// Facts that say more.
fn and(mut fact: Value, more: &[(&str, Value)]) -> Value {
    for (key, value) in more {
        fact[*key] = value.clone();
    }
    fact
}

fn with(mut record: Record, fields: &[(&str, u64)]) -> Record {
    for (field, value) in fields {
        record.set(field, *value);
    }
    record
}

fn with_text(mut record: Record, field: &str, text: &[u8], flags: u16) -> Record {
    record.text(field, text, flags);
    record
}

/// The workload `network::story`.
pub fn story() -> Story {
    const GUEST: &[u8] = b"/trapline-guest";
    let people = People {
        root: Who::new(ROOT, 7 * S, GUEST),
        child: Who::new(CHILD, 8 * S, GUEST),
        capture: Who::new(100, 5 * S, GUEST),
    };
    let client = Sock {
        id: 11,
        owner: people.root,
        family: 2,
        kind: 1,
        protocol: 6,
        local: Some(40001),
        remote: Some(80),
        sent: (0, 0),
        received: (0, 0),
    };
    let server = Sock {
        id: 12 | OWN_NUMBER,
        owner: people.child,
        local: client.remote,
        remote: client.local,
        ..client
    };
    let waits = Sock {
        id: 13,
        owner: people.child,
        family: 10,
        local: Some(8080),
        remote: None,
        ..client
    };
    let mut story = Vec::new();
    connection(&people, &client, &server, &mut story);
    let listening = people.event(abi::KIND_SOCKET_LISTEN, &people.child, &waits);
    story.push((
        with(listening, &[("detail", 4), ("interface", 1)]),
        and(
            waits.said(&people.child, "listen"),
            &[("detail", 4.into()), ("interface", 1.into())],
        ),
    ));
    let end = people.event(abi::KIND_SOCKET_CLOSE, &people.child, &waits);
    story.push((
        with(end, &[("interface", 1)]),
        and(
            waits.said(&people.child, "socket_close"),
            &[("interface", 1.into())],
        ),
    ));
    datagrams(&people, &mut story);
    by_name(&people, &mut story);
    let (records, facts): (Vec<_>, Vec<_>) = story.into_iter().unzip();
    Story::new("network", records, facts)
}

/// In progress, there, used, ended by both.
fn connection(people: &People, client: &Sock, server: &Sock, story: &mut Vec<(Record, Value)>) {
    let (root, child) = (&people.root, &people.child);
    story.push((
        with(
            people.event(abi::KIND_SOCKET_CONNECT, root, client),
            &[("error", 115), ("flags", abi::SOCKET_IN_PROGRESS.into())],
        ),
        and(
            client.said(root, "connect"),
            &[("error", 115.into()), ("flags", json!(["in_progress"]))],
        ),
    ));
    let flags = abi::SOCKET_BY_OWNER | abi::SOCKET_OUTCOME;
    story.push((
        with(
            people.by_owner(abi::KIND_SOCKET_CONNECT, client),
            &[("flags", flags.into())],
        ),
        and(
            client.said(root, "connect"),
            &[("flags", json!(["by_owner", "outcome"]))],
        ),
    ));
    story.push((
        people.event(abi::KIND_SOCKET_ACCEPT, child, server),
        server.said(child, "accept"),
    ));
    let client = Sock {
        sent: (5, 3),
        ..*client
    };
    let server = Sock {
        received: (5, 3),
        ..*server
    };
    story.push((
        with_text(
            people.event(abi::KIND_SOCKET_SEND, root, &client),
            "payload",
            b"hello",
            0,
        ),
        and(
            client.said(root, "send"),
            &[("payload", "hello".into()), ("payload_offset", 0.into())],
        ),
    ));
    story.push((
        people.event(abi::KIND_SOCKET_RECEIVE, child, &server),
        server.said(child, "receive"),
    ));
    let rest = with(
        people.event(
            abi::KIND_SOCKET_SEND,
            root,
            &Sock {
                sent: (9, 4),
                ..client
            },
        ),
        &[
            ("payload_offset_bytes", 5),
            ("flags", abi::SOCKET_PAYLOAD_ENDS.into()),
        ],
    );
    let client = Sock {
        sent: (9, 4),
        ..client
    };
    story.push((
        with_text(rest, "payload", b"all", abi::TEXT_CUT_END),
        and(
            client.said(root, "send"),
            &[
                ("payload", "all".into()),
                ("payload_offset", 5.into()),
                ("payload_flags", json!(["cut_end"])),
                ("flags", json!(["payload_ends"])),
            ],
        ),
    ));
    let server = Sock {
        received: (9, 4),
        ..server
    };
    for (who, socket) in [(root, &client), (child, &server)] {
        story.push((
            people.event(abi::KIND_SOCKET_CLOSE, who, socket),
            socket.said(who, "socket_close"),
        ));
    }
}

/// One is sent, and one is not told of.
fn datagrams(people: &People, story: &mut Vec<(Record, Value)>) {
    let root = &people.root;
    let socket = Sock {
        id: 14,
        owner: people.root,
        family: 2,
        kind: 2,
        protocol: 17,
        local: Some(9000),
        remote: Some(53),
        sent: (3, 1),
        received: (0, 0),
    };
    story.push((
        with_text(
            people.event(abi::KIND_SOCKET_SEND, root, &socket),
            "payload",
            b"\xffno",
            0,
        ),
        and(
            socket.said(root, "send"),
            &[
                ("payload", json!({"hex": "ff6e6f"})),
                ("payload_offset", 0.into()),
            ],
        ),
    ));
    let ended = Sock {
        sent: (7, 2),
        received: (4, 1),
        remote: None,
        ..socket
    };
    story.push((
        people.event(abi::KIND_SOCKET_CLOSE, root, &ended),
        ended.said(root, "socket_close"),
    ));
    flow_end(people, story, &socket);
}

/// The reader tells of it, in the name of the child, which sent to there.
fn flow_end(people: &People, story: &mut Vec<(Record, Value)>, socket: &Sock) {
    let (first_ns, last_ns) = (9 * S + 700, 9 * S + 800);
    let mut record = Record::new("event_socket", abi::KIND_FLOW_END.into());
    record = record.nobody_but(&people.child);
    socket.fill(&mut record);
    let record = with(
        record,
        &[
            ("flags", abi::SOCKET_BY_OWNER.into()),
            ("first_time_ns", first_ns),
            ("last_time_ns", last_ns),
        ],
    );
    let said = and(
        socket.said(&people.child, "flow_end"),
        &[
            ("flags", json!(["by_owner"])),
            ("first_ns", json!([first_ns, first_ns])),
            ("last_ns", json!([last_ns, last_ns])),
        ],
    );
    story.push((record.of_reader(), said));
}

/// A name that nobody is behind.
fn by_name(people: &People, story: &mut Vec<(Record, Value)>) {
    let root = &people.root;
    let socket = Sock {
        id: 15,
        owner: people.root,
        family: 1,
        kind: 1,
        protocol: 0,
        local: None,
        remote: None,
        sent: (0, 0),
        received: (0, 0),
    };
    let refused = with(
        people.event(abi::KIND_SOCKET_CONNECT, root, &socket),
        &[("error", 111)],
    );
    story.push((
        with_text(refused, "path", b"\0name", 0),
        and(
            socket.said(root, "connect"),
            &[("error", 111.into()), ("path", "\0name".into())],
        ),
    ));
    story.push((
        people.event(abi::KIND_SOCKET_CLOSE, root, &socket),
        socket.said(root, "socket_close"),
    ));
}

//! What an event says, in the model's terms: its numbers of sockets and processes.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use trapline_sensors::Event;
use trapline_sensors::event::{Address, Socket};

use super::super::play::Due;
use super::model::{Told, Totals, Who};
use super::place::Kind;

/// What the model does not know.
const NOBODY: usize = usize::MAX;

/// What the events of one network have said so far.
pub struct Telling<'a> {
    /// The pid of each process that came into being.
    births: &'a [i32],
    /// The thread of each step.
    tids: &'a [i32],
    /// The model's number of each socket that was told.
    sockets: BTreeMap<u64, usize>,
}

impl<'a> Telling<'a> {
    pub fn new(births: &'a [i32], tids: &'a [i32]) -> Self {
        Self {
            births,
            tids,
            sockets: BTreeMap::new(),
        }
    }

    /// What this event says, when these are due: the first event of a socket is of the one that is
    /// due, and from then on it has that number.
    pub fn told(&mut self, event: &Event, socket: &Socket, due: &Due<Told>) -> Told {
        let number = match self.sockets.get(&socket.socket_id) {
            Some(number) => *number,
            None => self.learn(socket.socket_id, due),
        };
        let flags: Vec<&str> = socket.flags.names().collect();
        let flags = flags.join("+");
        let operation = socket.operation.name();
        let is_like =
            |it: &&Told| it.socket == number && it.operation == operation && it.flags == flags;
        let like = due.first(is_like).or_else(|| due.next());
        Told {
            operation,
            socket: number,
            kind: kind_of(socket),
            by: self.who(event, like),
            owner: socket.owner.map_or(NOBODY, |(_, tgid)| self.born(tgid)),
            errno: socket.error.cast_signed(),
            flags,
            local: socket.local.map(end),
            remote: socket.remote.map(end),
            path: socket.path.bytes.escape_ascii().to_string(),
            backlog: socket.detail,
            totals: totals(socket, like),
            payload: payload(socket),
        }
    }

    fn learn(&mut self, id: u64, due: &Due<Told>) -> usize {
        let number = due.next().map(|next| next.socket);
        let is_known = |number: &usize| self.sockets.values().any(|it| it == number);
        match number.filter(|number| !is_known(number)) {
            Some(number) => {
                self.sockets.insert(id, number);
                number
            }
            None => NOBODY,
        }
    }

    fn born(&self, tgid: u32) -> usize {
        let is = |pid: &i32| pid.cast_unsigned() == tgid;
        self.births.iter().position(is).unwrap_or(NOBODY)
    }

    /// Who it is by the model, if that is so.
    fn who(&self, event: &Event, like: Option<&Told>) -> Who {
        let birth = self.born(event.process.tgid);
        let is_so = |who: &Who| {
            let tid = self.tids.get(who.step).map(|tid| tid.cast_unsigned());
            who.birth == birth && tid == Some(event.process.tid)
        };
        let nobody = Who {
            birth,
            step: NOBODY,
        };
        like.map(|like| like.by).filter(is_so).unwrap_or(nobody)
    }
}

fn kind_of(socket: &Socket) -> &'static str {
    let is = |kind: &Kind| {
        let (family, kind, protocol) = kind.numbers();
        let numbers = (family as u16, kind as u16, protocol as u16);
        numbers == (socket.family, socket.socket_type, socket.protocol)
    };
    let kind = Kind::ALL.into_iter().find(is);
    kind.map_or("something", Kind::name)
}

fn end(address: Address) -> SocketAddr {
    SocketAddr::new(address.ip, address.port)
}

/// As many segments of TCP as there must be, if there are.
fn totals(socket: &Socket, like: Option<&Told>) -> Totals {
    let is_tcp = i32::from(socket.protocol) == libc::IPPROTO_TCP;
    let least = like.map(|it| it.totals).unwrap_or_default();
    let packets = |are: u64, least: u64| if is_tcp && are > least { least } else { are };
    let are = socket.totals;
    Totals {
        sent_bytes: are.sent_bytes,
        received_bytes: are.received_bytes,
        sent_packets: packets(are.sent_packets, least.sent_packets),
        received_packets: packets(are.received_packets, least.received_packets),
    }
}

/// How many bytes went before and how many are told; they count up from 0.
fn payload(socket: &Socket) -> Option<(u64, usize)> {
    let payload = socket.payload.as_ref()?;
    let mut counted = payload.data.bytes.iter().zip(0_u64..);
    match counted.all(|(byte, at)| *byte == at as u8) {
        true => Some((payload.offset_bytes, payload.data.bytes.len())),
        false => Some((payload.offset_bytes, NOBODY)),
    }
}

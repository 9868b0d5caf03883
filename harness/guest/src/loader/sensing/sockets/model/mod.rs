//! Sockets in memory, and what the sensors must say of each operation.
//!
//! Pure, and knows nothing of the kernel's own: it is told what is done, never what
//! came of it, and says what each call must return, which events follow, and what
//! must be to be seen before the next operation. What would be chance (who waits for
//! what never comes, what meets a packet under way) is no operation: it is passed over.

mod address;
mod holders;
mod socket;
mod stream;
mod tcp;
mod told;
mod udp;
mod unix;

use std::collections::{BTreeMap, BTreeSet};
use std::mem;

use super::operation::{ACTORS, Act, Likely, Met, Operation, Slot};
use super::place::{Kind, Place};
use address::{MAPPED, anywhere, as_of, canonical, class, is_found};
use socket::{Socket, State, Stream};

pub use told::{Told, Totals, Who};

/// The number of a socket in the model: also those that were not accepted yet.
pub type Id = usize;

/// What a call returns, or its errno; `None` for what is passed over.
type Did = Option<Result<u64, i32>>;

/// What must come of an operation.
#[derive(Debug)]
pub struct Prediction {
    /// How much was sent or received, or 0; or errno.
    pub result: Result<u64, i32>,
    pub events: Vec<Told>,
    /// The port that the kernel has to choose from, if it will choose one.
    pub port: Option<u16>,
    /// What has to be so before the next operation: asked of whom, of which socket.
    pub settled: Vec<(usize, Slot, Settled)>,
}

impl Default for Prediction {
    fn default() -> Self {
        Self {
            result: Ok(0),
            events: Vec::new(),
            port: None,
            settled: Vec::new(),
        }
    }
}

/// What can be seen of a socket when nothing is under way any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// The state of TCP by its number; how many bytes, or connections, wait.
    Tcp(u8, u64),
    /// All that was sent has been taken.
    Taken,
    /// poll(2) says these.
    Polled(i16),
}

/// A network of its own, and the processes in it.
#[derive(Debug)]
pub struct Model {
    sockets: Vec<Socket>,
    slots: BTreeMap<Slot, Id>,
    /// Which process each actor is now.
    actors: [Option<usize>; ACTORS],
    births: usize,
    /// Ports that the kernel has chosen so far.
    ports: u16,
    /// Of these, those that nobody has any more.
    free_ports: Vec<u16>,
    /// Paths stay when their socket is gone.
    paths: BTreeMap<Place, Option<Id>>,
    folder: String,
    who: Who,
    now: Prediction,
    touched: BTreeSet<Id>,
}

/// The first that the kernel chooses.
const FIRST_PORT: u16 = 30_001;

impl Model {
    /// With paths below this folder.
    pub fn new(folder: &str) -> Self {
        let mut actors = [None; ACTORS];
        actors[0] = Some(0);
        Self {
            sockets: Vec::new(),
            slots: BTreeMap::new(),
            actors,
            births: 1,
            ports: 0,
            free_ports: Vec::new(),
            paths: BTreeMap::new(),
            folder: folder.to_owned(),
            who: Who::default(),
            now: Prediction::default(),
            touched: BTreeSet::new(),
        }
    }

    /// What there is to be met.
    pub fn met(&self) -> Met {
        let mut met = Met {
            last: self.slots.keys().last().copied().unwrap_or(0),
            actors: (0..ACTORS)
                .filter(|it| self.actors[*it].is_some())
                .collect(),
            ..Met::default()
        };
        for socket in &self.sockets {
            let likely = match &socket.state {
                State::Listening(queue) if !queue.is_empty() => Likely::Accept,
                State::Fresh if socket.kind.is_tcp() => Likely::Connect,
                State::Connected(_) => Likely::Transfer,
                _ if socket.remote.is_some() || !socket.datagrams.is_empty() => Likely::Transfer,
                _ => Likely::Anything,
            };
            let held = socket.holders.keys();
            met.held
                .extend(held.filter_map(|actor| Some((*actor, socket.slot?, socket.kind, likely))));
            let is_met = match socket.state {
                State::Listening(_) => true,
                _ => !socket.kind.is_tcp() && socket.is_bound,
            };
            let place = socket.local.map(Place::Ip).or(socket.name);
            if let (true, false, Some(place)) = (is_met, socket.holders.is_empty(), place) {
                met.places.push((socket.kind, place));
            }
        }
        met.places
            .retain(|(_, place)| !matches!(place, Place::Ip(it) if it.ip().is_unspecified()));
        met
    }

    /// Does it, and says what must come of it; `None` if it is passed over.
    pub fn apply(&mut self, step: usize, operation: &Operation) -> Option<Prediction> {
        let actor = operation.actor;
        let birth = self.actors[actor]?;
        self.who = Who { birth, step };
        self.now = Prediction::default();
        self.touched.clear();
        let result = match operation.act {
            Act::Open(slot, kind, waits) => self.open(actor, slot, kind, waits),
            Act::Bind(slot, place) => self.bind(self.held(actor, slot)?, place),
            Act::Listen(slot, backlog) => self.listen(self.held(actor, slot)?, backlog),
            Act::Connect(slot, place) => self.connect(self.held(actor, slot)?, place),
            Act::Disconnect(slot) => self.disconnect(self.held(actor, slot)?),
            Act::Accept(slot, new) => self.accept(actor, self.held(actor, slot)?, new),
            Act::Send(slot, bytes, to) => self.send(self.held(actor, slot)?, bytes.into(), to),
            Act::Receive(slot, bytes) => self.receive(self.held(actor, slot)?, bytes.into()),
            Act::Shutdown(slot) => self.shutdown(self.held(actor, slot)?),
            Act::Dup(slot) => {
                let id = self.held(actor, slot)?;
                *self.sockets[id].holders.entry(actor).or_default() += 1;
                Some(Ok(0))
            }
            Act::Close(slot) => self.close(actor, self.held(actor, slot)?),
            Act::Fork(new) => self.fork(actor, new),
            Act::Exit => self.exit(actor),
        }?;
        let mut now = mem::take(&mut self.now);
        now.result = result;
        now.settled = self.settled();
        Some(now)
    }

    /// Whether it can be used with addresses of this class; from then on with no other.
    fn keeps_class(&mut self, id: Id, place: Place) -> bool {
        let (Place::Ip(to), true) = (place, self.sockets[id].kind.is_six()) else {
            return true;
        };
        let class = class(to.ip());
        *self.sockets[id].class.get_or_insert(class) == class
    }

    fn bind(&mut self, id: Id, place: Place) -> Did {
        if !self.keeps_class(id, place) {
            return None;
        }
        match (place, self.sockets[id].kind) {
            (Place::Ip(to), kind) if kind.is_six() == to.is_ipv6() => match kind {
                Kind::Tcp4 | Kind::Tcp6 => self.bind_tcp(id, to),
                Kind::Udp4 | Kind::Udp6 => self.bind_udp(id, to),
                Kind::Stream | Kind::Datagram => None,
            },
            (Place::Name(_) | Place::Path(_), Kind::Stream | Kind::Datagram) => {
                self.bind_unix(id, place)
            }
            _ => None,
        }
    }

    fn listen(&mut self, id: Id, backlog: u16) -> Did {
        match self.sockets[id].kind {
            Kind::Tcp4 | Kind::Tcp6 => self.listen_tcp(id, backlog),
            Kind::Udp4 | Kind::Udp6 => self.listen_ends(id, backlog, Err(libc::EOPNOTSUPP)),
            Kind::Stream | Kind::Datagram => self.listen_unix(id, backlog),
        }
    }

    fn listen_ends(&mut self, id: Id, backlog: u16, result: Result<u64, i32>) -> Did {
        let told = Told {
            backlog: backlog.into(),
            errno: result.err().unwrap_or(0),
            ..self.about("listen", id)
        };
        self.tell(id, told);
        Some(result)
    }

    fn connect(&mut self, id: Id, place: Place) -> Did {
        if !self.keeps_class(id, place) {
            return None;
        }
        match (place, self.sockets[id].kind) {
            (Place::Ip(to), kind) if kind.is_six() == to.is_ipv6() => match kind {
                Kind::Tcp4 | Kind::Tcp6 => self.connect_tcp(id, to),
                Kind::Udp4 | Kind::Udp6 => self.connect_udp(id, to),
                Kind::Stream | Kind::Datagram => None,
            },
            (Place::Name(_) | Place::Path(_), Kind::Stream | Kind::Datagram) => {
                self.connect_unix(id, place)
            }
            _ => None,
        }
    }

    fn disconnect(&mut self, id: Id) -> Did {
        match self.sockets[id].kind {
            Kind::Tcp4 | Kind::Tcp6 => self.disconnect_tcp(id),
            Kind::Udp4 | Kind::Udp6 => self.disconnect_udp(id),
            Kind::Datagram => {
                self.sockets[id].state = State::Fresh;
                Some(Ok(0))
            }
            Kind::Stream => None,
        }
    }

    fn accept(&mut self, actor: usize, id: Id, slot: Slot) -> Did {
        let waits = self.sockets[id].waits;
        let State::Listening(queue) = &mut self.sockets[id].state else {
            return None;
        };
        if self.slots.contains_key(&slot) {
            return None;
        }
        let Some(new) = queue.pop_front() else {
            return (!waits).then_some(Err(libc::EAGAIN));
        };
        self.give(new, actor, slot);
        let owner = self.who.birth;
        let socket = &mut self.sockets[new];
        socket.owner = owner;
        socket.is_accepted = true;
        // Who accepts from a UNIX socket is not told.
        if socket.kind.is_tcp() {
            let told = self.about("accept", new);
            self.tell(new, told);
            self.touched.extend([id, new]);
        }
        Some(Ok(0))
    }

    fn send(&mut self, id: Id, bytes: u64, to: Option<Place>) -> Did {
        if to.is_some_and(|to| !self.keeps_class(id, to)) {
            return None;
        }
        match (self.sockets[id].kind, to) {
            (Kind::Tcp4 | Kind::Tcp6, None) => self.send_tcp(id, bytes),
            (Kind::Udp4 | Kind::Udp6, None) => self.send_udp(id, bytes, None),
            (kind @ (Kind::Udp4 | Kind::Udp6), Some(Place::Ip(to)))
                if kind.is_six() == to.is_ipv6() =>
            {
                self.send_udp(id, bytes, Some(to))
            }
            _ => None,
        }
    }

    fn receive(&mut self, id: Id, bytes: u64) -> Did {
        match self.sockets[id].kind {
            Kind::Tcp4 | Kind::Tcp6 => self.receive_tcp(id, bytes),
            Kind::Udp4 | Kind::Udp6 => self.receive_udp(id),
            Kind::Stream | Kind::Datagram => None,
        }
    }

    fn shutdown(&mut self, id: Id) -> Did {
        match self.sockets[id].kind.is_tcp() {
            true => self.shutdown_tcp(id),
            false => None,
        }
    }

    /// An event about a socket as it is now.
    fn about(&self, operation: &'static str, id: Id) -> Told {
        let socket = &self.sockets[id];
        Told {
            operation,
            socket: id,
            kind: socket.kind.name(),
            by: self.who,
            owner: socket.owner,
            local: socket.local,
            remote: socket.remote,
            totals: socket.totals,
            ..Told::default()
        }
    }

    /// It is told, unless it is within loopback.
    fn tell(&mut self, id: Id, told: Told) {
        let decides = told.remote.or(told.local);
        if decides.is_some_and(|end| canonical(end).ip().is_loopback()) {
            return;
        }
        self.sockets[id].is_told = true;
        self.now.events.push(told);
    }

    /// One that the kernel chooses: now and then one that somebody had before.
    fn choose_port(&mut self) -> u16 {
        let port = match self.free_ports.pop() {
            Some(port) if !self.ports.is_multiple_of(3) => port,
            _ => {
                self.ports += 1;
                FIRST_PORT + self.ports
            }
        };
        self.now.port = Some(port);
        port
    }

    fn settled(&self) -> Vec<(usize, Slot, Settled)> {
        let seen = self.touched.iter().filter_map(|id| {
            let socket = &self.sockets[*id];
            let (actor, _) = socket.holders.first_key_value()?;
            Some((*actor, socket.slot?, self.settles(*id)?))
        });
        seen.collect()
    }

    fn settles(&self, id: Id) -> Option<Settled> {
        match self.sockets[id].kind {
            Kind::Tcp4 | Kind::Tcp6 => Some(self.settles_tcp(id)),
            Kind::Udp4 | Kind::Udp6 => self.settles_udp(id),
            Kind::Stream | Kind::Datagram => None,
        }
    }
}

#[cfg(test)]
mod tests;

//! Operations on sockets: made at random, written and read as one line.

use std::fmt;
use std::net::SocketAddr;

use super::super::tree::Random;
use super::place::{Kind, Place};

/// How many processes there can be at a time.
pub const ACTORS: usize = 4;

/// A number that a socket has in a line, never used again.
pub type Slot = u16;

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// socket(2); whether its calls wait.
    Open(Slot, Kind, bool),
    Bind(Slot, Place),
    Listen(Slot, u16),
    Connect(Slot, Place),
    /// connect(2) with `AF_UNSPEC`.
    Disconnect(Slot),
    /// accept(2), to a new number.
    Accept(Slot, Slot),
    /// send(2) of so many bytes, or sendto(2).
    Send(Slot, u16, Option<Place>),
    /// recv(2) of at most so many bytes.
    Receive(Slot, u16),
    /// shutdown(2) of what it sends.
    Shutdown(Slot),
    Dup(Slot),
    /// close(2) of one descriptor.
    Close(Slot),
    /// The process forks, to be this one.
    Fork(usize),
    /// The process ends.
    Exit,
}

/// One operation: by which process, on which processor, whether in a new thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation {
    pub actor: usize,
    pub processor: usize,
    pub in_thread: bool,
    pub act: Act,
}

/// What makes most sense with a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Likely {
    Accept,
    Connect,
    Transfer,
    Anything,
}

/// Where new sockets find what they are to meet: what the model has.
#[derive(Debug, Default)]
pub struct Met {
    /// The highest number that a socket had.
    pub last: Slot,
    /// Those that are there, by process.
    pub held: Vec<(usize, Slot, Kind, Likely)>,
    /// Processes that are there.
    pub actors: Vec<usize>,
    /// Where somebody is to be met, of which kind.
    pub places: Vec<(Kind, Place)>,
}

impl Met {
    /// Mostly where somebody is to be met.
    fn place(&self, random: &mut Random, kind: Kind) -> Place {
        let same = |of: Kind| (of.is_tcp(), of.is_udp()) == (kind.is_tcp(), kind.is_udp());
        let known = self.places.iter().filter(|(of, _)| same(*of));
        let known: Vec<_> = known.collect();
        match (random.below(4), known.len()) {
            (0, _) | (_, 0) => Place::random(random, kind),
            (_, all) => known[random.below(all)].1,
        }
    }
}

/// No more sockets than these at a time, so that they meet.
const SOCKETS_MOST: usize = 20;

impl Operation {
    /// One at random; it need not make sense.
    pub fn random(random: &mut Random, met: &Met) -> Self {
        let any = random.below(met.actors.len());
        let mut actor = met.actors.get(any).copied().unwrap_or(0);
        let act = match (random.below(10), met.held.len()) {
            (0, ..SOCKETS_MOST) | (_, 0) => Self::open(random, met.last + 1),
            (1, _) if random.below(3) == 0 => match random.below(2) {
                0 => Act::Fork(random.below(ACTORS)),
                _ => Act::Exit,
            },
            (_, all) => {
                let (holder, slot, kind, likely) = met.held[random.below(all)];
                actor = holder;
                match (likely, random.below(3)) {
                    (Likely::Anything, _) | (_, 0) => Act::random(random, met, slot, kind),
                    (Likely::Accept, _) => Act::Accept(slot, met.last + 1),
                    (Likely::Connect, _) => Act::Connect(slot, met.place(random, kind)),
                    (Likely::Transfer, _) => Act::transfer(random, slot),
                }
            }
        };
        Self {
            actor,
            processor: random.below(2),
            in_thread: random.below(4) == 0 && !matches!(act, Act::Fork(_) | Act::Exit),
            act,
        }
    }

    fn open(random: &mut Random, slot: Slot) -> Act {
        // Half of them are of TCP.
        let kind = match random.below(2) {
            0 => Kind::ALL[random.below(2)],
            _ => Kind::ALL[random.below(6)],
        };
        Act::Open(slot, kind, random.below(2) == 0)
    }
}

impl Act {
    fn random(random: &mut Random, met: &Met, slot: Slot, kind: Kind) -> Self {
        match random.below(31) {
            // A port of its own: nobody asks for a connection to it.
            0..2 => match Place::random(random, kind) {
                Place::Ip(to) => {
                    let own = SocketAddr::new(to.ip(), 20_000 + slot);
                    Self::Bind(slot, Place::Ip(own))
                }
                other => Self::Bind(slot, other),
            },
            2..5 => Self::Bind(slot, Place::random(random, kind)),
            5..8 => Self::Listen(slot, 100 + random.below(20) as u16),
            8..15 => Self::Connect(slot, met.place(random, kind)),
            15..17 => Self::Disconnect(slot),
            17..20 => Self::Accept(slot, met.last + 1),
            20..22 => Self::transfer(random, slot),
            22..25 => Self::Send(
                slot,
                1 + random.below(900) as u16,
                Some(met.place(random, kind)),
            ),
            25..27 => Self::Shutdown(slot),
            27 => Self::Dup(slot),
            _ => Self::Close(slot),
        }
    }

    fn transfer(random: &mut Random, slot: Slot) -> Self {
        match random.below(2) {
            0 => Self::Send(slot, Self::size(random), None),
            _ => Self::Receive(slot, Self::size(random)),
        }
    }

    /// Mostly little, now and then enough that the payload ends.
    fn size(random: &mut Random) -> u16 {
        match random.below(4) {
            0 => 1 + random.below(7_000) as u16,
            _ => 1 + random.below(100) as u16,
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let thread = if self.in_thread { "t" } else { "" };
        write!(f, "{}.{}{thread} ", self.actor, self.processor)?;
        match self.act {
            Act::Open(slot, kind, true) => write!(f, "open {slot} {}", kind.name()),
            Act::Open(slot, kind, false) => write!(f, "open {slot} {} nonblocking", kind.name()),
            Act::Bind(slot, place) => write!(f, "bind {slot} {place}"),
            Act::Listen(slot, backlog) => write!(f, "listen {slot} {backlog}"),
            Act::Connect(slot, place) => write!(f, "connect {slot} {place}"),
            Act::Disconnect(slot) => write!(f, "disconnect {slot}"),
            Act::Accept(slot, new) => write!(f, "accept {slot} {new}"),
            Act::Send(slot, bytes, None) => write!(f, "send {slot} {bytes}"),
            Act::Send(slot, bytes, Some(to)) => write!(f, "send {slot} {bytes} {to}"),
            Act::Receive(slot, bytes) => write!(f, "receive {slot} {bytes}"),
            Act::Shutdown(slot) => write!(f, "shutdown {slot}"),
            Act::Dup(slot) => write!(f, "dup {slot}"),
            Act::Close(slot) => write!(f, "close {slot}"),
            Act::Fork(actor) => write!(f, "fork {actor}"),
            Act::Exit => write!(f, "exit"),
        }
    }
}

/// Reads one as it is written; `None` if it is none.
pub fn read(text: &str) -> Option<Operation> {
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let (who, act) = words.split_first()?;
    let (actor, processor) = who.split_once('.')?;
    let (processor, in_thread) = match processor.strip_suffix('t') {
        Some(processor) => (processor, true),
        None => (processor, false),
    };
    let act = match *act {
        ["open", slot, kind] => Act::Open(slot.parse().ok()?, Kind::named(kind)?, true),
        ["open", slot, kind, "nonblocking"] => {
            Act::Open(slot.parse().ok()?, Kind::named(kind)?, false)
        }
        ["bind", slot, place] => Act::Bind(slot.parse().ok()?, Place::read(place)?),
        ["listen", slot, backlog] => Act::Listen(slot.parse().ok()?, backlog.parse().ok()?),
        ["connect", slot, place] => Act::Connect(slot.parse().ok()?, Place::read(place)?),
        ["disconnect", slot] => Act::Disconnect(slot.parse().ok()?),
        ["accept", slot, new] => Act::Accept(slot.parse().ok()?, new.parse().ok()?),
        ["send", slot, bytes] => Act::Send(slot.parse().ok()?, bytes.parse().ok()?, None),
        ["send", slot, bytes, to] => {
            let to = Some(Place::read(to)?);
            Act::Send(slot.parse().ok()?, bytes.parse().ok()?, to)
        }
        ["receive", slot, bytes] => Act::Receive(slot.parse().ok()?, bytes.parse().ok()?),
        ["shutdown", slot] => Act::Shutdown(slot.parse().ok()?),
        ["dup", slot] => Act::Dup(slot.parse().ok()?),
        ["close", slot] => Act::Close(slot.parse().ok()?),
        ["fork", actor] => Act::Fork(actor_named(actor)?),
        ["exit"] => Act::Exit,
        _ => return None,
    };
    Some(Operation {
        actor: actor_named(actor)?,
        processor: processor.parse().ok()?,
        in_thread,
        act,
    })
}

fn actor_named(text: &str) -> Option<usize> {
    text.parse().ok().filter(|actor| *actor < ACTORS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let mut random = Random::new(7);
        let met = Met {
            last: 3,
            held: Kind::ALL
                .map(|kind| (1, 2, kind, Likely::Anything))
                .to_vec(),
            actors: vec![0, 1],
            places: Vec::new(),
        };
        for _ in 0..1_000 {
            let operation = Operation::random(&mut random, &met);
            assert_eq!(read(&operation.to_string()), Some(operation), "{operation}");
        }
    }

    #[test]
    fn what_is_no_operation_is_none() {
        for text in [
            "0.0",
            "0 open 1 tcp4",
            "9.0 open 1 tcp4",
            "0.0 open 1 sctp",
            "0.0 bind 1",
            "0.0 connect 1 c:80",
            "0.0 fork 4",
            "0.0 exit now",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}

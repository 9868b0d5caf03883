//! Flows of datagrams: looked for what has ended, and told with their totals.
//!
//! The programs count what goes between a socket and each other end. A flow is over
//! when its socket is closed, or when nothing has come for a while, which no program
//! sees. So the reader looks at the map, takes out what is over and adds a record of
//! each to the stream: as `c/event.h` has it, from the CPU [`CPU_READER`].

pub mod abi;

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use trapline_loader::error::ResultExt;
use trapline_loader::map::Map;
use trapline_loader::{Error, Result};

use self::abi::{Flow, Key};
use crate::abi::{
    CPU_READER, FORMAT_VERSION, Header, KIND_FLOW_END, SOCKET_BY_OWNER, SOCKET_OPENED_UNSEEN,
    Socket, TEXT_NONE, TEXT_UNKNOWN, Text, Wire,
};
use crate::clock;

/// A full map has no room for what is new: from this part of it on, flows that have
/// been idle for a shorter time end as well.
const CROWDED: (usize, usize) = (3, 4);
/// By how much shorter.
const CROWDED_IDLE_PART: u64 = 8;
/// So many are told after one look; the others after the next, which is made at once.
const TOLD_AT_ONCE: usize = 256;
/// A map that changes faster than it can be read is read when it is quieter.
const EAGAIN: i32 = 11;

/// Looks for flows that have ended.
#[derive(Debug)]
pub(crate) struct Flows {
    idle_ns: u64,
    look_every: Duration,
    next_look: Instant,
    /// How many records were made: the number of the next.
    sequence: u64,
    /// The time of the last record: none is before the one that it follows.
    told_time_ns: u64,
    /// Records that nobody has taken yet.
    pending: VecDeque<Vec<u8>>,
}

impl Flows {
    /// The first look is made after `look_every`.
    pub(crate) fn new(idle: Duration, look_every: Duration) -> Self {
        Self {
            idle_ns: u64::try_from(idle.as_nanos()).unwrap_or(u64::MAX),
            look_every,
            next_look: after(look_every),
            sequence: 0,
            told_time_ns: 0,
            pending: VecDeque::new(),
        }
    }

    /// Whether it is time to look.
    pub(crate) fn is_due(&self) -> bool {
        Instant::now() >= self.next_look
    }

    /// Whether there is something to take.
    pub(crate) fn is_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    /// How many records were added to the stream.
    pub(crate) fn told(&self) -> u64 {
        self.sequence
    }

    /// Looks at the maps `flows` and `sockets` of the network sensors.
    pub(crate) fn look(&mut self, flows: &Map, sockets: &Map) -> Result<()> {
        self.next_look = after(self.look_every);
        let elements = match flows.lookup_batch() {
            Ok(elements) => elements,
            Err(error) if error.errno() == Some(EAGAIN) => return Ok(()),
            Err(error) => return Err(error),
        };
        let (crowded, of) = CROWDED;
        let is_crowded = elements.len() * of > flows.max_entries() as usize * crowded;
        let idle_ns = match is_crowded {
            true => self.idle_ns / CROWDED_IDLE_PART,
            false => self.idle_ns,
        };
        let now_ns = clock::boot_ns()?;
        let mut opened = Opened::new(sockets);
        let mut over = Vec::new();
        for (key, flow) in elements.iter() {
            let (key, flow) = (read::<Key>("key", key)?, read::<Flow>("value", flow)?);
            let is_idle = now_ns.saturating_sub(flow.last_time_ns) >= idle_ns;
            let is_made = flow.first_time_ns != 0;
            if is_made && (is_idle || !opened.is_open(&key)?) {
                over.push((flow.first_time_ns, key));
            }
        }
        over.sort_unstable_by_key(|(first_time_ns, key)| (*first_time_ns, key.sk, key.remote.port));
        if over.len() > TOLD_AT_ONCE {
            over.truncate(TOLD_AT_ONCE);
            self.next_look = Instant::now();
        }
        for (_, key) in over {
            let mut bytes = Vec::with_capacity(Key::SIZE);
            key.write(&mut bytes);
            // What came since is in what is taken out.
            if let Some(flow) = flows.lookup_and_delete(&bytes)? {
                self.tell(now_ns, &key, &read("value", &flow)?);
            }
        }
        Ok(())
    }

    /// Hands on what has been found; returns how many records.
    pub(crate) fn hand_out(&mut self, mut each: impl FnMut(&[u8])) -> usize {
        let records = self.pending.len();
        self.pending.drain(..).for_each(|record| each(&record));
        records
    }

    fn tell(&mut self, now_ns: u64, key: &Key, flow: &Flow) {
        // The clock that is read here is the coarser one.
        self.told_time_ns = self.told_time_ns.max(now_ns).max(flow.last_time_ns);
        let record = record(self.sequence, self.told_time_ns, key, flow);
        self.pending.push_back(record);
        self.sequence += 1;
    }
}

/// In so much time; a time that no clock reaches is a day from now, and then again.
fn after(delay: Duration) -> Instant {
    const DAY: Duration = Duration::from_secs(86_400);
    Instant::now() + delay.min(DAY)
}

/// Asks the map of sockets, about each but once.
struct Opened<'a> {
    sockets: &'a Map,
    /// By address: when it was opened, if it is open.
    known: BTreeMap<u64, Option<u64>>,
}

impl<'a> Opened<'a> {
    fn new(sockets: &'a Map) -> Self {
        Self {
            sockets,
            known: BTreeMap::new(),
        }
    }

    fn is_open(&mut self, key: &Key) -> Result<bool> {
        let opened = match self.known.get(&key.sk) {
            Some(opened) => *opened,
            None => {
                let opened = self.opened_time_ns(key.sk)?;
                self.known.insert(key.sk, opened);
                opened
            }
        };
        Ok(opened == Some(key.opened_time_ns))
    }

    fn opened_time_ns(&self, sk: u64) -> Result<Option<u64>> {
        let Some(state) = self.sockets.lookup(&sk.to_ne_bytes())? else {
            return Ok(None);
        };
        let time = state.get(abi::SOCKET_OPENED_TIME_OFFSET..);
        let time = read("value", time.unwrap_or_default()).with_context(|| "map sockets")?;
        Ok(Some(time))
    }
}

fn read<T: Wire>(what: &str, bytes: &[u8]) -> Result<T> {
    T::read(bytes).ok_or_else(|| {
        let (is, needs) = (bytes.len(), T::SIZE);
        Error::malformed(format!("a {what} of {is} bytes, {needs} are read"))
    })
}

/// The record of a flow's end.
fn record(sequence: u64, time_ns: u64, key: &Key, flow: &Flow) -> Vec<u8> {
    let empty = |flags| Text {
        flags,
        ..Text::default()
    };
    let unseen = match flow.is_unseen {
        0 => 0,
        _ => SOCKET_OPENED_UNSEEN,
    };
    let event = Socket {
        header: Header {
            size_bytes: Socket::SIZE as u32,
            kind: KIND_FLOW_END,
            format_version: FORMAT_VERSION,
            time_ns,
            sequence,
            cpu: CPU_READER,
            lane: 0,
        },
        process: flow.process,
        local: flow.local,
        remote: key.remote,
        socket_id: flow.socket_id,
        owner_id: flow.owner_id,
        opened_time_ns: key.opened_time_ns,
        sent_bytes: flow.sent_bytes,
        received_bytes: flow.received_bytes,
        sent_packets: flow.sent_packets,
        received_packets: flow.received_packets,
        first_time_ns: flow.first_time_ns,
        last_time_ns: flow.last_time_ns,
        owner_tgid: flow.owner_tgid,
        net_ns: flow.net_ns,
        interface: flow.interface,
        flags: SOCKET_BY_OWNER | unseen,
        family: flow.family,
        socket_type: flow.socket_type,
        protocol: flow.protocol,
        exe: empty(TEXT_UNKNOWN),
        parent_exe: empty(TEXT_UNKNOWN),
        path: empty(TEXT_NONE),
        payload: empty(TEXT_NONE),
        ..Socket::default()
    };
    let mut record = Vec::with_capacity(Socket::SIZE);
    event.write(&mut record);
    record
}

#[cfg(test)]
mod tests;

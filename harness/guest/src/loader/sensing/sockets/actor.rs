//! One process of a network: does operations, and answers with what came of them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::operation::{self, Act, Operation, Slot};
use super::place::{DEAF_PORT, Kind, Place};
use crate::sys::{birth, process, schedule, sockets};
use crate::workloads::failure::{Outcome, Tried};
use crate::workloads::network::pending::DEAF;
use crate::workloads::network::world::{HERE, HERE_V6, World, at};

/// How long a call waits: nothing that comes takes longer, whatever the machine.
const WAITS_S: i64 = 10;
/// The same, for what is under way when no call waits for it.
const PATIENCE: Duration = Duration::from_secs(10);
/// Until something is looked at again.
const NAP: Duration = Duration::from_micros(200);

/// One process.
pub struct Actor {
    /// For each actor of the network.
    orders: Vec<File>,
    answers: File,
    folder: String,
    world: Option<World>,
    held: BTreeMap<Slot, Vec<OwnedFd>>,
}

impl Actor {
    pub fn new(orders: Vec<File>, answers: File, folder: &str) -> Self {
        Self {
            orders,
            answers,
            folder: folder.to_owned(),
            world: None,
            held: BTreeMap::new(),
        }
    }

    /// The first: enters a network, where nobody hears at one port, and says which.
    pub fn begin(&mut self) -> i32 {
        let entered = World::enter().and_then(|world| {
            let deaf = [HERE, HERE_V6].map(deaf);
            let [four, six] = deaf;
            Ok((world, [four?, six?]))
        });
        match entered {
            Ok((world, deaf)) => {
                // Those who come after have them as well: nobody sees their end.
                self.held.insert(0, deaf.into());
                let net_ns = world.net_ns as i64;
                self.world = Some(world);
                self.answer(net_ns);
                self.serve(0)
            }
            Err(_) => {
                self.answer(-1);
                1
            }
        }
    }

    fn answer(&mut self, value: i64) {
        self.answer_by(value, process::gettid());
    }

    /// Who waits for an answer in vain says so.
    fn answer_by(&mut self, value: i64, tid: i32) {
        let _ = self
            .answers
            .write_all(format!("{value} {tid}\n").as_bytes());
    }

    /// Does what it is told as this actor, to the end.
    fn serve(&mut self, own: usize) -> i32 {
        let Ok(orders) = self.orders[own].try_clone() else {
            return 1;
        };
        for line in BufReader::new(orders).lines() {
            let Ok(line) = line else { return 1 };
            if let Some(what) = line.strip_prefix("settle ") {
                let seen = self.settles(what);
                self.answer(value_of(seen));
                continue;
            }
            let (port, text) = line.split_once(' ').unwrap_or_default();
            let Some(operation) = operation::read(text) else {
                return 1;
            };
            match operation.act {
                Act::Exit => return 0,
                Act::Fork(new) => {
                    while let Ok(Some(_)) = process::try_wait(None) {}
                    let pid = birth::fork(&mut || self.serve(new));
                    self.answer(value_of(pid.map(|pid| pid as u64)));
                }
                _ => {
                    let (done, tid) = self.does(&operation, port);
                    self.answer_by(value_of(done), tid);
                }
            }
        }
        0
    }

    fn does(&mut self, operation: &Operation, port: &str) -> (io::Result<u64>, i32) {
        let tries = |actor: &mut Self| {
            schedule::pin_to(operation.processor)?;
            if port != "0" {
                let world = actor.world.as_ref();
                let set =
                    world.map(|it| it.set("ipv4/ip_local_port_range", &format!("{port} {port}")));
                set.transpose().map_err(|error| io::Error::other(error.0))?;
            }
            actor.tries(operation.act)
        };
        if !operation.in_thread {
            return (tries(self), process::gettid());
        }
        let (done, tid) = thread::scope(|scope| {
            let thread = scope.spawn(|| (tries(self), process::gettid()));
            let failed = |_| (Err(io::Error::other("the thread panicked")), 0);
            thread.join().unwrap_or_else(failed)
        });
        // It is joined before it lets go of its descriptors: if the process ended meanwhile, the
        // thread would be the one that closes them.
        while Path::new(&format!("/proc/self/task/{tid}")).exists() {
            thread::sleep(NAP);
        }
        (done, tid)
    }

    fn tries(&mut self, act: Act) -> io::Result<u64> {
        match act {
            Act::Open(slot, kind, waits) => {
                let socket = open(kind, waits)?;
                self.held.insert(slot, vec![socket]);
            }
            Act::Bind(slot, place) => sockets::bind(self.of(slot)?, &self.address(place))?,
            Act::Listen(slot, backlog) => sockets::listen(self.of(slot)?, backlog.into())?,
            Act::Connect(slot, place) => sockets::connect(self.of(slot)?, &self.address(place))?,
            Act::Disconnect(slot) => sockets::connect(self.of(slot)?, &sockets::Address::none())?,
            Act::Accept(slot, new) => {
                let socket = sockets::accept(self.of(slot)?)?;
                self.held.insert(new, vec![socket]);
            }
            Act::Send(slot, bytes, to) => {
                let bytes: Vec<u8> = (0..bytes).map(|at| at as u8).collect();
                let to = to.map(|to| self.address(to));
                let socket = self.of(slot)?;
                let sent = sockets::send(socket, &bytes, libc::MSG_DONTWAIT, to.as_ref())?;
                return Ok(sent as u64);
            }
            Act::Receive(slot, bytes) => {
                let socket = self.of(slot)?;
                // A datagram is taken whole.
                let is_stream = sockets::get(socket, libc::SOL_SOCKET, libc::SO_TYPE)? == 1;
                let mut room = vec![0; if is_stream { bytes.into() } else { 1 << 16 }];
                let (came, _) = sockets::receive(socket, &mut room, libc::MSG_DONTWAIT)?;
                return Ok(came as u64);
            }
            Act::Shutdown(slot) => sockets::shutdown(self.of(slot)?, libc::SHUT_WR)?,
            Act::Dup(slot) => {
                let copy = self.of(slot)?.try_clone_to_owned()?;
                self.held.entry(slot).or_default().push(copy);
            }
            Act::Close(slot) => {
                let all = self.held.entry(slot).or_default();
                drop(all.pop());
                if all.is_empty() {
                    self.held.remove(&slot);
                }
            }
            Act::Fork(_) | Act::Exit => {}
        }
        Ok(0)
    }

    fn of(&self, slot: Slot) -> io::Result<BorrowedFd<'_>> {
        let held = self.held.get(&slot).and_then(|all| all.last());
        let none = || io::Error::from_raw_os_error(libc::EBADF);
        held.map(|fd| fd.as_fd()).ok_or_else(none)
    }

    fn address(&self, place: Place) -> sockets::Address {
        match place {
            Place::Ip(address) => address.into(),
            _ => sockets::Address::unix(&place.unix_bytes(&self.folder)),
        }
    }

    /// Waits until nothing is under way at a socket; returns the state that it stays in.
    fn settles(&self, what: &str) -> io::Result<u64> {
        let no_order = || io::Error::other(format!("no order: {what}"));
        let words: Vec<&str> = what.split(' ').collect();
        let [slot, how, first, second] = words[..] else {
            return Err(no_order());
        };
        let socket = self.of(slot.parse().map_err(|_| no_order())?)?;
        let (first, second): (u64, u64) = match (first.parse(), second.parse()) {
            (Ok(first), Ok(second)) => (first, second),
            _ => return Err(no_order()),
        };
        let until = Instant::now() + PATIENCE;
        loop {
            let (is_so, state) = match how {
                "tcp" => {
                    let (state, waiting) = sockets::tcp_state(socket)?;
                    let is_so = (u64::from(state), waiting) == (first, second);
                    (is_so, u64::from(state) << 32 | waiting)
                }
                "taken" => {
                    let left = sockets::untaken(socket)?;
                    (left == 0, left)
                }
                _ => {
                    let polled = sockets::poll(socket, first as i16, Duration::ZERO).unwrap_or(0);
                    (polled as u64 & first == first, polled as u64)
                }
            };
            if is_so {
                return Ok(0);
            }
            if Instant::now() > until {
                return Ok(state | 1 << 48);
            }
            thread::sleep(NAP);
        }
    }
}

/// As one number: negative is an errno.
fn value_of(result: io::Result<u64>) -> i64 {
    match result {
        Ok(value) => value as i64,
        Err(error) => -i64::from(error.raw_os_error().unwrap_or(i32::MAX)),
    }
}

fn open(kind: Kind, waits: bool) -> io::Result<OwnedFd> {
    let (family, kind_of, protocol) = kind.numbers();
    let flags = if waits { 0 } else { libc::SOCK_NONBLOCK };
    let socket = sockets::socket(family, kind_of | flags, protocol)?;
    if kind.is_tcp() {
        // What is left of earlier connections is not in the way of a port.
        sockets::set(socket.as_fd(), libc::SOL_SOCKET, libc::SO_REUSEADDR, 1)?;
    }
    for option in [libc::SO_SNDTIMEO, libc::SO_RCVTIMEO] {
        // struct timeval: seconds, and no microseconds.
        let patience = [WAITS_S.to_ne_bytes(), 0_i64.to_ne_bytes()].concat();
        sockets::set_bytes(socket.as_fd(), libc::SOL_SOCKET, option, &patience)?;
    }
    Ok(socket)
}

/// Listens where nothing is heard.
fn deaf(ip: std::net::IpAddr) -> Outcome<OwnedFd> {
    let kind = if ip.is_ipv4() { Kind::Tcp4 } else { Kind::Tcp6 };
    let socket = open(kind, true).tried("socket")?;
    sockets::filter(socket.as_fd(), DEAF).tried("attach a filter")?;
    sockets::bind(socket.as_fd(), &at(ip, DEAF_PORT).into()).tried("bind")?;
    sockets::listen(socket.as_fd(), 1).tried("listen")?;
    Ok(socket)
}

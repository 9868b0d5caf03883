//! Connections of TCP: how they come about.

use std::net::SocketAddr;

use super::super::place::DEAF_PORT;
use super::{
    Did, Id, MAPPED, Model, State, Stream, Told, anywhere, as_of, canonical, class, is_found,
};
use crate::workloads::network::world::{HERE, HERE_V6, NOWHERE};

/// No more connections than this wait, for which every backlog has room.
const WAITING_MOST: usize = 90;

/// How a connection that is asked for fares.
enum Fate {
    Unreachable,
    Unanswered,
    Refused,
    Listened(Id),
}

/// Whether no way leads there.
pub(super) fn is_nowhere(to: SocketAddr) -> bool {
    to.ip() == NOWHERE || class(to.ip()) == class(HERE_V6) && to.ip() != HERE_V6
}

/// The same, where that is looked at before whether the socket has an address already.
pub(super) fn is_nowhere_first(to: SocketAddr) -> bool {
    to.is_ipv4() && is_nowhere(to)
}

/// Whether the way from one address to the other exists.
pub(super) fn fits(from: Option<SocketAddr>, to: SocketAddr) -> bool {
    from.is_none_or(|from| from.ip().is_unspecified() || class(from.ip()) == class(to.ip()))
}

/// Where it comes from if it is sent there.
pub(super) fn source(from: Option<SocketAddr>, port: u16, to: SocketAddr) -> SocketAddr {
    match from {
        Some(from) if !from.ip().is_unspecified() => from,
        _ => SocketAddr::new(to.ip(), port),
    }
}

impl Model {
    pub(super) fn bind_tcp(&mut self, id: Id, to: SocketAddr) -> Did {
        let socket = &self.sockets[id];
        let is_taken = |other: &super::Socket| {
            let is_there = other.local.is_some_and(|at| is_found(at, to));
            is_there && other.kind.is_tcp() && matches!(other.state, State::Listening(_))
        };
        let is_deaf = to.port() == DEAF_PORT && [HERE, HERE_V6].contains(&canonical(to).ip());
        let result = match socket.state {
            State::Fresh | State::Listening(_) | State::Connected(_) if is_nowhere_first(to) => {
                Err(libc::EADDRNOTAVAIL)
            }
            State::Fresh if socket.local.is_some() => Err(libc::EINVAL),
            State::Listening(_) | State::Connected(_) => Err(libc::EINVAL),
            State::Fresh if is_nowhere(to) => Err(libc::EADDRNOTAVAIL),
            State::Fresh if is_deaf || self.sockets.iter().any(is_taken) => Err(libc::EADDRINUSE),
            State::Fresh => Ok(0),
            _ => return None,
        };
        self.bind_ends(id, to, result)
    }

    pub(super) fn bind_ends(&mut self, id: Id, to: SocketAddr, result: Result<u64, i32>) -> Did {
        if result.is_ok() {
            let socket = &mut self.sockets[id];
            (socket.local, socket.is_bound) = (Some(to), true);
        }
        let told = Told {
            local: Some(to),
            errno: result.err().unwrap_or(0),
            ..self.about("bind", id)
        };
        self.tell(id, told);
        Some(result)
    }

    pub(super) fn listen_tcp(&mut self, id: Id, backlog: u16) -> Did {
        let socket = &self.sockets[id];
        let is_mapped = socket.class == Some(MAPPED) && socket.totals.sent_packets > 0;
        let result = match (&socket.state, socket.local) {
            // It hears of nothing else any more.
            (State::Fresh, _) if is_mapped => return None,
            (State::Fresh, None) => {
                let any = anywhere(socket.kind, 0).ip();
                let ip = socket.kept_ip.unwrap_or(any);
                self.sockets[id].local = Some(SocketAddr::new(ip, self.choose_port()));
                Ok(0)
            }
            (State::Fresh, Some(at)) => {
                let is_taken = |other: &super::Socket| {
                    let is_there = other.local.is_some_and(|other| is_found(other, at));
                    is_there && other.kind.is_tcp() && matches!(other.state, State::Listening(_))
                };
                match self.sockets.iter().any(is_taken) {
                    true => Err(libc::EADDRINUSE),
                    false => Ok(0),
                }
            }
            (State::Listening(_), _) => Ok(0),
            _ => Err(libc::EINVAL),
        };
        if result.is_ok() && self.sockets[id].state == State::Fresh {
            self.sockets[id].state = State::Listening([].into());
        }
        self.touched.insert(id);
        self.listen_ends(id, backlog, result)
    }

    fn fate(&self, to: SocketAddr) -> Fate {
        if is_nowhere(to) {
            return Fate::Unreachable;
        }
        if to.port() == DEAF_PORT && [HERE, HERE_V6].contains(&canonical(to).ip()) {
            return Fate::Unanswered;
        }
        let listens = |it: &super::Socket| {
            let is_there = it.local.is_some_and(|at| is_found(at, to));
            is_there && matches!(it.state, State::Listening(_))
        };
        let listener = self.sockets.iter().position(listens);
        listener.map_or(Fate::Refused, Fate::Listened)
    }

    pub(super) fn connect_tcp(&mut self, id: Id, to: SocketAddr) -> Did {
        let is_left_out = canonical(to).ip().is_loopback();
        match &mut self.sockets[id].state {
            State::Fresh => self.connect_anew(id, to),
            State::Asking(_) => Some(Err(libc::EALREADY)),
            State::Failed => Some(self.fetch_failure(id)),
            State::Connected(Stream { is_unfetched, .. }) if *is_unfetched => {
                *is_unfetched = false;
                Some(Ok(0))
            }
            State::Over(true) => Some(self.fetch_failure(id)),
            // Who asks for another place within loopback is left out with it.
            _ if is_left_out => None,
            _ => {
                let told = Told {
                    remote: Some(to),
                    errno: libc::EISCONN,
                    ..self.about("connect", id)
                };
                self.tell(id, told);
                Some(Err(libc::EISCONN))
            }
        }
    }

    pub(super) fn fetch_failure(&mut self, id: Id) -> Result<u64, i32> {
        let socket = &mut self.sockets[id];
        let errno = socket.error.take().unwrap_or(libc::ECONNABORTED);
        self.begin_anew(id);
        Err(errno)
    }

    /// As a new socket, but for the address that it is bound to, and what it has counted.
    pub(super) fn begin_anew(&mut self, id: Id) {
        self.let_go_of_port(id);
        let socket = &mut self.sockets[id];
        (socket.remote, socket.unread, socket.is_done) = (None, 0, false);
        socket.state = State::Fresh;
        self.touched.insert(id);
    }

    /// The connection is over: so is a port that nobody asked for.
    pub(super) fn let_go_of_port(&mut self, id: Id) {
        let socket = &mut self.sockets[id];
        if !socket.is_bound {
            socket.local = None;
        }
    }

    fn connect_anew(&mut self, id: Id, to: SocketAddr) -> Did {
        let socket = &self.sockets[id];
        let (waits, kind) = (socket.waits, socket.kind);
        let fate = self.fate(to);
        let is_full = match &fate {
            Fate::Listened(listener) => match &self.sockets[*listener].state {
                State::Listening(queue) => queue.len() >= WAITING_MOST,
                _ => true,
            },
            Fate::Unanswered => waits,
            _ => false,
        };
        // One that is bound there would find itself.
        let is_own = socket.local.map(canonical) == Some(canonical(to));
        if is_own || is_full || !fits(socket.local, to) || socket.is_waiting {
            return None;
        }
        self.touched.insert(id);
        if let Fate::Unreachable = fate {
            let told = Told {
                remote: Some(to),
                errno: libc::ENETUNREACH,
                ..self.about("connect", id)
            };
            self.tell(id, told);
            return Some(Err(libc::ENETUNREACH));
        }
        let port = match self.sockets[id].local {
            Some(local) => local.port(),
            None => self.choose_port(),
        };
        let socket = &mut self.sockets[id];
        let kept = socket.kept_ip.map(|ip| SocketAddr::new(ip, port));
        let local = source(socket.local.or(kept), port, to);
        (socket.local, socket.remote) = (Some(local), Some(to));
        // Of each connection the beginning is told.
        (socket.payload_told, socket.has_received) = (0, false);
        socket.totals.sent_packets = 1;
        socket.error = None;
        match fate {
            Fate::Listened(listener) => self.answer(id, listener, as_of(kind, to)),
            Fate::Unanswered => {
                self.sockets[id].state = State::Asking(self.who);
                self.tell_begun(id);
                Some(Err(libc::EINPROGRESS))
            }
            _ => Some(self.refuse(id)),
        }
    }

    fn tell_begun(&mut self, id: Id) {
        let told = Told {
            errno: libc::EINPROGRESS,
            flags: "in_progress".to_owned(),
            ..self.about("connect", id)
        };
        self.tell(id, told);
    }

    /// How what was told as in progress has ended, in the name of who asked.
    pub(super) fn tell_outcome(&mut self, id: Id, by: super::Who, errno: i32) {
        let told = Told {
            errno,
            by,
            flags: "by_owner+outcome".to_owned(),
            ..self.about("connect", id)
        };
        self.tell(id, told);
    }

    fn refuse(&mut self, id: Id) -> Result<u64, i32> {
        let (waits, who) = (self.sockets[id].waits, self.who);
        if let (Some(local), false) = (self.sockets[id].local, self.sockets[id].is_bound) {
            self.free_ports.push(local.port());
        }
        if !waits {
            self.tell_begun(id);
        }
        self.sockets[id].totals.received_packets = 1;
        if waits {
            let told = Told {
                errno: libc::ECONNREFUSED,
                ..self.about("connect", id)
            };
            self.tell(id, told);
            self.begin_anew(id);
            return Err(libc::ECONNREFUSED);
        }
        self.tell_outcome(id, who, libc::ECONNREFUSED);
        self.let_go_of_port(id);
        let socket = &mut self.sockets[id];
        (socket.error, socket.state) = (Some(libc::ECONNREFUSED), State::Failed);
        Err(libc::EINPROGRESS)
    }

    fn answer(&mut self, id: Id, listener: Id, to: SocketAddr) -> Did {
        let (waits, who) = (self.sockets[id].waits, self.who);
        let from = self.sockets[id].local?;
        if !waits {
            self.tell_begun(id);
        }
        self.sockets[id].totals.received_packets = 1;
        match waits {
            true => {
                let told = self.about("connect", id);
                self.tell(id, told);
            }
            false => self.tell_outcome(id, who, 0),
        }
        let (kind, waits_at) = (self.sockets[listener].kind, self.sockets[listener].local);
        let new = self.add(kind, true);
        let socket = &mut self.sockets[new];
        socket.local = Some(as_of(kind, to));
        socket.kept_ip = waits_at.map(|at| at.ip()).filter(|ip| !ip.is_unspecified());
        socket.remote = Some(as_of(kind, from));
        socket.class = socket.remote.map(|it| class(it.ip()));
        socket.totals.received_packets = 1;
        let stream = |peer, is_unfetched| {
            State::Connected(Stream {
                peer: Some(peer),
                is_unfetched,
                ..Stream::default()
            })
        };
        socket.state = stream(id, false);
        self.sockets[id].state = stream(new, !waits);
        if let State::Listening(queue) = &mut self.sockets[listener].state {
            queue.push_back(new);
        }
        self.touched.insert(listener);
        Some(match waits {
            true => Ok(0),
            false => Err(libc::EINPROGRESS),
        })
    }
}

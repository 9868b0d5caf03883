//! Datagrams over IP: who gets them, and which of them are told.

use std::net::SocketAddr;

use super::super::place::DEAF_PORT;
use super::tcp::{fits, is_nowhere, is_nowhere_first, source};
use super::{Did, Id, Model, Settled, State, Told, anywhere, as_of, canonical, is_found};

/// No more datagrams than these wait, for which there is room.
const WAITING_MOST: usize = 40;

impl Model {
    pub(super) fn bind_udp(&mut self, id: Id, to: SocketAddr) -> Did {
        let others = self.sockets.iter().filter(|it| it.kind.is_udp());
        let mut there = others.filter_map(|it| it.local.filter(|at| at.port() == to.port()));
        let result = match (self.sockets[id].local, there.next()) {
            _ if is_nowhere_first(to) => Err(libc::EADDRNOTAVAIL),
            (Some(_), _) => Err(libc::EINVAL),
            _ if is_nowhere(to) => Err(libc::EADDRNOTAVAIL),
            (None, None) => Ok(0),
            (None, Some(at)) if canonical(at) == canonical(to) => Err(libc::EADDRINUSE),
            // Each port is one socket's, so that nobody else may get what is for it.
            _ => return None,
        };
        self.bind_ends(id, to, result)
    }

    /// A socket that has no port gets one before anything else is tried.
    fn with_port(&mut self, id: Id) -> u16 {
        if let Some(local) = self.sockets[id].local {
            return local.port();
        }
        let port = self.choose_port();
        self.sockets[id].local = Some(anywhere(self.sockets[id].kind, port));
        port
    }

    pub(super) fn connect_udp(&mut self, id: Id, to: SocketAddr) -> Did {
        let socket = &self.sockets[id];
        if !fits(socket.local, to) || is_nowhere(to) && socket.remote.is_some() {
            return None;
        }
        let port = self.with_port(id);
        let result = match is_nowhere(to) {
            true => Err(libc::ENETUNREACH),
            false => Ok(0),
        };
        let socket = &mut self.sockets[id];
        if result.is_ok() {
            socket.local = Some(source(socket.local, port, to));
            socket.remote = Some(to);
        }
        let told = Told {
            remote: Some(to),
            errno: result.err().unwrap_or(0),
            ..self.about("connect", id)
        };
        self.tell(id, told);
        Some(result)
    }

    pub(super) fn disconnect_udp(&mut self, id: Id) -> Did {
        let socket = &mut self.sockets[id];
        socket.remote = None;
        if !socket.is_bound {
            socket.local = None;
        }
        Some(Ok(0))
    }

    pub(super) fn send_udp(&mut self, id: Id, bytes: u64, to: Option<SocketAddr>) -> Did {
        let socket = &self.sockets[id];
        let Some(remote) = to.or(socket.remote) else {
            if socket.error.is_some() {
                return None;
            }
            self.with_port(id);
            return Some(Err(libc::EDESTADDRREQ));
        };
        let receiver = self.receiver(id, remote);
        let is_full = receiver.is_some_and(|it| self.sockets[it].datagrams.len() >= WAITING_MOST);
        if is_full || !fits(socket.local, remote) || remote.port() == DEAF_PORT {
            return None;
        }
        if is_nowhere(remote) {
            return None;
        }
        let port = self.with_port(id);
        let receiver = self.receiver(id, remote);
        let socket = &mut self.sockets[id];
        if let Some(errno) = socket.error.take() {
            return Some(Err(errno));
        }
        let from = source(socket.local, port, remote);
        let before = socket.totals.sent_bytes;
        socket.totals.sent_bytes += bytes;
        socket.totals.sent_packets += 1;
        let is_connected = socket.remote == Some(remote);
        self.flow(id, "send", remote, Some((before, bytes as usize)));
        match receiver {
            Some(receiver) => {
                let kind = self.sockets[receiver].kind;
                let datagram = (bytes, as_of(kind, from));
                self.sockets[receiver].datagrams.push_back(datagram);
                self.touched.insert(receiver);
            }
            None if is_connected => {
                self.sockets[id].error = Some(libc::ECONNREFUSED);
                self.touched.insert(id);
            }
            None => {}
        }
        Some(Ok(bytes))
    }

    /// Who gets what is sent there.
    fn receiver(&self, id: Id, to: SocketAddr) -> Option<Id> {
        let own = self.sockets[id].local;
        let from = own.map(|own| canonical(source(Some(own), own.port(), to)));
        let gets = |it: &super::Socket| {
            let is_there = it.local.is_some_and(|at| is_found(at, to));
            let hears = it
                .remote
                .is_none_or(|remote| Some(canonical(remote)) == from);
            it.kind.is_udp() && is_there && hears && !it.holders.is_empty()
        };
        self.sockets.iter().position(gets)
    }

    pub(super) fn receive_udp(&mut self, id: Id) -> Did {
        let socket = &mut self.sockets[id];
        if let Some(errno) = socket.error.take() {
            return Some(Err(errno));
        }
        let Some((bytes, from)) = socket.datagrams.pop_front() else {
            return Some(Err(libc::EAGAIN));
        };
        socket.totals.received_bytes += bytes;
        socket.totals.received_packets += 1;
        self.flow(id, "receive", from, None);
        Some(Ok(bytes))
    }

    /// The first datagram each way between it and another is told.
    fn flow(
        &mut self,
        id: Id,
        operation: &'static str,
        remote: SocketAddr,
        payload: Option<(u64, usize)>,
    ) {
        if canonical(remote).ip().is_loopback() {
            return;
        }
        let flow = (remote, payload.is_some());
        if !self.sockets[id].flows.insert(flow) {
            return;
        }
        let told = Told {
            remote: Some(remote),
            payload,
            ..self.about(operation, id)
        };
        self.tell(id, told);
    }

    /// A socket is about to go, and its flows with it: the place for events of their end.
    pub(super) fn end_flows(&mut self, id: Id) {
        self.sockets[id].flows.clear();
    }

    pub(super) fn settles_udp(&self, id: Id) -> Option<Settled> {
        let socket = &self.sockets[id];
        let waits = (!socket.datagrams.is_empty()).then_some(libc::POLLIN);
        let failed = socket.error.map(|_| libc::POLLERR);
        let events = waits.unwrap_or(0) | failed.unwrap_or(0);
        (events != 0 && socket.state == State::Fresh).then_some(Settled::Polled(events))
    }
}

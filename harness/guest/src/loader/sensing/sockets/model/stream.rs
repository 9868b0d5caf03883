//! Connections of TCP: what goes through them, and how they end.

use super::{Did, Id, Model, Settled, State, Stream, Told};

/// What the sensors tell of each connection's stream.
const PAYLOAD_BYTES: u64 = 16 << 10;
/// No more than this waits to be read, so that there always is room.
const UNREAD_MOST: u64 = 30_000;

impl Model {
    /// The other end breaks the connection off.
    fn reset(&mut self, id: Id) {
        let State::Connected(stream) = self.sockets[id].state.clone() else {
            return;
        };
        let is_half_read = stream.has_received_end && !stream.has_sent_end;
        let socket = &mut self.sockets[id];
        socket.error = Some(match is_half_read {
            true => libc::EPIPE,
            false => libc::ECONNRESET,
        });
        socket.state = State::Over(stream.is_unfetched);
        self.let_go_of_port(id);
        self.touched.insert(id);
    }

    /// Breaks off what is connected or waits to be accepted, or gives up what was asked for.
    fn break_off(&mut self, id: Id) {
        match self.sockets[id].state.clone() {
            State::Listening(queue) => {
                for waiting in queue {
                    self.break_off(waiting);
                }
            }
            State::Asking(who) => {
                self.tell_outcome(id, who, libc::ECONNABORTED);
                self.sockets[id].error = Some(libc::ECONNRESET);
            }
            State::Connected(stream) => {
                if let Some(peer) = stream.peer {
                    self.reset(peer);
                }
                self.sockets[id].error = Some(libc::ECONNRESET);
            }
            _ => {}
        }
    }

    pub(super) fn disconnect_tcp(&mut self, id: Id) -> Did {
        self.break_off(id);
        self.begin_anew(id);
        Some(Ok(0))
    }

    pub(super) fn shutdown_tcp(&mut self, id: Id) -> Did {
        match &mut self.sockets[id].state {
            State::Asking(_) => self.disconnect_tcp(id),
            State::Listening(_) => Some(Ok(0)),
            State::Connected(stream) => {
                stream.is_unfetched = false;
                self.end(id);
                Some(Ok(0))
            }
            _ => None,
        }
    }

    /// It sends no more.
    fn end(&mut self, id: Id) {
        let State::Connected(stream) = &mut self.sockets[id].state else {
            return;
        };
        if stream.has_sent_end {
            return;
        }
        stream.has_sent_end = true;
        let (is_over, peer) = (stream.has_received_end, stream.peer);
        self.touched.insert(id);
        if is_over {
            self.both_ended(id);
        }
        let Some(peer) = peer else { return };
        self.touched.insert(peer);
        self.sockets[peer].is_done = true;
        let State::Connected(stream) = &mut self.sockets[peer].state else {
            return;
        };
        stream.has_received_end = true;
        if stream.has_sent_end {
            // Who ended it first waits for what comes too late.
            self.sockets[peer].is_waiting = true;
            self.both_ended(peer);
        }
    }

    fn both_ended(&mut self, id: Id) {
        let socket = &mut self.sockets[id];
        if let State::Connected(stream) = &socket.state {
            socket.state = State::Over(stream.is_unfetched);
        }
        self.let_go_of_port(id);
    }

    /// Before its close is told.
    pub(super) fn release_tcp(&mut self, id: Id) {
        if let State::Asking(who) = self.sockets[id].state {
            self.tell_outcome(id, who, libc::ECONNABORTED);
        }
    }

    /// After.
    pub(super) fn leave_tcp(&mut self, id: Id) {
        match self.sockets[id].state.clone() {
            State::Connected(stream) => {
                if self.sockets[id].unread > 0 {
                    self.break_off(id);
                    return;
                }
                self.end(id);
                if let Some(peer) = stream.peer
                    && let State::Connected(stream) = &mut self.sockets[peer].state
                {
                    stream.peer = None;
                }
            }
            State::Listening(queue) => {
                for waiting in queue {
                    self.break_off(waiting);
                }
            }
            _ => {}
        }
    }

    pub(super) fn send_tcp(&mut self, id: Id, bytes: u64) -> Did {
        let socket = &mut self.sockets[id];
        let peer = match &socket.state {
            State::Asking(_) => return None,
            State::Connected(Stream {
                has_sent_end: false,
                peer,
                ..
            }) => *peer,
            _ => return Some(Err(socket.error.take().unwrap_or(libc::EPIPE))),
        };
        // What is sent to who is gone meets its answer somewhere on the way.
        let peer = peer?;
        if self.sockets[peer].unread + bytes > UNREAD_MOST {
            return None;
        }
        let socket = &mut self.sockets[id];
        let before = socket.totals.sent_bytes;
        socket.totals.sent_bytes += bytes;
        socket.totals.sent_packets = 1;
        let wanted = bytes.min(PAYLOAD_BYTES - socket.payload_told);
        socket.payload_told += wanted;
        let ends = socket.payload_told == PAYLOAD_BYTES;
        if wanted > 0 {
            let told = Told {
                payload: Some((before, wanted as usize)),
                flags: if ends { "payload_ends" } else { "" }.to_owned(),
                ..self.about("send", id)
            };
            self.tell(id, told);
        }
        let other = &mut self.sockets[peer];
        other.unread += bytes;
        other.totals.received_bytes += bytes;
        other.totals.received_packets = 1;
        self.touched.insert(match other.slot {
            Some(_) => peer,
            None => id,
        });
        Some(Ok(bytes))
    }

    pub(super) fn receive_tcp(&mut self, id: Id, most: u64) -> Did {
        let socket = &mut self.sockets[id];
        if socket.unread == 0 {
            return Some(match &socket.state {
                State::Listening(_) => Err(libc::ENOTCONN),
                _ if socket.is_done => Ok(0),
                State::Asking(_) | State::Connected(_) => Err(libc::EAGAIN),
                State::Over(_) | State::Failed => socket.error.take().map_or(Ok(0), Err),
                _ => Err(socket.error.take().unwrap_or(libc::ENOTCONN)),
            });
        }
        let bytes = most.min(socket.unread);
        socket.unread -= bytes;
        let is_first = !socket.has_received;
        socket.has_received = true;
        if is_first {
            let told = self.about("receive", id);
            self.tell(id, told);
        }
        Some(Ok(bytes))
    }

    pub(super) fn settles_tcp(&self, id: Id) -> Settled {
        let socket = &self.sockets[id];
        match &socket.state {
            State::Listening(queue) => Settled::Tcp(10, queue.len() as u64),
            State::Asking(_) => Settled::Tcp(2, 0),
            State::Connected(stream) => {
                let is_accepted = stream.peer.is_none_or(|it| self.sockets[it].slot.is_some());
                let state = match (stream.has_sent_end, stream.has_received_end) {
                    (false, false) if !is_accepted => return Settled::Taken,
                    (false, false) => 1,
                    (true, _) => 5,
                    (false, true) => 8,
                };
                Settled::Tcp(state, socket.unread)
            }
            _ => Settled::Tcp(7, socket.unread),
        }
    }
}

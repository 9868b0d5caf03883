//! Who holds which socket: processes that open, duplicate, inherit and close descriptors. What
//! becomes of a socket that nobody holds any more is its kind's to say.

use super::socket::{Socket, State};
use super::{Did, Id, Kind, Model, Slot};

impl Model {
    pub(super) fn held(&self, actor: usize, slot: Slot) -> Option<Id> {
        let id = *self.slots.get(&slot)?;
        self.sockets[id].holders.contains_key(&actor).then_some(id)
    }

    pub(super) fn open(&mut self, actor: usize, slot: Slot, kind: Kind, waits: bool) -> Did {
        if self.slots.contains_key(&slot) {
            return None;
        }
        let id = self.add(kind, waits);
        self.give(id, actor, slot);
        Some(Ok(0))
    }

    pub(super) fn add(&mut self, kind: Kind, waits: bool) -> Id {
        self.sockets.push(Socket::new(kind, waits, self.who.birth));
        self.sockets.len() - 1
    }

    pub(super) fn give(&mut self, id: Id, actor: usize, slot: Slot) {
        let socket = &mut self.sockets[id];
        socket.slot = Some(slot);
        socket.holders.insert(actor, 1);
        self.slots.insert(slot, id);
    }

    pub(super) fn close(&mut self, actor: usize, id: Id) -> Did {
        let holders = &mut self.sockets[id].holders;
        match holders.get_mut(&actor) {
            Some(count @ 2..) => *count -= 1,
            _ => drop(holders.remove(&actor)),
        }
        if holders.is_empty() {
            self.release(id);
        }
        Some(Ok(0))
    }

    /// Nobody holds it any more.
    fn release(&mut self, id: Id) {
        match self.sockets[id].kind {
            Kind::Tcp4 | Kind::Tcp6 => self.release_tcp(id),
            Kind::Udp4 | Kind::Udp6 => {}
            Kind::Stream | Kind::Datagram => self.release_unix(id),
        }
        self.end_flows(id);
        if self.sockets[id].is_told {
            let told = self.about("socket_close", id);
            self.now.events.push(told);
        }
        if self.sockets[id].kind.is_tcp() {
            self.leave_tcp(id);
        }
        let socket = &mut self.sockets[id];
        (socket.local, socket.state) = (None, State::Fresh);
    }

    pub(super) fn fork(&mut self, actor: usize, new: usize) -> Did {
        if self.actors[new].is_some() {
            return None;
        }
        self.actors[new] = Some(self.births);
        self.births += 1;
        for socket in &mut self.sockets {
            if let Some(count) = socket.holders.get(&actor).copied() {
                socket.holders.insert(new, count);
            }
        }
        Some(Ok(0))
    }

    pub(super) fn exit(&mut self, actor: usize) -> Did {
        let is_last = self.actors.iter().flatten().count() == 1;
        if is_last || self.parts_at_once(actor) {
            return None;
        }
        for id in 0..self.sockets.len() {
            let holders = &mut self.sockets[id].holders;
            if holders.remove(&actor).is_some() && holders.is_empty() {
                self.release(id);
            }
        }
        self.actors[actor] = None;
        Some(Ok(0))
    }

    /// Whether a listener and one whose connection still waits there would go with this process:
    /// what the latter has received by then depends on their descriptors, which are not known here.
    fn parts_at_once(&self, actor: usize) -> bool {
        let goes = |id: &Id| self.sockets[*id].holders.keys().eq([&actor]);
        let waiting = |id: Id| match &self.sockets[id].state {
            State::Listening(queue) => Some(queue),
            _ => None,
        };
        let peer = |id: &Id| match &self.sockets[*id].state {
            State::Connected(stream) => stream.peer,
            _ => None,
        };
        let listeners = (0..self.sockets.len()).filter(goes);
        let mut peers = listeners.filter_map(waiting).flatten().filter_map(peer);
        peers.any(|peer| goes(&peer))
    }
}

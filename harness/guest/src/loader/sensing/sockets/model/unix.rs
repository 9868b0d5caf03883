//! UNIX sockets: names, and who is connected to whom. What goes through is not told.

use super::super::place::{Kind, Place};
use super::{Did, Id, Model, State, Told};

impl Model {
    fn path_of(&self, place: Place) -> String {
        place.unix_bytes(&self.folder).escape_ascii().to_string()
    }

    pub(super) fn bind_unix(&mut self, id: Id, place: Place) -> Did {
        let kind = self.sockets[id].kind;
        if self.sockets[id].name.is_some() || self.sockets[id].is_accepted {
            return None;
        }
        let is_taken = match place {
            Place::Path(_) => self.paths.contains_key(&place),
            _ => self.named(place, kind).is_some(),
        };
        let result = match is_taken {
            true => Err(libc::EADDRINUSE),
            false => Ok(0),
        };
        let told = Told {
            errno: result.err().unwrap_or(0),
            path: self.path_of(place),
            ..self.about("bind", id)
        };
        self.tell(id, told);
        if !is_taken {
            self.sockets[id].name = Some(place);
            self.sockets[id].is_bound = true;
            if let Place::Path(_) = place {
                self.paths.insert(place, Some(id));
            }
        }
        Some(result)
    }

    /// Abstract names are of a kind of sockets each.
    fn named(&self, place: Place, kind: Kind) -> Option<Id> {
        let is = |it: &super::Socket| it.name == Some(place) && it.kind == kind;
        self.sockets.iter().position(is)
    }

    pub(super) fn listen_unix(&mut self, id: Id, backlog: u16) -> Did {
        let socket = &mut self.sockets[id];
        if socket.is_accepted {
            return None;
        }
        let result = match (socket.kind, socket.name, &socket.state) {
            (Kind::Datagram, ..) => Err(libc::EOPNOTSUPP),
            (_, None, _) => Err(libc::EINVAL),
            (_, _, State::Fresh) => {
                socket.state = State::Listening([].into());
                Ok(0)
            }
            (_, _, State::Listening(_)) => Ok(0),
            _ => Err(libc::EINVAL),
        };
        let name = socket.name;
        let told = Told {
            errno: result.err().unwrap_or(0),
            backlog: backlog.into(),
            path: name.map_or(String::new(), |name| self.path_of(name)),
            ..self.about("listen", id)
        };
        self.tell(id, told);
        Some(result)
    }

    pub(super) fn connect_unix(&mut self, id: Id, place: Place) -> Did {
        let kind = self.sockets[id].kind;
        if self.sockets[id].is_accepted {
            return None;
        }
        let found = match place {
            Place::Path(_) => match self.paths.get(&place) {
                None => Err(libc::ENOENT),
                Some(None) => Err(libc::ECONNREFUSED),
                Some(Some(other)) if self.sockets[*other].kind != kind => Err(libc::EPROTOTYPE),
                Some(Some(other)) => Ok(*other),
            },
            _ => self.named(place, kind).ok_or(libc::ECONNREFUSED),
        };
        let result = match (kind, found) {
            (_, Err(errno)) => match self.sockets[id].state {
                State::Fresh => Err(errno),
                // Which of two things that are wrong is told is the kernel's business.
                _ => return None,
            },
            (Kind::Stream, Ok(other)) => self.connect_stream(id, other)?,
            (_, Ok(other)) => match self.sockets[other].state {
                State::Paired(to) if to != id => Err(libc::EPERM),
                _ => {
                    self.sockets[id].state = State::Paired(other);
                    Ok(0)
                }
            },
        };
        let told = Told {
            errno: result.err().unwrap_or(0),
            path: self.path_of(place),
            ..self.about("connect", id)
        };
        self.tell(id, told);
        Some(result)
    }

    fn connect_stream(&mut self, id: Id, other: Id) -> Did {
        if self.sockets[id].state != State::Fresh {
            return None;
        }
        let new = self.sockets.len();
        let State::Listening(queue) = &mut self.sockets[other].state else {
            return Some(Err(libc::ECONNREFUSED));
        };
        if queue.len() > 90 {
            return None;
        }
        queue.push_back(new);
        self.add(Kind::Stream, true);
        self.sockets[new].is_accepted = true;
        self.sockets[id].state = State::Paired(new);
        Some(Ok(0))
    }

    pub(super) fn release_unix(&mut self, id: Id) {
        let socket = &mut self.sockets[id];
        socket.is_bound = false;
        if let Some(place @ Place::Path(_)) = socket.name.take() {
            self.paths.insert(place, None);
        }
    }
}

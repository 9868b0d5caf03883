//! A conversation with rtnetlink: one request, its answers, the verdict.

use super::netlink::{DUMP, Message, Messages, NLMSG_DONE, NLMSG_ERROR, Request};
use crate::error::{Error, Result};
use crate::sys::{Errno, RouteSocket};

/// Asks for one interface, or for all.
pub(super) const RTM_GETLINK: u16 = 18;
/// Types below this are control messages.
const NLMSG_MIN_TYPE: u16 = 16;
/// The kernel fills at most this much at a time.
const BUFFER_BYTES: usize = 32 << 10;
/// More datagrams than a dump of anything that is asked for here has.
const MAX_DATAGRAMS: usize = 4096;

/// A socket, bound to the network namespace in which it was opened.
#[derive(Debug)]
pub(super) struct Connection {
    socket: RouteSocket,
    sequence: u32,
}

/// What the kernel said against a request.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) errno: Errno,
    words: Option<String>,
}

impl Refused {
    /// The refusal of `what`, a request's name.
    pub(super) fn error(self, what: &str) -> Error {
        match self.words {
            Some(words) => self.errno.error(format_args!("{what}: {words}")),
            None => self.errno.error(what),
        }
    }
}

impl From<Errno> for Refused {
    fn from(errno: Errno) -> Self {
        Self { errno, words: None }
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self {
            errno: Errno::BADMSG,
            words: Some(error.to_string()),
        }
    }
}

impl Connection {
    /// Opens one in the caller's network namespace.
    ///
    /// # Errors
    /// What the kernel says.
    pub(super) fn open() -> Result<Self> {
        let socket = RouteSocket::open().map_err(|errno| errno.error("a socket for rtnetlink"))?;
        Ok(Self {
            socket,
            sequence: 0,
        })
    }

    /// Sends a request and hands out what is answered before the verdict.
    pub(super) fn talk(
        &mut self,
        request: Request,
        mut each: impl FnMut(&Message<'_>),
    ) -> Result<(), Refused> {
        self.sequence = self.sequence.wrapping_add(1);
        self.socket.send(&request.finish(self.sequence)?)?;
        let mut buffer = vec![0; BUFFER_BYTES];
        for _ in 0..MAX_DATAGRAMS {
            let len = self.socket.receive(&mut buffer)?;
            for message in Messages(buffer.get(..len).unwrap_or_default()) {
                let message = message?;
                // What an earlier request left unread.
                if message.sequence != self.sequence {
                    continue;
                }
                match message.kind {
                    NLMSG_ERROR | NLMSG_DONE => return verdict(&message),
                    NLMSG_MIN_TYPE.. => each(&message),
                    _ => {}
                }
            }
        }
        Err(Error::malformed("an answer without an end").into())
    }

    /// Is there anything in a list?
    pub(super) fn has_any(&mut self, kind: u16, fixed: &[u8]) -> Result<bool, Refused> {
        let mut any = false;
        self.talk(Request::new(kind, DUMP, fixed), |_| any = true)?;
        Ok(any)
    }
}

fn verdict(message: &Message<'_>) -> Result<(), Refused> {
    match message.verdict()? {
        (0, _) => Ok(()),
        (errno, words) => Err(Refused {
            errno: Errno::from_raw(errno),
            words,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::super::netlink::ACK;
    use super::*;

    #[test]
    fn the_kernels_words_are_in_the_error() {
        let refused = Refused {
            errno: Errno::EXIST,
            words: Some("Exclusivity flag on, cannot modify".to_owned()),
        };
        let error = refused.error("RTM_NEWQDISC");
        assert_eq!(
            error.to_string(),
            "RTM_NEWQDISC: Exclusivity flag on, cannot modify: EEXIST"
        );
    }

    #[test]
    fn the_kernel_answers_about_a_device_that_is_not_there() {
        let mut connection = Connection::open().unwrap();
        let mut fixed = [0; 16];
        fixed[4..8].copy_from_slice(&i32::MAX.to_ne_bytes());
        let request = Request::new(RTM_GETLINK, ACK, &fixed);
        let refused = connection.talk(request, |_| ()).unwrap_err();
        assert_eq!(refused.errno, Errno::NODEV);
        // The same socket again: nothing is left over from before.
        fixed[4..8].copy_from_slice(&1i32.to_ne_bytes());
        let mut names = 0;
        let request = Request::new(RTM_GETLINK, ACK, &fixed);
        connection.talk(request, |_| names += 1).unwrap();
        assert_eq!(names, 1);
    }
}

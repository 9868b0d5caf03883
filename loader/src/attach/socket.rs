//! Programs on one socket of the caller's.

use super::link::{Link, Part, Undo};
use super::net;
use super::prog_attach::kept;
use crate::error::{Error, Result};
use crate::program::Program;
use crate::sys::{self, Errno};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// A program on a socket.
#[derive(Debug)]
struct Attached {
    socket: OwnedFd,
    kind: Kind,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Filter,
    Reuseport,
}

/// Makes a program a socket's filter.
pub(super) fn filter(program: &Program, socket: BorrowedFd<'_>) -> Result<Link> {
    net::expect_type(program, net::SOCKET_FILTER, "the socket filter")?;
    let link = link(socket, Kind::Filter, "socket_filter")?;
    match sys::so_attach_bpf(socket, program.as_fd()) {
        Ok(()) => Ok(link()),
        Err(errno) => Err(errno.error("SO_ATTACH_BPF")),
    }
}

/// Makes a program choose among the sockets of a port.
pub(super) fn reuseport(program: &Program, socket: BorrowedFd<'_>) -> Result<Link> {
    // A socket filter may do it too: its return value is the index.
    if program.prog_type() != net::SOCKET_FILTER {
        net::expect_type(program, net::SK_REUSEPORT, "the sk_reuseport")?;
    }
    let link = link(socket, Kind::Reuseport, "sk_reuseport")?;
    match sys::so_attach_reuseport_ebpf(socket, program.as_fd()) {
        Ok(()) => Ok(link()),
        Err(errno) => Err(errno.error("SO_ATTACH_REUSEPORT_EBPF")),
    }
}

/// The link, made once the program is attached: an earlier one would undo what
/// it has not done.
fn link(
    socket: BorrowedFd<'_>,
    kind: Kind,
    how: &'static str,
) -> Result<impl FnOnce() -> Link + use<>> {
    let socket = kept(socket)?;
    Ok(move || Link::from_parts(vec![Part::undo(Attached { socket, kind })], how))
}

impl Undo for Attached {
    fn undo(&mut self) -> Result<()> {
        let detached = match self.kind {
            Kind::Filter => sys::so_detach_bpf(self.socket.as_fd()),
            Kind::Reuseport => sys::so_detach_reuseport_bpf(self.socket.as_fd()),
        };
        match (detached, self.kind) {
            // The caller has detached it.
            (Ok(()) | Err(Errno::NOENT), _) => Ok(()),
            (Err(Errno::NOPROTOOPT), Kind::Reuseport) => {
                let feature = "SO_DETACH_REUSEPORT_BPF";
                Err(Error::unsupported(feature, Some("5.3")))
            }
            (Err(errno), Kind::Filter) => Err(errno.error("SO_DETACH_BPF")),
            (Err(errno), Kind::Reuseport) => Err(errno.error("SO_DETACH_REUSEPORT_BPF")),
        }
    }

    fn replace(&mut self, new: &Program, old: Option<&Program>) -> Result<()> {
        if old.is_some() {
            let cause = "the kernel does not say which program a socket has";
            return Err(Error::invalid_input(cause));
        }
        let socket = self.socket.as_fd();
        let (set, what) = match self.kind {
            Kind::Filter => (sys::so_attach_bpf(socket, new.as_fd()), "SO_ATTACH_BPF"),
            Kind::Reuseport => (
                sys::so_attach_reuseport_ebpf(socket, new.as_fd()),
                "SO_ATTACH_REUSEPORT_EBPF",
            ),
        };
        set.map_err(|errno| errno.error(what))
    }
}

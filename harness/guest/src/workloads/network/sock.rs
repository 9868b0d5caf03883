//! A socket together with what must be told of it.

use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use super::about::About;
use super::steps::is_loopback;
use super::told::Told;
use super::world::World;
use crate::sys::sockets;
use crate::workloads::failure::{Failure, Outcome, Tried};

/// A socket of this process.
#[derive(Debug)]
pub struct Sock<'a> {
    fd: OwnedFd,
    pub(super) world: &'a World,
    /// What is told of it.
    pub about: About,
}

impl AsFd for Sock<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl<'a> Sock<'a> {
    /// socket(2), and at once its cookie.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn new(world: &'a World, family: i32, kind: i32, protocol: i32) -> Outcome<Self> {
        let fd = sockets::socket(family, kind, protocol).tried("socket")?;
        let about = About::of(fd.as_fd(), world, false)?;
        Ok(Self { fd, world, about })
    }

    /// A descriptor that this process got otherwise.
    #[must_use]
    pub fn with(fd: OwnedFd, world: &'a World, about: About) -> Self {
        Self { fd, world, about }
    }

    /// A TCP socket for addresses like this.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn tcp(world: &'a World, like: SocketAddr) -> Outcome<Self> {
        Self::new(world, family_of(like), libc::SOCK_STREAM, 0)
    }

    /// A UDP socket for addresses like this.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn udp(world: &'a World, like: SocketAddr) -> Outcome<Self> {
        Self::new(world, family_of(like), libc::SOCK_DGRAM, 0)
    }

    /// A TCP socket that waits at an address for so many connections.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn listening(world: &'a World, at: SocketAddr, backlog: u16) -> Outcome<Self> {
        let mut socket = Self::tcp(world, at)?;
        socket.bind(at)?;
        socket.listen(backlog)?;
        Ok(socket)
    }

    /// A connection, with the end that was accepted.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn pair(world: &'a World, to: SocketAddr) -> Outcome<(Self, Self)> {
        let mut server = Self::listening(world, to, 8)?;
        let mut client = Self::tcp(world, to)?;
        client.connect(to)?;
        let accepted = server.accept()?;
        server.close()?;
        Ok((client, accepted))
    }

    /// getsockname(2) and getpeername(2).
    ///
    /// # Errors
    /// When it is no socket of IP.
    pub fn ends(&self) -> Outcome<(Option<SocketAddr>, Option<SocketAddr>)> {
        let local = sockets::local(self.as_fd()).tried("getsockname")?.ip();
        let remote = sockets::peer(self.as_fd()).ok().and_then(|it| it.ip());
        Ok((local, remote))
    }

    /// Sets an option of `SOL_SOCKET`, or of another level.
    ///
    /// # Errors
    /// What setsockopt(2) says.
    pub fn set(&self, level: i32, option: i32, value: i32) -> Outcome {
        let set = sockets::set(self.as_fd(), level, option, value);
        set.tried(format_args!("set option {option} of level {level}"))
    }

    /// Says a fact, unless all of this socket is within loopback.
    ///
    /// # Errors
    /// When nobody listens any more.
    pub fn say(&mut self, told: Told) -> Outcome {
        if self.about.is_silent {
            return Ok(());
        }
        self.about.has_events = true;
        told.say()
    }

    /// A fact about it by this process.
    ///
    /// # Errors
    /// Without /proc.
    pub fn told(&self, operation: &str) -> Outcome<Told> {
        Told::new(operation, &self.about)
    }

    /// A fact with its addresses as they are now.
    ///
    /// # Errors
    /// Without /proc.
    pub fn told_now(&self, operation: &str) -> Outcome<Told> {
        let (local, remote) = self.ends()?;
        Ok(self.told(operation)?.local(local).remote(remote))
    }

    /// Closes the last descriptor. Where the addresses are no longer known, none are said.
    ///
    /// # Errors
    /// When nobody listens any more.
    pub fn close(self) -> Outcome {
        let endings = self.endings()?;
        drop(self.fd);
        endings.into_iter().try_for_each(Told::say)
    }

    /// What its end will be told as, if at all.
    ///
    /// # Errors
    /// Without /proc.
    pub fn end(&self) -> Outcome<Option<Told>> {
        if self.about.is_silent || !self.about.has_events {
            return Ok(None);
        }
        let told = self.told("socket_close")?;
        let (local, remote) = self.ends()?;
        let is_unbound = local.is_none_or(|local| local.port() == 0);
        if self.about.has_failed || is_unbound {
            return Ok(Some(told));
        }
        Ok(Some(told.local(local).remote(remote)))
    }

    /// Leaves the socket to the kernel, which closes it when this process ends, and says that before.
    ///
    /// # Errors
    /// When nobody listens any more.
    pub fn leave(self) -> Outcome {
        let endings = self.endings()?;
        std::mem::forget(self.fd);
        endings.into_iter().try_for_each(Told::say)
    }

    /// What its end and those of its flows will be told as.
    fn endings(&self) -> Outcome<Vec<Told>> {
        let about = &self.about;
        let followed = about
            .flows
            .iter()
            .filter(|(remote, _)| !is_loopback(**remote));
        let flows = followed.map(|(remote, flow)| Told::flow_end(about, *remote, flow));
        Ok(self.end()?.into_iter().chain(flows).collect())
    }

    /// Another process holds it as well, or it is told elsewhere: this descriptor goes without a word.
    pub fn let_go(self) {
        drop(self.fd);
    }

    /// Gives the descriptor away, and what is known.
    #[must_use]
    pub fn into_parts(self) -> (OwnedFd, About) {
        (self.fd, self.about)
    }
}

/// `AF_INET` or `AF_INET6`.
fn family_of(address: SocketAddr) -> i32 {
    if address.is_ipv4() {
        libc::AF_INET
    } else {
        libc::AF_INET6
    }
}

/// An address of a socket, which must have one.
///
/// # Errors
/// When it has none.
pub fn known(address: Option<SocketAddr>) -> Outcome<SocketAddr> {
    address.ok_or_else(|| Failure("the socket has no address".into()))
}

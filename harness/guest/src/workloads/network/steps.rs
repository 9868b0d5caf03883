//! From a socket to a connection: each step is done, looked at and said.

use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use super::about::About;
use super::sock::Sock;
use super::told::Told;
use crate::sys::sockets;
use crate::workloads::failure::{Outcome, Tried, ensure};

/// How long something on its way within this machine may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(15);

/// Whether the sensors leave it out by default.
pub(super) fn is_loopback(address: SocketAddr) -> bool {
    match address.ip() {
        IpAddr::V4(ip) => ip.is_loopback(),
        IpAddr::V6(ip) => {
            ip.is_loopback() || ip.to_ipv4_mapped().is_some_and(|it| it.is_loopback())
        }
    }
}

impl Sock<'_> {
    /// bind(2) to an address; port 0 becomes one that nobody had.
    ///
    /// # Errors
    /// What bind(2) says.
    pub fn bind(&mut self, to: SocketAddr) -> Outcome {
        self.about.is_silent = is_loopback(to);
        if to.port() == 0 {
            self.world.choose_port()?;
        }
        sockets::bind(self.as_fd(), &to.into()).tried(format_args!("bind to {to}"))?;
        let told = self.told_now("bind")?;
        self.say(told)
    }

    /// listen(2).
    ///
    /// # Errors
    /// What listen(2) says.
    pub fn listen(&mut self, backlog: u16) -> Outcome {
        sockets::listen(self.as_fd(), backlog.into()).tried("listen")?;
        let told = self.told_now("listen")?.detail(backlog.into());
        self.say(told)
    }

    /// connect(2), established when it returns.
    ///
    /// # Errors
    /// What connect(2) says.
    pub fn connect(&mut self, to: SocketAddr) -> Outcome {
        self.prepare(to)?;
        sockets::connect(self.as_fd(), &to.into()).tried(format_args!("connect to {to}"))?;
        let told = self.told_now("connect")?;
        self.say(told.remote(Some(to)))
    }

    /// connect(2) with this result. Where it will be from, is known before.
    ///
    /// # Errors
    /// When it has another.
    pub fn connect_fails(&mut self, from: SocketAddr, to: SocketAddr, errno: i32) -> Outcome {
        let result = sockets::connect(self.as_fd(), &to.into());
        let told = self.told("connect")?.local(Some(from)).remote(Some(to));
        let told = told.fails(result, errno)?;
        self.about.has_failed = true;
        self.say(told)
    }

    /// connect(2) that returns before it is decided, with this errno.
    ///
    /// # Errors
    /// When it returns otherwise.
    pub fn connect_begins(&mut self, from: SocketAddr, to: SocketAddr, errno: i32) -> Outcome {
        let result = sockets::connect(self.as_fd(), &to.into());
        self.told("connect")?.fails(result, errno)?;
        self.connect_begun(from, to, errno)
    }

    /// Says that a connection is under way.
    ///
    /// # Errors
    /// When nobody listens any more.
    pub fn connect_begun(&mut self, from: SocketAddr, to: SocketAddr, errno: i32) -> Outcome {
        let told = self.told("connect")?.local(Some(from)).remote(Some(to));
        self.say(told.error(errno).flags(&["in_progress"]))
    }

    /// Waits until such a connection is decided: with this errno, 0: it is there.
    ///
    /// # Errors
    /// When it is otherwise.
    pub fn connect_ends(&mut self, from: SocketAddr, to: SocketAddr, errno: i32) -> Outcome {
        await_out(self)?;
        let got = sockets::get(self.as_fd(), libc::SOL_SOCKET, libc::SO_ERROR).tried("SO_ERROR")?;
        ensure(got == errno as u64, || {
            format!("it ended with {got}, not {errno}")
        })?;
        self.connect_ended(from, to, errno)
    }

    /// Says how such a connection ended.
    ///
    /// # Errors
    /// When nobody listens any more.
    pub fn connect_ended(&mut self, from: SocketAddr, to: SocketAddr, errno: i32) -> Outcome {
        self.about.has_failed = errno != 0;
        let told = Told::by(self.about.owner, "connect", &self.about);
        let told = told.local(Some(from)).remote(Some(to)).error(errno);
        self.say(told.flags(&["by_owner", "outcome"]))
    }

    /// Chooses the port that it will connect or send from, unless it has one: which.
    ///
    /// # Errors
    /// What /proc says.
    pub fn prepare(&mut self, to: SocketAddr) -> Outcome<u16> {
        self.about.is_silent = is_loopback(to);
        match self.ends()?.0.map(|local| local.port()) {
            None | Some(0) => self.world.choose_port(),
            Some(port) => Ok(port),
        }
    }

    /// accept(2) of a connection that is there.
    ///
    /// # Errors
    /// What accept(2) says.
    pub fn accept(&mut self) -> Outcome<Self> {
        self.accept_with(0)
    }

    /// accept(2) of a connection with which so many bytes have come.
    ///
    /// # Errors
    /// What accept(2) says.
    pub fn accept_with(&mut self, bytes: u64) -> Outcome<Self> {
        let fd = sockets::accept(self.as_fd()).tried("accept")?;
        self.has_accepted_with(fd, bytes)
    }

    /// Says what was accepted in another way, with so many bytes.
    ///
    /// # Errors
    /// When nobody listens any more.
    pub fn has_accepted_with(&mut self, fd: OwnedFd, bytes: u64) -> Outcome<Self> {
        let mut about = About::of(fd.as_fd(), self.world, true)?;
        about.received = bytes;
        self.tell_accepted(Self::with(fd, self.world, about), None)
    }

    /// Says what this thread has accepted.
    ///
    /// # Errors
    /// When nobody listens any more.
    pub fn has_accepted_by(&mut self, fd: OwnedFd, tid: i32) -> Outcome<Self> {
        let about = About::of(fd.as_fd(), self.world, true)?;
        self.tell_accepted(Self::with(fd, self.world, about), Some(tid))
    }

    fn tell_accepted(&self, mut accepted: Self, tid: Option<i32>) -> Outcome<Self> {
        // With MPTCP a connection has the cookie of who waited for it, if that was asked for.
        if accepted.about.cookie == self.about.cookie {
            accepted.about.cookie = None;
        }
        let (local, remote) = accepted.ends()?;
        accepted.about.is_silent = remote.is_some_and(is_loopback);
        let mut told = accepted.told("accept")?.local(local).remote(remote);
        if let Some(tid) = tid {
            told = told.tid(tid);
        }
        accepted.say(told)?;
        Ok(accepted)
    }
}

/// Waits until a socket can be written or has failed, at most as long as anything here may take.
///
/// # Errors
/// When it does not come.
pub fn await_out(socket: &Sock<'_>) -> Outcome {
    let came = sockets::poll(socket.as_fd(), libc::POLLOUT, PATIENCE).tried("wait to write")?;
    ensure(came != 0, || "nothing came".into())
}

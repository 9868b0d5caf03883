//! Waiting for descriptors.

use super::{Errno, Result, check, owned};
use core::time::Duration;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

/// An epoll instance.
#[derive(Debug)]
pub(crate) struct Epoll(OwnedFd);

impl Epoll {
    pub(crate) fn new() -> Result<Self> {
        // SAFETY: no memory is involved.
        let ret = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
        check(ret.into()).map(|fd| Self(owned(fd)))
    }

    /// Watches `fd` for input, edge-triggered: one report for each wake-up.
    pub(crate) fn add_edge_triggered(&self, fd: BorrowedFd<'_>) -> Result<()> {
        self.add(fd, (libc::EPOLLIN | libc::EPOLLET) as u32)
    }

    /// Watches `fd` for input: reports for as long as there is some.
    pub(crate) fn add_level_triggered(&self, fd: BorrowedFd<'_>) -> Result<()> {
        self.add(fd, libc::EPOLLIN as u32)
    }

    /// Watches `fd` for room to write: reports for as long as there is some.
    pub(crate) fn add_for_writing(&self, fd: BorrowedFd<'_>) -> Result<()> {
        self.add(fd, libc::EPOLLOUT as u32)
    }

    fn add(&self, fd: BorrowedFd<'_>, events: u32) -> Result<()> {
        let mut event = libc::epoll_event { events, u64: 0 };
        // SAFETY: both descriptors are open, `event` is read during the call.
        let ret = unsafe {
            let (epoll, add) = (self.0.as_raw_fd(), libc::EPOLL_CTL_ADD);
            libc::epoll_ctl(epoll, add, fd.as_raw_fd(), &raw mut event)
        };
        check(ret.into()).map(drop)
    }

    /// Waits for a report: `false` when `timeout` is over first or a signal
    /// came (the caller knows its deadline; this does not start over).
    pub(crate) fn wait(&self, timeout: Option<Duration>) -> Result<bool> {
        let mut event = libc::epoll_event { events: 0, u64: 0 };
        // Rounded up: a wait of half a millisecond must not become a spin.
        let timeout_ms = timeout.map_or(-1, |timeout| {
            i32::try_from(timeout.as_micros().div_ceil(1000)).unwrap_or(i32::MAX)
        });
        // SAFETY: room for one event, as announced.
        let ret = unsafe { libc::epoll_wait(self.0.as_raw_fd(), &raw mut event, 1, timeout_ms) };
        match check(ret.into()) {
            Ok(count) => Ok(count > 0),
            Err(Errno::INTR) => Ok(false),
            Err(errno) => Err(errno),
        }
    }
}

impl AsFd for Epoll {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

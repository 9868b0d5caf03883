//! A socket to rtnetlink. What goes over it is the caller's business.

use super::{Errno, Result, check, owned};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

/// `NETLINK_CAP_ACK` and `NETLINK_EXT_ACK`.
const CAP_ACK: i32 = 10;
const EXT_ACK: i32 = 11;
/// The kernel answers while the request is being sent, or never.
const PATIENCE_SECONDS: u8 = 5;

/// A socket of the network namespace in which it was opened.
#[derive(Debug)]
pub(crate) struct RouteSocket(OwnedFd);

impl RouteSocket {
    /// Opens one whose refusals come with the kernel's own words, where the
    /// kernel has any.
    ///
    /// Kernel: 4.12 for the words
    pub(crate) fn open() -> Result<Self> {
        let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC;
        // SAFETY: no memory is passed.
        let fd = unsafe { libc::socket(libc::AF_NETLINK, kind, libc::NETLINK_ROUTE) };
        let socket = owned(check(fd.into())?);
        // Without them refusals are numbers: not worth failing for.
        for option in [CAP_ACK, EXT_ACK] {
            let _ = super::socket::set(socket.as_fd(), libc::SOL_NETLINK, option, 1);
        }
        let patience = libc::timeval {
            tv_sec: PATIENCE_SECONDS.into(),
            tv_usec: 0,
        };
        // SAFETY: a live structure whose size is passed with it.
        let ret = unsafe {
            libc::setsockopt(
                socket.as_raw_fd(),
                libc::SOL_SOCKET,
                libc::SO_RCVTIMEO,
                (&raw const patience).cast(),
                size_of::<libc::timeval>() as libc::socklen_t,
            )
        };
        check(ret.into())?;
        Ok(Self(socket))
    }

    /// Opens one that the kernel tells of changes of these groups (`RTMGRP_*`),
    /// and which never waits.
    pub(crate) fn listen(groups: u32) -> Result<Self> {
        let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
        // SAFETY: no memory is passed.
        let fd = unsafe { libc::socket(libc::AF_NETLINK, kind, libc::NETLINK_ROUTE) };
        let socket = owned(check(fd.into())?);
        // SAFETY: integers only, for which all zeroes is a value.
        let mut address: libc::sockaddr_nl = unsafe { core::mem::zeroed() };
        address.nl_family = libc::AF_NETLINK as libc::sa_family_t;
        address.nl_groups = groups;
        // SAFETY: a live address whose size is passed with it.
        let ret = unsafe {
            libc::bind(
                socket.as_raw_fd(),
                (&raw const address).cast(),
                size_of::<libc::sockaddr_nl>() as libc::socklen_t,
            )
        };
        check(ret.into())?;
        Ok(Self(socket))
    }

    /// Sends a request, whole.
    pub(crate) fn send(&self, request: &[u8]) -> Result<()> {
        loop {
            // SAFETY: the slice is live and its length is passed with it.
            let ret = unsafe {
                libc::send(
                    self.0.as_raw_fd(),
                    request.as_ptr().cast(),
                    request.len(),
                    0,
                )
            };
            match check(ret as libc::c_long) {
                Err(Errno::INTR) => {}
                other => return other.map(drop),
            }
        }
    }

    /// Receives one datagram of the kernel's into `buffer` and returns its
    /// length. What other processes send is dropped.
    ///
    /// # Errors
    /// EAGAIN when nothing comes; E2BIG for one that does not fit; what the
    /// kernel says otherwise.
    pub(crate) fn receive(&self, buffer: &mut [u8]) -> Result<usize> {
        loop {
            let mut from = core::mem::MaybeUninit::<libc::sockaddr_nl>::zeroed();
            let mut from_bytes = size_of::<libc::sockaddr_nl>() as libc::socklen_t;
            // SAFETY: the buffer and the address have the room whose sizes are
            // passed with them.
            let ret = unsafe {
                libc::recvfrom(
                    self.0.as_raw_fd(),
                    buffer.as_mut_ptr().cast(),
                    buffer.len(),
                    libc::MSG_TRUNC,
                    from.as_mut_ptr().cast(),
                    &raw mut from_bytes,
                )
            };
            let bytes = match check(ret as libc::c_long) {
                Err(Errno::INTR) => continue,
                other => usize::try_from(other?).map_err(|_| Errno::INVAL)?,
            };
            // SAFETY: integers only, all zeroed and then filled by the kernel.
            let from = unsafe { from.assume_init() };
            if from.nl_pid != 0 {
                continue;
            }
            if bytes > buffer.len() {
                return Err(Errno::TOO_BIG);
            }
            return Ok(bytes);
        }
    }
}

impl AsFd for RouteSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

//! The interfaces of a network namespace, and those that come and go.
//!
//! Source: include/uapi/linux/if_link.h, net/core/rtnetlink.c

use super::netlink::{DUMP, Message, Request};
use super::rtnetlink::{Connection, RTM_GETLINK};
use crate::error::Result;
use crate::sys::{Epoll, Errno, RouteSocket};
use core::time::Duration;
use std::os::fd::AsFd;

const RTM_NEWLINK: u16 = 16;
const IFLA_IFNAME: u16 = 3;
const IFF_LOOPBACK: u32 = 1 << 3;
/// `struct ifinfomsg`.
const IFINFOMSG_BYTES: usize = 16;
const RTMGRP_LINK: u32 = 1;
/// What changes are told by; how they are worded is not looked at.
const BUFFER_BYTES: usize = 32 << 10;

/// An interface of the caller's network namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Interface {
    /// Its number, given once while the machine is up.
    pub index: u32,
    /// Its name, which can change.
    pub name: String,
    /// `ARPHRD_*`: what its packets begin with.
    pub link_type: u16,
    /// `IFF_*`.
    pub flags: u32,
}

impl Interface {
    /// Does it lead back to the host itself?
    pub fn is_loopback(&self) -> bool {
        self.flags & IFF_LOOPBACK != 0
    }

    fn of(message: &Message<'_>) -> Option<Self> {
        if message.kind != RTM_NEWLINK {
            return None;
        }
        let (fixed, attributes) = message.split::<IFINFOMSG_BYTES>().ok()?;
        let [_, _, t0, t1, i0, i1, i2, i3, f0, f1, f2, f3, ..] = *fixed;
        Some(Self {
            index: u32::from_ne_bytes([i0, i1, i2, i3]),
            name: attributes.text(IFLA_IFNAME).unwrap_or_default(),
            link_type: u16::from_ne_bytes([t0, t1]),
            flags: u32::from_ne_bytes([f0, f1, f2, f3]),
        })
    }
}

/// All interfaces of the caller's network namespace, up or not.
///
/// # Errors
/// `PermissionDenied`, or `System` with the errno of RTM_GETLINK: EBADMSG for an answer that
/// is none.
pub fn interfaces() -> Result<Vec<Interface>> {
    let mut found = Vec::new();
    let request = Request::new(RTM_GETLINK, DUMP, &[0; IFINFOMSG_BYTES]);
    let talked = Connection::open()?.talk(request, |message| found.extend(Interface::of(message)));
    talked.map_err(|refused| refused.error("RTM_GETLINK"))?;
    Ok(found)
}

/// Notices that interfaces of a network namespace come, go or change.
#[derive(Debug)]
pub struct InterfaceWatch {
    socket: RouteSocket,
    epoll: Epoll,
}

impl InterfaceWatch {
    /// Begins to watch the caller's network namespace: whatever comes from now on
    /// is noticed, so the list is to be asked for after this.
    ///
    /// # Errors
    /// `System` with the errno of the socket or of epoll: EMFILE, for example.
    pub fn open() -> Result<Self> {
        let open = || {
            let socket = RouteSocket::listen(RTMGRP_LINK)?;
            let epoll = Epoll::new()?;
            epoll.add_level_triggered(socket.as_fd())?;
            Ok(Self { socket, epoll })
        };
        open().map_err(|errno: Errno| errno.error("a socket that tells of interfaces"))
    }

    /// Waits for a change: `false` when `timeout` was over first, or a signal
    /// came.
    ///
    /// # Errors
    /// `System` with the errno of epoll_wait or of reading the socket; more changes than fit
    /// into its buffer are a change, no error.
    pub fn wait(&mut self, timeout: Duration) -> Result<bool> {
        let waited = self.epoll.wait(Some(timeout));
        if !waited.map_err(|errno| errno.error("epoll_wait"))? {
            return Ok(false);
        }
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            match self.socket.receive(&mut buffer) {
                // Too many to keep, or too long: something has changed.
                Ok(_) | Err(Errno::NOBUFS | Errno::TOO_BIG) => {}
                Err(Errno::AGAIN) => return Ok(true),
                Err(errno) => return Err(errno.error("what is told of interfaces")),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_interface_is_listed_and_known_as_such() {
        let all = interfaces().unwrap();
        let lo = all.iter().find(|one| one.name == "lo").unwrap();
        assert!(lo.is_loopback(), "{lo:?}");
        assert_eq!((lo.index, lo.link_type), (1, 772));
    }

    #[test]
    fn nothing_comes_when_nothing_changes() {
        let mut watch = InterfaceWatch::open().unwrap();
        let began = std::time::Instant::now();
        // Machines with containers have changes all the time.
        while watch.wait(Duration::from_millis(5)).unwrap() {
            assert!(began.elapsed() < Duration::from_secs(5));
        }
    }
}

//! Putting a program on a perf event: by link, else by ioctl.

use super::Rung;
use crate::error::Result;
use crate::sys::{self, Errno};
use core::sync::atomic::{AtomicBool, Ordering};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Has this kernel shown that it has no links for perf events?
static NO_LINKS: AtomicBool = AtomicBool::new(false);

/// Attaches `prog` to `event`. Returns the descriptor that keeps it attached,
/// and whether that is a link (which keeps the event by itself).
pub(super) fn attach(prog: BorrowedFd<'_>, event: OwnedFd, rung: Rung) -> Result<(OwnedFd, bool)> {
    let mut refused = false;
    if rung == Rung::Link && !NO_LINKS.load(Ordering::Relaxed) {
        match sys::link_create_perf_event(prog, event.as_fd(), 0) {
            Ok(link) => {
                enable(event.as_fd())?;
                return Ok((link, true));
            }
            // Before 5.15 the command knows no perf events. It may also be the
            // program that does not fit the event: the ioctl will tell.
            Err(Errno::INVAL) => refused = true,
            Err(errno) => return Err(errno.error("BPF_LINK_CREATE")),
        }
    }
    let set = sys::perf_event_ioc_set_bpf(event.as_fd(), prog);
    set.map_err(|errno| errno.error("PERF_EVENT_IOC_SET_BPF"))?;
    if refused {
        NO_LINKS.store(true, Ordering::Relaxed);
    }
    enable(event.as_fd())?;
    Ok((event, false))
}

fn enable(event: BorrowedFd<'_>) -> Result<()> {
    let enabled = sys::perf_event_ioc_enable(event);
    enabled.map_err(|errno| errno.error("PERF_EVENT_IOC_ENABLE"))
}

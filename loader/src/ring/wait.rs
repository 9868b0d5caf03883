//! Waiting without missing a wake-up.

use crate::error::Result;
use crate::sys;
use core::time::Duration;
use std::time::Instant;

/// Waits on `epoll` until `is_ready`: `false` when `timeout` was over first.
///
/// Wake-ups are edges: one that came before the wait is not seen by it, so what
/// it would tell is looked at first, and again after every wake-up.
pub(super) fn poll(
    epoll: &sys::Epoll,
    timeout: Option<Duration>,
    is_ready: impl Fn() -> bool,
) -> Result<bool> {
    let started = Instant::now();
    loop {
        if is_ready() {
            return Ok(true);
        }
        let left = timeout.map(|timeout| timeout.saturating_sub(started.elapsed()));
        if left.is_some_and(|left| left.is_zero()) {
            return Ok(false);
        }
        let waited = epoll.wait(left);
        waited.map_err(|errno| errno.error("epoll_wait"))?;
    }
}

/// Takes the wake-up back that waits in `epoll`.
pub(super) fn take_wakeup(epoll: &sys::Epoll, name: &str) -> Result<()> {
    let taken = epoll.wait(Some(Duration::ZERO));
    taken
        .map(drop)
        .map_err(|errno| errno.error(format_args!("buffer {name}: epoll_wait")))
}

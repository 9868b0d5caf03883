//! What both kinds of ring buffers begin with.

use crate::error::{Error, Result, ResultExt};
use crate::map::Map;
use crate::sys;
use std::os::fd::{AsFd, BorrowedFd};

/// A kind of ring buffer.
pub(super) struct Kind {
    /// `BPF_MAP_TYPE_*` of its maps.
    pub(super) map_type: u32,
    /// What it is called.
    pub(super) what: &'static str,
}

/// The memory of a map of that kind, and what waits for the map.
///
/// # Errors
/// `InvalidInput` for a map of another type; what the kernel says otherwise.
pub(super) fn open<M>(
    map: &Map,
    kind: &Kind,
    memory: fn(BorrowedFd<'_>, u32) -> sys::Result<M>,
    watch: fn(&sys::Epoll, BorrowedFd<'_>) -> sys::Result<()>,
) -> Result<(M, sys::Epoll)> {
    let opened = || {
        if map.map_type() != kind.map_type {
            let cause = format!("map type {} is no {}", map.map_type(), kind.what);
            return Err(Error::invalid_input(cause));
        }
        let memory = memory(map.as_fd(), map.max_entries());
        let memory = memory.map_err(|errno| errno.error("mmap"))?;
        let epoll = sys::Epoll::new().and_then(|epoll| {
            watch(&epoll, map.as_fd())?;
            Ok(epoll)
        });
        Ok((memory, epoll.map_err(|errno| errno.error("epoll"))?))
    };
    opened().with_context(|| format!("{} {}", kind.what, map.name()))
}

//! Landlock: a process gives up rights of its own. Kernel: since 5.13

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use super::check;

/// On every 64-bit architecture. Source: include/uapi/asm-generic/unistd.h
const SYS_LANDLOCK_CREATE_RULESET: libc::c_long = 444;
const SYS_LANDLOCK_RESTRICT_SELF: libc::c_long = 446;

/// Removing and making what there is, by whatever name: `LANDLOCK_ACCESS_FS_REMOVE_DIR` to
/// `LANDLOCK_ACCESS_FS_MAKE_SYM`. Source: include/uapi/linux/landlock.h
const NAMES: u64 = 0x1ff0;

/// From now on this thread can make, rename and delete no file anywhere.
///
/// # Errors
/// `ENOSYS` before Linux 5.13; else what the calls say.
pub fn give_up_names() -> io::Result<()> {
    let handled: u64 = NAMES;
    // SAFETY: a ruleset's attributes begin with these eight bytes, and end there for the kernel.
    let ruleset = check(unsafe {
        libc::syscall(
            SYS_LANDLOCK_CREATE_RULESET,
            &raw const handled,
            size_of::<u64>(),
            0,
        )
    })?;
    // SAFETY: the kernel has just made it for us.
    let ruleset = unsafe { OwnedFd::from_raw_fd(ruleset as i32) };
    // SAFETY: integers.
    check(unsafe { libc::syscall(SYS_LANDLOCK_RESTRICT_SELF, ruleset.as_raw_fd(), 0) }).map(drop)
}

//! Mounts by the calls of Linux 5.2, which first make one and then put it somewhere.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;

use super::check;

/// Source: include/uapi/linux/mount.h
const FSCONFIG_CMD_CREATE: u32 = 6;
const MOVE_MOUNT_F_EMPTY_PATH: u32 = 4;
const OPEN_TREE_CLONE: u32 = 1;

fn owned(fd: i64) -> io::Result<OwnedFd> {
    let fd = check(fd)?;
    // SAFETY: the kernel has just made it for us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) })
}

/// A new mount of a file system, nowhere yet: fsopen(2), fsconfig(2), fsmount(2).
///
/// # Errors
/// What they say.
pub fn made(kind: &CStr) -> io::Result<OwnedFd> {
    // SAFETY: a C string and an integer.
    let context = owned(unsafe { libc::syscall(libc::SYS_fsopen, kind.as_ptr(), 0) })?;
    let (create, nothing) = (FSCONFIG_CMD_CREATE, ptr::null::<u8>());
    // SAFETY: this command takes neither key nor value.
    check(unsafe {
        libc::syscall(
            libc::SYS_fsconfig,
            context.as_raw_fd(),
            create,
            nothing,
            nothing,
            0,
        )
    })?;
    // SAFETY: integers.
    owned(unsafe { libc::syscall(libc::SYS_fsmount, context.as_raw_fd(), 0, 0) })
}

/// A copy of the mount at a path, nowhere yet: open_tree(2).
///
/// # Errors
/// What it says.
pub fn copied(path: &CStr) -> io::Result<OwnedFd> {
    // SAFETY: a C string and integers.
    owned(unsafe {
        libc::syscall(
            libc::SYS_open_tree,
            libc::AT_FDCWD,
            path.as_ptr(),
            OPEN_TREE_CLONE,
        )
    })
}

/// Puts one that is nowhere to a path: move_mount(2).
///
/// # Errors
/// What it says.
pub fn put(mount: BorrowedFd<'_>, to: &CStr) -> io::Result<()> {
    moved(mount.as_raw_fd(), c"", to, MOVE_MOUNT_F_EMPTY_PATH)
}

/// Moves one from a path to another: move_mount(2).
///
/// # Errors
/// What it says.
pub fn moved_from(from: &CStr, to: &CStr) -> io::Result<()> {
    moved(libc::AT_FDCWD, from, to, 0)
}

fn moved(folder: i32, from: &CStr, to: &CStr, flags: u32) -> io::Result<()> {
    // SAFETY: C strings and integers.
    check(unsafe {
        libc::syscall(
            libc::SYS_move_mount,
            folder,
            from.as_ptr(),
            libc::AT_FDCWD,
            to.as_ptr(),
            flags,
        )
    })
    .map(drop)
}

/// umount2(2).
///
/// # Errors
/// What it says.
pub fn unmount(target: &CStr, flags: i32) -> io::Result<()> {
    // SAFETY: a C string.
    check(unsafe { libc::umount2(target.as_ptr(), flags) }).map(drop)
}

//! Programs on sockets, and network devices by name.

use super::{Errno, Result};
use core::ffi::CStr;
use std::os::fd::{AsRawFd, BorrowedFd};

/// Filters what a socket receives. Kernel: 3.19
pub(crate) fn so_attach_bpf(socket: BorrowedFd<'_>, prog: BorrowedFd<'_>) -> Result<()> {
    set(
        socket,
        libc::SOL_SOCKET,
        libc::SO_ATTACH_BPF,
        prog.as_raw_fd(),
    )
}

/// Removes any filter of a socket; ENOENT where it has none.
pub(crate) fn so_detach_bpf(socket: BorrowedFd<'_>) -> Result<()> {
    set(socket, libc::SOL_SOCKET, libc::SO_DETACH_BPF, 0)
}

/// Lets a program choose among the sockets of a port. Kernel: 4.5
pub(crate) fn so_attach_reuseport_ebpf(socket: BorrowedFd<'_>, prog: BorrowedFd<'_>) -> Result<()> {
    let option = libc::SO_ATTACH_REUSEPORT_EBPF;
    set(socket, libc::SOL_SOCKET, option, prog.as_raw_fd())
}

/// Removes that program; ENOENT where there is none. Kernel: 5.3
pub(crate) fn so_detach_reuseport_bpf(socket: BorrowedFd<'_>) -> Result<()> {
    set(socket, libc::SOL_SOCKET, libc::SO_DETACH_REUSEPORT_BPF, 0)
}

/// Sets an option that is an int.
pub(super) fn set(socket: BorrowedFd<'_>, level: i32, option: i32, value: i32) -> Result<()> {
    // SAFETY: the value is a live int whose size is passed with it; the
    // descriptor is borrowed, so it is open.
    let ret = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            option,
            (&raw const value).cast(),
            size_of::<i32>() as libc::socklen_t,
        )
    };
    if ret < 0 {
        return Err(Errno::last());
    }
    Ok(())
}

/// The number of a network device in the caller's network namespace.
pub(crate) fn if_nametoindex(name: &CStr) -> Result<u32> {
    // SAFETY: a string with its NUL, read during the call only.
    match unsafe { libc::if_nametoindex(name.as_ptr()) } {
        0 => Err(Errno::last()),
        index => Ok(index),
    }
}

/// The name of a network device.
pub(crate) fn if_indextoname(index: u32) -> Result<String> {
    let mut name = [0u8; libc::IF_NAMESIZE];
    // SAFETY: the buffer has the size that the call may fill, its NUL included.
    if unsafe { libc::if_indextoname(index, name.as_mut_ptr().cast()) }.is_null() {
        return Err(Errno::last());
    }
    let end = name
        .iter()
        .position(|&byte| byte == 0)
        .unwrap_or(name.len());
    Ok(String::from_utf8_lossy(name.get(..end).unwrap_or_default()).into_owned())
}

//! Calls that change who a process is and what it sees: ids, sessions, namespaces, mounts, root.

use std::ffi::CStr;
use std::io;

use super::check;

/// setsid(2).
///
/// # Errors
/// `EPERM` for a group leader.
pub fn setsid() -> io::Result<i32> {
    // SAFETY: takes nothing.
    check(unsafe { libc::setsid() })
}

/// setpgid(2).
///
/// # Errors
/// What setpgid(2) says.
pub fn setpgid(pid: i32, group: i32) -> io::Result<()> {
    // SAFETY: plain integers.
    check(unsafe { libc::setpgid(pid, group) }).map(drop)
}

/// setresuid(2) of this thread and so of a single-threaded process.
///
/// # Errors
/// What setresuid(2) says.
pub fn setresuid(real: u32, effective: u32, saved: u32) -> io::Result<()> {
    // SAFETY: plain integers.
    check(unsafe { libc::setresuid(real, effective, saved) }).map(drop)
}

/// setresgid(2).
///
/// # Errors
/// What setresgid(2) says.
pub fn setresgid(real: u32, effective: u32, saved: u32) -> io::Result<()> {
    // SAFETY: plain integers.
    check(unsafe { libc::setresgid(real, effective, saved) }).map(drop)
}

/// setfsuid(2) and setfsgid(2): the ids that the file system checks. Neither call can say that it failed.
pub fn setfsids(uid: u32, gid: u32) {
    // SAFETY: plain integers.
    unsafe {
        libc::setfsgid(gid);
        libc::setfsuid(uid);
    }
}

/// Lets this process keep its capabilities when its user ids change: `SECBIT_NO_SETUID_FIXUP`.
///
/// # Errors
/// What prctl(2) says.
pub fn keep_capabilities() -> io::Result<()> {
    const SECBIT_NO_SETUID_FIXUP: libc::c_ulong = 1 << 2;
    // SAFETY: this option takes one integer.
    check(unsafe { libc::prctl(libc::PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0) })
        .map(drop)
}

/// Has no program that is executed from now on get this capability: `PR_CAPBSET_DROP`.
///
/// # Errors
/// `EINVAL` for a number that the kernel has no capability for.
pub fn drop_from_bounding_set(capability: u32) -> io::Result<()> {
    let capability = libc::c_ulong::from(capability);
    // SAFETY: this option takes one integer.
    check(unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) }).map(drop)
}

/// unshare(2) with `CLONE_NEW*` bits.
///
/// # Errors
/// What unshare(2) says.
pub fn unshare(flags: i32) -> io::Result<()> {
    // SAFETY: namespace bits do not touch memory.
    check(unsafe { libc::unshare(flags) }).map(drop)
}

/// chroot(2).
///
/// # Errors
/// What chroot(2) says.
pub fn chroot(path: &CStr) -> io::Result<()> {
    // SAFETY: a C string.
    check(unsafe { libc::chroot(path.as_ptr()) }).map(drop)
}

/// mount(2) without options of the file system.
///
/// # Errors
/// What mount(2) says.
pub fn bind_or_mount(
    source: &CStr,
    target: &CStr,
    kind: &CStr,
    flags: libc::c_ulong,
) -> io::Result<()> {
    // SAFETY: C strings that outlive the call; no data.
    check(unsafe {
        libc::mount(
            source.as_ptr(),
            target.as_ptr(),
            kind.as_ptr(),
            flags,
            std::ptr::null(),
        )
    })
    .map(drop)
}

/// umount2(2) with `MNT_DETACH`.
///
/// # Errors
/// What umount2(2) says.
pub fn unmount(target: &CStr) -> io::Result<()> {
    // SAFETY: a C string.
    check(unsafe { libc::umount2(target.as_ptr(), libc::MNT_DETACH) }).map(drop)
}

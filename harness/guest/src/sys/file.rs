//! What file workloads ask of the kernel that the standard library has no word for.

use std::ffi::{CStr, CString};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::check;

/// The kind of file system that a path is on: `f_type` of statfs(2).
///
/// # Errors
/// What statfs(2) says.
pub fn fs_magic(path: &Path) -> io::Result<u32> {
    let path = c_path(path)?;
    let mut seen = MaybeUninit::<libc::statfs>::zeroed();
    // SAFETY: `path` ends with a zero and `seen` is ours and large enough.
    check(unsafe { libc::statfs(path.as_ptr(), seen.as_mut_ptr()) })?;
    // SAFETY: all-zero bytes are valid, and the kernel has filled them.
    Ok(unsafe { seen.assume_init() }.f_type as u32)
}

/// As [`fs_magic`], of an open file.
///
/// # Errors
/// What fstatfs(2) says.
pub fn fs_magic_of(file: BorrowedFd<'_>) -> io::Result<u32> {
    let mut seen = MaybeUninit::<libc::statfs>::zeroed();
    // SAFETY: `seen` is ours and large enough.
    check(unsafe { libc::fstatfs(file.as_raw_fd(), seen.as_mut_ptr()) })?;
    // SAFETY: all-zero bytes are valid, and the kernel has filled them.
    Ok(unsafe { seen.assume_init() }.f_type as u32)
}

/// renameat2(2) of two paths.
///
/// # Errors
/// What renameat2(2) says.
pub fn rename(old: &Path, new: &Path, flags: u32) -> io::Result<()> {
    let (old, new) = (c_path(old)?, c_path(new)?);
    let here = libc::AT_FDCWD;
    // SAFETY: C strings and integers. Not libc's wrapper, which musl has only of late.
    let returned = unsafe {
        libc::syscall(
            libc::SYS_renameat2,
            here,
            old.as_ptr(),
            here,
            new.as_ptr(),
            flags,
        )
    };
    check(returned).map(drop)
}

/// mknod(2): `mode` has the type as well, `device` counts for device nodes.
///
/// # Errors
/// What mknod(2) says.
pub fn mknod(path: &Path, mode: u32, device: u64) -> io::Result<()> {
    let path = c_path(path)?;
    // SAFETY: a C string and integers.
    check(unsafe { libc::mknod(path.as_ptr(), mode, device) }).map(drop)
}

/// Gives an open file a name: linkat(2) by its link in /proc.
///
/// # Errors
/// What linkat(2) says.
pub fn link_open(file: BorrowedFd<'_>, name: &Path) -> io::Result<()> {
    let old = CString::new(format!("/proc/self/fd/{}", file.as_raw_fd()))?;
    let (name, here) = (c_path(name)?, libc::AT_FDCWD);
    let flags = libc::AT_SYMLINK_FOLLOW;
    // SAFETY: C strings and integers.
    check(unsafe { libc::linkat(here, old.as_ptr(), here, name.as_ptr(), flags) }).map(drop)
}

/// lsetxattr(2) of a path: the link itself, if it is one.
///
/// # Errors
/// What lsetxattr(2) says.
pub fn set_xattr(path: &Path, name: &CStr, value: &[u8]) -> io::Result<()> {
    let (path, bytes) = (c_path(path)?, value.as_ptr().cast());
    // SAFETY: C strings, and a value that is valid for its length.
    check(unsafe { libc::lsetxattr(path.as_ptr(), name.as_ptr(), bytes, value.len(), 0) }).map(drop)
}

/// fsetxattr(2).
///
/// # Errors
/// What fsetxattr(2) says.
pub fn set_xattr_of(file: BorrowedFd<'_>, name: &CStr, value: &[u8]) -> io::Result<()> {
    let (fd, bytes) = (file.as_raw_fd(), value.as_ptr().cast());
    // SAFETY: a C string, and a value that is valid for its length.
    check(unsafe { libc::fsetxattr(fd, name.as_ptr(), bytes, value.len(), 0) }).map(drop)
}

/// lremovexattr(2).
///
/// # Errors
/// What lremovexattr(2) says.
pub fn remove_xattr(path: &Path, name: &CStr) -> io::Result<()> {
    let path = c_path(path)?;
    // SAFETY: C strings.
    check(unsafe { libc::lremovexattr(path.as_ptr(), name.as_ptr()) }).map(drop)
}

/// fremovexattr(2).
///
/// # Errors
/// What fremovexattr(2) says.
pub fn remove_xattr_of(file: BorrowedFd<'_>, name: &CStr) -> io::Result<()> {
    // SAFETY: a C string.
    check(unsafe { libc::fremovexattr(file.as_raw_fd(), name.as_ptr()) }).map(drop)
}

/// utimensat(2) of a path, to now, or of the link itself, if it is one.
///
/// # Errors
/// What utimensat(2) says.
pub fn touch(path: &Path) -> io::Result<()> {
    let path = c_path(path)?;
    let (here, now) = (libc::AT_FDCWD, std::ptr::null());
    let flags = libc::AT_SYMLINK_NOFOLLOW;
    // SAFETY: a C string; no times mean now.
    check(unsafe { libc::utimensat(here, path.as_ptr(), now, flags) }).map(drop)
}

/// A path as the kernel takes it.
///
/// # Errors
/// A zero byte in it.
pub fn c_path(path: &Path) -> io::Result<CString> {
    Ok(CString::new(path.as_os_str().as_bytes())?)
}

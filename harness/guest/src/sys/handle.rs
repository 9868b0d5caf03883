//! Handles of files: what a file system makes of an inode so that it is found without a name.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::Path;

use super::check;
use super::file::{c_path, fs_magic};

/// As much as any handle takes. Source: MAX_HANDLE_SZ.
const WORDS: usize = 32;
/// Source: mm/shmem.c, shmem_encode_fh
const GENERATION_AND_INODE: i32 = 1;

/// As the kernel's `struct file_handle`.
#[repr(C)]
struct Handle {
    bytes: u32,
    kind: i32,
    words: [u32; WORDS],
}

/// name_to_handle_at(2) of a path.
fn of(path: &Path) -> io::Result<Handle> {
    let mut handle = Handle {
        bytes: (WORDS * size_of::<u32>()) as u32,
        kind: 0,
        words: [0; WORDS],
    };
    let (path, mut mount) = (c_path(path)?, 0_i32);
    // SAFETY: a C string, and a handle and a number that are ours and as large as they say.
    check(unsafe {
        libc::syscall(
            libc::SYS_name_to_handle_at,
            libc::AT_FDCWD,
            path.as_ptr(),
            &raw mut handle,
            &raw mut mount,
            0,
        )
    })?;
    Ok(handle)
}

/// The generation of a tmpfs file, by which its handle tells it from an earlier one of its number;
/// `None` where a file system has no such handles.
///
/// # Errors
/// What name_to_handle_at(2) says.
pub fn generation(path: &Path, inode: u64) -> io::Result<Option<u32>> {
    if fs_magic(path.parent().unwrap_or(path))? != libc::TMPFS_MAGIC as u32 {
        return Ok(None);
    }
    let handle = of(path)?;
    let [generation, low, high, ..] = handle.words;
    let is_this = inode == u64::from(low) | u64::from(high) << 32;
    Ok((handle.kind == GENERATION_AND_INODE && is_this).then_some(generation))
}

/// open_by_handle_at(2) of the handle of a path.
///
/// # Errors
/// What it says, or name_to_handle_at(2).
pub fn open(path: &Path, flags: i32) -> io::Result<OwnedFd> {
    let folder = File::open(path.parent().unwrap_or(path))?;
    let mut handle = of(path)?;
    // SAFETY: the handle is as the kernel has filled it.
    let fd = check(unsafe {
        libc::syscall(
            libc::SYS_open_by_handle_at,
            folder.as_raw_fd(),
            &raw mut handle,
            flags,
        )
    })?;
    // SAFETY: the kernel has just made it for us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) })
}

//! A file mapped for reading.

use super::{Errno, Result};
use core::ffi::c_void;
use core::ptr::NonNull;
use std::os::fd::{AsRawFd, BorrowedFd};

/// A private, read-only mapping; unmapped on drop.
#[derive(Debug)]
pub(super) struct Mapping {
    address: NonNull<c_void>,
    bytes: usize,
}

// SAFETY: a mapping belongs to the process, not to the thread that made it.
unsafe impl Send for Mapping {}
// SAFETY: this type itself only hands out the address; who writes through it
// synchronises (see `ring`).
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps `bytes` of `fd` from `offset` on.
    pub(super) fn new(
        fd: BorrowedFd<'_>,
        offset_bytes: usize,
        bytes: usize,
        protection: i32,
        flags: i32,
    ) -> Result<Self> {
        let offset = libc::off_t::try_from(offset_bytes).map_err(|_| Errno::INVAL)?;
        // SAFETY: without an address and without MAP_FIXED the kernel picks a
        // free range, so no memory that Rust knows of is touched.
        let address = unsafe {
            libc::mmap(
                core::ptr::null_mut(),
                bytes,
                protection,
                flags,
                fd.as_raw_fd(),
                offset,
            )
        };
        if address == libc::MAP_FAILED {
            return Err(Errno::last());
        }
        let address = NonNull::new(address).ok_or(Errno::FAULT)?;
        Ok(Self { address, bytes })
    }

    /// Maps the first `bytes` of `fd`, shared: at `address` and nowhere else,
    /// or anywhere for 0.
    ///
    /// # Errors
    /// EEXIST where something is mapped there already.
    pub(super) fn at(
        fd: BorrowedFd<'_>,
        address: usize,
        bytes: usize,
        protection: i32,
    ) -> Result<Self> {
        if address == 0 {
            return Self::new(fd, 0, bytes, protection, libc::MAP_SHARED);
        }
        // SAFETY: MAP_FIXED_NOREPLACE refuses a range that is in use, and a
        // kernel that does not know the flag takes the address as a wish: no
        // memory that Rust knows of is touched.
        let found = unsafe {
            libc::mmap(
                core::ptr::with_exposed_provenance_mut(address),
                bytes,
                protection,
                libc::MAP_SHARED | libc::MAP_FIXED_NOREPLACE,
                fd.as_raw_fd(),
                0,
            )
        };
        if found == libc::MAP_FAILED {
            return Err(Errno::last());
        }
        let mapping = Self {
            address: NonNull::new(found).ok_or(Errno::FAULT)?,
            bytes,
        };
        (found.addr() == address)
            .then_some(mapping)
            .ok_or(Errno::EXIST)
    }

    pub(super) fn address(&self) -> NonNull<c_void> {
        self.address
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: exactly the range that `new` mapped, which nobody else
        // unmaps, and no borrow of it outlives `self`.
        unsafe { libc::munmap(self.address.as_ptr(), self.bytes) };
    }
}

/// The kernel's own BTF, mapped.
#[derive(Debug)]
pub(crate) struct FileMapping(Mapping);

impl FileMapping {
    /// Maps the first `bytes` of a sysfs file.
    ///
    /// Only of a sysfs file: its bytes are part of the running kernel and can
    /// neither change nor shrink, unlike those of a file on disk.
    ///
    /// # Errors
    /// EINVAL where `fd` is not in sysfs; ENODEV where the kernel does not map
    /// its BTF.
    ///
    /// Kernel: 6.16
    pub(crate) fn of_sysfs(fd: BorrowedFd<'_>, bytes: usize) -> Result<Self> {
        if bytes == 0 || !super::file::is_sysfs(fd)? {
            return Err(Errno::INVAL);
        }
        Mapping::new(fd, 0, bytes, libc::PROT_READ, libc::MAP_PRIVATE).map(Self)
    }

    /// The mapped bytes.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        // SAFETY: the range is mapped readable for as long as `self` lives, and
        // it is memory of the kernel image that never changes (`of_sysfs`).
        unsafe { core::slice::from_raw_parts(self.0.address().cast().as_ptr(), self.0.bytes()) }
    }
}

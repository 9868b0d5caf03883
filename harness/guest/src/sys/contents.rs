//! Calls that move the contents of files by other ways than read(2) and write(2).

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::path::Path;
use std::ptr;

use super::check;
use super::file::c_path;

/// A count of bytes, where the C library has `ssize_t`.
fn counted(ret: isize) -> io::Result<usize> {
    check(ret).map(|count| count as usize)
}

/// pwritev2(2) of one slice at the file's start.
///
/// # Errors
/// What pwritev2(2) says.
pub fn pwritev2(file: BorrowedFd<'_>, bytes: &[u8], flags: i32) -> io::Result<usize> {
    let part = libc::iovec {
        iov_base: bytes.as_ptr().cast_mut().cast(),
        iov_len: bytes.len(),
    };
    // SAFETY: one part, which is a slice; the call only reads it.
    let ret = unsafe {
        libc::syscall(
            libc::SYS_pwritev2,
            file.as_raw_fd(),
            &raw const part,
            1,
            0,
            0,
            flags,
        )
    };
    counted(ret as isize)
}

/// preadv2(2) into one slice from the file's start.
///
/// # Errors
/// What preadv2(2) says.
pub fn preadv2(file: BorrowedFd<'_>, bytes: &mut [u8], flags: i32) -> io::Result<usize> {
    let part = libc::iovec {
        iov_base: bytes.as_mut_ptr().cast(),
        iov_len: bytes.len(),
    };
    // SAFETY: one part, which is a slice that is ours to write.
    let ret = unsafe {
        libc::syscall(
            libc::SYS_preadv2,
            file.as_raw_fd(),
            &raw const part,
            1,
            0,
            0,
            flags,
        )
    };
    counted(ret as isize)
}

/// sendfile(2) from where `from` stands.
///
/// # Errors
/// What sendfile(2) says.
pub fn sendfile(to: BorrowedFd<'_>, from: BorrowedFd<'_>, most: usize) -> io::Result<usize> {
    // SAFETY: descriptors and numbers; no offset.
    counted(unsafe { libc::sendfile(to.as_raw_fd(), from.as_raw_fd(), ptr::null_mut(), most) })
}

/// splice(2) from and to where the two stand; one of them is a pipe.
///
/// # Errors
/// What splice(2) says.
pub fn splice(from: BorrowedFd<'_>, to: BorrowedFd<'_>, most: usize) -> io::Result<usize> {
    let no = ptr::null_mut();
    // SAFETY: descriptors and numbers; no offsets.
    counted(unsafe { libc::splice(from.as_raw_fd(), no, to.as_raw_fd(), no, most, 0) })
}

/// vmsplice(2): memory into a pipe.
///
/// # Errors
/// What vmsplice(2) says.
pub fn vmsplice(bytes: &[u8], to: BorrowedFd<'_>) -> io::Result<usize> {
    let part = libc::iovec {
        iov_base: bytes.as_ptr().cast_mut().cast(),
        iov_len: bytes.len(),
    };
    // SAFETY: one part, which is a slice; the pipe's reader only reads it.
    counted(unsafe { libc::vmsplice(to.as_raw_fd(), &raw const part, 1, 0) })
}

/// copy_file_range(2) from and to where the two stand.
///
/// # Errors
/// What copy_file_range(2) says.
pub fn copy_file_range(from: BorrowedFd<'_>, to: BorrowedFd<'_>, most: usize) -> io::Result<usize> {
    let no = ptr::null_mut();
    // SAFETY: descriptors and numbers; no offsets.
    counted(unsafe { libc::copy_file_range(from.as_raw_fd(), no, to.as_raw_fd(), no, most, 0) })
}

/// fallocate(2) from the start.
///
/// # Errors
/// What fallocate(2) says.
pub fn fallocate(file: BorrowedFd<'_>, mode: i32, bytes: i64) -> io::Result<()> {
    // SAFETY: a descriptor and numbers.
    check(unsafe { libc::fallocate(file.as_raw_fd(), mode, 0, bytes) }).map(drop)
}

/// truncate(2).
///
/// # Errors
/// What truncate(2) says.
pub fn truncate(path: &Path, bytes: i64) -> io::Result<()> {
    let path = c_path(path)?;
    // SAFETY: a C string and a number.
    check(unsafe { libc::truncate(path.as_ptr(), bytes) }).map(drop)
}

/// memfd_create(2) of huge pages.
///
/// # Errors
/// What memfd_create(2) says.
pub fn memfd_of_huge_pages(name: &CStr) -> io::Result<OwnedFd> {
    // SAFETY: a C string and an integer.
    let fd = check(unsafe { libc::memfd_create(name.as_ptr(), libc::MFD_HUGETLB) })?;
    // SAFETY: the kernel has just made it for us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) })
}

/// openat2(2) of a path from the current folder.
///
/// # Errors
/// What openat2(2) says.
///
/// Kernel: since 5.6.
pub fn openat2(path: &Path, flags: i32, mode: u32, resolve: u64) -> io::Result<OwnedFd> {
    let path = c_path(path)?;
    let how = [u64::from(flags.cast_unsigned()), mode.into(), resolve];
    // SAFETY: a C string, and a structure of three numbers with its size.
    let fd = check(unsafe {
        libc::syscall(
            libc::SYS_openat2,
            libc::AT_FDCWD,
            path.as_ptr(),
            how.as_ptr(),
            size_of_val(&how),
        )
    })?;
    // SAFETY: the kernel has just made it for us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) })
}

/// One request through io_submit(2), waited for: its result.
///
/// # Errors
/// What a call, or the request, says.
fn aio(opcode: u16, file: BorrowedFd<'_>, start: u64, bytes: usize) -> io::Result<usize> {
    /// As the kernel's `struct iocb`.
    #[repr(C)]
    #[derive(Default)]
    struct Request {
        data: u64,
        key: u32,
        rw_flags: i32,
        opcode: u16,
        priority: i16,
        fd: u32,
        start: u64,
        bytes: u64,
        offset: i64,
        reserved: u64,
        flags: u32,
        event_fd: u32,
    }
    let mut context = 0_u64;
    // SAFETY: a place for the context, which is zero.
    check(unsafe { libc::syscall(libc::SYS_io_setup, 1, &raw mut context) })?;
    let mut request = Request {
        opcode,
        fd: file.as_raw_fd().cast_unsigned(),
        start,
        bytes: bytes as u64,
        ..Request::default()
    };
    let requests = [&raw mut request];
    // data, obj, res, res2
    let mut done = [0_i64; 4];
    // SAFETY: the request, its memory and the place for its end outlive the
    // calls, of which the second waits until the kernel is done with it.
    let result = unsafe {
        check(libc::syscall(
            libc::SYS_io_submit,
            context,
            1,
            requests.as_ptr(),
        ))
        .and_then(|_| {
            let none = ptr::null::<libc::timespec>();
            check(libc::syscall(
                libc::SYS_io_getevents,
                context,
                1,
                1,
                done.as_mut_ptr(),
                none,
            ))
        })
    };
    // SAFETY: takes the context alone.
    unsafe { libc::syscall(libc::SYS_io_destroy, context) };
    result?;
    let [.., result, _] = done;
    if result < 0 {
        return Err(io::Error::from_raw_os_error(-result as i32));
    }
    Ok(result as usize)
}

/// A write at the file's start by io_submit(2).
///
/// # Errors
/// What a call, or the request, says.
pub fn aio_write(file: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<usize> {
    const IOCB_CMD_PWRITE: u16 = 1;
    aio(
        IOCB_CMD_PWRITE,
        file,
        bytes.as_ptr().expose_provenance() as u64,
        bytes.len(),
    )
}

/// A read from the file's start by io_submit(2).
///
/// # Errors
/// What a call, or the request, says.
pub fn aio_read(file: BorrowedFd<'_>, bytes: &mut [u8]) -> io::Result<usize> {
    const IOCB_CMD_PREAD: u16 = 0;
    aio(
        IOCB_CMD_PREAD,
        file,
        bytes.as_mut_ptr().expose_provenance() as u64,
        bytes.len(),
    )
}

/// The first page of a file, mapped.
#[derive(Debug)]
pub struct Mapped {
    start: *mut libc::c_void,
}

const PAGE_BYTES: usize = 4096;

impl Mapped {
    /// Maps it with these `PROT_` and `MAP_` bits.
    ///
    /// # Errors
    /// What mmap(2) says.
    pub fn new(file: BorrowedFd<'_>, protection: i32, flags: i32) -> io::Result<Self> {
        // SAFETY: a mapping at a place of the kernel's choice changes no
        // memory that anybody has.
        let start = unsafe {
            libc::mmap(
                ptr::null_mut(),
                PAGE_BYTES,
                protection,
                flags,
                file.as_raw_fd(),
                0,
            )
        };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        Ok(Self { start })
    }

    /// Changes its `PROT_` bits.
    ///
    /// # Errors
    /// What mprotect(2) says.
    pub fn protect(&self, protection: i32) -> io::Result<()> {
        // SAFETY: the mapping is this value's own, and nothing of it is borrowed.
        check(unsafe { libc::mprotect(self.start, PAGE_BYTES, protection) }).map(drop)
    }

    /// Writes its first byte; the process ends by a signal if that may not be.
    pub fn write(&self, byte: u8) {
        // SAFETY: the mapping is this value's own, and nothing of it is borrowed.
        unsafe { self.start.cast::<u8>().write_volatile(byte) };
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        // SAFETY: the mapping is this value's own, of this length.
        unsafe { libc::munmap(self.start, PAGE_BYTES) };
    }
}

//! A small io_uring: one request at a time, submitted and waited for.

mod sockets;

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};

use super::check;

const SETUP_SQPOLL: u32 = 1 << 1;
const ENTER_GETEVENTS: u32 = 1;
const ENTER_SQ_WAKEUP: u32 = 1 << 1;
/// Never tried by who submits, always by a worker: as it would be anyway, or not, from kernel to
/// kernel.
const SQE_ASYNC: u8 = 1 << 4;
const RING_BYTES: usize = 4096;
const OFFSET_RINGS: i64 = 0;
const OFFSET_ENTRIES: i64 = 0x1000_0000;

/// What io_uring_setup(2) takes and fills, of which only the rings' places matter here.
#[repr(C)]
#[derive(Default)]
struct Params {
    entries: [u32; 2],
    flags: u32,
    sq_thread_cpu: u32,
    sq_thread_idle: u32,
    features: u32,
    further: [u32; 4],
    /// head, tail, mask, entries, flags, dropped, array
    submission: [u32; 10],
    /// head, tail, mask, entries, overflow, entries' place
    completion: [u32; 10],
}

/// A request: `struct io_uring_sqe`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    opcode: u8,
    flags: u8,
    priority: u16,
    fd: i32,
    offset: u64,
    address: u64,
    bytes: u32,
    call_flags: u32,
    data: u64,
    further: [u64; 3],
}

/// A ring of the calling process.
#[derive(Debug)]
pub struct Uring {
    ring: OwnedFd,
    rings: *mut u8,
    entries: *mut Entry,
    submission: [u32; 10],
    completion: [u32; 10],
    is_polled: bool,
}

impl Uring {
    /// Makes one; `is_polled`: a thread of the kernel looks for requests (`SQPOLL`).
    ///
    /// # Errors
    /// What io_uring_setup(2) or mmap(2) says.
    pub fn new(is_polled: bool) -> io::Result<Self> {
        let mut params = Params {
            flags: if is_polled { SETUP_SQPOLL } else { 0 },
            ..Params::default()
        };
        // SAFETY: the structure is as large as the kernel takes it, all zero but its flags.
        let fd = check(unsafe { libc::syscall(libc::SYS_io_uring_setup, 1, &raw mut params) })?;
        // SAFETY: the kernel has just made it for us.
        let ring = unsafe { OwnedFd::from_raw_fd(fd as i32) };
        let map = |offset| {
            // SAFETY: a mapping at a place of the kernel's choice.
            let start = unsafe {
                libc::mmap(
                    ptr::null_mut(),
                    RING_BYTES,
                    libc::PROT_READ | libc::PROT_WRITE,
                    libc::MAP_SHARED | libc::MAP_POPULATE,
                    ring.as_raw_fd(),
                    offset,
                )
            };
            if start == libc::MAP_FAILED {
                return Err(io::Error::last_os_error());
            }
            Ok(start)
        };
        let rings = map(OFFSET_RINGS)?.cast();
        let entries = map(OFFSET_ENTRIES)?.cast();
        Ok(Self {
            ring,
            rings,
            entries,
            submission: params.submission,
            completion: params.completion,
            is_polled,
        })
    }

    /// A number that is shared with the kernel, at this place of the rings.
    fn shared(&self, place: u32) -> &AtomicU32 {
        // SAFETY: the places are the kernel's, within the page, and aligned.
        unsafe { AtomicU32::from_ptr(self.rings.add(place as usize).cast()) }
    }

    /// Submits a request and waits for its result.
    fn call(&mut self, entry: Entry) -> io::Result<i32> {
        let [_, sq_tail, sq_mask, _, _, _, sq_array, ..] = self.submission;
        let [cq_head, cq_tail, cq_mask, _, _, cqes, ..] = self.completion;
        let tail = self.shared(sq_tail).load(Ordering::Relaxed);
        let index = tail & self.shared(sq_mask).load(Ordering::Relaxed);
        // SAFETY: the mask keeps the index within the entries, of which none is under way.
        unsafe { self.entries.add(index as usize).write(entry) };
        self.shared(sq_array + 4 * index)
            .store(index, Ordering::Relaxed);
        self.shared(sq_tail)
            .store(tail.wrapping_add(1), Ordering::Release);
        let polled = if self.is_polled { ENTER_SQ_WAKEUP } else { 0 };
        let head = self.shared(cq_head).load(Ordering::Relaxed);
        let mut to_submit = 1;
        while self.shared(cq_tail).load(Ordering::Acquire) == head {
            // SAFETY: numbers, and no signal mask.
            check(unsafe {
                libc::syscall(
                    libc::SYS_io_uring_enter,
                    self.ring.as_raw_fd(),
                    to_submit,
                    1,
                    ENTER_GETEVENTS | polled,
                    ptr::null::<u8>(),
                    0,
                )
            })?;
            to_submit = 0;
        }
        let index = head & self.shared(cq_mask).load(Ordering::Relaxed);
        // user_data: u64, res: i32, flags: u32
        let result = self.shared(cqes + 16 * index + 8).load(Ordering::Relaxed);
        self.shared(cq_head)
            .store(head.wrapping_add(1), Ordering::Release);
        let result = result.cast_signed();
        if result < 0 {
            return Err(io::Error::from_raw_os_error(-result));
        }
        Ok(result)
    }

    fn transfer(
        &mut self,
        opcode: u8,
        file: BorrowedFd<'_>,
        at: u64,
        bytes: usize,
    ) -> io::Result<i32> {
        self.call(Entry {
            opcode,
            flags: SQE_ASYNC,
            fd: file.as_raw_fd(),
            address: at,
            bytes: bytes as u32,
            ..Entry::default()
        })
    }

    /// `IORING_OP_WRITE` at the file's start.
    ///
    /// # Errors
    /// What the request says.
    pub fn write(&mut self, file: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<i32> {
        const OP_WRITE: u8 = 23;
        self.transfer(
            OP_WRITE,
            file,
            bytes.as_ptr().expose_provenance() as u64,
            bytes.len(),
        )
    }

    /// `IORING_OP_READ` from the file's start.
    ///
    /// # Errors
    /// What the request says.
    pub fn read(&mut self, file: BorrowedFd<'_>, bytes: &mut [u8]) -> io::Result<i32> {
        const OP_READ: u8 = 22;
        let at = bytes.as_mut_ptr().expose_provenance() as u64;
        self.transfer(OP_READ, file, at, bytes.len())
    }
}

/// Operations on names, by absolute paths, and on sizes. Each fails with what the request says.
#[allow(clippy::missing_errors_doc)]
impl Uring {
    /// One on a name or two: `first` where the call has its first path, `second` where it has
    /// another, `number` where it has a mode or the other path's folder.
    fn on_names(
        &mut self,
        opcode: u8,
        first: &CStr,
        second: Option<&CStr>,
        number: u32,
        call_flags: u32,
    ) -> io::Result<i32> {
        let place = |path: &CStr| path.as_ptr().expose_provenance() as u64;
        self.call(Entry {
            opcode,
            flags: SQE_ASYNC,
            fd: libc::AT_FDCWD,
            address: place(first),
            offset: second.map_or(0, place),
            bytes: number,
            call_flags,
            ..Entry::default()
        })
    }

    /// `IORING_OP_OPENAT`. Kernel: since 5.6
    pub fn open(&mut self, path: &CStr, flags: i32, mode: u32) -> io::Result<OwnedFd> {
        let fd = self.on_names(18, path, None, mode, flags.cast_unsigned())?;
        // SAFETY: the request has just opened it for us.
        Ok(unsafe { OwnedFd::from_raw_fd(fd) })
    }

    /// `IORING_OP_RENAMEAT`. Kernel: since 5.11
    pub fn rename(&mut self, old: &CStr, new: &CStr) -> io::Result<()> {
        let folder = libc::AT_FDCWD.cast_unsigned();
        self.on_names(35, old, Some(new), folder, 0).map(drop)
    }

    /// `IORING_OP_UNLINKAT`, with `AT_REMOVEDIR` or no flags. Kernel: since 5.11
    pub fn unlink(&mut self, path: &CStr, flags: i32) -> io::Result<()> {
        let flags = flags.cast_unsigned();
        self.on_names(36, path, None, 0, flags).map(drop)
    }

    /// `IORING_OP_MKDIRAT`. Kernel: since 5.15
    pub fn mkdir(&mut self, path: &CStr, mode: u32) -> io::Result<()> {
        self.on_names(37, path, None, mode, 0).map(drop)
    }

    /// `IORING_OP_SYMLINKAT`. Kernel: since 5.15
    pub fn symlink(&mut self, target: &CStr, path: &CStr) -> io::Result<()> {
        self.on_names(38, target, Some(path), 0, 0).map(drop)
    }

    /// `IORING_OP_LINKAT`. Kernel: since 5.15
    pub fn link(&mut self, old: &CStr, new: &CStr) -> io::Result<()> {
        let folder = libc::AT_FDCWD.cast_unsigned();
        self.on_names(39, old, Some(new), folder, 0).map(drop)
    }

    /// `IORING_OP_FALLOCATE` from the start. Kernel: since 5.6
    pub fn fallocate(&mut self, file: BorrowedFd<'_>, bytes: u64) -> io::Result<()> {
        self.transfer(17, file, bytes, 0).map(drop)
    }

    /// `IORING_OP_FTRUNCATE`; `EINVAL` on a kernel without it. Kernel: since 6.9
    pub fn truncate(&mut self, file: BorrowedFd<'_>, bytes: u64) -> io::Result<()> {
        self.call(Entry {
            opcode: 55,
            flags: SQE_ASYNC,
            fd: file.as_raw_fd(),
            offset: bytes,
            ..Entry::default()
        })
        .map(drop)
    }
}

impl Drop for Uring {
    fn drop(&mut self) {
        // SAFETY: both mappings are this value's own, of this length.
        unsafe {
            libc::munmap(self.rings.cast(), RING_BYTES);
            libc::munmap(self.entries.cast(), RING_BYTES);
        }
    }
}

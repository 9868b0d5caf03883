//! Calls that a process makes about itself and its children: one function per call, named after it.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use super::check;

/// How a child ended, as wait(2) says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It left by itself with this code.
    Exit(u8),
    /// A signal killed it; `core` says whether a core file was really written.
    Signal {
        /// The signal's number.
        signal: i32,
        /// The kernel wrote a core file.
        core: bool,
    },
}

/// One wait: which child, and how it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waited {
    /// The child's pid as this process sees it.
    pub pid: i32,
    /// How it ended.
    pub ended: Ended,
}

/// Waits for a child (`None`: any) until it has ended, whatever its exit signal. `None` when there is no such child.
///
/// # Errors
/// What wait4(2) says, `ECHILD` excepted.
pub fn wait(pid: Option<i32>) -> io::Result<Option<Waited>> {
    wait_with(pid, 0)
}

/// Like [`wait`], but does not block: `Ok(None)` also when no child has ended yet.
///
/// # Errors
/// What wait4(2) says, `ECHILD` excepted.
pub fn try_wait(pid: Option<i32>) -> io::Result<Option<Waited>> {
    wait_with(pid, libc::WNOHANG)
}

/// Whether this process has any child left, ended or not.
#[must_use]
pub fn has_children() -> bool {
    // SAFETY: an all-zero siginfo_t is valid; the kernel fills it.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT | libc::__WALL;
    // SAFETY: `info` is ours and large enough.
    unsafe { libc::waitid(libc::P_ALL, 0, &raw mut info, options) == 0 }
}

/// Waits until a child has ended and leaves it to be waited for, so that /proc still shows it.
///
/// # Errors
/// What waitid(2) says.
pub fn await_end(pid: i32) -> io::Result<()> {
    // SAFETY: an all-zero siginfo_t is valid; the kernel fills it.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    let options = libc::WEXITED | libc::WNOWAIT | libc::__WALL;
    let id = libc::id_t::try_from(pid).map_err(|_| io::ErrorKind::InvalidInput)?;
    loop {
        // SAFETY: `info` is ours and large enough.
        let returned = unsafe { libc::waitid(libc::P_PID, id, &raw mut info, options) };
        match check(returned) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other.map(drop),
        }
    }
}

fn wait_with(pid: Option<i32>, options: i32) -> io::Result<Option<Waited>> {
    let mut status = 0;
    loop {
        // SAFETY: `status` is ours; the other arguments are plain integers.
        let got =
            unsafe { libc::waitpid(pid.unwrap_or(-1), &raw mut status, options | libc::__WALL) };
        if got == 0 {
            return Ok(None);
        }
        if got > 0 {
            let ended = if libc::WIFSIGNALED(status) {
                let (signal, core) = (libc::WTERMSIG(status), libc::WCOREDUMP(status));
                Ended::Signal { signal, core }
            } else {
                Ended::Exit(u8::try_from(libc::WEXITSTATUS(status)).unwrap_or(u8::MAX))
            };
            return Ok(Some(Waited { pid: got, ended }));
        }
        let error = io::Error::last_os_error();
        match error.raw_os_error() {
            Some(libc::EINTR) => {}
            Some(libc::ECHILD) => return Ok(None),
            _ => return Err(error),
        }
    }
}

/// kill(2).
///
/// # Errors
/// What kill(2) says.
pub fn kill(pid: i32, signal: i32) -> io::Result<()> {
    // SAFETY: plain integers.
    check(unsafe { libc::kill(pid, signal) }).map(drop)
}

/// Makes this process the new parent of orphans among its descendants.
///
/// # Errors
/// What prctl(2) says.
pub fn become_subreaper() -> io::Result<()> {
    // SAFETY: this option takes one integer.
    check(unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1_u64, 0_u64, 0_u64, 0_u64) })
        .map(drop)
}

/// umask(2); returns the old mask.
pub fn umask(mask: u32) -> u32 {
    // SAFETY: plain integer, cannot fail.
    unsafe { libc::umask(mask) }
}

/// Soft and hard limit of core files: 0, or none.
///
/// # Errors
/// What setrlimit(2) says.
pub fn limit_core(bytes: libc::rlim_t) -> io::Result<()> {
    let limit = libc::rlimit {
        rlim_cur: bytes,
        rlim_max: libc::RLIM_INFINITY,
    };
    // SAFETY: `limit` outlives the call.
    check(unsafe { libc::setrlimit(libc::RLIMIT_CORE, &raw const limit) }).map(drop)
}

/// Soft and hard limit of locked memory.
///
/// # Errors
/// What setrlimit(2) says.
pub fn limit_memlock(bytes: libc::rlim_t) -> io::Result<()> {
    let limit = libc::rlimit {
        rlim_cur: bytes,
        rlim_max: bytes,
    };
    // SAFETY: `limit` outlives the call.
    check(unsafe { libc::setrlimit(libc::RLIMIT_MEMLOCK, &raw const limit) }).map(drop)
}

/// A file without a name, closed on exec if asked.
///
/// # Errors
/// What memfd_create(2) says.
pub fn memfd_create(name: &CStr, close_on_exec: bool) -> io::Result<OwnedFd> {
    let flags = if close_on_exec { libc::MFD_CLOEXEC } else { 0 };
    // SAFETY: a C string and an integer.
    let fd = check(unsafe { libc::memfd_create(name.as_ptr(), flags) })?;
    // SAFETY: the kernel has just made it for us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Puts `from` at the number `to`, open across exec.
///
/// # Errors
/// What dup2(2) or fcntl(2) says.
pub fn dup_to(from: BorrowedFd<'_>, to: i32) -> io::Result<()> {
    if from.as_raw_fd() == to {
        // dup2 would leave the close-on-exec flag as it is.
        // SAFETY: plain integers.
        return check(unsafe { libc::fcntl(to, libc::F_SETFD, 0) }).map(drop);
    }
    // SAFETY: plain integers. Callers only name descriptors (0, 1, the truth's) that no object owns.
    check(unsafe { libc::dup2(from.as_raw_fd(), to) }).map(drop)
}

/// Writes all bytes to a descriptor known by its number.
///
/// # Errors
/// What write(2) says.
pub fn write_all(fd: i32, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        // SAFETY: the slice is valid for its length.
        let wrote = unsafe { libc::write(fd, bytes.as_ptr().cast(), bytes.len()) };
        match usize::try_from(wrote) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(wrote) => bytes = bytes.get(wrote..).unwrap_or_default(),
            Err(_) => {
                let error = io::Error::last_os_error();
                if error.kind() != io::ErrorKind::Interrupted {
                    return Err(error);
                }
            }
        }
    }
    Ok(())
}

/// Waits until one of the descriptors has something to read (or hung up), at most this long.
///
/// # Errors
/// What poll(2) says; being interrupted counts as nothing to read.
pub fn poll_in(fds: &[BorrowedFd<'_>], timeout_ms: i32) -> io::Result<()> {
    let mut polled: Vec<libc::pollfd> = fds
        .iter()
        .map(|fd| libc::pollfd {
            fd: fd.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        })
        .collect();
    let count = libc::nfds_t::try_from(polled.len()).unwrap_or(0);
    // SAFETY: the array holds `count` entries and outlives the call.
    match check(unsafe { libc::poll(polled.as_mut_ptr(), count, timeout_ms) }) {
        Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error),
        _ => Ok(()),
    }
}

/// A descriptor of a process: readable once it has ended.
///
/// # Errors
/// What pidfd_open(2) says.
///
/// Kernel: 5.3.
pub fn pidfd_open(pid: i32) -> io::Result<OwnedFd> {
    // SAFETY: plain integers.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    let fd = check(fd)?;
    // SAFETY: the kernel has just made it for us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) })
}

/// Switches a descriptor to calls that do not block.
///
/// # Errors
/// What fcntl(2) says.
pub fn set_nonblocking(fd: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: plain integers.
    let flags = check(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_GETFL) })?;
    // SAFETY: as above.
    check(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETFL, flags | libc::O_NONBLOCK) }).map(drop)
}

/// `CLOCK_MONOTONIC`.
#[must_use]
pub fn monotonic_ns() -> u64 {
    clock_ns(libc::CLOCK_MONOTONIC)
}

/// `CLOCK_BOOTTIME`.
#[must_use]
pub fn boottime_ns() -> u64 {
    clock_ns(libc::CLOCK_BOOTTIME)
}

/// How long all threads of a process have run so far.
///
/// # Errors
/// Where there is no such process.
pub fn ran_ns(pid: i32) -> io::Result<u64> {
    let mut clock = 0;
    // SAFETY: `clock` is ours.
    match unsafe { libc::clock_getcpuclockid(pid, &raw mut clock) } {
        0 => Ok(clock_ns(clock)),
        errno => Err(io::Error::from_raw_os_error(errno)),
    }
}

fn clock_ns(clock: libc::clockid_t) -> u64 {
    let mut now = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `now` is ours. Of a clock that does not exist any more it stays zero.
    unsafe { libc::clock_gettime(clock, &raw mut now) };
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    seconds * 1_000_000_000 + u64::try_from(now.tv_nsec).unwrap_or(0)
}

/// This thread's id.
#[must_use]
pub fn gettid() -> i32 {
    // SAFETY: takes nothing, cannot fail.
    i32::try_from(unsafe { libc::syscall(libc::SYS_gettid) }).unwrap_or(0)
}

/// Waits until every CPU has gone through its scheduler, so that what a dying process still had to
/// do is done. With one CPU it returns at once: we run, so nobody else does.
///
/// # Errors
/// `ENOSYS` without CONFIG_MEMBARRIER.
pub fn membarrier_global() -> io::Result<()> {
    const MEMBARRIER_CMD_GLOBAL: libc::c_int = 1;
    // SAFETY: plain integers.
    let returned = unsafe { libc::syscall(libc::SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) };
    check(returned).map(drop)
}

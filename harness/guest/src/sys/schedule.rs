//! On which processor a thread runs, and before whom.

use std::io;

use super::check;

/// sched_setaffinity(2) of this thread: on this processor alone.
///
/// # Errors
/// What sched_setaffinity(2) says: `EINVAL` for one that is not there.
pub fn pin_to(processor: usize) -> io::Result<()> {
    // SAFETY: an all-zero cpu_set_t is valid and empty.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    if processor >= libc::CPU_SETSIZE as usize {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // SAFETY: the number is within the set, as has been checked.
    unsafe { libc::CPU_SET(processor, &mut set) };
    // SAFETY: `set` outlives the call, with its true size.
    check(unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const set) })
        .map(drop)
}

/// The processor that this thread is on now.
#[must_use]
pub fn processor() -> usize {
    // SAFETY: takes nothing.
    usize::try_from(unsafe { libc::sched_getcpu() }).unwrap_or(0)
}

/// sched_setscheduler(2) of this thread: `SCHED_FIFO`, so that nobody else on its processor runs
/// while it does, or as usual.
///
/// # Errors
/// What sched_setscheduler(2) says.
pub fn run_first(first: bool) -> io::Result<()> {
    let (policy, priority) = if first {
        (libc::SCHED_FIFO, 1)
    } else {
        (libc::SCHED_OTHER, 0)
    };
    // A libc may refuse to do it for a thread alone.
    // SAFETY: one number is read, the structure's only one.
    let set =
        unsafe { libc::syscall(libc::SYS_sched_setscheduler, 0, policy, &raw const priority) };
    check(set).map(drop)
}

//! Being interrupted.

use std::io;

use super::check;

extern "C" fn nothing(_: libc::c_int) {}

/// From now on SIGALRM comes again and again, does nothing, and lets a call that waits return.
/// 0: no longer.
///
/// # Errors
/// What sigaction(2) or setitimer(2) says.
pub fn interrupt_every(ms: i64) -> io::Result<()> {
    // SAFETY: an all-zero sigaction is valid: no flags, so that no call goes on after it.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = nothing as *const () as usize;
    let none = std::ptr::null_mut();
    // SAFETY: the handler does nothing; the structure lives until the call returns.
    let set = unsafe { libc::sigaction(libc::SIGALRM, &raw const action, none) };
    check(set)?;
    let each = libc::timeval {
        tv_sec: 0,
        tv_usec: ms * 1000,
    };
    let timer = libc::itimerval {
        it_interval: each,
        it_value: each,
    };
    // SAFETY: the structure lives until the call returns.
    let set = unsafe { libc::setitimer(libc::ITIMER_REAL, &raw const timer, std::ptr::null_mut()) };
    check(set).map(drop)
}

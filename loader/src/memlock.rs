//! The limit of locked memory, which counted BPF memory before 5.11.

use crate::sys::{self, Errno};
use core::sync::atomic::{AtomicBool, Ordering};

/// Sends a command that needs memory; where that is refused, lifts the limit of
/// locked memory, once in the life of the process, and sends it again.
///
/// The limit is 64 KiB for a process that nobody thought of, and what exceeds
/// it looks like a lack of permission.
pub(crate) fn with_memlock<T>(mut call: impl FnMut() -> sys::Result<T>) -> sys::Result<T> {
    static RAISED: AtomicBool = AtomicBool::new(false);
    match call() {
        Err(Errno::PERM) if !RAISED.swap(true, Ordering::Relaxed) => {
            if sys::raise_memlock_limit().is_err() {
                return Err(Errno::PERM);
            }
            call()
        }
        other => other,
    }
}

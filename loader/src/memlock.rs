//! The limit of locked memory, which counted BPF memory before 5.11.

use crate::sys::{self, Errno};

/// Sends a command that needs memory; where that is refused and there is a
/// limit of locked memory, lifts it and sends the command again.
///
/// The limit is 64 KiB for a process that nobody thought of, and what exceeds
/// it looks like a lack of permission.
pub(crate) fn with_memlock<T>(mut call: impl FnMut() -> sys::Result<T>) -> sys::Result<T> {
    match call() {
        Err(Errno::PERM) if sys::raise_memlock_limit() == Ok(true) => call(),
        other => other,
    }
}

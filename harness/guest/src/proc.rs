//! What the kernel tells of a process in `/proc`.

use std::fs;
use std::io;

/// A figure of a process's status, such as `VmHWM`, in the kernel's unit.
///
/// # Errors
/// A process that is gone; a figure that this kernel does not tell.
pub fn status(pid: u32, name: &str) -> io::Result<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let word = line.and_then(|line| line.strip_prefix(':')?.split_whitespace().next());
    let number = word.and_then(|word| word.parse().ok());
    number.ok_or_else(|| io::Error::other(format!("no {name} in its status")))
}

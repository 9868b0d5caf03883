//! The guest's only unsafe code: system calls that the standard library does
//! not offer, each wrapped so that its caller cannot break memory.
//!
//! It knows how to ask the kernel. It knows nothing about plans, frames or
//! workloads.
#![allow(unsafe_code)]

pub mod alarm;
pub mod birth;
pub mod boot;
pub mod capability;
pub mod cgroup;
pub mod contents;
pub mod extents;
pub mod file;
pub mod handle;
pub mod invade;
pub mod landlock;
pub mod mounts;
pub mod net;
pub mod process;
pub mod rights;
pub mod schedule;
pub mod sockets;
pub mod space;
pub mod touch;
pub mod trace;
pub mod uring;
pub mod wires;

use std::io;

/// Turns a C return value into a result: less than 0 is an error and `errno` says which.
///
/// # Errors
/// The value of `errno` if `returned` is negative.
pub fn check<T: Default + PartialOrd>(returned: T) -> io::Result<T> {
    if returned < T::default() {
        return Err(io::Error::last_os_error());
    }
    Ok(returned)
}

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

/// Turns a C return value into a result: -1 is an error and `errno` says which.
///
/// # Errors
/// The value of `errno` if `ret` is negative.
pub fn check(ret: i64) -> io::Result<i64> {
    if ret < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(ret)
    }
}

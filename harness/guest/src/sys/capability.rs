//! A program run by a user with some capabilities and no others.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use super::check;

/// `struct __user_cap_header_struct`, in version 3.
#[repr(C)]
struct Header {
    version: u32,
    pid: i32,
}

/// Half of `struct __user_cap_data_struct`: each set has 32 bits here.
#[repr(C)]
struct Sets {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

const VERSION_3: u32 = 0x2008_0522;

/// Has the command run as this user and group, in no other group, with these
/// capabilities by number, which exec(2) hands on.
pub fn run_as(command: &mut Command, user: u32, capabilities: &'static [u32]) {
    // SAFETY: the closure makes system calls with numbers and memory of its own; it
    // neither allocates nor takes a lock.
    unsafe { command.pre_exec(move || become_one(user, capabilities)) };
}

fn become_one(user: u32, capabilities: &[u32]) -> io::Result<()> {
    let mask = capabilities.iter().fold(0_u64, |mask, one| mask | 1 << one);
    prctl(libc::PR_SET_KEEPCAPS, 1, 0)?;
    // SAFETY: no group, and so no memory.
    check(unsafe { libc::setgroups(0, std::ptr::null()) })?;
    // SAFETY: plain integers.
    check(unsafe { libc::setresgid(user, user, user) })?;
    // SAFETY: plain integers.
    check(unsafe { libc::setresuid(user, user, user) })?;
    let half = |bits: u64| {
        let bits = bits as u32;
        Sets {
            effective: bits,
            permitted: bits,
            inheritable: bits,
        }
    };
    let header = Header {
        version: VERSION_3,
        pid: 0,
    };
    let sets = [half(mask & u64::from(u32::MAX)), half(mask >> 32)];
    // SAFETY: both structures are as version 3 has them and outlive the call.
    let set = unsafe { libc::syscall(libc::SYS_capset, &raw const header, sets.as_ptr()) };
    check(set)?;
    for one in capabilities {
        prctl(
            libc::PR_CAP_AMBIENT,
            libc::PR_CAP_AMBIENT_RAISE as u64,
            u64::from(*one),
        )?;
    }
    Ok(())
}

fn prctl(option: i32, first: u64, second: u64) -> io::Result<()> {
    // SAFETY: the options used here take numbers.
    check(unsafe { libc::prctl(option, first, second, 0_u64, 0_u64) }).map(drop)
}

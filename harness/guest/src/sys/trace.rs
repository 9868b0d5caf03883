//! Watching one program: what it cost, which system calls it made, how much memory it took.

use std::ffi::CStr;
use std::io;

use super::{birth, check};

/// What a run cost, as wait4(2) says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// It left by itself with 0.
    pub succeeded: bool,
    /// Time on a processor, in the program and in the kernel, in microseconds.
    pub cpu_us: u64,
}

/// A system call that a traced program has made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// Which.
    pub number: i64,
    /// Its first argument: of bpf(2) the command.
    pub first: u64,
    /// What it returned, an error as its negative number; none if it never did.
    pub returned: Option<i64>,
}

/// Runs a program to its end with the standard descriptors of this process.
///
/// # Errors
/// What vfork(2) or wait4(2) says.
pub fn run(argv: &[&CStr]) -> io::Result<Cost> {
    let path = argv.first().copied().unwrap_or(c"");
    let pid = birth::vfork(&mut || {
        let _ = birth::execve(path, argv, &[]);
        127
    })?;
    let mut status = 0;
    // SAFETY: all zero is a valid rusage; the kernel fills it.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    loop {
        // SAFETY: `status` and `usage` are ours and outlive the call.
        let waited = unsafe { libc::wait4(pid, &raw mut status, 0, &raw mut usage) };
        match check(waited) {
            Ok(_) => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let us = |time: libc::timeval| {
        let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
        seconds * 1_000_000 + u64::try_from(time.tv_usec).unwrap_or(0)
    };
    Ok(Cost {
        succeeded: libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0,
        cpu_us: us(usage.ru_utime) + us(usage.ru_stime),
    })
}

/// Runs a program to its end and shows `seen` each system call that it makes, its
/// own execve(2) first. `at_end` is called with its pid when it has made its last
/// one and still has its memory.
///
/// # Errors
/// What fork(2), ptrace(2) or wait4(2) says; a program that is killed, or leaves
/// with another code than 0.
///
/// Kernel: 5.3, for PTRACE_GET_SYSCALL_INFO
pub fn calls(
    argv: &[&CStr],
    seen: &mut dyn FnMut(Call),
    at_end: &mut dyn FnMut(i32),
) -> io::Result<()> {
    let path = argv.first().copied().unwrap_or(c"");
    let pid = birth::fork(&mut || {
        let _ = ptrace(libc::PTRACE_TRACEME, 0, 0, 0);
        let _ = birth::execve(path, argv, &[]);
        127
    })?;
    // It stops once it is the new program.
    let mut status = wait(pid)?;
    if libc::WIFSTOPPED(status) {
        let options =
            libc::PTRACE_O_TRACESYSGOOD | libc::PTRACE_O_TRACEEXIT | libc::PTRACE_O_EXITKILL;
        ptrace(libc::PTRACE_SETOPTIONS, pid, 0, options as usize)?;
    }
    // This one is over when the trace begins.
    seen(Call {
        number: libc::SYS_execve,
        first: 0,
        returned: Some(0),
    });
    let mut call = None;
    while libc::WIFSTOPPED(status) {
        let stop = libc::WSTOPSIG(status);
        let mut signal = 0;
        if stop == libc::SIGTRAP | 0x80 {
            match (stopped_at(pid)?, call.take()) {
                (At::Entry(entered), _) => call = Some(entered),
                (At::Exit(returned), Some(entered)) => seen(Call {
                    returned: Some(returned),
                    ..entered
                }),
                (At::Exit(_), None) => {}
            }
        } else if status >> 16 == libc::PTRACE_EVENT_EXIT {
            at_end(pid);
        } else if stop != libc::SIGTRAP {
            signal = stop;
        }
        ptrace(
            libc::PTRACE_SYSCALL,
            pid,
            0,
            usize::try_from(signal).unwrap_or(0),
        )?;
        status = wait(pid)?;
    }
    if let Some(call) = call {
        seen(call);
    }
    match libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0 {
        true => Ok(()),
        false => Err(io::Error::other(format!("it ended with {status:#x}"))),
    }
}

/// Where in a system call a process was stopped.
enum At {
    Entry(Call),
    Exit(i64),
}

fn stopped_at(pid: i32) -> io::Result<At> {
    const PTRACE_GET_SYSCALL_INFO: libc::c_int = 0x420e;
    const PTRACE_SYSCALL_INFO_ENTRY: u64 = 1;
    // struct ptrace_syscall_info: op in the first byte; after arch, instruction and
    // stack pointer the number and the arguments, or what is returned.
    let mut info = [0_u64; 11];
    ptrace(
        PTRACE_GET_SYSCALL_INFO as _,
        pid,
        size_of_val(&info),
        info.as_mut_ptr() as usize,
    )?;
    let is_entry = info[0] & 0xff == PTRACE_SYSCALL_INFO_ENTRY;
    Ok(match is_entry {
        true => At::Entry(Call {
            number: info[3].cast_signed(),
            first: info[4],
            returned: None,
        }),
        false => At::Exit(info[3].cast_signed()),
    })
}

fn wait(pid: i32) -> io::Result<i32> {
    let mut status = 0;
    // SAFETY: `status` is ours and outlives the call.
    let waited = unsafe { libc::waitpid(pid, &raw mut status, libc::__WALL) };
    check(waited).map(|_| status)
}

/// ptrace(2). Callers pass numbers; for PTRACE_GET_SYSCALL_INFO the size and address of
/// a buffer of their own, for the sets of registers the address of an iovec of their own
/// over one.
pub(super) fn ptrace(
    request: PtraceRequest,
    pid: i32,
    address: usize,
    data: usize,
) -> io::Result<()> {
    // SAFETY: the requests used here read and write nothing of this process but the
    // buffer of PTRACE_GET_SYSCALL_INFO, whose size is given with it, and the iovec at
    // `data` with its buffer, whose size it says; all outlive the call.
    let returned = unsafe { libc::ptrace(request, pid, address, data) };
    check(returned).map(drop)
}

#[cfg(target_env = "musl")]
pub(super) type PtraceRequest = libc::c_int;
#[cfg(not(target_env = "musl"))]
pub(super) type PtraceRequest = libc::c_uint;

//! The system calls that are left once the sensors are in place.
//!
//! A call that is not on the list fails with EPERM, and does not kill: another C
//! library may make a harmless one that nobody has thought of, and sensors that die of
//! it see nothing any more. Starting a program or reaching into another process is what
//! only somebody would do who has taken us over: that ends the process at once, as do
//! the calls of another architecture.

use std::collections::BTreeMap;
use std::io;

use libc::{PROT_EXEC, c_long};
use seccompiler::{
    BpfProgram, Error, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch,
};
use trapline_loader::ErrorKind;

/// What may be done, and how.
#[derive(Clone, Copy, Debug)]
enum Rule {
    Any,
    /// With none of these bits in the argument of this number.
    Without(u8, u64),
    /// With one of these values there.
    One(u8, &'static [u64]),
}

/// Writing to a file is done by descriptors that are open.
const TO_READ: u64 = (libc::O_ACCMODE | libc::O_CREAT | libc::O_TRUNC) as u64;

/// Elements of maps by key and in batches, and facts by descriptor. Nothing is made,
/// loaded, attached or looked for by its number.
///
/// Source: `enum bpf_cmd` of include/uapi/linux/bpf.h
const COMMANDS: &[u64] = &[1, 2, 3, 4, 15, 21, 24];

/// The name is for tests and for people who read this.
type Call = (&'static str, c_long, Rule);

macro_rules! calls {
    ($($name:ident $rule:expr,)*) => {
        &[$((stringify!($name), libc::$name, $rule),)*]
    };
}

use Rule::{Any, One, Without};

/// On each architecture.
const CALLS: &[Call] = calls! {
    // The sensors.
    SYS_bpf One(0, COMMANDS),
    SYS_epoll_pwait Any,
    // The output, and what signals have written.
    SYS_ppoll Any,
    SYS_write Any,
    SYS_writev Any,
    SYS_recvfrom Any,
    SYS_sendto Any,
    // What /proc, control groups and the policy say.
    SYS_openat Without(2, TO_READ),
    SYS_read Any,
    SYS_readv Any,
    SYS_pread64 Any,
    SYS_lseek Any,
    SYS_statx Any,
    SYS_fstat Any,
    SYS_newfstatat Any,
    SYS_readlinkat Any,
    SYS_getdents64 Any,
    SYS_fcntl Any,
    SYS_close Any,
    // Time.
    SYS_clock_gettime Any,
    SYS_clock_nanosleep Any,
    SYS_nanosleep Any,
    SYS_gettimeofday Any,
    // Memory.
    SYS_brk Any,
    SYS_madvise Any,
    SYS_mmap Without(2, PROT_EXEC as u64),
    SYS_mprotect Without(2, PROT_EXEC as u64),
    SYS_mremap Any,
    SYS_munmap Any,
    SYS_getrandom Any,
    // Signals, and the end.
    SYS_futex Any,
    SYS_getpid Any,
    SYS_gettid Any,
    SYS_geteuid Any,
    SYS_getuid Any,
    SYS_restart_syscall Any,
    SYS_rt_sigaction Any,
    SYS_rt_sigprocmask Any,
    SYS_rt_sigreturn Any,
    SYS_sched_yield Any,
    SYS_sigaltstack Any,
    SYS_exit Any,
    SYS_exit_group Any,
};

/// The older forms of some, which newer architectures never had.
#[cfg(target_arch = "x86_64")]
const OLDER: &[Call] = calls! {
    SYS_epoll_wait Any,
    SYS_poll Any,
    SYS_open Without(1, TO_READ),
    SYS_stat Any,
    SYS_lstat Any,
    SYS_readlink Any,
};
#[cfg(not(target_arch = "x86_64"))]
const OLDER: &[Call] = &[];

/// Starting programs, and reaching into other processes.
const DEADLY: &[Call] = calls! {
    SYS_execve Any,
    SYS_execveat Any,
    SYS_ptrace Any,
    SYS_process_vm_readv Any,
    SYS_process_vm_writev Any,
};

/// How many system calls are allowed.
pub fn count() -> usize {
    CALLS.len() + OLDER.len()
}

/// Takes all other system calls away, for good; `false` where this kernel has no
/// filter.
///
/// # Errors
/// What the kernel says otherwise; an architecture that nobody has written a list for.
pub fn take_away() -> trapline_loader::Result<bool> {
    // The one that allows seccomp(2) itself goes first.
    for program in [deadly(), allowed()] {
        match program.and_then(|program| seccompiler::apply_filter(&program)) {
            Ok(()) => {}
            Err(Error::Seccomp(error)) if is_absent(&error) => return Ok(false),
            Err(error) => {
                let cause = format!("the filter of system calls: {error}");
                return Err(trapline_loader::Error::new(kind(&error), cause));
            }
        }
    }
    Ok(true)
}

/// A kernel without CONFIG_SECCOMP_FILTER.
fn is_absent(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EINVAL))
}

fn kind(error: &Error) -> ErrorKind {
    match error {
        Error::Prctl(error) | Error::Seccomp(error) => {
            let errno = error.raw_os_error();
            errno.map_or(ErrorKind::InvalidInput, |errno| ErrorKind::System { errno })
        }
        _ => ErrorKind::InvalidInput,
    }
}

fn allowed() -> Result<BpfProgram, Error> {
    let refused = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    let calls = CALLS.iter().chain(OLDER);
    program(calls, refused, SeccompAction::Allow)
}

fn deadly() -> Result<BpfProgram, Error> {
    let killed = SeccompAction::KillProcess;
    program(DEADLY.iter(), SeccompAction::Allow, killed)
}

fn program<'a>(
    calls: impl Iterator<Item = &'a Call>,
    others: SeccompAction,
    these: SeccompAction,
) -> Result<BpfProgram, Error> {
    let mut rules = BTreeMap::new();
    for (_, number, rule) in calls {
        rules.insert(*number, conditions(*rule)?);
    }
    let arch = TargetArch::try_from(std::env::consts::ARCH)?;
    let filter = SeccompFilter::new(rules, others, these, arch)?;
    Ok(filter.try_into()?)
}

/// One of these has to be true; none: always.
fn conditions(rule: Rule) -> Result<Vec<SeccompRule>, Error> {
    let when = |argument, op, value| {
        let length = SeccompCmpArgLen::Dword;
        let condition = SeccompCondition::new(argument, length, op, value)?;
        Ok(SeccompRule::new(vec![condition])?)
    };
    match rule {
        Any => Ok(Vec::new()),
        Without(argument, mask) => {
            let rule = when(argument, SeccompCmpOp::MaskedEq(mask), 0)?;
            Ok(vec![rule])
        }
        One(argument, values) => {
            let rules = values.iter();
            rules
                .map(|value| when(argument, SeccompCmpOp::Eq, *value))
                .collect()
        }
    }
}

#[cfg(test)]
#[path = "calls/tests.rs"]
mod tests;

//! Kprobes and kretprobes: through the kprobe PMU, else through tracefs.

use super::link::{Link, Part, Traced};
use super::pmu::Pmu;
use super::tracefs::{Control, ProbeEvent, ProbeKind};
use super::{AttachOptions, Rung, c_string, missing_function, perf};
use crate::error::{Error, Result, ResultExt};
use crate::program::Program;
use crate::sys::{self, Errno};
use std::os::fd::AsFd;

/// What the kernel puts before a system call's name.
///
/// Kernel: 4.17 on x86-64, 4.19 on arm64
#[cfg(target_arch = "x86_64")]
pub(crate) const SYSCALL_PREFIX: &str = "__x64_sys_";
#[cfg(target_arch = "aarch64")]
pub(crate) const SYSCALL_PREFIX: &str = "__arm64_sys_";
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
pub(crate) const SYSCALL_PREFIX: &str = "sys_";

/// What older kernels put there, which have the arguments in registers.
const OLD_SYSCALL_PREFIX: &str = "__se_sys_";

/// How to attach to a kernel function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KprobeOptions {
    /// When the function returns, not when it is entered.
    pub on_return: bool,
    /// Bytes into the function; only for its entry.
    pub offset_bytes: u64,
    /// What `bpf_get_attach_cookie` gives the program; 0 for none.
    /// Kernel: 5.15
    pub cookie: u64,
    /// How many calls of the function may be under way at once, only for its
    /// return: what is called beyond is missed. 0 is the kernel's choice, which
    /// can be as few as there are CPUs, too few for what waits. Anything else
    /// is only to be had through tracefs.
    /// Kernel: 4.12
    pub max_active: u32,
    /// The best way to try.
    pub rung: Rung,
}

impl KprobeOptions {
    fn attach(&self) -> AttachOptions {
        AttachOptions {
            cookie: self.cookie,
            rung: self.rung,
        }
    }

    fn kind(&self) -> &'static str {
        match self.on_return {
            true => "kretprobe",
            false => "kprobe",
        }
    }

    fn how(&self, rung: Rung) -> &'static str {
        match (self.on_return, rung) {
            (false, Rung::Link) => "kprobe/link",
            (false, Rung::Ioctl) => "kprobe/ioctl",
            (false, Rung::Tracefs) => "kprobe/tracefs",
            (true, Rung::Link) => "kretprobe/link",
            (true, Rung::Ioctl) => "kretprobe/ioctl",
            (true, Rung::Tracefs) => "kretprobe/tracefs",
        }
    }
}

impl Program {
    /// Attaches a kprobe program to a kernel function, whatever its section
    /// says.
    ///
    /// # Errors
    /// `NotFound` for a function that the kernel does not have, `InvalidInput`
    /// where it has several of that name; `Unsupported` for a cookie on kernels
    /// without; what the kernel says otherwise.
    ///
    /// Kernel: 4.1
    pub fn attach_kprobe(&self, function: &str, options: &KprobeOptions) -> Result<Link> {
        attach(self, function, options).with_context(|| self.context())
    }

    /// Attaches a kprobe program to a system call, by its name without prefix:
    /// `openat`. The arguments are those of the wrapper: see
    /// `BPF_KSYSCALL` of bpf_tracing.h.
    ///
    /// # Errors
    /// As [`Program::attach_kprobe`].
    ///
    /// Kernel: 4.1
    pub fn attach_ksyscall(&self, name: &str, options: &KprobeOptions) -> Result<Link> {
        attach_syscall(self, name, options).with_context(|| self.context())
    }
}

/// Attaches to the wrapper of a system call; older kernels have it under
/// another name.
pub(super) fn attach_syscall(
    program: &Program,
    name: &str,
    options: &KprobeOptions,
) -> Result<Link> {
    if name.is_empty() {
        return Err(Error::invalid_input("the section names no system call"));
    }
    let error = match attach(program, &format!("{SYSCALL_PREFIX}{name}"), options) {
        Err(error) if error.kind() == crate::ErrorKind::NotFound => error,
        attached => return attached,
    };
    let older = attach(program, &format!("{OLD_SYSCALL_PREFIX}{name}"), options);
    older.map_err(|_| error)
}

/// Attaches a program to a function of the kernel.
pub(super) fn attach(program: &Program, function: &str, options: &KprobeOptions) -> Result<Link> {
    if function.is_empty() {
        return Err(Error::invalid_input("the section names no function"));
    }
    let attached = match Pmu::kprobe() {
        Some(pmu) if options.rung < Rung::Tracefs && options.max_active == 0 => {
            through_pmu(program, function, pmu, options)
        }
        _ => through_tracefs(program, function, options),
    };
    attached.with_context(|| format!("{} on {function}", options.kind()))
}

fn through_pmu(
    program: &Program,
    function: &str,
    pmu: Pmu,
    options: &KprobeOptions,
) -> Result<Link> {
    let probe = sys::Probe {
        pmu_type: pmu.number,
        config: pmu.config(options.on_return),
        name: &c_string(function)?,
        offset_bytes: options.offset_bytes,
        pid: None,
    };
    let event = sys::perf_event_open_probe(&probe);
    let event = event.map_err(|errno| explain(errno, "perf_event_open", function))?;
    let (fd, is_link) = perf::attach(program.as_fd(), event, &options.attach())?;
    let how = options.how(if is_link { Rung::Link } else { Rung::Ioctl });
    Ok(Link::from_parts(vec![Part::of_event(fd, is_link)], how))
}

fn through_tracefs(program: &Program, function: &str, options: &KprobeOptions) -> Result<Link> {
    let place = place(function, options)?;
    let kind = match (options.on_return, options.max_active) {
        (false, _) => ProbeKind::Entry,
        (true, max_active) => ProbeKind::Return { max_active },
    };
    let probe = ProbeEvent::create(Control::Kprobes, kind, &place)?;
    let probe = probe.map_err(|errno| explain(errno, "kprobe_events", function))?;
    let event = probe.open(None)?;
    let (fd, is_link) = perf::attach(program.as_fd(), event, &options.attach())?;
    let traced = Traced { fd, is_link, probe };
    let how = options.how(Rung::Tracefs);
    Ok(Link::from_parts(vec![Part::Traced(traced)], how))
}

/// The place of a probe as kprobe_events takes it.
fn place(function: &str, options: &KprobeOptions) -> Result<String> {
    let legal = |c: char| c.is_ascii_alphanumeric() || "_.$:".contains(c);
    if function.is_empty() || !function.chars().all(legal) {
        return Err(Error::invalid_input(format!(
            "{function:?} is no function name"
        )));
    }
    Ok(match options.offset_bytes {
        0 => function.to_owned(),
        bytes => format!("{function}+{bytes}"),
    })
}

/// What the kernel's refusal of a probe means.
fn explain(errno: Errno, what: &str, function: &str) -> Error {
    match errno {
        Errno::NOENT => missing_function(function),
        // Since 6.7 it refuses to guess; before, it took the first.
        Errno::ADDRNOTAVAIL => {
            Error::invalid_input(format!("the kernel has several functions named {function}"))
        }
        Errno::INVAL | Errno::OPNOTSUPP => errno.error(format_args!(
            "{what}: the kernel lets nobody probe this place"
        )),
        _ => errno.error(what),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ambiguous_name_is_called_that() {
        let error = explain(Errno::ADDRNOTAVAIL, "x", "lookup");
        assert_eq!(
            error.to_string(),
            "the kernel has several functions named lookup"
        );
    }

    #[test]
    fn places_follow_the_kernels_grammar() {
        let at = |offset_bytes| KprobeOptions {
            offset_bytes,
            ..KprobeOptions::default()
        };
        assert_eq!(place("vfs_read", &at(4)).unwrap(), "vfs_read+4");
        assert_eq!(place("do_exit.isra.0", &at(0)).unwrap(), "do_exit.isra.0");
    }

    #[test]
    fn a_name_that_could_smuggle_in_a_command_is_refused() {
        for name in ["", "a b", "a\n-:x/y", "a;b"] {
            assert!(place(name, &KprobeOptions::default()).is_err(), "{name:?}");
        }
    }
}

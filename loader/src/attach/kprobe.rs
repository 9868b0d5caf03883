//! Kprobes and kretprobes: through the kprobe PMU, else through tracefs.

use super::link::{Link, Part, Traced};
use super::tracefs::ProbeEvent;
use super::{Rung, c_string, missing_function, perf};
use crate::error::{Error, Result, ResultExt};
use crate::program::Program;
use crate::sys::{self, Errno};
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::OnceLock;

/// What the kernel puts before a system call's name.
///
/// Kernel: 4.17 on x86-64, 4.19 on arm64
#[cfg(target_arch = "x86_64")]
pub(crate) const SYSCALL_PREFIX: &str = "__x64_sys_";
#[cfg(target_arch = "aarch64")]
pub(crate) const SYSCALL_PREFIX: &str = "__arm64_sys_";
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
pub(crate) const SYSCALL_PREFIX: &str = "sys_";

/// Where a kprobe goes.
pub(crate) struct Target {
    pub(super) function: String,
    pub(super) offset_bytes: u64,
    pub(super) on_return: bool,
}

impl Target {
    pub(crate) fn entry(function: &str, offset_bytes: u64) -> Self {
        Self {
            function: function.to_owned(),
            offset_bytes,
            on_return: false,
        }
    }

    pub(crate) fn ret(function: &str) -> Self {
        Self {
            function: function.to_owned(),
            offset_bytes: 0,
            on_return: true,
        }
    }

    pub(super) fn syscall(name: &str, on_return: bool) -> Self {
        Self {
            function: format!("{SYSCALL_PREFIX}{name}"),
            offset_bytes: 0,
            on_return,
        }
    }

    fn kind(&self) -> &'static str {
        if self.on_return {
            "kretprobe"
        } else {
            "kprobe"
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

/// The kprobe PMU: its number, and the configuration bit for return probes.
#[derive(Clone, Copy)]
struct Pmu {
    number: u32,
    return_bit: u64,
}

/// The PMU of this machine; `None` before 4.17 and where /sys is not mounted.
fn pmu() -> Option<Pmu> {
    static PMU: OnceLock<Option<Pmu>> = OnceLock::new();
    *PMU.get_or_init(|| {
        let read = |name: &str| {
            let path = Path::new("/sys/bus/event_source/devices/kprobe").join(name);
            sys::read_small(&path, 256).ok()
        };
        Some(Pmu {
            number: read("type")?.trim().parse().ok()?,
            return_bit: config_bit(&read("format/retprobe")?)?,
        })
    })
}

/// The mask of a format file such as `config:0`.
fn config_bit(format: &str) -> Option<u64> {
    let bit: u32 = format.trim().strip_prefix("config:")?.parse().ok()?;
    1u64.checked_shl(bit)
}

/// Attaches a program to a function of the kernel, `rung` being the best way to
/// try.
pub(crate) fn attach(program: &Program, target: &Target, rung: Rung) -> Result<Link> {
    if target.function.is_empty() {
        return Err(Error::invalid_input("the section names no function"));
    }
    let attached = match pmu() {
        Some(pmu) if rung < Rung::Tracefs => through_pmu(program, target, pmu, rung),
        _ => through_tracefs(program, target),
    };
    attached.with_context(|| format!("{} on {}", target.kind(), target.function))
}

fn through_pmu(program: &Program, target: &Target, pmu: Pmu, rung: Rung) -> Result<Link> {
    let function = c_string(&target.function)?;
    let probe = sys::Probe {
        pmu_type: pmu.number,
        config: if target.on_return { pmu.return_bit } else { 0 },
        function: &function,
        offset_bytes: target.offset_bytes,
    };
    let event = sys::perf_event_open_probe(&probe);
    let event = event.map_err(|errno| explain(errno, "perf_event_open", target))?;
    let (fd, is_link) = perf::attach(program.as_fd(), event, rung)?;
    let how = target.how(if is_link { Rung::Link } else { Rung::Ioctl });
    Ok(Link::from_parts(vec![Part::of_event(fd, is_link)], how))
}

fn through_tracefs(program: &Program, target: &Target) -> Result<Link> {
    let event = ProbeEvent::create(target)?;
    let perf_event = event.id().and_then(|id| {
        let opened = sys::perf_event_open_tracepoint(id);
        opened.map_err(|errno| errno.error("perf_event_open"))
    })?;
    let (fd, is_link) = perf::attach(program.as_fd(), perf_event, Rung::Tracefs)?;
    let traced = Traced {
        fd,
        is_link,
        probe: event,
    };
    let how = target.how(Rung::Tracefs);
    Ok(Link::from_parts(vec![Part::Traced(traced)], how))
}

/// What the kernel's refusal of a probe means.
pub(super) fn explain(errno: Errno, what: &str, target: &Target) -> Error {
    match errno {
        Errno::NOENT => missing_function(&target.function),
        // Since 6.7 it refuses to guess; before, it took the first.
        Errno::ADDRNOTAVAIL => Error::invalid_input(format!(
            "the kernel has several functions named {}",
            target.function
        )),
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
    fn the_return_bit_comes_from_the_format_file() {
        assert_eq!(config_bit("config:0\n"), Some(1));
        assert_eq!(config_bit("config:5"), Some(32));
    }

    #[test]
    fn an_unknown_format_is_no_bit() {
        for format in ["", "config", "config1:0", "config:64", "config:0-3"] {
            assert_eq!(config_bit(format), None, "{format:?}");
        }
    }

    #[test]
    fn an_ambiguous_name_is_called_that() {
        let error = explain(Errno::ADDRNOTAVAIL, "x", &Target::entry("lookup", 0));
        assert_eq!(
            error.to_string(),
            "the kernel has several functions named lookup"
        );
    }
}

//! Putting a program on a perf event: by link, else by ioctl.

use super::link::{Link, Part};
use super::{AttachOptions, Rung};
use crate::error::{Error, Result, ResultExt};
use crate::program::Program;
use crate::sys::{self, Errno};
use core::sync::atomic::{AtomicBool, Ordering};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Has this kernel shown that it has no links for perf events?
static NO_LINKS: AtomicBool = AtomicBool::new(false);

/// Attaches `prog` to `event`. Returns the descriptor that keeps it attached,
/// and whether that is a link (which keeps the event by itself).
///
/// A cookie can be had by link alone: where there is none, it is an error and
/// never dropped.
pub(super) fn attach(
    prog: BorrowedFd<'_>,
    event: OwnedFd,
    options: &AttachOptions,
) -> Result<(OwnedFd, bool)> {
    let mut refused = false;
    if options.rung == Rung::Link && !NO_LINKS.load(Ordering::Relaxed) {
        match sys::link_create_perf_event(prog, event.as_fd(), options.cookie) {
            Ok(link) => {
                enable(event.as_fd())?;
                return Ok((link, true));
            }
            // Before 5.15 the command knows no perf events. It may also be the
            // program that does not fit the event: the ioctl will tell.
            Err(Errno::INVAL) => refused = true,
            Err(errno) => return Err(errno.error("BPF_LINK_CREATE")),
        }
    }
    let set = sys::perf_event_ioc_set_bpf(event.as_fd(), prog);
    set.map_err(|errno| errno.error("PERF_EVENT_IOC_SET_BPF"))?;
    if refused {
        NO_LINKS.store(true, Ordering::Relaxed);
    }
    if options.cookie != 0 {
        return Err(Error::unsupported("a cookie for perf events", Some("5.15")));
    }
    enable(event.as_fd())?;
    Ok((event, false))
}

fn enable(event: BorrowedFd<'_>) -> Result<()> {
    let enabled = sys::perf_event_ioc_enable(event);
    enabled.map_err(|errno| errno.error("PERF_EVENT_IOC_ENABLE"))
}

/// What a sampling perf event counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Counter {
    /// `PERF_COUNT_SW_CPU_CLOCK`: time on a processor, in nanoseconds.
    CpuClock,
    /// `PERF_COUNT_SW_TASK_CLOCK`: time of a task, in nanoseconds.
    TaskClock,
    /// `PERF_COUNT_SW_PAGE_FAULTS`.
    PageFaults,
    /// `PERF_COUNT_SW_CONTEXT_SWITCHES`.
    ContextSwitches,
    /// `PERF_COUNT_HW_CPU_CYCLES`; virtual machines mostly have none.
    Cycles,
    /// `PERF_COUNT_HW_INSTRUCTIONS`; virtual machines mostly have none.
    Instructions,
    /// Any other: `PERF_TYPE_*` and its configuration.
    Other {
        /// `PERF_TYPE_*`, or the number of a PMU.
        event_type: u32,
        /// What to count.
        config: u64,
    },
}

/// How often a sampling perf event runs its program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sampling {
    /// Every so many counts.
    Period(u64),
    /// About so many times in a second.
    FrequencyHz(u64),
}

/// Opens a sampling perf event on a processor, for all processes or for one
/// (`pid`, 0 for this process; then also on all processors, without `cpu`).
/// It is for [`Program::attach_perf_event`].
///
/// # Errors
/// `InvalidInput` where neither process nor processor is named; what the
/// kernel says otherwise (ENOENT for a counter that the machine lacks).
///
/// Kernel: 4.9 for programs
pub fn open_perf_event(
    counter: Counter,
    sampling: Sampling,
    pid: Option<i32>,
    cpu: Option<u32>,
) -> Result<OwnedFd> {
    const HARDWARE: u32 = 0;
    const SOFTWARE: u32 = 1;
    let (event_type, config) = match counter {
        Counter::Cycles => (HARDWARE, 0),
        Counter::Instructions => (HARDWARE, 1),
        Counter::CpuClock => (SOFTWARE, 0),
        Counter::TaskClock => (SOFTWARE, 1),
        Counter::PageFaults => (SOFTWARE, 2),
        Counter::ContextSwitches => (SOFTWARE, 3),
        Counter::Other { event_type, config } => (event_type, config),
    };
    let (period, is_frequency) = match sampling {
        Sampling::Period(counts) => (counts, false),
        Sampling::FrequencyHz(hertz) => (hertz, true),
    };
    if pid.is_none() && cpu.is_none() {
        let cause = "a perf event is of a process, or on a processor";
        return Err(Error::invalid_input(cause));
    }
    let cpu = match cpu {
        Some(cpu) => i32::try_from(cpu)
            .map_err(|_| Error::invalid_input(format!("no machine has processor {cpu}")))?,
        None => -1,
    };
    let counter = sys::Counter {
        event_type,
        config,
        period,
        is_frequency,
        pid: pid.unwrap_or(-1),
        cpu,
    };
    let opened = sys::perf_event_open_counter(&counter);
    opened.map_err(|errno| errno.error("perf_event_open"))
}

impl Program {
    /// Attaches a perf_event program to an event that is open, such as one of
    /// [`open_perf_event`]. One event is on one processor: attach to one for
    /// each.
    ///
    /// # Errors
    /// `Unsupported` for a cookie on kernels without; what the kernel says
    /// otherwise.
    ///
    /// Kernel: 4.9, cookies since 5.15
    pub fn attach_perf_event(&self, event: OwnedFd, options: &AttachOptions) -> Result<Link> {
        let attached = attach(self.as_fd(), event, options);
        let (fd, is_link) = attached.with_context(|| self.context())?;
        let how = match is_link {
            true => "perf_event/link",
            false => "perf_event/ioctl",
        };
        Ok(Link::from_parts(vec![Part::of_event(fd, is_link)], how))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_of_nothing_anywhere_is_refused() {
        let error = open_perf_event(Counter::CpuClock, Sampling::Period(1), None, None);
        let text = error.unwrap_err().to_string();
        assert_eq!(text, "a perf event is of a process, or on a processor");
    }
}

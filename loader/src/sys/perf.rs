//! Perf events: probes and tracepoints that a program can be attached to.

use super::attr::PerfEventAttr;
use super::{Errno, Result, check, owned};
use core::ffi::CStr;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

const PERF_TYPE_TRACEPOINT: u32 = 2;
/// The bit `freq` of `struct perf_event_attr`.
const FREQUENCY: u64 = 1 << 10;
const PERF_FLAG_FD_CLOEXEC: libc::c_ulong = 8;
/// `_IO('$', 0)` and `_IOW('$', 8, __u32)`, in libc's argument type (it differs
/// between the C libraries).
const IOC_ENABLE: u32 = 0x2400;
const IOC_SET_BPF: u32 = 0x4004_2408;

/// A probe to open through its PMU.
pub(crate) struct Probe<'a> {
    /// The PMU's number, from /sys/bus/event_source/devices/kprobe/type.
    pub(crate) pmu_type: u32,
    /// The bits of the event's configuration: the return-probe bit, and for a
    /// uprobe the offset of its reference counter in the upper half.
    pub(crate) config: u64,
    /// A kernel function, or the path of a binary.
    pub(crate) name: &'a CStr,
    /// Byte offset in the function, or in the file.
    pub(crate) offset_bytes: u64,
    /// The process to probe; `None` for all.
    pub(crate) pid: Option<i32>,
}

/// Opens a kprobe or uprobe as a perf event.
///
/// Kernel: 4.17
pub(crate) fn perf_event_open_probe(probe: &Probe<'_>) -> Result<OwnedFd> {
    let attr = PerfEventAttr {
        event_type: probe.pmu_type,
        config: probe.config,
        config1: super::address(probe.name.to_bytes_with_nul()),
        config2: probe.offset_bytes,
        ..PerfEventAttr::default()
    };
    open_for(attr, probe.pid)
}

/// Opens the tracepoint with that id, for one process or for all.
pub(crate) fn perf_event_open_tracepoint(id: u64, pid: Option<i32>) -> Result<OwnedFd> {
    let attr = PerfEventAttr {
        event_type: PERF_TYPE_TRACEPOINT,
        config: id,
        ..PerfEventAttr::default()
    };
    open_for(attr, pid)
}

fn open_for(attr: PerfEventAttr, pid: Option<i32>) -> Result<OwnedFd> {
    match pid {
        Some(pid) => perf_event_open(attr, pid, -1),
        None => perf_event_open(attr, -1, ANY_CPU),
    }
}

/// A counter that overflows now and then, and then runs a program.
pub(crate) struct Counter {
    /// `PERF_TYPE_*` and its configuration.
    pub(crate) event_type: u32,
    pub(crate) config: u64,
    /// Counts until it overflows; with `is_frequency` overflows in a second.
    pub(crate) period: u64,
    pub(crate) is_frequency: bool,
    /// -1 for all processes.
    pub(crate) pid: i32,
    /// -1 for all processors.
    pub(crate) cpu: i32,
}

/// Opens a counter.
pub(crate) fn perf_event_open_counter(counter: &Counter) -> Result<OwnedFd> {
    let attr = PerfEventAttr {
        event_type: counter.event_type,
        config: counter.config,
        sample_period: counter.period,
        flags: if counter.is_frequency { FREQUENCY } else { 0 },
        ..PerfEventAttr::default()
    };
    perf_event_open(attr, counter.pid, counter.cpu)
}

/// The processor of a probe or tracepoint is a formality: a program attached to
/// one runs on every processor.
const ANY_CPU: i32 = 0;

/// Opens an event of a process (-1: of all) on a processor (-1: on all).
pub(super) fn perf_event_open(mut attr: PerfEventAttr, pid: i32, cpu: i32) -> Result<OwnedFd> {
    attr.attr_bytes = super::length(size_of::<PerfEventAttr>())?;
    let group: libc::c_int = -1;
    loop {
        // SAFETY: `attr` is a live structure without padding that says its own
        // size; the one pointer in it, `config1`, comes from a string that the
        // caller holds borrowed during this call.
        let ret = unsafe {
            libc::syscall(
                libc::SYS_perf_event_open,
                core::ptr::from_mut(&mut attr),
                pid,
                cpu,
                group,
                PERF_FLAG_FD_CLOEXEC,
            )
        };
        match check(ret) {
            Err(Errno::INTR) => {}
            other => return other.map(owned),
        }
    }
}

/// Lets an event's program run.
pub(crate) fn perf_event_ioc_enable(event: BorrowedFd<'_>) -> Result<()> {
    ioctl(event, IOC_ENABLE, 0)
}

/// Attaches a program to an event, for as long as the event is open.
pub(crate) fn perf_event_ioc_set_bpf(event: BorrowedFd<'_>, prog: BorrowedFd<'_>) -> Result<()> {
    ioctl(event, IOC_SET_BPF, prog.as_raw_fd())
}

fn ioctl(event: BorrowedFd<'_>, request: u32, argument: i32) -> Result<()> {
    loop {
        // SAFETY: both requests take their argument by value; the descriptor
        // is borrowed, so it is open.
        let ret = unsafe { libc::ioctl(event.as_raw_fd(), request as _, argument) };
        match check(ret.into()) {
            Err(Errno::INTR) => {}
            other => return other.map(drop),
        }
    }
}

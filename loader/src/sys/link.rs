//! The commands that attach a program, and BPF_ENABLE_STATS.

use super::attr::{Command, EnableStatsAttr, LinkCreateAttr, RawTracepointAttr};
use super::{Result, bpf, owned};
use core::ffi::CStr;
use std::os::fd::{BorrowedFd, OwnedFd};

/// `enum bpf_attach_type`.
const BPF_PERF_EVENT: u32 = 41;
/// `enum bpf_stats_type`.
const BPF_STATS_RUN_TIME: u32 = 0;

/// Attaches a program to the raw tracepoint `name`; without a name to what it
/// was loaded for (fentry, fexit, fmod_ret, tp_btf, lsm).
///
/// Kernel: 4.17; without a name 5.5
pub(crate) fn raw_tracepoint_open(prog: BorrowedFd<'_>, name: Option<&CStr>) -> Result<OwnedFd> {
    let mut attr = RawTracepointAttr {
        name: name.map_or(0, |name| super::address(name.to_bytes_with_nul())),
        prog_fd: super::raw(prog),
        zero: 0,
    };
    bpf(Command::RawTracepointOpen, &mut attr).map(owned)
}

/// Attaches a program to a perf event; the link keeps the event alive.
///
/// Kernel: 5.15
pub(crate) fn link_create_perf_event(
    prog: BorrowedFd<'_>,
    event: BorrowedFd<'_>,
) -> Result<OwnedFd> {
    let mut attr = LinkCreateAttr {
        prog_fd: super::raw(prog),
        target_fd: super::raw(event),
        attach_type: BPF_PERF_EVENT,
        ..LinkCreateAttr::default()
    };
    bpf(Command::LinkCreate, &mut attr).map(owned)
}

/// Counts and times the runs of all programs, until the descriptor is closed.
///
/// Kernel: 5.8
pub(crate) fn enable_stats_run_time() -> Result<OwnedFd> {
    let mut attr = EnableStatsAttr {
        stats_type: BPF_STATS_RUN_TIME,
    };
    bpf(Command::EnableStats, &mut attr).map(owned)
}

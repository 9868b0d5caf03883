//! What a load may cost: cases whose figures the host holds against a budget.

use std::ffi::CStr;
use std::fs;

use super::stage::{Failure, Tried};
use super::{Case, Outcome, Report, Stage};
use crate::sys::trace;

/// Where the object is for the program that loads it.
const OBJECT: &CStr = c"/tmp/budget.bpf.o";

/// Commands of bpf(2).
const BPF_MAP_CREATE: u64 = 0;
const BPF_PROG_LOAD: u64 = 5;

pub(super) const CASES: &[Case] = &[Case {
    name: "budget_syscalls",
    object: Some("bench_load"),
    run: syscalls,
}];

/// Every system call of the program that loaders are compared with, which the host
/// puts into the image, from its execve(2) to its end, and those that are bpf(2).
/// What is right: each map was created and each program loaded once.
fn syscalls(stage: &mut Stage<'_>) -> Outcome {
    let spec = stage.spec()?;
    let parts = spec.maps.len() + spec.programs.len();
    let bytes = trapline_corpus::object("bench_load");
    let bytes = bytes.ok_or_else(|| Failure::Other("no object bench_load".to_owned()))?;
    fs::write(OBJECT.to_string_lossy().as_ref(), bytes).tried("write the object")?;
    let (mut all, mut bpf, mut made) = (0, 0, 0);
    let mut seen = |call: trace::Call| {
        all += 1;
        if call.number == libc::SYS_bpf {
            bpf += 1;
            let makes = matches!(call.first, BPF_MAP_CREATE | BPF_PROG_LOAD);
            made += u64::from(makes && call.returned.is_some_and(|fd| fd >= 0));
        }
    };
    trace::calls(&[c"/bin/load-trapline", OBJECT], &mut seen, &mut |_| {})
        .tried("a process that loads the object")?;
    stage.spend("syscalls", all);
    stage.spend("bpf", bpf);
    Ok(Report::checked("load", parts as u64, made))
}

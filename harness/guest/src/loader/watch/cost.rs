//! What `trapline watch` takes: memory while it puts the sensors in place and afterwards,
//! and what it does while nothing happens.

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::acts::another;
use super::running::Watching;
use crate::loader::checks::Checks;
use crate::loader::stage::{Failure, Tried};
use crate::loader::trapline::PROGRAM;
use crate::loader::{Outcome, Stage};
use crate::proc::status;
use crate::sys::process;

/// How long nothing happens.
const IDLE: Duration = Duration::from_secs(10);
const POLICY: &str = "/tmp/watch-cost.toml";
/// How the kernel calls the rings in a list of mappings.
const RING: &str = "anon_inode:bpf-map";

pub(super) fn cost(stage: &mut Stage<'_>) -> Outcome {
    let mut checks = Checks::default();
    let bytes = fs::metadata(PROGRAM).tried(PROGRAM)?.len();
    stage.spend("program_kib", bytes.div_ceil(1024));
    // Each page of a ring is mapped twice, and counts twice: a large one would hide what
    // loading takes.
    fs::write(POLICY, "[rings]\nsize_bytes = 65536\n").tried(POLICY)?;
    let began = Instant::now();
    let mut watching = Watching::start_to(&["--json", "--policy", POLICY], Stdio::piped())?;
    let peak_kib = status(watching.pid(), "VmHWM").tried("its memory")?;
    stage.spend("loading_peak_kib", peak_kib);
    watching.read_own()?;
    another()?;
    watching.tells("\"kind\":\"exec\"")?;
    let first = began.elapsed();
    // What it frees after loading, and what others do at their start, is over by then.
    std::thread::sleep(IDLE / 4);
    let pid = watching.pid();
    let ran = || process::ran_ns(pid.cast_signed()).tried("its clock");
    let (switches, ran_before) = (switches(pid)?, ran()?);
    std::thread::sleep(IDLE);
    let (switches, ran) = (self::switches(pid)? - switches, ran()? - ran_before);
    stage.spend("idle_switches", switches);
    stage.spend("idle_kib", kib_without_rings(pid)?);
    let said = watching.end(libc::SIGTERM)?.good()?;
    checks.holds(&said.err, said.err.contains("lost: none"))?;
    fs::remove_file(POLICY).tried(POLICY)?;
    // What the clock says is for people: an emulated machine's says little of others.
    Ok(checks.report(&format!(
        "first event after {} ms; {IDLE:?} of nothing: it ran {} ms",
        first.as_millis(),
        ran / 1_000_000
    )))
}

/// How often a process has waited so far.
fn switches(pid: u32) -> Result<u64, Failure> {
    let name = "voluntary_ctxt_switches";
    status(pid, name).tried(name)
}

/// What a process has in memory, but for its view of the rings, which are the kernel's.
fn kib_without_rings(pid: u32) -> Result<u64, Failure> {
    let path = format!("/proc/{pid}/smaps");
    let text = fs::read_to_string(&path).tried(&path)?;
    let (mut is_ring, mut kib) = (false, 0);
    for line in text.lines() {
        let mut words = line.split_whitespace();
        match (words.next(), words.next()) {
            (Some("Rss:"), Some(count)) if !is_ring => kib += count.parse().unwrap_or(0),
            // A mapping begins: its range, then its rights.
            (Some(range), Some(_)) if !range.ends_with(':') => is_ring = line.ends_with(RING),
            _ => {}
        }
    }
    Ok(kib)
}

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
    let (switches, cpu) = (switches(watching.pid())?, cpu_ticks(watching.pid())?);
    std::thread::sleep(IDLE);
    let (switches, cpu) = (
        self::switches(watching.pid())? - switches,
        cpu_ticks(watching.pid())? - cpu,
    );
    stage.spend("idle_switches", switches);
    stage.spend("idle_kib", kib_without_rings(watching.pid())?);
    let said = watching.end(libc::SIGTERM)?.good()?;
    checks.holds(&said.err, said.err.contains("lost: none"))?;
    fs::remove_file(POLICY).tried(POLICY)?;
    // What the clock says is for people: an emulated machine's says little of others.
    Ok(checks.report(&format!(
        "first event after {} ms; {IDLE:?} of nothing: {cpu} ticks",
        first.as_millis()
    )))
}

/// How often a process has waited so far.
fn switches(pid: u32) -> Result<u64, Failure> {
    let name = "voluntary_ctxt_switches";
    status(pid, name).tried(name)
}

/// How long a process has run so far, in hundredths of a second.
fn cpu_ticks(pid: u32) -> Result<u64, Failure> {
    let path = format!("/proc/{pid}/stat");
    let text = fs::read_to_string(&path).tried(&path)?;
    // Behind the name, which may be anything: utime and stime are fields 14 and 15.
    let fields = text.rsplit(") ").next().unwrap_or_default();
    let times = fields.split_whitespace().skip(11).take(2);
    Ok(times.filter_map(|time| time.parse::<u64>().ok()).sum())
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

//! What the frames carry. Unknown keys are errors: guest and host come from
//! one checkout.

use std::collections::BTreeMap;

use serde::Deserialize;

/// Who runs.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hello {
    /// Repeats the one on the kernel command line.
    pub nonce: String,
    /// `uname -r`
    pub release: String,
    /// `uname -m`
    pub machine: String,
    /// `uname -v`
    pub version: String,
    /// How many are online.
    pub cpus: u32,
    /// Of `/sys/kernel/btf/vmlinux`, 64 hexadecimal digits.
    pub btf_sha256: String,
}

/// Sensors are loaded and attached.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sensors {
    /// `fentry` or `kprobe`
    pub flavour: String,
    /// How long loading and attaching took.
    pub load_ns: u64,
    /// One per program.
    pub programs: Vec<Program>,
}

/// One loaded program.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// Its name in the object.
    pub name: String,
    /// `process`, `file`, …
    pub family: String,
    /// `fentry`, `kprobe/link`, `kprobe/ioctl`, `kprobe/tracefs`, …
    pub attach: String,
    /// `None` where the kernel does not say.
    pub verified_insns: Option<u64>,
    /// Machine code; `None` where the kernel does not say.
    pub jited_bytes: Option<u64>,
}

/// A workload begins.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workload {
    /// `process`, `file`, …
    pub family: String,
    /// `exec_script`, …
    pub name: String,
    /// `fentry` or `kprobe`
    pub flavour: String,
    /// Of its root process, in the initial pid namespace.
    pub root_tgid: u32,
}

impl Workload {
    /// `process::exec_script (fentry)`
    #[must_use]
    pub fn label(&self) -> String {
        format!("{}::{} ({})", self.family, self.name, self.flavour)
    }
}

/// How a workload's root process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Status {
    /// It left by itself with this code.
    Exit(i32),
    /// This signal killed it.
    Signal(i32),
    /// The guest killed it after this many milliseconds.
    TimeoutMs(u64),
}

/// A workload has ended.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Done {
    /// The same as in `workload`.
    pub name: String,
    /// How its root process ended.
    pub status: Status,
    /// From start to the last event drained.
    pub elapsed_ns: u64,
    /// Records that the sensors made since `workload`.
    pub sent: u64,
    /// Records that the guest read since `workload`.
    pub received: u64,
    /// Records that were not delivered since `workload`, by cause.
    pub lost: BTreeMap<String, u64>,
    /// Records that were delivered but lack something, by cause.
    pub poorer: BTreeMap<String, u64>,
    /// Runs of programs that the kernel left out, by program: no record, and no
    /// telling whether there would have been one.
    #[serde(default)]
    pub missed: BTreeMap<String, u64>,
}

/// Sensors are about to be unloaded.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unloaded {
    /// The same as in `sensors`.
    pub flavour: String,
    /// Records that the sensors made since they were loaded.
    pub sent: u64,
    /// Records that the guest read since then.
    pub received: u64,
    /// Records that were not delivered since then, by cause.
    pub lost: BTreeMap<String, u64>,
    /// Records that were delivered but lack something, by cause.
    pub poorer: BTreeMap<String, u64>,
    /// Runs of programs that the kernel left out, by program: no record, and no
    /// telling whether there would have been one.
    #[serde(default)]
    pub missed: BTreeMap<String, u64>,
}

/// A cost.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measure {
    /// `fork+exec+exit`, …
    pub operation: String,
    /// `none`, `fentry` or `kprobe`
    pub flavour: String,
    /// How often it was measured.
    pub rounds: u32,
    /// Of one round.
    pub instructions: u64,
}

/// Something the guest could not do.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failed {
    /// What it tried.
    pub what: String,
    /// Why it failed.
    pub error: String,
}

/// What became of one of the loader's cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseOutcome {
    /// It was done, and counted.
    Exercised,
    /// The loader says that this kernel is too old.
    Unsupported,
    /// This kernel is new enough, but was built or booted without it.
    Absent,
    /// Something went wrong.
    Failed,
}

/// What the loader did with one case: an object loaded, attached, triggered,
/// detached. What an outcome does not know is `None`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// `attach_kprobe`, …
    pub name: String,
    /// What became of it.
    pub outcome: CaseOutcome,
    /// Exercised: the way that the loader took, such as `kprobe/link`.
    pub how: Option<String>,
    /// Exercised: how often the hook was triggered, or how many values checked.
    pub expected: Option<u64>,
    /// Exercised: how often the program ran, or how many values were right.
    pub counted: Option<u64>,
    /// Exercised: how often it had run in all after being detached and triggered
    /// once more.
    pub after_detach: Option<u64>,
    /// Exercised: how many of what it spent, such as `bpf` calls; mostly nothing.
    pub spent: BTreeMap<String, u64>,
    /// Exercised: lines of events as `trapline watch` tells them; mostly none.
    pub lines: Vec<String>,
    /// Unsupported: what the kernel lacks.
    pub feature: Option<String>,
    /// Unsupported: the kernel version that brought it, such as `5.15`.
    pub since: Option<String>,
    /// Absent, failed: why.
    pub error: Option<String>,
    /// How long all of it took.
    pub elapsed_ms: u64,
}

#[cfg(test)]
impl Case {
    /// That, and nothing else.
    pub fn bare(name: &str, outcome: CaseOutcome) -> Self {
        Self {
            name: name.to_owned(),
            outcome,
            how: None,
            expected: None,
            counted: None,
            after_detach: None,
            spent: BTreeMap::new(),
            lines: Vec::new(),
            feature: None,
            since: None,
            error: None,
            elapsed_ms: 0,
        }
    }
}

/// The recording is complete.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct End {
    /// How many frames came before.
    pub(super) frames: u32,
    /// Of all their bytes.
    pub(super) sha256: String,
}

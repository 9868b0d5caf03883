//! What the host asks of a boot: `/plan.json` in the guest.

use std::time::Duration;

use serde::Serialize;

/// The whole request but for the nonce, which every boot has its own of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// What kind of run it is.
    pub mode: Mode,
    /// Which hook flavours to load, one after the other: `fentry`, `kprobe`.
    pub flavours: Vec<String>,
    /// What to run under each flavour, in this order.
    pub workloads: Vec<PlannedWorkload>,
    /// Their events come through perf buffers, not through a ring buffer.
    pub perf_buffers: bool,
    /// Which of the loader's cases to try, in this order, after the workloads; some with a space and an
    /// argument behind the name.
    pub cases: Vec<String>,
    /// How long one workload may take before the guest kills its tree.
    pub workload_timeout: Duration,
    /// What to break on purpose.
    pub fault: Option<Fault>,
}

impl Plan {
    /// A plan that only says hello and ends.
    #[must_use]
    pub fn probe() -> Self {
        Self {
            mode: Mode::Probe,
            flavours: Vec::new(),
            workloads: Vec::new(),
            perf_buffers: false,
            cases: Vec::new(),
            workload_timeout: Duration::from_secs(20),
            fault: None,
        }
    }

    /// The plan as the guest reads it.
    #[must_use]
    pub fn to_json(&self, nonce: &str) -> Vec<u8> {
        serde_json::json!({
            "nonce": nonce,
            "mode": self.mode,
            "flavours": self.flavours,
            "workloads": self.workloads,
            "perf_buffers": self.perf_buffers,
            "cases": self.cases,
            "workload_timeout_ms": self.workload_timeout.as_millis() as u64,
            "fault": self.fault,
        })
        .to_string()
        .into_bytes()
    }
}

/// What kind of run it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Run the workloads and record their events.
    Record,
    /// Measure costs in executed instructions, on a machine that counts them.
    Bench,
    /// Judge objects, see [`Request::files`](super::Request::files).
    Verify,
    /// Say hello and end.
    Probe,
}

/// One workload's name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedWorkload {
    /// `process`, `file`, …
    pub family: String,
    /// `exec_script`, …
    pub name: String,
}

/// What the guest breaks on purpose, to see it named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The runner is killed by SIGKILL.
    Kill,
    /// The kernel panics.
    Panic,
    /// A workload begins and nothing ends it.
    Hang,
    /// The runner spins before any workload.
    Stall,
    /// The runner never says hello.
    Silent,
    /// The runner exits with success in the middle of a frame.
    Truncate,
    /// The runner exits with success without an end.
    Leave,
    /// The runner takes all memory.
    Memory,
    /// The virtual machine switches itself off.
    PowerOff,
    /// One bit of a frame is wrong.
    Corrupt,
}

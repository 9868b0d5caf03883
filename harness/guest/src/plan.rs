//! What the host asks of this boot: `/plan.json`, appended to the initramfs.

use std::fs;
use std::io;

use serde::Deserialize;

/// Where the host puts it.
const PATH: &str = "/plan.json";

/// The whole request.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Must equal `trapline.nonce=` of the kernel command line.
    pub nonce: String,
    /// What kind of run it is.
    pub mode: Mode,
    /// Which hook flavours to load, one after the other: `fentry`, `kprobe`.
    pub flavours: Vec<String>,
    /// What to run under each flavour, in this order.
    pub workloads: Vec<Workload>,
    /// Their events come through perf buffers, not through a ring buffer.
    pub perf_buffers: bool,
    /// Which of the loader's cases to try, in this order, after the workloads; some with a space and an
    /// argument behind the name.
    pub cases: Vec<String>,
    /// How long one workload may take before its tree is killed.
    pub workload_timeout_ms: u64,
    /// What to break on purpose.
    pub fault: Option<Fault>,
}

/// What kind of run it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Run the workloads and record their events.
    Record,
    /// Measure costs in executed instructions: of operations, or of these cases.
    Bench,
    /// Judge the objects of `/verify.json`.
    Verify,
    /// Say hello and end: does this accelerator boot at all?
    Probe,
}

/// One workload's name.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workload {
    /// `process`, `file`, …
    pub family: String,
    /// `exec_script`, …
    pub name: String,
}

/// What to break on purpose, to see the host name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
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

impl Plan {
    /// Reads `/plan.json`.
    ///
    /// # Errors
    /// The error of reading it, or `InvalidData` naming line and column.
    pub fn read() -> io::Result<Self> {
        Ok(serde_json::from_slice(&fs::read(PATH)?)?)
    }
}

/// The nonce on the kernel command line, which the host compares.
///
/// # Errors
/// The error of reading `/proc/cmdline`; `NotFound` when there is no nonce.
pub fn nonce_of_kernel() -> io::Result<String> {
    let line = fs::read_to_string("/proc/cmdline")?;
    nonce_in(&line).map(str::to_owned).ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::NotFound,
            "no trapline.nonce= on the kernel command line",
        )
    })
}

fn nonce_in(line: &str) -> Option<&str> {
    line.split_ascii_whitespace()
        .find_map(|word| word.strip_prefix("trapline.nonce="))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nonce_is_found_between_other_words() {
        assert_eq!(nonce_in("quiet trapline.nonce=abc panic=-1\n"), Some("abc"));
        assert_eq!(nonce_in("quiet panic=-1"), None);
    }

    #[test]
    fn an_unknown_key_or_fault_is_an_error() {
        let plan = r#"{"nonce":"n","mode":"record","flavours":["fentry"],
            "workloads":[{"family":"process","name":"fork"}],"perf_buffers":false,"cases":["attach_kprobe"],
            "workload_timeout_ms":1000,"fault":null}"#;
        assert!(serde_json::from_str::<Plan>(plan).is_ok());
        let unknown_key = plan.replace("\"fault\"", "\"fautl\"");
        assert!(serde_json::from_str::<Plan>(&unknown_key).is_err());
        let unknown_fault = plan.replace("null", "\"meteor\"");
        assert!(serde_json::from_str::<Plan>(&unknown_fault).is_err());
    }
}

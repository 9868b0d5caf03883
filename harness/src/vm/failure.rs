//! Why a boot does not count, by name.

use std::fmt;
use std::time::Duration;

use super::splat::Splat;
use crate::recording::{Defect, Partial};

/// A boot that does not count.
#[derive(Debug, Clone)]
pub struct Failure {
    /// What went wrong first.
    pub cause: Cause,
    /// The lines of the serial log around it, or its last ones.
    pub excerpt: Vec<String>,
    /// What the guest had recorded by then.
    pub partial: Partial,
}

/// What went wrong with a boot.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// Nothing was started: a file, a tool or the temporary folder is amiss.
    NotStarted(String),
    /// The kernel, or process 1, said so on the console.
    Splat {
        /// What it tells.
        splat: Splat,
        /// Where it says so.
        line: String,
    },
    /// Another kernel booted.
    WrongKernel {
        /// `uname -r` that was expected.
        expected: String,
        /// `uname -r` that ran.
        found: String,
    },
    /// It took too long.
    TimeOut {
        /// What did.
        what: Late,
        /// How long it was given.
        allowed: Duration,
    },
    /// QEMU ended while the guest still had work.
    VmLost(String),
    /// A signal killed the runner in the guest.
    GuestKilled {
        /// SIGKILL is 9.
        signal: i32,
    },
    /// The runner gave up or left without an end.
    RunnerLeft(String),
    /// The stream stops inside a frame.
    StreamTruncated(Defect),
    /// The stream is wrong in another way.
    StreamBroken(Defect),
}

/// What took too long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Late {
    /// From the start to the runner's hello.
    Boot,
    /// One workload, by its label.
    Workload(String),
    /// The whole kernel.
    Kernel,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotStarted(why) => write!(f, "not started: {why}"),
            Self::Splat { splat, line } => write!(f, "{}: {}", splat.name(), line.trim()),
            Self::WrongKernel { expected, found } => {
                write!(f, "wrong kernel booted: {found}, not {expected}")
            }
            Self::TimeOut { what, allowed } => {
                let seconds = allowed.as_secs_f32();
                match what {
                    Late::Boot => write!(f, "time-out: no hello within {seconds} s"),
                    Late::Workload(name) => write!(f, "time-out: {name} took over {seconds} s"),
                    Late::Kernel => write!(f, "time-out: the boot took over {seconds} s"),
                }
            }
            Self::VmLost(why) => write!(f, "VM lost: {why}"),
            Self::GuestKilled { signal } => {
                write!(f, "guest killed: signal {signal} ended the runner")
            }
            Self::RunnerLeft(why) => write!(f, "the runner left without an end: {why}"),
            Self::StreamTruncated(defect) => write!(f, "stream truncated: {defect}"),
            Self::StreamBroken(defect) => write!(f, "stream broken: {defect}"),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(f)
    }
}

impl std::error::Error for Failure {}

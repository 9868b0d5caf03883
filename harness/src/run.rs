//! One kernel's run: booted once, kept as files, read by every row of it.
//!
//! A run lives in a folder of its own: the recording, the serial log, and
//! `run.json`, which says what it is a run of and when it was made. Within one
//! process a run is always fresh. A test runner that gives each row a process
//! of its own, as nextest does, shares a run among the processes of one session.

pub(crate) mod cache;
mod companions;
mod disk;
mod session;
mod workshop;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::cases;
use crate::images::Extra;
use crate::kernels::{Kernel, Series};
use crate::recording::{self, Expected, Frame, Recording};
use crate::rows::{FLAVOURS, Matrix, Workload};
use crate::vm::{self, Clock, Lab, Mode, Outcome, Plan, PlannedWorkload, Request};

pub use cache::{Place, prune};
pub use session::{Session, Setup, Waiting};

/// How long one workload may take in the guest.
const WORKLOAD_TIMEOUT: Duration = Duration::from_secs(20);
const RUN_FILE: &str = "run.json";

/// What is known of a run, as `run.json` keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// `6.12`
    pub series: String,
    /// `uname -r` of the kernel that was to boot.
    pub release: String,
    /// `kvm` or `tcg`.
    pub accel: String,
    /// Why that accelerator.
    pub accel_why: String,
    /// From the start to the guest's hello.
    pub boot_seconds: Option<f64>,
    /// From the start to the end.
    pub total_seconds: f64,
    /// What the kernel printed.
    pub serial_log: PathBuf,
    /// The recording.
    pub records: PathBuf,
    /// The nonce in its hello; none if the boot failed.
    pub nonce: Option<String>,
    /// Why the boot does not count, with lines of the serial log.
    pub failure: Option<String>,
    /// When it began, in seconds since 1970.
    pub started_unix_s: u64,
}

/// What is asked of one kernel's run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Order {
    /// To run under both flavours; without any, no sensors are loaded.
    pub workloads: Vec<Workload>,
    /// Their events come through perf buffers, not through a ring buffer.
    pub perf_buffers: bool,
    /// Which of the loader's cases to try, by name.
    pub cases: Vec<String>,
    /// How time passes for them.
    pub clock: Clock,
}

impl Order {
    /// All that the matrix has.
    pub fn whole(matrix: &Matrix) -> Self {
        Self {
            workloads: matrix.workloads.clone(),
            perf_buffers: false,
            cases: matrix.cases.iter().map(|case| case.name.clone()).collect(),
            clock: Clock::Wall,
        }
    }
}

/// A run and its recording.
#[derive(Clone, Debug)]
pub struct KernelRun {
    /// The kernel.
    pub series: Series,
    /// What was asked of the guest.
    pub order: Order,
    /// What is known of the run, unless nothing could be started.
    pub facts: Option<Facts>,
    /// The complete recording, or why there is none.
    pub recording: Result<Recording, String>,
}

impl KernelRun {
    /// A run that never began.
    pub fn not_begun(series: Series, order: Order, why: String) -> Self {
        Self {
            series,
            order,
            facts: None,
            recording: Err(why),
        }
    }

    /// `run.json`, the serial log and the recording, as one line for a person.
    pub fn evidence(&self) -> String {
        match &self.facts {
            Some(facts) => format!("serial log: {}", facts.serial_log.display()),
            None => "nothing was booted".to_owned(),
        }
    }
}

/// The plan of a run: all workloads under both flavours, then the cases.
pub fn plan(order: &Order) -> Plan {
    let planned = order.workloads.iter().map(|workload| PlannedWorkload {
        family: workload.family.clone(),
        name: workload.name.clone(),
    });
    Plan {
        mode: match order.clock {
            Clock::Wall => Mode::Record,
            Clock::Instructions => Mode::Bench,
        },
        flavours: match order.workloads.is_empty() {
            // Loading sensors takes seconds.
            true => Vec::new(),
            false => FLAVOURS.map(str::to_owned).to_vec(),
        },
        workloads: planned.collect(),
        perf_buffers: order.perf_buffers,
        cases: order.cases.clone(),
        workload_timeout: WORKLOAD_TIMEOUT,
        fault: None,
    }
}

/// Boots the kernel in `place`, with some files of its own, and keeps what became
/// of it.
fn boot(
    lab: &Lab,
    kernel: &Kernel,
    order: &Order,
    cpus: u8,
    files: Vec<Extra>,
    place: &Place,
) -> Result<KernelRun> {
    let mut request = Request::new(kernel, plan(order), lab);
    request.cpus = cpus;
    let is_long = |name: &String| cases::long_kind(name).is_some();
    if order.clock == Clock::Wall && order.cases.iter().any(is_long) {
        request.deadlines = request.deadlines.with_long_cases();
        if order.cases == [cases::LONGEST] {
            request.deadlines = request.deadlines.with_longest_case();
        }
    }
    request.files = files;
    request.output_dir = place.folder().to_owned();
    let started_unix_s = cache::now_unix_s();
    let outcome = vm::run(lab, kernel, &request);
    let facts = facts(&outcome, kernel, order, lab, started_unix_s);
    place.keep(RUN_FILE, &serde_json::to_vec_pretty(&facts)?)?;
    Ok(KernelRun {
        series: kernel.series,
        order: order.clone(),
        recording: match outcome.verdict {
            Ok(recording) => Ok(recording),
            Err(_) => Err(facts.failure.clone().unwrap_or_default()),
        },
        facts: Some(facts),
    })
}

/// The case that the guest was at when its recording broke off, as far as it tells:
/// after the first case, or after all workloads.
fn case_of<'a>(order: &'a Order, frames: &[Frame]) -> Option<&'a str> {
    let done = frames
        .iter()
        .filter(|frame| matches!(frame, Frame::Case(_)));
    let at = done.count();
    let unloaded = frames
        .iter()
        .filter(|frame| matches!(frame, Frame::Unloaded(_)));
    let is_begun = at > 0 || unloaded.count() == FLAVOURS.len();
    let next = order.cases.get(at).filter(|_| is_begun);
    next.map(String::as_str)
}

fn facts(
    outcome: &Outcome,
    kernel: &Kernel,
    order: &Order,
    lab: &Lab,
    started_unix_s: u64,
) -> Facts {
    let (nonce, failure) = match &outcome.verdict {
        Ok(recording) => (Some(recording.hello.nonce.clone()), None),
        Err(failure) => {
            let mut text = failure.to_string();
            if let Some(case) = case_of(order, &failure.partial.frames) {
                text.push_str(&format!("\n  while it was at {}::{case}", cases::FAMILY));
            }
            for line in &failure.excerpt {
                text.push_str("\n  | ");
                text.push_str(line);
            }
            (None, Some(text))
        }
    };
    Facts {
        series: kernel.series.to_string(),
        release: kernel.release.clone(),
        accel: outcome.accel.to_string(),
        accel_why: lab.accelerator.why.clone(),
        boot_seconds: outcome.boot.map(|boot| boot.as_secs_f64()),
        total_seconds: outcome.total.as_secs_f64(),
        serial_log: outcome.serial_log.clone(),
        records: outcome.records.clone(),
        nonce,
        failure,
        started_unix_s,
    }
}

/// Reads the run that another process of this session made in `place`, if it did.
fn read(series: Series, order: &Order, place: &Place) -> Result<Option<KernelRun>> {
    let Some(bytes) = place.read(RUN_FILE)? else {
        return Ok(None);
    };
    let facts: Facts = serde_json::from_slice(&bytes).context("run.json is not valid")?;
    let recording = match (&facts.nonce, &facts.failure) {
        (Some(nonce), None) => {
            let bytes = std::fs::read(&facts.records)
                .with_context(|| format!("cannot read {}", facts.records.display()))?;
            let expected = Expected {
                nonce: nonce.clone(),
                release: facts.release.clone(),
            };
            recording::parse(&bytes, &expected).map_err(|incomplete| incomplete.defect.to_string())
        }
        (_, failure) => Err(failure.clone().unwrap_or_else(|| "no nonce".to_owned())),
    };
    Ok(Some(KernelRun {
        series,
        order: order.clone(),
        facts: Some(facts),
        recording,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::{Case, CaseOutcome, Unloaded};

    fn case(name: &str) -> Frame {
        Frame::Case(Case {
            error: Some("no".to_owned()),
            ..Case::bare(name, CaseOutcome::Failed)
        })
    }

    #[test]
    fn a_recording_that_broke_off_names_the_case_it_was_at() {
        let order = Order {
            cases: ["a", "b"].map(str::to_owned).to_vec(),
            ..Order::default()
        };
        assert_eq!(case_of(&order, &[]), None);
        let unloaded = Frame::Unloaded(Unloaded {
            flavour: String::new(),
            sent: 0,
            received: 0,
            lost: Default::default(),
            poorer: Default::default(),
            missed: Default::default(),
        });
        let both = [unloaded.clone(), unloaded];
        assert_eq!(case_of(&order, &both[..1]), None);
        assert_eq!(case_of(&order, &both), Some("a"));
        assert_eq!(case_of(&order, &[case("a")]), Some("b"));
        assert_eq!(case_of(&order, &[case("a"), case("b")]), None);
    }

    #[test]
    fn cases_alone_load_no_sensors() {
        let order = Order {
            cases: vec!["a".to_owned()],
            ..Order::default()
        };
        let plan = plan(&order);
        assert!(plan.flavours.is_empty());
        assert_eq!(plan.cases, ["a"]);
    }
}

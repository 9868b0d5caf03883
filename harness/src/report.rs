//! The report of the main job: what ran where, and what came of it.
//!
//! [`Report`] is plain data, made from runs and verdicts; [`table`] prints it
//! for a terminal, [`html`] as one page, [`events`] shows what processes did.

pub mod events;
pub mod html;
mod html_cases;
pub mod table;

use std::path::PathBuf;

use crate::cases::{self, Expectation};
use crate::kernels::Series;
use crate::recording::{Case, CaseOutcome, Frame};
use crate::rows::{FLAVOURS, Matrix, Workload};
use crate::run::KernelRun;
use crate::snapshot::Snapshots;
use crate::verdict::{self, JudgedRun};

/// Everything that the main job tells.
#[derive(Clone, Debug)]
pub struct Report {
    /// One per workload, in their order.
    pub workloads: Vec<WorkloadRow>,
    /// One per case of the loader, in their order.
    pub cases: Vec<CaseRow>,
    /// One per kernel, ascending.
    pub kernels: Vec<KernelColumn>,
    /// How long the whole job took.
    pub seconds: f64,
}

/// One workload on all kernels.
#[derive(Clone, Debug)]
pub struct WorkloadRow {
    /// Its name.
    pub workload: Workload,
    /// One per kernel, in their order.
    pub cells: Vec<Cell>,
    /// The document, from the first kernel that has one.
    pub document: Option<String>,
}

/// One workload on one kernel, under both flavours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// How many events, if it ran; of the flavour that has more.
    pub events: Option<usize>,
    /// Everything that is wrong; none: it passed.
    pub wrong: Option<String>,
}

/// One case of the loader on all kernels.
#[derive(Clone, Debug)]
pub struct CaseRow {
    /// Its name, and what is expected of it.
    pub expected: Expectation,
    /// One per kernel, in their order.
    pub cells: Vec<CaseCell>,
}

impl CaseRow {
    /// `loader::attach_kprobe`
    pub fn name(&self) -> String {
        format!("{}::{}", cases::FAMILY, self.expected.name)
    }
}

/// One case of the loader on one kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseCell {
    /// What the guest said, if it came to it.
    pub case: Option<Case>,
    /// Everything that is wrong; none: it is as expected.
    pub wrong: Option<String>,
}

impl CaseCell {
    /// The outcome in a word: how many runs were counted, the version that it
    /// needs, or that this kernel is excused.
    pub fn text(&self) -> String {
        let Some(case) = &self.case else {
            return "-".to_owned();
        };
        match case.outcome {
            CaseOutcome::Exercised => match case.counted.unwrap_or(0) {
                // Several programs' counts in one number: nothing to read.
                counted if counted >= 100_000 => "all".to_owned(),
                counted => counted.to_string(),
            },
            CaseOutcome::Unsupported => {
                format!("≥{}", case.since.as_deref().unwrap_or("?"))
            }
            CaseOutcome::Absent => "none".to_owned(),
            CaseOutcome::Failed => "-".to_owned(),
        }
    }

    /// Whether the loader did what the case is about.
    pub fn is_exercised(&self) -> bool {
        let outcome = self.case.as_ref().map(|case| case.outcome);
        outcome == Some(CaseOutcome::Exercised)
    }
}

/// One kernel.
#[derive(Clone, Debug)]
pub struct KernelColumn {
    /// The series.
    pub series: Series,
    /// `uname -r`.
    pub release: String,
    /// What is wrong with the boot as a whole.
    pub wrong: Option<String>,
    /// `kvm` or `tcg`.
    pub accel: String,
    /// Why that accelerator.
    pub accel_why: String,
    /// Until the guest's hello.
    pub boot_seconds: Option<f64>,
    /// Everything, the boot included.
    pub total_seconds: Option<f64>,
    /// Sums over both flavours.
    pub sent: u64,
    /// Sums over both flavours.
    pub received: u64,
    /// Sums over both flavours.
    pub lost: u64,
    /// Events of processes outside the workloads.
    pub foreign: usize,
    /// Runs of programs that the kernel left out, over both flavours.
    pub missed: u64,
    /// How long all of the loader's cases took.
    pub cases_ms: u64,
    /// What was loaded, per flavour.
    pub flavours: Vec<FlavourLoad>,
    /// What the kernel printed.
    pub serial_log: Option<PathBuf>,
}

/// The sensors of one flavour on one kernel.
#[derive(Clone, Debug, PartialEq)]
pub struct FlavourLoad {
    /// `fentry`, `kprobe`.
    pub flavour: String,
    /// How many programs are attached, and how.
    pub attached: Vec<(String, usize)>,
    /// To load and attach all.
    pub load_ms: f64,
    /// Each program with the instructions that the verifier processed.
    pub programs: Vec<(String, Option<u64>)>,
}

/// A line at the foot of a table: its head, and its text for a kernel.
type Foot = (&'static str, fn(&KernelColumn) -> String);

impl FlavourLoad {
    /// The program that cost the verifier most, where the kernel says.
    pub fn highest(&self) -> Option<(&str, u64)> {
        let known = self
            .programs
            .iter()
            .filter_map(|(name, insns)| Some((name.as_str(), (*insns)?)));
        known.max_by_key(|(_, insns)| *insns)
    }
}

impl Report {
    /// Judges all runs.
    pub fn new(matrix: &Matrix, runs: &[&KernelRun], snapshots: &Snapshots, seconds: f64) -> Self {
        let judged: Vec<JudgedRun> = runs.iter().map(|run| JudgedRun::new(run)).collect();
        let row = |workload: &Workload| WorkloadRow {
            workload: workload.clone(),
            cells: judged
                .iter()
                .map(|run| cell(run, workload, snapshots))
                .collect(),
            document: judged.iter().find_map(|run| {
                let mut flavours = FLAVOURS.iter();
                let judged = flavours.find_map(|flavour| run.judged(workload, flavour))?;
                Some(judged.judgement.document.clone())
            }),
        };
        Self {
            workloads: matrix.workloads.iter().map(row).collect(),
            cases: matrix
                .cases
                .iter()
                .map(|expected| case_row(&judged, expected))
                .collect(),
            kernels: runs
                .iter()
                .zip(&judged)
                .map(|(run, judged)| column(run, judged, matrix))
                .collect(),
            seconds,
        }
    }

    /// How many cells and boots there are, and how many of them are wrong.
    pub fn counts(&self) -> (usize, usize) {
        let cells = self.workloads.iter().flat_map(|row| &row.cells);
        let cases = self.cases.iter().flat_map(|row| &row.cells);
        let wrong = cells
            .map(|cell| cell.wrong.is_some())
            .chain(cases.map(|cell| cell.wrong.is_some()));
        let boots = self.kernels.iter().map(|kernel| kernel.wrong.is_some());
        wrong.chain(boots).fold((0, 0), |(all, bad), wrong| {
            (all + 1, bad + usize::from(wrong))
        })
    }

    /// Every difference as text, each under the name of its row.
    pub fn wrong(&self) -> Vec<(String, &str)> {
        let mut wrong = Vec::new();
        for (place, kernel) in self.kernels.iter().enumerate() {
            let prefix = kernel.series.row_prefix();
            let boot = kernel.wrong.as_deref();
            wrong.extend(boot.map(|text| (format!("{prefix}::boot::complete"), text)));
            for row in &self.workloads {
                let text = row.cells.get(place).and_then(|cell| cell.wrong.as_deref());
                wrong.extend(text.map(|text| (format!("{prefix}::{}", row.workload), text)));
            }
            for row in &self.cases {
                let text = row.cells.get(place).and_then(|cell| cell.wrong.as_deref());
                wrong.extend(text.map(|text| (format!("{prefix}::{}", row.name()), text)));
            }
        }
        wrong
    }
}

fn cell(run: &JudgedRun, workload: &Workload, snapshots: &Snapshots) -> Cell {
    let events = FLAVOURS
        .iter()
        .filter_map(|flavour| run.judged(workload, flavour));
    Cell {
        events: events.map(|judged| judged.judgement.events).max(),
        wrong: run.workload(workload, snapshots).err(),
    }
}

fn case_row(runs: &[JudgedRun], expected: &Expectation) -> CaseRow {
    let cell = |run: &JudgedRun| CaseCell {
        case: run.case(&expected.name).cloned(),
        wrong: run.loader(expected).err(),
    };
    CaseRow {
        expected: expected.clone(),
        cells: runs.iter().map(cell).collect(),
    }
}

fn column(run: &KernelRun, judged: &JudgedRun, matrix: &Matrix) -> KernelColumn {
    let facts = run.facts.as_ref();
    let frames = run
        .recording
        .as_ref()
        .map_or(&[][..], |recording| &recording.frames);
    let mut column = KernelColumn {
        series: run.series,
        release: facts.map_or_else(|| "-".to_owned(), |facts| facts.release.clone()),
        wrong: judged.boot().err(),
        accel: facts.map_or_else(|| "-".to_owned(), |facts| facts.accel.clone()),
        accel_why: facts.map_or_else(String::new, |facts| facts.accel_why.clone()),
        boot_seconds: facts.and_then(|facts| facts.boot_seconds),
        total_seconds: facts.map(|facts| facts.total_seconds),
        sent: 0,
        received: 0,
        lost: 0,
        foreign: 0,
        missed: 0,
        cases_ms: frames
            .iter()
            .map(|frame| match frame {
                Frame::Case(case) => case.elapsed_ms,
                _ => 0,
            })
            .fold(0, u64::saturating_add),
        flavours: verdict::sensors(frames).map(flavour_load).collect(),
        serial_log: facts.map(|facts| facts.serial_log.clone()),
    };
    for workload in &matrix.workloads {
        for judged in FLAVOURS
            .iter()
            .filter_map(|flavour| judged.judged(workload, flavour))
        {
            let done = &judged.take.done;
            column.sent = column.sent.saturating_add(done.sent);
            column.received = column.received.saturating_add(done.received);
            let lost = done
                .lost
                .values()
                .fold(0u64, |sum, lost| sum.saturating_add(*lost));
            column.lost = column.lost.saturating_add(lost.max(judged.judgement.lost));
            column.foreign += judged.judgement.foreign.len();
            column.missed = done
                .missed
                .values()
                .fold(column.missed, |sum, runs| sum.saturating_add(*runs));
        }
    }
    column
}

fn flavour_load(sensors: &crate::recording::Sensors) -> FlavourLoad {
    let mut attached: Vec<(String, usize)> = Vec::new();
    for program in &sensors.programs {
        match attached.iter_mut().find(|(how, _)| *how == program.attach) {
            Some((_, count)) => *count += 1,
            None => attached.push((program.attach.clone(), 1)),
        }
    }
    let programs = sensors.programs.iter();
    FlavourLoad {
        flavour: sensors.flavour.clone(),
        attached,
        load_ms: sensors.load_ns as f64 / 1e6,
        programs: programs
            .map(|program| (program.name.clone(), program.verified_insns))
            .collect(),
    }
}

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;

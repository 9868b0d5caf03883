//! Verdicts: a kernel's run against truth and snapshots, row by row.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::cases::{self, Expectation};
use crate::hooks;
use crate::kernels::Series;
use crate::normalize::{self, Judgement, Take};
use crate::recording::{Case, Frame, Sensors};
use crate::rows::{FLAVOURS, Workload};
use crate::run::{KernelRun, Order};
use crate::snapshot::{Mismatch, Snapshots};

/// One workload under one flavour, judged.
#[derive(Clone, Debug)]
pub struct Judged {
    /// What was recorded.
    pub take: Take,
    /// What is to be said of it.
    pub judgement: Judgement,
}

/// A run, cut into workloads and judged but for the snapshots.
#[derive(Clone, Debug)]
pub struct JudgedRun {
    /// The kernel.
    pub series: Series,
    /// By workload, then by flavour.
    takes: BTreeMap<Workload, BTreeMap<String, Judged>>,
    /// What the loader did, by the case's name.
    cases: BTreeMap<String, Case>,
    /// What is wrong with the run as a whole.
    whole: Vec<String>,
    /// What the guest could not do outside of workloads, which explains the rest.
    outside: Vec<String>,
    /// Why there is no recording at all.
    absent: Option<String>,
    /// Where to look.
    evidence: String,
    /// `uname -r`, or the series if it never came that far.
    release: String,
}

impl JudgedRun {
    /// Judges a run.
    pub fn new(run: &KernelRun) -> Self {
        let mut judged = Self {
            series: run.series,
            takes: BTreeMap::new(),
            cases: BTreeMap::new(),
            whole: Vec::new(),
            outside: Vec::new(),
            absent: None,
            evidence: run.evidence(),
            release: run.series.to_string(),
        };
        let recording = match &run.recording {
            Ok(recording) => recording,
            Err(why) => {
                judged.absent = Some(why.clone());
                return judged;
            }
        };
        judged.release.clone_from(&recording.hello.release);
        if Series::of_version(&judged.release).ok() != Some(run.series) {
            let which = format!("kernel {} is not of series {}", judged.release, run.series);
            judged.whole.push(which);
        }
        judged.outside = failures_outside(&recording.frames);
        judged.whole.extend(judged.outside.iter().cloned());
        if !run.order.workloads.is_empty() {
            judged.whole.extend(missing_sensors(&recording.frames));
        }
        judged
            .whole
            .extend(hooks::wrong(run.series, &recording.frames));
        let numbers = normalize::numbering(&recording.frames);
        judged.whole.extend(numbers);
        for take in normalize::takes(recording) {
            judged.add(take);
        }
        for frame in &recording.frames {
            if let Frame::Case(case) = frame {
                judged.add_case(case);
            }
        }
        judged.whole.extend(judged.missing(&run.order));
        judged
    }

    fn add_case(&mut self, case: &Case) {
        let before = self.cases.insert(case.name.clone(), case.clone());
        if before.is_some() {
            let (family, name) = (cases::FAMILY, &case.name);
            self.whole.push(format!("{family}::{name} ran twice"));
        }
    }

    fn add(&mut self, take: Take) {
        let workload = Workload {
            family: take.workload.family.clone(),
            name: take.workload.name.clone(),
        };
        let label = take.workload.label();
        let flavour = take.workload.flavour.clone();
        let judgement = normalize::judge(&take);
        let lost: u64 = take
            .done
            .lost
            .values()
            .fold(0, |sum, lost| lost.saturating_add(sum));
        if lost > 0 || judgement.lost > 0 {
            self.whole.push(format!(
                "{label}: {} records lost",
                lost.max(judgement.lost)
            ));
        }
        for (cause, count) in take.done.poorer.iter().filter(|(_, count)| **count > 0) {
            self.whole
                .push(format!("{label}: {count} records lack something: {cause}"));
        }
        if take.done.sent != take.done.received.saturating_add(lost) {
            let (sent, received) = (take.done.sent, take.done.received);
            self.whole.push(format!(
                "{label}: sent {sent}, received {received}, lost {lost}"
            ));
        }
        let judged = Judged { take, judgement };
        let of_workload = self.takes.entry(workload).or_default();
        if of_workload.insert(flavour, judged).is_some() {
            self.whole.push(format!("{label} ran twice"));
        }
    }

    /// Expected takes that did not come, and takes that nobody asked for.
    fn missing(&self, order: &Order) -> Vec<String> {
        let mut wrong = Vec::new();
        for workload in &order.workloads {
            for flavour in FLAVOURS {
                if self.judged(workload, flavour).is_none() {
                    wrong.push(format!("{workload} ({flavour}) did not run"));
                }
            }
        }
        for (workload, flavours) in &self.takes {
            let known = |flavour: &&String| !FLAVOURS.contains(&flavour.as_str());
            if !order.workloads.contains(workload) {
                wrong.push(format!("{workload} ran unasked"));
            }
            let unasked = flavours.keys().filter(known);
            wrong.extend(unasked.map(|flavour| format!("{workload} ran as {flavour}, unasked")));
        }
        let family = cases::FAMILY;
        let missing = order.cases.iter();
        let missing = missing.filter(|name| !self.cases.contains_key(*name));
        wrong.extend(missing.map(|name| format!("{family}::{name} did not run")));
        let unasked = self.cases.keys();
        let unasked = unasked.filter(|name| !order.cases.contains(name));
        wrong.extend(unasked.map(|name| format!("{family}::{name} ran unasked")));
        wrong
    }

    /// One workload under one flavour, if it ran.
    pub fn judged(&self, workload: &Workload, flavour: &str) -> Option<&Judged> {
        self.takes.get(workload)?.get(flavour)
    }

    /// `uname -r`, or the series if it never came that far.
    pub fn release(&self) -> &str {
        &self.release
    }

    /// What the loader did with a case, if it came to it.
    pub fn case(&self, name: &str) -> Option<&Case> {
        self.cases.get(name)
    }

    /// The verdict on one of the loader's cases.
    ///
    /// # Errors
    /// Everything that is wrong, as text for a person.
    pub fn loader(&self, expected: &Expectation) -> Result<(), String> {
        let wrong = match (self.case(&expected.name), &self.absent) {
            (_, Some(why)) => vec![why.clone()],
            (Some(case), None) => expected.wrong(self.series, case),
            (None, None) => {
                let mut wrong = vec!["it did not run".to_owned()];
                wrong.extend(self.outside.iter().cloned());
                wrong
            }
        };
        if wrong.is_empty() {
            return Ok(());
        }
        let list = wrong.join("\n  ");
        let (release, evidence) = (&self.release, &self.evidence);
        Err(format!("kernel {release}:\n  {list}\n{evidence}"))
    }

    /// The verdict on the boot: complete, the right kernel, all ran, nothing lost.
    ///
    /// # Errors
    /// Everything that is wrong, as text for a person.
    pub fn boot(&self) -> Result<(), String> {
        let mut wrong: Vec<&String> = self.whole.iter().collect();
        wrong.extend(&self.absent);
        if wrong.is_empty() {
            return Ok(());
        }
        let list: String = wrong.iter().fold(String::new(), |mut list, what| {
            let _ = writeln!(list, "  {what}");
            list
        });
        Err(format!("kernel {}:\n{list}{}", self.release, self.evidence))
    }

    /// The verdict on one workload: truth, checks and snapshot under both flavours.
    ///
    /// # Errors
    /// Everything that is wrong, as text for a person.
    pub fn workload(&self, workload: &Workload, snapshots: &Snapshots) -> Result<(), String> {
        let mut text = String::new();
        let mut explained = false;
        if let Some(why) = &self.absent {
            return Err(format!("kernel {}: {why}\n{}", self.release, self.evidence));
        }
        let mut said: Vec<(Vec<String>, Option<Mismatch>)> = Vec::new();
        for flavour in FLAVOURS {
            let Some(judged) = self.judged(workload, flavour) else {
                let _ = writeln!(text, "kernel {}, {flavour}: it did not run", self.release);
                let first = !std::mem::replace(&mut explained, true);
                for why in self.outside.iter().filter(|_| first) {
                    let _ = writeln!(text, "  {why}");
                }
                continue;
            };
            let (series, judgement) = (self.series.to_string(), &judged.judgement);
            let compared = snapshots.compare(
                &workload.family,
                &workload.name,
                &series,
                &judgement.document,
                judgement.failures.is_empty(),
            );
            let finding = (judgement.failures.clone(), compared.err());
            if finding.0.is_empty() && finding.1.is_none() {
                continue;
            }
            let _ = writeln!(text, "kernel {}, {flavour}:", self.release);
            if said
                .iter()
                .any(|(failures, mismatch)| is_same(&finding, failures, mismatch))
            {
                text.push_str("  the same\n");
                continue;
            }
            describe(&mut text, judgement, &finding);
            said.push(finding);
        }
        if text.is_empty() {
            return Ok(());
        }
        text.push_str(&self.evidence);
        Err(text)
    }
}

fn is_same(
    finding: &(Vec<String>, Option<Mismatch>),
    failures: &[String],
    mismatch: &Option<Mismatch>,
) -> bool {
    let diff = |mismatch: &Option<Mismatch>| mismatch.as_ref().map(|found| found.diff.clone());
    finding.0 == failures && diff(&finding.1) == diff(mismatch)
}

fn describe(
    text: &mut String,
    judgement: &Judgement,
    (failures, mismatch): &(Vec<String>, Option<Mismatch>),
) {
    for failure in failures {
        let _ = writeln!(text, "  {failure}");
    }
    if !judgement.foreign.is_empty() {
        let _ = writeln!(
            text,
            "  {} events of other processes:",
            judgement.foreign.len()
        );
        for foreign in judgement.foreign.iter().take(20) {
            let _ = writeln!(text, "    {foreign}");
        }
    }
    if let Some(mismatch) = mismatch {
        let _ = writeln!(text, "{}  ({})", mismatch.diff, mismatch.advice);
    }
}

/// `sensors` frames, in their order.
pub fn sensors(frames: &[Frame]) -> impl Iterator<Item = &Sensors> {
    frames.iter().filter_map(|frame| match frame {
        Frame::Sensors(sensors) => Some(sensors),
        _ => None,
    })
}

fn missing_sensors(frames: &[Frame]) -> Vec<String> {
    let missing = |flavour: &&str| {
        let mut loaded = sensors(frames).filter(|sensors| sensors.flavour == **flavour);
        loaded
            .next()
            .is_none_or(|sensors| sensors.programs.is_empty())
    };
    let missing = FLAVOURS.into_iter().filter(missing);
    missing
        .map(|flavour| format!("no program of the {flavour} flavour is loaded"))
        .collect()
}

/// What the guest could not do while no workload ran; the others are their workloads'.
fn failures_outside(frames: &[Frame]) -> Vec<String> {
    let mut inside = false;
    let mut failures = Vec::new();
    for frame in frames {
        match frame {
            Frame::Workload(_) => inside = true,
            Frame::Done(_) => inside = false,
            Frame::Failure(failed) if !inside => {
                failures.push(format!(
                    "the guest could not {}: {}",
                    failed.what, failed.error
                ));
            }
            _ => {}
        }
    }
    failures
}

#[cfg(test)]
#[path = "verdict_tests.rs"]
mod tests;

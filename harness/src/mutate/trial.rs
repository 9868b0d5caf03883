//! The row `every_field_matters`: a recording's hunt, and what may survive it.

use std::fmt;
use std::time::{Duration, Instant};

use super::hunt::{Hunt, hunt, is_red};
use super::scene::{Scene, scenes};
use crate::kernels::Series;
use crate::recording::Recording;
use crate::rows::FLAVOURS;
use crate::snapshot::Snapshots;

/// A hunt that is done.
#[derive(Clone, Debug)]
pub struct Trial {
    /// What came of it.
    pub hunt: Hunt,
    /// How long it took.
    pub took: Duration,
}

/// Bugs that no workload can show: the end of their names, and why.
const EXCUSED: &[(&str, &str)] = &[];

/// Puts every bug into the records of one flavour of this recording. Both
/// flavours answer to the same snapshots and share every line that fills a
/// field, so that one stands for both.
///
/// # Errors
/// Workloads that are wrong without any bug, since they would show all of them.
pub fn every_field_matters(
    recording: &Recording,
    snapshots: &Snapshots,
    series: Series,
    threads: usize,
) -> Result<Trial, String> {
    let begun = Instant::now();
    let series = series.to_string();
    let is_known = |scene: &Scene, document: &str| {
        let workload = &scene.workload;
        snapshots.is_known(&workload.family, &workload.name, &series, document)
    };
    let scenes = scenes(recording, FLAVOURS[0]);
    let is_wrong = |scene: &&Scene| {
        let judgement = scene.judge();
        judgement.is_none_or(|judgement| is_red(scene, &judgement, &is_known))
    };
    let wrong: Vec<String> = scenes
        .iter()
        .filter(is_wrong)
        .map(|scene| scene.workload.to_string())
        .collect();
    if scenes.is_empty() {
        return Err(format!("no workload ran as {}", FLAVOURS[0]));
    }
    if !wrong.is_empty() {
        return Err(format!(
            "wrong without any bug, see their own rows: {}",
            wrong.join(", ")
        ));
    }
    let hunt = hunt(&scenes, threads, &is_known);
    let took = begun.elapsed();
    Ok(Trial { hunt, took })
}

impl Trial {
    /// The verdict of the row.
    ///
    /// # Errors
    /// Survivors without an excuse, and excuses without a survivor.
    pub fn verdict(&self) -> Result<(), String> {
        let excuse = |name: &str| EXCUSED.iter().find(|(end, _)| name.ends_with(end));
        let survivors = self.hunt.survivors.iter();
        let unexcused = survivors.filter(|name| excuse(name).is_none());
        let mut wrong: Vec<String> = unexcused
            .map(|name| format!("no row turns red for: {name}"))
            .collect();
        for (end, _) in EXCUSED {
            if !self.hunt.survivors.iter().any(|name| name.ends_with(end)) {
                wrong.push(format!("excused, yet it no longer survives: {end}"));
            }
        }
        if wrong.is_empty() {
            return Ok(());
        }
        Err(format!("{self}\n{}", wrong.join("\n")))
    }
}

impl fmt::Display for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hunt = &self.hunt;
        let (caught, survivors, idle) = (hunt.caught.len(), hunt.survivors.len(), hunt.idle.len());
        write!(
            f,
            "of {} bugs {caught} turn a row red, {survivors} survive, {idle} change nothing; {:.1} s",
            caught + survivors + idle,
            self.took.as_secs_f64()
        )
    }
}

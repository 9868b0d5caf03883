//! The row `every_field_matters`: a recording's hunt, and what may survive it.

use std::fmt::{self, Write as _};
use std::time::{Duration, Instant};

use super::hunt::{Hunt, hunt};
use super::scene::{Scene, scenes};
use crate::kernels::Series;
use crate::normalize;
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

/// Bugs that no row can show, and why.
struct Excuse {
    /// How their names begin: after the kind of event, or with it.
    bugs: &'static [&'static str],
    /// Why not.
    reason: &'static str,
}

/// What may change records without turning a row red.
const SURVIVORS: &[Excuse] = &[
    Excuse {
        bugs: &[
            "header.time_ns one more",
            "header.time_ns one less",
            "socket: opened_time_ns one more",
            "socket: opened_time_ns one less",
        ],
        reason: "No clock is known to the nanosecond.",
    },
    Excuse {
        bugs: &[
            "parent_exe.offset_bytes stuck",
            "socket: path.offset_bytes stuck",
        ],
        reason: "It is right wherever there are bytes; a text without any is nowhere.",
    },
    Excuse {
        bugs: &["socket: exe := parent_exe", "socket: parent_exe := exe"],
        reason: "Who uses sockets in a workload runs the program of its parent; one line fills both for all kinds.",
    },
];

/// What may change no record at all, so that it shows nothing of the workloads.
const IDLE: &[Excuse] = &[
    Excuse {
        bugs: &["header.format_version ", "padding "],
        reason: "It has this one value.",
    },
    Excuse {
        bugs: &["header.lane "],
        reason: "Another lane is for a sensor that interrupts another, which no workload can ask for.",
    },
    Excuse {
        bugs: &["flags "],
        reason: "Clone flags are unknown only while the sensor's map is full.",
    },
    Excuse {
        bugs: &["parent.pgid := parent.sid", "parent.sid := parent.pgid"],
        reason: "One line fills process and parent, and no parent differs so; processes do.",
    },
    Excuse {
        bugs: &[
            "inode.device_major := 0",
            "inode.device_major stuck",
            "other.device_major := 0",
            "other.device_major stuck",
        ],
        reason: "The guest has no disk, and what needs none has the major number 0.",
    },
    Excuse {
        bugs: &["file: path.offset_bytes stuck"],
        reason: "Of a file it comes first of all texts.",
    },
    Excuse {
        bugs: &["socket: local.scope ", "socket: remote.scope "],
        reason: "Only an address of one link has a scope, and lo, where workloads play, has none.",
    },
];

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
        let take = scene.take();
        let is_right = |take| normalize::is_right(&take, |document| is_known(scene, document));
        !take.is_some_and(is_right)
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

/// Whether the line of code that this bug is in fills the field for all kinds of
/// event, and has its own bug, `all`.
fn is_shared(name: &str, hunt: &Hunt) -> bool {
    let Some((event, what)) = name.split_once(": ") else {
        return false;
    };
    let of_all = format!("all: {what}");
    let caught = hunt.caught.iter().map(|(name, _)| name);
    let mut all = caught.chain(&hunt.survivors).chain(&hunt.idle);
    event != "all" && all.any(|name| *name == of_all)
}

/// Whether the name of a bug begins so, with its kind of event or after it.
fn begins(name: &str, begin: &str) -> bool {
    let bug = name.split_once(": ").map(|(_, bug)| bug);
    name.starts_with(begin) || bug.is_some_and(|bug| bug.starts_with(begin))
}

fn find<'a>(excuses: &'a [Excuse], name: &str) -> Option<&'a Excuse> {
    let covers = |excuse: &&Excuse| excuse.bugs.iter().any(|begin| begins(name, begin));
    excuses.iter().find(covers)
}

impl Trial {
    /// The verdict of the row.
    ///
    /// # Errors
    /// What goes unnoticed without an excuse, and excuses for nothing.
    pub fn verdict(&self) -> Result<(), String> {
        let hunt = &self.hunt;
        let alone = hunt.idle.iter().filter(|name| !is_shared(name, hunt));
        let mut wrong = unexcused("no row turns red for", SURVIVORS, hunt.survivors.iter());
        wrong.extend(unexcused(
            "no record of any workload differs by",
            IDLE,
            alone,
        ));
        if wrong.is_empty() {
            return Ok(());
        }
        Err(format!("{self}\n{}", wrong.join("\n")))
    }

    /// Every bug, one line each, and which workload's row it turns red.
    pub fn list(&self) -> String {
        let mut list = format!("{self}\n");
        for (name, workload) in &self.hunt.caught {
            let _ = writeln!(list, "{name}: {workload} turns red");
        }
        for (names, excuses, what) in [
            (&self.hunt.survivors, SURVIVORS, "no row turns red"),
            (&self.hunt.idle, IDLE, "changes nothing"),
        ] {
            for name in names {
                let reason = match find(excuses, name) {
                    Some(excuse) => excuse.reason,
                    None if is_shared(name, &self.hunt) => "Its line of code has its bug in all.",
                    None => "",
                };
                let _ = writeln!(list, "{name}: {what}. {reason}");
            }
        }
        list
    }
}

/// A sentence for every bug without an excuse and every excuse without a bug.
fn unexcused<'a>(
    what: &str,
    excuses: &[Excuse],
    names: impl Iterator<Item = &'a String> + Clone,
) -> Vec<String> {
    let without = names.clone().filter(|name| find(excuses, name).is_none());
    let mut wrong: Vec<String> = without.map(|name| format!("{what}: {name}")).collect();
    for begin in excuses.iter().flat_map(|excuse| excuse.bugs) {
        if !names.clone().any(|name| begins(name, begin)) {
            wrong.push(format!("there is an excuse for nothing: {begin}"));
        }
    }
    wrong
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::Workload;

    const EXCUSES: &[Excuse] = &[Excuse {
        bugs: &["a one ", "b"],
        reason: "So it is.",
    }];

    fn said(names: &[&str]) -> Vec<String> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        unexcused("no row turns red for", EXCUSES, names.iter())
    }

    #[test]
    fn a_survivor_without_an_excuse_fails_the_row() {
        assert_eq!(said(&["all: a one more", "fork: b := 0"]), [""; 0]);
        let wrong = said(&["all: a one more", "fork: b := 0", "fork: a := 0"]);
        assert_eq!(wrong, ["no row turns red for: fork: a := 0"]);
    }

    #[test]
    fn an_excuse_may_be_for_one_kind_of_event() {
        assert!(begins("socket: exe := parent_exe", "socket: exe :="));
        assert!(begins("socket: exe := parent_exe", "exe :="));
        assert!(!begins("file: exe := parent_exe", "socket: exe :="));
    }

    #[test]
    fn an_excuse_that_nothing_needs_fails_the_row() {
        assert_eq!(said(&["b: a one more", "fork: b"]), [""; 0]);
        let wrong = said(&["fork: b"]);
        assert_eq!(wrong, ["there is an excuse for nothing: a one "]);
    }

    #[test]
    fn a_bug_that_changes_nothing_is_covered_by_that_of_all_kinds() {
        let workload = Workload {
            family: "process".into(),
            name: "fork".into(),
        };
        let hunt = Hunt {
            caught: vec![("all: process.uid := 0".into(), workload)],
            survivors: Vec::new(),
            idle: vec!["all: process.sid := 0".into()],
        };
        assert!(is_shared("fork: process.uid := 0", &hunt));
        assert!(is_shared("fork: process.sid := 0", &hunt));
        assert!(!is_shared("all: process.sid := 0", &hunt));
        assert!(!is_shared("fork: flags := 0", &hunt));
    }
}

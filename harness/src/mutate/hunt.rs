//! Every bug against every workload, until one of them shows it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::bugs::{Bug, Fault, Slip, bugs};
use super::layout::{family_of, kind_of};
use super::scene::Scene;
use crate::normalize;
use crate::rows::Workload;

/// What came of a hunt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hunt {
    /// Bugs and the workload whose row turned red, in the order of the bugs.
    pub caught: Vec<(String, Workload)>,
    /// Bugs that no row shows.
    pub survivors: Vec<String>,
    /// Bugs that change no byte of any record.
    pub idle: Vec<String>,
}

/// What became of one bug.
enum Fate {
    Caught(usize),
    Survived,
    Idle,
}

/// Hunts all bugs, on this many threads. `is_known` tells whether a workload's
/// document is the known one; what fails by itself need not be asked.
pub fn hunt(
    scenes: &[Scene],
    threads: usize,
    is_known: &(dyn Fn(&Scene, &str) -> bool + Sync),
) -> Hunt {
    let bugs = all_bugs(scenes);
    let next = AtomicUsize::new(0);
    let fates: BTreeMap<usize, Fate> = thread::scope(|scope| {
        let work = || {
            let mut hunter = Hunter::new(scenes, is_known);
            let mut fates = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let Some(bug) = bugs.get(number) else {
                    return fates;
                };
                fates.push((number, hunter.fate(bug)));
            }
        };
        let workers: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(work)).collect();
        let join = |worker: thread::ScopedJoinHandle<'_, Vec<(usize, Fate)>>| {
            worker
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        workers.into_iter().flat_map(join).collect()
    });
    let mut hunt = Hunt::default();
    for (number, fate) in fates {
        let Some(bug) = bugs.get(number) else {
            continue;
        };
        let name = bug.name.clone();
        match fate {
            Fate::Caught(place) => {
                let workload = scenes.get(place).map(|scene| scene.workload.clone());
                hunt.caught
                    .extend(workload.map(|workload| (name, workload)));
            }
            Fate::Survived => hunt.survivors.push(name),
            Fate::Idle => hunt.idle.push(name),
        }
    }
    hunt
}

/// The bugs of the layout; every record dropped, doubled, and swapped with its
/// neighbour if that is of another kind.
fn all_bugs(scenes: &[Scene]) -> Vec<Bug> {
    let records: Vec<&[u8]> = scenes.iter().flat_map(Scene::records).collect();
    let mut bugs = bugs(&records);
    for (scene, of) in scenes.iter().enumerate() {
        let kinds: Vec<_> = of.records().map(kind_of).collect();
        let families: Vec<_> = of.records().map(family_of).collect();
        for (place, kind) in kinds.iter().enumerate() {
            // A document tells of its own family only.
            if families.get(place) != Some(&&*of.workload.family) {
                continue;
            }
            let mut add = |what: &str, slip: Slip| {
                bugs.push(Bug {
                    name: format!("{}: record {place} {what}", of.workload),
                    fault: Fault::Single { scene, place, slip },
                });
            };
            add("dropped", Slip::Dropped);
            add("doubled", Slip::Doubled);
            let is_same_family = families.get(place + 1) == families.get(place);
            if is_same_family && kinds.get(place + 1).is_some_and(|next| next != kind) {
                add("swapped with the next", Slip::Swapped);
            }
        }
    }
    bugs
}

/// One thread's work: it asks first the workloads that caught the last bugs.
struct Hunter<'a> {
    scenes: &'a [Scene],
    is_known: &'a (dyn Fn(&Scene, &str) -> bool + Sync),
    order: Vec<usize>,
}

impl<'a> Hunter<'a> {
    fn new(scenes: &'a [Scene], is_known: &'a (dyn Fn(&Scene, &str) -> bool + Sync)) -> Self {
        let mut order: Vec<usize> = (0..scenes.len()).collect();
        // The small ones are judged soonest.
        order.sort_by_key(|place| scenes.get(*place).map(Scene::size_bytes));
        Self {
            scenes,
            is_known,
            order,
        }
    }

    fn fate(&mut self, bug: &Bug) -> Fate {
        let mut idle = true;
        for rank in 0..self.order.len() {
            let place = self.order[rank];
            let Some(scene) = self.scenes.get(place) else {
                continue;
            };
            let Some(take) = scene.take_with(bug, place) else {
                continue;
            };
            idle = false;
            if !normalize::is_right(&take, |document| (self.is_known)(scene, document)) {
                self.order[..=rank].rotate_right(1);
                return Fate::Caught(place);
            }
        }
        if idle { Fate::Idle } else { Fate::Survived }
    }
}

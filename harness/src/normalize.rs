//! Normalisation: one run of one workload in, a stable document and a verdict out.
//!
//! Numbers that differ from run to run become labels that keep every identity;
//! what is left out of the document is checked before. The same document comes
//! from every kernel and from both hook flavours. It knows the events and the
//! workload's truth; it knows nothing of snapshots, kernels or VMs.

mod block;
mod checks;
mod document;
mod ends;
pub mod files;
mod identity;
pub mod names;
mod numbers;
mod raw;
pub mod schema;
mod socket_checks;
pub mod sockets;
mod take;
pub mod text;
mod tree;

pub use identity::Cast;
pub use numbers::numbering;
pub use take::{Entry, Take, takes, takes_of};
pub use text::quoted;

use trapline_sensors::Event;

use crate::recording::Status;
use crate::truth;
use tree::Tree;

/// What became of one take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// What the snapshot keeps.
    pub document: String,
    /// What is wrong whatever the snapshot says, each a sentence.
    pub failures: Vec<String>,
    /// How many events belong to the workload.
    pub events: usize,
    /// Events of processes outside the workload's tree, one line each.
    pub foreign: Vec<String>,
    /// Records that are missing by their numbers.
    pub lost: u64,
}

/// Judges one take: its events, and each of them as its lines of JSON.
pub fn judge(take: &Take) -> Judgement {
    let mut judgement = judge_events(take);
    judgement.failures.extend(schema::all_events(&take.entries));
    judgement
}

/// Whether nothing is wrong with a take and its document is known. The lines of JSON are
/// asked last: they take most of the time, and what is wrong mostly shows before.
pub fn is_right(take: &Take, is_known: impl FnOnce(&str) -> bool) -> bool {
    let judgement = judge_events(take);
    judgement.failures.is_empty()
        && is_known(&judgement.document)
        && schema::all_events(&take.entries).is_empty()
}

/// Judges one take but for its lines of JSON.
pub(crate) fn judge_events(take: &Take) -> Judgement {
    let mut tree = Tree::new(take.workload.root_tgid);
    let mut own: Vec<(usize, &Event)> = Vec::new();
    let mut entries: Vec<&Entry> = Vec::new();
    let mut foreign = Vec::new();
    let mut failures = Vec::new();
    let mut lost = 0u64;
    for (place, entry) in take.entries.iter().enumerate() {
        match entry {
            // Who belongs to the tree, processes tell; what a document is about,
            // its own family only.
            Entry::Event(event) => {
                let takes = tree.takes(event);
                if event.kind.family().name() != take.workload.family {
                    continue;
                }
                if !takes {
                    foreign.push(foreign_line(event));
                    continue;
                }
                own.push((place, event));
                entries.push(entry);
            }
            Entry::Lost { records, cpu, lane } => {
                lost = records.saturating_add(lost);
                failures.push(format!(
                    "{records} records of cpu {cpu} lane {lane} are lost"
                ));
                entries.push(entry);
            }
            Entry::Broken(what) => {
                failures.push(format!("record {place}: {what}"));
                entries.push(entry);
            }
        }
    }
    let events: Vec<&Event> = own.iter().map(|(_, event)| *event).collect();
    let cast = Cast::new(&events, take.workload.root_tgid);
    let failed = take.failed.iter();
    failures.extend(
        failed.map(|failed| format!("the guest could not {}: {}", failed.what, failed.error)),
    );
    failures.extend(checks::all_events(&take.entries, take.cpus));
    failures.extend(checks::own_events(&own, &cast, take.done.elapsed_ns));
    failures.extend(accounts(take));
    let verdict = truth::check(take, &events, &cast);
    failures.extend(verdict.failures.iter().cloned());
    let title = format!("{}::{}", take.workload.family, take.workload.name);
    let document = document::write(&document::Parts {
        title: &title,
        entries: &entries,
        cast: &cast,
        verdict: &verdict,
    });
    Judgement {
        document,
        failures,
        events: events.len(),
        foreign,
        lost,
    }
}

/// What the guest counted must agree with what came.
fn accounts(take: &Take) -> Vec<String> {
    let done = &take.done;
    let mut wrong = Vec::new();
    let lost = done
        .lost
        .values()
        .fold(0u64, |sum, lost| sum.saturating_add(*lost));
    if lost > 0 {
        wrong.push(format!("the guest counts losses: {:?}", done.lost));
    }
    if done.sent != done.received.saturating_add(lost) {
        wrong.push(format!(
            "sent {} is not received {} + lost {lost}",
            done.sent, done.received
        ));
    }
    let came = take
        .entries
        .iter()
        .filter(|entry| matches!(entry, Entry::Event(_)))
        .count();
    if came as u64 != done.received {
        wrong.push(format!(
            "the guest received {} records, {came} came",
            done.received
        ));
    }
    if done.status != Status::Exit(0) {
        wrong.push(format!("the workload did not succeed: {:?}", done.status));
    }
    wrong
}

fn foreign_line(event: &Event) -> String {
    format!(
        "{} of pid {} (parent {}), {}",
        event.kind.name(),
        event.process.tgid,
        event.parent.tgid,
        text::text(&event.exe)
    )
}

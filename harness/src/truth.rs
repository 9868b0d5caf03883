//! The workload's own word against the events, by value and before any label.
//!
//! Every fact must have exactly one event that agrees with it, and every event
//! of the workload's tree exactly one fact. Only the birth of the root process,
//! which capture brings about before the workload can speak, needs no fact.

mod compare;
mod fact;
mod files;
mod sockets;

pub use fact::{Ended, Exec, ExecFailed, Exit, Fact, File, Fork, Namespaces, Standing};
pub use sockets::Socket;

use std::collections::{BTreeMap, VecDeque};

use trapline_sensors::{Event, Kind};

use crate::normalize::sockets::{fact_line as socket_fact, is_flow_end};
use crate::normalize::{Cast, Take};
use compare::Differences;
use sockets::Identities;

/// What came of the comparison.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Every fact and the place of the event that shows it.
    pub facts: Vec<(Fact, Option<usize>)>,
    /// Every disagreement, as a sentence.
    pub failures: Vec<String>,
    /// How many events there are.
    pub events: usize,
}

impl Verdict {
    /// The facts in the order of their events; those without one come first.
    ///
    /// Two processes may speak at the same time, so the order in which the
    /// facts came is not stable.
    pub fn in_order(&self) -> Vec<(&Fact, Option<usize>)> {
        let mut facts: Vec<_> = self
            .facts
            .iter()
            .filter(|(fact, _)| *fact != Fact::Ready)
            .map(|(fact, event)| (fact, *event))
            .collect();
        facts.sort_by_key(|(_, event)| *event);
        facts
    }

    /// The document's last line.
    pub fn summary(&self) -> String {
        let facts = self.in_order().len();
        if self.failures.is_empty() {
            format!(
                "All {facts} facts have their event; {} events in all.",
                self.events
            )
        } else {
            format!("{} disagreements.", self.failures.len())
        }
    }
}

/// Where events of one process and sort wait for their facts, in order.
type Waiting = BTreeMap<(u32, Sort), VecDeque<usize>>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Sort {
    Fork,
    Exec,
    ExecFailed,
    Exit,
    File,
    Socket,
    FlowEnd,
}

/// Compares the truth of a take with the events of its tree.
pub fn check(take: &Take, events: &[&Event], cast: &Cast) -> Verdict {
    let mut verdict = Verdict {
        events: events.len(),
        ..Verdict::default()
    };
    let mut waiting = Waiting::new();
    for (place, event) in events.iter().enumerate() {
        let sort = match &event.kind {
            Kind::Fork(_) => Sort::Fork,
            Kind::Exec(exec) if exec.error == 0 => Sort::Exec,
            Kind::Exec(_) => Sort::ExecFailed,
            Kind::File(_) => Sort::File,
            Kind::Socket(socket) if is_flow_end(socket) => Sort::FlowEnd,
            Kind::Socket(_) => Sort::Socket,
            _ => Sort::Exit,
        };
        waiting
            .entry((event.process.tgid, sort))
            .or_default()
            .push_back(place);
    }
    verdict
        .failures
        .extend(birth_of_root(take, events, &mut waiting));
    let mut latest = BTreeMap::new();
    let mut identities = Identities::default();
    for fact in facts(take, &mut verdict.failures) {
        let place = matched(&fact, events, &mut waiting);
        match place {
            Some(place) => {
                let pid = fact.pid().unwrap_or_default();
                let label = cast.pid(pid);
                // What one process does, it says in that order; only its fork
                // is said by another, maybe while it already speaks, and the ends
                // of its flows are found later.
                let is_ordered = !matches!(fact, Fact::Fork(_)) && !fact.is_flow_end();
                let before = is_ordered.then(|| latest.insert(pid, place)).flatten();
                if before.is_some_and(|before| before > place) {
                    let which = place + 1;
                    verdict
                        .failures
                        .push(format!("event {which} of {label} comes too early"));
                }
                let about = format!(
                    "{} of {label} (event {})",
                    events[place].kind.name(),
                    place + 1
                );
                let mut found = differences(&fact, events[place]);
                if let (Fact::Socket(truth), Kind::Socket(kind)) = (&fact, &events[place].kind) {
                    found.extend(identities.see(kind, truth));
                }
                verdict
                    .failures
                    .extend(found.iter().map(|what| format!("{about}: {what}")));
            }
            None if fact == Fact::Ready => {}
            None => verdict
                .failures
                .push(format!("no event shows that {}", said(&fact, cast))),
        }
        verdict.facts.push((fact, place));
    }
    for ((tgid, _), places) in waiting {
        for place in places {
            verdict.failures.push(format!(
                "event {} ({} of {}) is of something that the workload did not do",
                place + 1,
                events[place].kind.name(),
                cast.pid(tgid)
            ));
        }
    }
    verdict
}

fn facts(take: &Take, failures: &mut Vec<String>) -> Vec<Fact> {
    let mut facts = Vec::new();
    for fact in &take.truth {
        match Fact::read(fact) {
            // How its processes come and go is not what another family is about.
            Ok(fact) if fact != Fact::Ready && fact.family() != take.workload.family => {}
            Ok(fact) => facts.push(fact),
            Err(error) => failures.push(error),
        }
    }
    facts
}

/// Capture makes the root process by one fork and one exec; their events come
/// both or, if capture began to listen after them, not at all.
fn birth_of_root(take: &Take, events: &[&Event], waiting: &mut Waiting) -> Vec<String> {
    let root = take.workload.root_tgid;
    let fork = waiting
        .get_mut(&(root, Sort::Fork))
        .and_then(VecDeque::pop_front);
    let is_start = |exec: &trapline_sensors::event::Exec| {
        let words: Vec<&[u8]> = exec.argv.list.iter().map(Vec::as_slice).collect();
        let [_, rest @ ..] = words.as_slice() else {
            return false;
        };
        let named = [
            &b"workload"[..],
            take.workload.family.as_bytes(),
            take.workload.name.as_bytes(),
        ];
        rest.starts_with(&named) && exec.error == 0
    };
    let first = waiting
        .get(&(root, Sort::Exec))
        .and_then(|places| places.front().copied());
    let exec = first.filter(|place| match &events[*place].kind {
        Kind::Exec(exec) => is_start(exec),
        _ => false,
    });
    if exec.is_some() {
        waiting
            .get_mut(&(root, Sort::Exec))
            .and_then(VecDeque::pop_front);
    }
    match (fork, exec) {
        (Some(_), None) => vec!["the root process is forked but never executed".to_owned()],
        (None, Some(_)) => vec!["the root process is executed but never forked".to_owned()],
        (Some(fork), Some(exec)) if fork > exec => {
            vec!["the root process is executed before it is forked".to_owned()]
        }
        _ => Vec::new(),
    }
}

fn matched(fact: &Fact, events: &[&Event], waiting: &mut Waiting) -> Option<usize> {
    let sort = match fact {
        Fact::Ready => return None,
        Fact::Fork(_) => Sort::Fork,
        Fact::Exec(_) => Sort::Exec,
        Fact::ExecFailed(_) => Sort::ExecFailed,
        Fact::Exit(_) => Sort::Exit,
        Fact::File(_) => Sort::File,
        Fact::Socket(_) if fact.is_flow_end() => Sort::FlowEnd,
        Fact::Socket(_) => Sort::Socket,
    };
    let places = waiting.get_mut(&(fact.pid()?, sort))?;
    let at = match fact {
        Fact::Socket(truth) if sort == Sort::FlowEnd => {
            let is_same = |place: &usize| sockets::is_same_flow(events[*place], truth);
            places.iter().position(is_same).unwrap_or(0)
        }
        _ => 0,
    };
    places.remove(at)
}

fn differences(fact: &Fact, event: &Event) -> Vec<String> {
    let Differences(found) = match (fact, &event.kind) {
        (Fact::Fork(truth), Kind::Fork(kind)) => compare::fork(event, kind, truth),
        (Fact::Exec(truth), Kind::Exec(kind)) => compare::exec(event, kind, truth),
        (Fact::ExecFailed(truth), Kind::Exec(kind)) => compare::exec_failed(event, kind, truth),
        (Fact::Exit(truth), Kind::Exit(kind)) => compare::exit(event, kind, truth),
        (Fact::File(truth), Kind::File(kind)) => files::file(kind, truth),
        (Fact::Socket(truth), Kind::Socket(kind)) => sockets::socket(event, kind, truth),
        _ => Differences(vec!["it is of another kind than the fact".to_owned()]),
    };
    found
}

fn said(fact: &Fact, cast: &Cast) -> String {
    let who = cast.pid(fact.pid().unwrap_or_default());
    match fact {
        Fact::Ready => "the workload is ready".to_owned(),
        Fact::Fork(fork) => format!("{} makes {who}", cast.pid(fork.caller)),
        Fact::Exec(exec) => format!("{who} becomes {:?}", exec.filename),
        Fact::ExecFailed(exec) => format!("{who} cannot become {:?}", exec.filename),
        Fact::Exit(exit) => format!("{who} ends: {}", exit.status),
        Fact::File(file) => format!("{who}: {file}"),
        Fact::Socket(socket) => format!("{who}: {}", socket_fact(socket, cast)),
    }
}

//! What must hold of the numbers that the document does not show.

use std::collections::{BTreeMap, BTreeSet};

use trapline_sensors::abi::{self, Process};
use trapline_sensors::{Event, Kind};

use super::Entry;
use super::identity::{Cast, acting_thread};
use super::socket_checks;
use super::sockets::{is_by_owner, is_flow_end};

/// The sensor mixes the tgid into the start time from this bit on.
pub const PROCESS_ID_TGID_SHIFT: u32 = 42;
/// A fork is reported when it happens, whatever else the machine does.
const FORK_LATE_NS: u64 = 10_000_000_000;
/// How much longer than its workload a stream may be: the fork and exec of the
/// root come before the clock starts.
const SPAN_SLACK_NS: u64 = 10_000_000_000;
/// How far the numbers of a workload's threads may be from their leader's.
const THREADS_MOST: u32 = 64;
/// More than any configuration of the sensors has.
const LANES_MOST: u32 = 8;

/// Checks every event, also foreign ones; each line names the event by its place.
pub fn all_events(entries: &[Entry], cpus: u32) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut lanes: BTreeMap<(u32, u32), u64> = BTreeMap::new();
    let mut latest: BTreeMap<u64, u64> = BTreeMap::new();
    let mut ended: BTreeSet<u64> = BTreeSet::new();
    for (place, event) in events(entries) {
        let mut say = |what: String| wrong.push(format!("record {place}: {what}"));
        if !is_right_cpu(event, cpus) {
            say(format!("cpu {} of {cpus}", event.cpu));
        }
        if event.lane >= LANES_MOST {
            say(format!("lane {}, there are never so many", event.lane));
        }
        let last = lanes.entry((event.cpu, event.lane)).or_default();
        if event.time_ns < *last {
            say(format!(
                "time_ns {} is before that of the record before it in its lane, {last}",
                event.time_ns
            ));
        }
        *last = event.time_ns;
        // What a socket's owner stands for, he does not do, and maybe on another CPU.
        if !is_by_owner(event) {
            let last = latest.entry(event.process.process_id).or_default();
            if event.time_ns < *last {
                say(format!(
                    "time_ns {} is before that of the same process's last event, {last}",
                    event.time_ns
                ));
            }
            *last = event.time_ns;
            // Its files are closed by then, and that is told before.
            if ended.contains(&event.process.process_id) {
                let what = event.kind.name();
                say(format!("{what} of a process whose exit has been told"));
            }
        }
        if matches!(event.kind, Kind::Exit(_)) {
            ended.insert(event.process.process_id);
        }
        for problem in one_event(event) {
            say(problem);
        }
    }
    // The sensor takes the first lane that is free, so none is used alone.
    for (cpu, lane) in lanes.keys().filter(|(_, lane)| *lane > 0) {
        if !lanes.contains_key(&(*cpu, lane - 1)) {
            wrong.push(format!(
                "cpu {cpu} used lane {lane}, never lane {}",
                lane - 1
            ));
        }
    }
    wrong
}

/// The reader adds the ends of flows, and nothing else.
fn is_right_cpu(event: &Event, cpus: u32) -> bool {
    match &event.kind {
        Kind::Socket(socket) if is_flow_end(socket) => event.cpu == abi::CPU_READER,
        _ => event.cpu < cpus,
    }
}

fn events(entries: &[Entry]) -> impl Iterator<Item = (usize, &Event)> {
    entries
        .iter()
        .enumerate()
        .filter_map(|(place, entry)| match entry {
            Entry::Event(event) => Some((place, event.as_ref())),
            _ => None,
        })
}

fn one_event(event: &Event) -> Vec<String> {
    let mut wrong = Vec::new();
    for (role, process) in [("process", &event.process), ("parent", &event.parent)] {
        let expected = process.start_time_ns ^ u64::from(process.tgid) << PROCESS_ID_TGID_SHIFT;
        if process.process_id != expected {
            wrong.push(format!(
                "{role}: process_id {:#x}, start time and tgid make {expected:#x}",
                process.process_id
            ));
        }
        if process.start_time_ns > event.time_ns {
            wrong.push(format!(
                "{role}: start_time_ns {} is after time_ns {}",
                process.start_time_ns, event.time_ns
            ));
        }
        if !is_pid(process.tid) && process.tgid != 0 {
            wrong.push(format!("{role}: tid {} is none", process.tid));
        }
    }
    // Where the document shows the leader instead, the thread must still be one.
    let tid = event.process.tid;
    let most = event.process.tgid.saturating_add(THREADS_MOST);
    if acting_thread(event, &event.process) != tid && !(event.process.tgid..most).contains(&tid) {
        wrong.push(format!("tid {tid} is no thread of {}", event.process.tgid));
    }
    if event.process.start_time_ns < event.parent.start_time_ns {
        wrong.push(format!(
            "it started at {}, its parent at {}",
            event.process.start_time_ns, event.parent.start_time_ns
        ));
    }
    if let Kind::Socket(socket) = &event.kind {
        wrong.extend(socket_checks::one_event(event, socket));
    }
    if let Kind::Fork(fork) = &event.kind {
        let tgid = u64::from(fork.creator_tgid);
        let creator_start_ns = fork.creator_id ^ tgid << PROCESS_ID_TGID_SHIFT;
        if creator_start_ns > event.process.start_time_ns {
            wrong.push(format!(
                "creator_id {:#x} and creator_tgid {tgid} make a start after the child's",
                fork.creator_id
            ));
        }
        if !is_pid(fork.creator_tid) {
            wrong.push(format!("creator_tid {} is none", fork.creator_tid));
        }
        let late_ns = event.time_ns.saturating_sub(event.process.start_time_ns);
        if late_ns > FORK_LATE_NS {
            wrong.push(format!("reported {late_ns} ns after the start"));
        }
    }
    wrong
}

/// Whether a process or thread can have this number.
fn is_pid(number: u32) -> bool {
    /// The kernel's PID_MAX_LIMIT.
    const MOST: u32 = 1 << 22;
    (1..=MOST).contains(&number)
}

/// Checks the events of the workload's own tree.
pub fn own_events(events: &[(usize, &Event)], cast: &Cast, elapsed_ns: u64) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut starts: BTreeMap<u32, u64> = BTreeMap::new();
    for (place, event) in events {
        let named = [&event.process, &event.parent].map(|it| (it.process_id, it.tgid));
        let owner = match &event.kind {
            Kind::Socket(socket) => socket.owner,
            _ => None,
        };
        for (process_id, tgid) in named.into_iter().chain(owner) {
            let first = *starts.entry(tgid).or_insert(process_id);
            if first != process_id {
                wrong.push(format!(
                    "record {place}: tgid {tgid} has process_id {process_id:#x}, before it was {first:#x}"
                ));
            }
        }
        for process in [&event.process, &event.parent] {
            wrong.extend(
                namespaced_pid(process, cast).map(|what| format!("record {place}: {what}")),
            );
        }
    }
    wrong.extend(socket_checks::own_events(events));
    let times = || events.iter().map(|(_, event)| event.time_ns);
    let span_ns = times().max().unwrap_or(0) - times().min().unwrap_or(0);
    if span_ns > elapsed_ns.saturating_add(SPAN_SLACK_NS) {
        wrong.push(format!(
            "the events span {span_ns} ns, the workload took {elapsed_ns} ns"
        ));
    }
    wrong
}

fn namespaced_pid(process: &Process, cast: &Cast) -> Option<String> {
    let initial = cast.is_initial_pid_ns(process.pid_ns);
    if initial && process.ns_tgid != process.tgid {
        return Some(format!(
            "ns_tgid {} in the initial pid namespace, tgid is {}",
            process.ns_tgid, process.tgid
        ));
    }
    None
}

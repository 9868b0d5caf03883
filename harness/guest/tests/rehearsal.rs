//! All workloads, run natively through capture without sensors: they need root, and nothing else.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use serde_json::Value;

/// Those whose workloads do the same on any machine; files and mounts are of the guest.
const FAMILIES: [&str; 2] = ["process ", "network "];
const WORKLOAD: u16 = 3;
const TRUTH: u16 = 5;
const DONE: u16 = 6;
const FAILURE: u16 = 8;
const UNLOADED: u16 = 10;

/// The JSON frames of a file: kind and payload.
fn frames(bytes: &[u8]) -> Vec<(u16, Value)> {
    let mut found = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        assert_eq!(&rest[..4], b"TLF1");
        let length = u32::from_le_bytes(rest[4..8].try_into().unwrap()) as usize;
        let kind = u16::from_le_bytes(rest[12..14].try_into().unwrap());
        found.push((
            kind,
            serde_json::from_slice(&rest[16..16 + length]).unwrap(),
        ));
        rest = &rest[20 + length..];
    }
    found
}

/// Runs it under this command prefix and returns each workload's frames, by family and name.
fn rehearse(prefix: &[&str], name: &str) -> BTreeMap<String, Vec<(u16, Value)>> {
    let file = format!("{}/{name}.frames", env!("CARGO_TARGET_TMPDIR"));
    let guest = env!("CARGO_BIN_EXE_trapline-guest");
    let words: Vec<&str> = prefix
        .iter()
        .copied()
        .chain([guest, "rehearse", &file])
        .collect();
    let status = Command::new(words[0]).args(&words[1..]).status().unwrap();
    assert!(status.success(), "{words:?}: {status}");
    let mut found: BTreeMap<String, Vec<(u16, Value)>> = BTreeMap::new();
    let mut current = String::new();
    for (kind, payload) in frames(&fs::read(&file).unwrap()) {
        if kind == WORKLOAD {
            let [family, name] = ["family", "name"].map(|key| payload[key].as_str().unwrap());
            current = format!("{family} {name}");
        } else if kind == UNLOADED {
            current.clear();
        }
        found
            .entry(current.clone())
            .or_default()
            .push((kind, payload));
    }
    found
}

/// Numbers of one kind by first appearance: what two runs must have in common.
#[derive(Default)]
struct Labels(BTreeMap<i64, usize>);

impl Labels {
    /// Puts its label in a number's place; numbers below `first` name nothing.
    fn put(&mut self, number: Option<&mut Value>, first: i64) {
        let Some(number) = number else { return };
        if let Some(known) = number.as_i64().filter(|known| *known >= first) {
            let next = self.0.len();
            *number = Value::from(format!("#{}", self.0.entry(known).or_insert(next)));
        }
    }
}

/// The facts with pids, cookies and namespaces labelled, each kind by itself: on a machine
/// just started a cookie can be the number of a process, and be 1.
fn labelled(frames: &[(u16, Value)]) -> Vec<Value> {
    const PROCESSES: [&str; 8] = [
        "pid",
        "tid",
        "parent",
        "child",
        "caller",
        "caller_tid",
        "ppid",
        "owner",
    ];
    let [mut processes, mut cookies, mut spaces, mut fds, mut groups] =
        std::array::from_fn(|_| Labels::default());
    let truths = frames.iter().filter(|(kind, _)| *kind == TRUTH);
    truths
        .map(|(_, fact)| {
            let mut fact = fact.clone();
            // When it was differs from run to run.
            for key in ["first_ns", "last_ns"] {
                fact.as_object_mut().and_then(|fact| fact.remove(key));
            }
            for key in PROCESSES {
                processes.put(fact.get_mut(key), 2);
            }
            for key in ["pgid", "sid", "nspid"] {
                let list = fact.get_mut(key).and_then(Value::as_array_mut);
                processes.put(list.and_then(|list| list.first_mut()), 2);
            }
            for key in ["cookie", "late_cookie"] {
                cookies.put(fact.get_mut(key), 1);
            }
            spaces.put(fact.get_mut("net_ns"), 2);
            let inodes = fact.get_mut("ns").and_then(Value::as_object_mut);
            for (_, inode) in inodes.into_iter().flatten() {
                spaces.put(Some(inode), 2);
            }
            fds.put(fact.get_mut("fd"), 2);
            for key in ["standing", "parent_standing"] {
                let group = fact.get_mut(key).and_then(|it| it.get_mut("cgroup"));
                groups.put(group, 2);
            }
            fact
        })
        .collect()
}

#[test]
fn every_workload_does_what_it_is_for_in_the_same_order_on_one_cpu_and_on_all() {
    let listed: Vec<&str> = include_str!("../workloads.txt")
        .lines()
        .filter(|line| FAMILIES.iter().any(|family| line.starts_with(family)))
        .collect();
    let first = rehearse(&["env"], "all-cpus");
    let second = rehearse(&["taskset", "1"], "one-cpu");
    for name in listed {
        let (one, other) = (&first[name], &second[name]);
        for (kind, payload) in one.iter().chain(other) {
            assert_ne!(*kind, FAILURE, "{name}: {payload}");
        }
        let (kind, done) = one.last().unwrap();
        assert_eq!(
            (*kind, &done["status"]),
            (DONE, &serde_json::json!({"exit": 0})),
            "{name}"
        );
        let (facts, others) = (labelled(one), labelled(other));
        for (number, (fact, other)) in facts.iter().zip(&others).enumerate() {
            assert_eq!(fact, other, "{name}, fact {number}");
        }
        assert_eq!(
            facts.len(),
            others.len(),
            "{name}: facts on all CPUs, on one"
        );
        // A begin and an end of at least one child, and the root's end; or of a socket.
        let least = if name == "network loopback" { 0 } else { 3 };
        assert!(facts.len() >= least, "{name}: {facts:?}");
    }
}

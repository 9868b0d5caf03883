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

/// Pids and namespaces by first appearance: what two runs must have in common.
fn labelled(frames: &[(u16, Value)]) -> Vec<Value> {
    let mut labels: BTreeMap<i64, usize> = BTreeMap::new();
    let mut label = |number: &mut Value| {
        if let Some(known) = number.as_i64().filter(|known| *known > 1) {
            let next = labels.len();
            *number = Value::from(format!("#{}", labels.entry(known).or_insert(next)));
        }
    };
    let truths = frames.iter().filter(|(kind, _)| *kind == TRUTH);
    truths
        .map(|(_, fact)| {
            let mut fact = fact.clone();
            for key in [
                "pid",
                "tid",
                "parent",
                "child",
                "caller",
                "caller_tid",
                "ppid",
                "fd",
                "owner",
                "cookie",
                "late_cookie",
                "net_ns",
            ] {
                fact.get_mut(key).map(&mut label);
            }
            for key in ["standing", "parent_standing"] {
                let group = fact.get_mut(key).and_then(|it| it.get_mut("cgroup"));
                group.map(&mut label);
            }
            for key in ["pgid", "sid", "nspid"] {
                let list = fact.get_mut(key).and_then(Value::as_array_mut);
                list.into_iter().flatten().take(1).for_each(&mut label);
            }
            let spaces = fact.get_mut("ns").and_then(Value::as_object_mut);
            spaces
                .into_iter()
                .flatten()
                .for_each(|(_, inode)| label(inode));
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
        let facts = labelled(one);
        assert_eq!(facts, labelled(other), "{name}");
        // A begin and an end of at least one child, and the root's end; or of a socket.
        let least = if name == "network loopback" { 0 } else { 3 };
        assert!(facts.len() >= least, "{name}: {facts:?}");
    }
}

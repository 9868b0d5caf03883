//! The judges are judged: every small change to a recording must be noticed.
//!
//! Each mutant is the sample recording with one record dropped, doubled or
//! swapped, one field changed, one byte of a text changed, or one fact missing.
//! Those that no judge could notice are listed with the reason.

mod sample;

use serde_json::Value;
use trapline_harness::mutate::{self, Edit, kind_of, layouts};
use trapline_harness::normalize::{Judgement, judge, takes_of};
use trapline_harness::recording::{Hello, Recording};

const CPUS: u32 = 1;
/// The sample's record of a process outside the workload's tree.
const FOREIGN: usize = 5;

fn judged(records: &[Vec<u8>], facts: &[Value]) -> Judgement {
    let frames = sample::frames(records, facts);
    let takes = takes_of(&frames, CPUS);
    assert_eq!(takes.len(), 1);
    judge(&takes[0])
}

/// One changed recording.
struct Mutant {
    what: String,
    records: Vec<Vec<u8>>,
    facts: Vec<Value>,
}

#[test]
fn the_sample_itself_is_right() {
    let (records, facts) = sample::story();
    let judgement = judged(&records, &facts);
    assert_eq!(
        judgement.failures,
        Vec::<String>::new(),
        "{}",
        judgement.document
    );
    assert_eq!(judgement.events, 9);
    assert_eq!(judgement.foreign.len(), 1);
    let kept = include_str!("data/story.txt");
    assert!(
        judgement.document == kept,
        "not tests/data/story.txt:\n{}",
        judgement.document
    );
}

#[test]
fn every_mutant_that_can_be_noticed_is_noticed() {
    let (records, facts) = sample::story();
    let right = judged(&records, &facts);
    let mutants = mutants(&records, &facts);
    let survivors: Vec<&str> = mutants
        .iter()
        .filter(|mutant| {
            let judgement = judged(&mutant.records, &mutant.facts);
            judgement.failures.is_empty() && judgement.document == right.document
        })
        .map(|mutant| mutant.what.as_str())
        .collect();
    let unexpected: Vec<_> = survivors
        .iter()
        .filter(|what| !cannot_be_noticed(what))
        .collect();
    println!("{} of {} mutants survive", survivors.len(), mutants.len());
    assert!(
        unexpected.is_empty(),
        "of {} mutants these survive:\n{unexpected:#?}",
        mutants.len()
    );
    assert!(
        survivors.len() * 100 < mutants.len(),
        "{} survivors",
        survivors.len()
    );
    assert!(mutants.len() > 1500, "only {} mutants", mutants.len());
}

/// What no judge could notice, because it is as good as the original.
fn cannot_be_noticed(what: &str) -> bool {
    let by_one = what.ends_with("one more") || what.ends_with("one less");
    // A nanosecond more or less: no clock is known that well.
    let time = what.contains("header.time_ns");
    // Which of several threads goes last when a signal ends them all: chance.
    let thread = what.starts_with("record 8 process.tid");
    by_one && (time || thread)
}

fn mutants(records: &[Vec<u8>], facts: &[Value]) -> Vec<Mutant> {
    let mut mutants = Vec::new();
    let mut add = |what: String, records: Vec<Vec<u8>>, facts: Vec<Value>| {
        mutants.push(Mutant {
            what,
            records,
            facts,
        });
    };
    for place in 0..records.len() {
        let whole = |what: &str| format!("event at {place} {what}");
        let mut without = records.to_vec();
        without.remove(place);
        add(whole("dropped"), without, facts.to_vec());
        let mut twice = records.to_vec();
        twice.insert(place, records[place].clone());
        add(whole("doubled"), twice, facts.to_vec());
        for other in place + 1..records.len() {
            let mut swapped = records.to_vec();
            swapped.swap(place, other);
            add(
                whole(&format!("swapped with {other}")),
                swapped,
                facts.to_vec(),
            );
        }
        for (what, record) in changed(&records[place]) {
            // What a foreign process does is none of the workload's business.
            if place == FOREIGN && !what.starts_with("header.") {
                continue;
            }
            let mut mutated = records.to_vec();
            mutated[place] = record;
            add(format!("record {place} {what}"), mutated, facts.to_vec());
        }
    }
    // Fact 0 only says that the workload is ready.
    for place in 1..facts.len() {
        let mut without = facts.to_vec();
        without.remove(place);
        add(format!("fact {place} dropped"), records.to_vec(), without);
        let mut twice = facts.to_vec();
        twice.insert(place, facts[place].clone());
        add(format!("fact {place} doubled"), records.to_vec(), twice);
    }
    mutants
}

/// A record with one thing changed, in every way.
fn changed(record: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    let layout = layouts()
        .into_iter()
        .find(|layout| Some(layout.kind) == kind_of(record))
        .expect("a kind of event.h");
    for field in &layout.fields {
        for (way, value) in mutate::Value::usual(field.at.len()) {
            let at = field.at.clone();
            let mutated = Edit::Number { at, value }.apply(record);
            if mutated != record {
                all.push((format!("{} {way}", field.name), mutated));
            }
        }
    }
    for at in layout.fixed_bytes..record.len() {
        let mut mutated = record.to_vec();
        mutated[at] ^= 1;
        all.push((format!("text byte {at} flipped"), mutated));
    }
    all
}

#[test]
fn the_hunt_finds_what_turns_the_sample_red_and_what_does_not() {
    let (records, facts) = sample::story();
    let right = judged(&records, &facts).document;
    let recording = Recording {
        hello: Hello {
            nonce: String::new(),
            release: String::new(),
            machine: String::new(),
            version: String::new(),
            cpus: CPUS,
            btf_sha256: String::new(),
        },
        frames: sample::frames(&records, &facts),
    };
    let scenes = mutate::scenes(&recording, "fentry");
    let hunt = mutate::hunt(&scenes, 2, &|_, document| document == right);
    assert!(hunt.caught.len() > 4000, "{}", hunt.caught.len());
    let survives = |name: &str| hunt.survivors.iter().any(|survivor| survivor == name);
    assert!(survives("all: header.time_ns one more"));
    assert!(!survives("all: process.uid := process.euid"));
    // Nobody has logged in, so a sensor that is stuck there says nothing wrong.
    assert!(
        hunt.idle
            .iter()
            .any(|name| name == "all: process.login_uid stuck")
    );
    // A judge that looks at nothing but its own checks must let some through.
    let blind = mutate::hunt(&scenes, 1, &|_, _| true);
    assert!(blind.survivors.len() > hunt.survivors.len() + 100);
}

#[test]
fn a_lost_record_shows_as_lost() {
    let (mut records, facts) = sample::story();
    records.remove(3);
    let judgement = judged(&records, &facts);
    assert_eq!(judgement.lost, 1);
    assert!(
        judgement.document.contains("LOST 1"),
        "{}",
        judgement.document
    );
    assert!(
        judgement
            .failures
            .iter()
            .any(|what| what.contains("no event shows that P2 cannot become"))
    );
}

#[test]
fn records_that_are_noise_are_failures_and_never_panics() {
    let (records, facts) = sample::story();
    let mut seed = 1u64;
    let mut random = || {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize
    };
    for _ in 0..3000 {
        let mut noisy = records.clone();
        let place = random() % noisy.len();
        for _ in 0..1 + random() % 8 {
            let at = random() % noisy[place].len();
            noisy[place][at] = random() as u8;
        }
        let kept_bytes = random() % (noisy[place].len() * 2);
        noisy[place].truncate(kept_bytes);
        let judgement = judged(&noisy, &facts);
        assert!(!judgement.document.is_empty());
    }
    let judgement = judged(&[vec![], vec![0; 3], vec![0xff; 4000]], &facts);
    assert!(judgement.failures.len() > 3);
}

#[test]
fn a_fact_with_an_unknown_key_is_a_failure() {
    let (records, mut facts) = sample::story();
    facts[1]["colour"] = "red".into();
    let judgement = judged(&records, &facts);
    assert!(
        judgement
            .failures
            .iter()
            .any(|what| what.contains("something unknown"))
    );
}

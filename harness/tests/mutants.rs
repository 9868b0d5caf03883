//! The judges are judged: every small change to a recording must be noticed.
//!
//! Each mutant is the sample recording with one record dropped, doubled or
//! swapped, one field changed, one byte of a text changed, or one fact missing.
//! Those that no judge could notice are listed with the reason.

mod sample;

use sample::{Story, process, sockets};
use serde_json::Value;
use trapline_harness::mutate::{self, Edit, layouts, structure_of};

use trapline_harness::normalize::{Judgement, Take, is_right, judge, takes_of};
use trapline_harness::recording::{Hello, Recording};
use trapline_harness::report::events::Events;

const CPUS: u32 = 1;

fn take(story: &Story) -> Take {
    let mut takes = takes_of(&story.frames(), CPUS);
    assert_eq!(takes.len(), 1);
    takes.remove(0)
}

fn judged(story: &Story) -> Judgement {
    judge(&take(story))
}

/// One changed recording.
struct Mutant {
    what: String,
    story: Story,
}

/// The judgement of a sample that must be right, and have this document.
fn right(story: &Story, kept: &str) -> Judgement {
    let judgement = judged(story);
    assert_eq!(
        judgement.failures,
        Vec::<String>::new(),
        "{}",
        judgement.document
    );
    assert!(
        judgement.document == kept,
        "not tests/data/:\n{}",
        judgement.document
    );
    judgement
}

#[test]
fn the_samples_themselves_are_right() {
    let judgement = right(&process::story(), include_str!("data/story.txt"));
    assert_eq!(judgement.events, 9);
    assert_eq!(judgement.foreign.len(), 1);
    let judgement = right(&sockets::story(), include_str!("data/sockets.txt"));
    assert_eq!((judgement.events, judgement.foreign.len()), (15, 0));
}

#[test]
fn every_mutant_that_can_be_noticed_is_noticed() {
    // What a foreign process does is none of the workload's business.
    hunt_all(&process::story(), Some(process::FOREIGN), |what| {
        // A nanosecond more or less: no clock is known that well.
        let time = what.contains("header.time_ns");
        // Which of several threads goes last when a signal ends them all: chance.
        let thread = what.starts_with("record 8 process.tid");
        is_by_one(what) && (time || thread)
    });
}

#[test]
fn every_mutant_of_a_socket_event_that_can_be_noticed_is_noticed() {
    hunt_all(&sockets::story(), None, |what| {
        let time = what.contains("header.time_ns") && is_by_one(what);
        // How many segments bytes make is TCP's business; nothing but one more comes before the
        // last event of a socket.
        let segments = what.contains("_packets") && !what.contains(":= 0");
        time || segments
    });
}

/// No document tells of a foreign process, so that some of what may be wrong with its event is
/// shown by the lines of JSON alone.
#[test]
fn what_only_the_lines_of_json_show_is_noticed() {
    let story = process::story();
    let right = judged(&story);
    let mut shown_by_lines = 0;
    for (what, record) in changed(&story.records[process::FOREIGN]) {
        let mut records = story.records.clone();
        records[process::FOREIGN] = record;
        let take = take(&story.with(records));
        let Judgement {
            document, failures, ..
        } = judge(&take);
        let is_of_lines = |failure: &String| failure.contains("the schema of");
        if failures.is_empty() || document != right.document || !failures.iter().all(is_of_lines) {
            continue;
        }
        shown_by_lines += 1;
        assert!(
            !is_right(&take, |document| document == right.document),
            "{what}: {failures:#?}"
        );
    }
    assert!(shown_by_lines > 0, "no change is shown by the lines alone");
}

fn is_by_one(what: &str) -> bool {
    what.ends_with("one more") || what.ends_with("one less")
}

fn hunt_all(story: &Story, foreign: Option<usize>, cannot_be_noticed: impl Fn(&str) -> bool) {
    let right = judged(story);
    let mutants = mutants(story, foreign);
    let survives =
        |mutant: &&Mutant| is_right(&take(&mutant.story), |document| document == right.document);
    let survivors = mutants.iter().filter(survives);
    let survivors: Vec<&str> = survivors.map(|mutant| mutant.what.as_str()).collect();
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

fn mutants(story: &Story, foreign: Option<usize>) -> Vec<Mutant> {
    let mut mutants = Vec::new();
    let Story { records, facts, .. } = story;
    let mut add = |what: String, story: Story| mutants.push(Mutant { what, story });
    for place in 0..records.len() {
        let whole = |what: &str| format!("event at {place} {what}");
        let mut without = records.clone();
        without.remove(place);
        add(whole("dropped"), story.with(without));
        let mut twice = records.clone();
        twice.insert(place, records[place].clone());
        add(whole("doubled"), story.with(twice));
        for other in place + 1..records.len() {
            let mut swapped = records.clone();
            swapped.swap(place, other);
            add(whole(&format!("swapped with {other}")), story.with(swapped));
        }
        for (what, record) in changed(&records[place]) {
            if Some(place) == foreign && !what.starts_with("header.") {
                continue;
            }
            let mut mutated = records.clone();
            mutated[place] = record;
            add(format!("record {place} {what}"), story.with(mutated));
        }
    }
    let mut add = |what: String, facts: Vec<Value>| {
        let story = story.saying(facts);
        mutants.push(Mutant { what, story });
    };
    for (place, fact) in facts.iter().enumerate() {
        // That it is ready is no event.
        if fact["what"] == "ready" {
            continue;
        }
        let mut without = facts.clone();
        without.remove(place);
        add(format!("fact {place} dropped"), without);
        let mut twice = facts.clone();
        twice.insert(place, fact.clone());
        add(format!("fact {place} doubled"), twice);
    }
    mutants
}

/// A record with one thing changed, in every way.
fn changed(record: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    let layout = layouts()
        .into_iter()
        .find(|layout| Some(layout.kind) == structure_of(record))
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
    let story = process::story();
    let right = judged(&story).document;
    let recording = Recording {
        hello: Hello {
            nonce: String::new(),
            release: String::new(),
            machine: String::new(),
            version: String::new(),
            cpus: CPUS,
            btf_sha256: String::new(),
        },
        frames: story.frames(),
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
fn a_table_for_people_shows_who_talked_to_whom() {
    let takes = takes_of(&sockets::story().frames(), CPUS);
    let table = Events(&takes[0]).to_string();
    for line in [
        "tcp 192.0.2.1:40001 -> 192.0.2.1:80 [in_progress]: EINPROGRESS",
        "tcp 192.0.2.1:80 -> 192.0.2.1:40001, sent 0, received 9",
        "tcp [2001:db8::1%7]:8080 -> - with backlog 4",
        r#"- "\u{0}name" fails: ECONNREFUSED"#,
    ] {
        assert!(
            table.lines().any(|it| it.ends_with(line)),
            "{line}: {table}"
        );
    }
}

#[test]
fn a_lost_record_shows_as_lost() {
    let mut story = process::story();
    story.records.remove(3);
    let judgement = judged(&story);
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
    let stories = [process::story(), sockets::story()];
    let mut seed = 1u64;
    let mut random = || {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize
    };
    for round in 0..4000 {
        let story = &stories[round % 2];
        let mut noisy = story.records.clone();
        let place = random() % noisy.len();
        for _ in 0..1 + random() % 8 {
            let at = random() % noisy[place].len();
            noisy[place][at] = random() as u8;
        }
        let kept_bytes = random() % (noisy[place].len() * 2);
        noisy[place].truncate(kept_bytes);
        let judgement = judged(&story.with(noisy));
        assert!(!judgement.document.is_empty());
    }
    let noise = vec![vec![], vec![0; 3], vec![0xff; 4000]];
    let judgement = judged(&stories[0].with(noise));
    assert!(judgement.failures.len() > 3);
}

#[test]
fn a_fact_with_an_unknown_key_is_a_failure() {
    for mut story in [process::story(), sockets::story()] {
        story.facts[1]["colour"] = "red".into();
        let judgement = judged(&story);
        let unknown = |what: &String| what.contains("something unknown");
        assert!(judgement.failures.iter().any(unknown));
    }
}

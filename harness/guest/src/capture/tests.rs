use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::*;

/// Capture waits for any child of the process, so tests that have children take turns.
static CHILDREN: Mutex<()> = Mutex::new(());

/// Taken by every test of this program that starts a process.
pub fn my_turn() -> MutexGuard<'static, ()> {
    CHILDREN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sensors that have `waiting` records each time they are asked, until there are no more.
#[derive(Default)]
struct Fake {
    waiting: Vec<Vec<Vec<u8>>>,
    account: Account,
    broken: bool,
}

impl Sensing for Fake {
    fn programs(&self) -> Vec<sensing::Program> {
        Vec::new()
    }

    fn consume(&mut self, each: &mut dyn FnMut(&[u8])) -> Result<usize, String> {
        if self.broken {
            return Err("the ring is broken".into());
        }
        let records = self.waiting.pop().unwrap_or_default();
        records.iter().for_each(|record| each(record));
        self.account.received += records.len() as u64;
        self.account.sent += records.len() as u64;
        Ok(records.len())
    }

    fn look(&mut self) -> Result<(), String> {
        Ok(())
    }

    fn account(&mut self) -> Result<Account, String> {
        Ok(self.account.clone())
    }
}

#[derive(Clone, Default)]
struct Written(Rc<RefCell<Vec<u8>>>);

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Runs a shell script as a workload's root; returns the frames as (kind, payload).
fn run(script: &str, sensors: &mut Fake, timeout_ms: u64) -> Vec<(u16, Vec<u8>)> {
    let _turn = my_turn();
    process::become_subreaper().unwrap();
    let written = Written::default();
    let mut frames = Frames::new(written.clone());
    let workload = Workload {
        family: "test".into(),
        name: "script".into(),
    };
    let command = ["/bin/sh", "-c", script].map(|word| CString::new(word).unwrap());
    let timeout = Duration::from_millis(timeout_ms);
    let mut capture = Capture {
        frames: &mut frames,
        sensors,
        flavour: "fake",
        timeout,
    };
    capture.run(&workload, &command).unwrap();
    assert!(!process::has_children(), "part of the tree is left");
    frames.flush().unwrap();
    split(&written)
}

/// The frames that were written, as (kind, payload).
fn split(written: &Written) -> Vec<(u16, Vec<u8>)> {
    let bytes = written.0.borrow().clone();
    let mut rest = bytes.as_slice();
    let mut found = Vec::new();
    while !rest.is_empty() {
        let length = u32::from_le_bytes(rest[4..8].try_into().unwrap()) as usize;
        let kind = u16::from_le_bytes(rest[12..14].try_into().unwrap());
        found.push((kind, rest[16..16 + length].to_vec()));
        rest = &rest[16 + length + 4..];
    }
    found
}

fn kinds(frames: &[(u16, Vec<u8>)]) -> Vec<u16> {
    frames.iter().map(|(kind, _)| *kind).collect()
}

fn last(frames: &[(u16, Vec<u8>)]) -> Value {
    serde_json::from_slice(&frames.last().unwrap().1).unwrap()
}

const READY: &str = r#"echo '{"what":"ready"}' >&3; read -r _ || true; "#;
const WORKLOAD: u16 = Kind::Workload as u16;
const EVENT: u16 = Kind::Event as u16;
const TRUTH: u16 = Kind::Truth as u16;
const DONE: u16 = Kind::Done as u16;
const FAILURE: u16 = Kind::Failure as u16;

#[test]
fn a_workload_is_a_frame_its_events_its_truth_and_an_end() {
    let script = format!(r#"{READY} echo '{{"what":"fork"}}' >&3"#);
    // The last is asked for first: it belongs to the start of the root, so it comes before.
    let waiting = ["two", "one", "start"].map(|record| vec![record.into()]);
    let mut sensors = Fake {
        waiting: waiting.into(),
        ..Fake::default()
    };
    let frames = run(&script, &mut sensors, 5000);
    assert_eq!(
        kinds(&frames),
        [EVENT, WORKLOAD, EVENT, EVENT, TRUTH, TRUTH, DONE]
    );
    let records = [0, 2, 3].map(|place| &*frames[place].1);
    assert_eq!(records, [&b"start"[..], &b"one"[..], &b"two"[..]]);
    assert_eq!(frames[4].1, br#"{"what":"fork"}"#);
    let done = last(&frames);
    assert_eq!(done["status"], json!({"exit": 0}));
    assert_eq!((&done["sent"], &done["received"]), (&json!(2), &json!(2)));
    assert_eq!(done["lost"], json!({}));
}

#[test]
fn a_workload_that_never_ends_is_killed_with_its_whole_tree() {
    let script = format!("{READY} setsid sleep 1000 & sleep 1000");
    let frames = run(&script, &mut Fake::default(), 300);
    assert_eq!(kinds(&frames), [WORKLOAD, DONE]);
    assert_eq!(last(&frames)["status"], json!({"timeout_ms": 300}));
}

#[test]
fn a_failed_workload_is_said_and_nothing_of_it_stays() {
    let script =
        format!(r#"{READY} sleep 1000 & echo '{{"what":"failure","error":"why"}}' >&3; exit 3"#);
    let frames = run(&script, &mut Fake::default(), 5000);
    assert_eq!(kinds(&frames), [WORKLOAD, FAILURE, TRUTH, DONE]);
    let failure: Value = serde_json::from_slice(&frames[1].1).unwrap();
    assert_eq!(
        failure,
        json!({"what": "test script (fake)", "error": "why"})
    );
    assert_eq!(last(&frames)["status"], json!({"exit": 3}));
}

#[test]
fn a_silent_failure_is_said_for_it() {
    let frames = run(&format!("{READY} kill -9 $$"), &mut Fake::default(), 5000);
    assert_eq!(kinds(&frames), [WORKLOAD, TRUTH, FAILURE, DONE]);
    assert_eq!(last(&frames)["status"], json!({"signal": 9}));
}

#[test]
fn a_descendant_left_behind_is_a_failure() {
    let frames = run(
        &format!("{READY} (sleep 0.2 &) ; exit 0"),
        &mut Fake::default(),
        5000,
    );
    assert_eq!(kinds(&frames), [WORKLOAD, FAILURE, TRUTH, DONE]);
}

#[test]
fn a_root_that_does_not_start_begins_no_workload() {
    for script in ["exit 0", "echo nonsense and more >&3; sleep 1000"] {
        let frames = run(script, &mut Fake::default(), 5000);
        assert_eq!(kinds(&frames), [FAILURE], "{script}");
    }
}

#[test]
fn a_broken_ring_is_a_failure_and_not_an_empty_workload() {
    let mut sensors = Fake {
        broken: true,
        ..Fake::default()
    };
    let frames = run(READY, &mut sensors, 5000);
    assert_eq!(kinds(&frames), [FAILURE]);
}

#[test]
fn the_end_of_a_flavour_tells_what_is_left_in_the_ring_and_all_counts_since_load() {
    let account = Account {
        sent: 4,
        received: 3,
        lost: BTreeMap::from([("ring_full".to_owned(), 1)]),
        poorer: BTreeMap::new(),
        missed: BTreeMap::new(),
    };
    let mut sensors = Fake {
        waiting: vec![vec![b"late".to_vec()]],
        account,
        broken: false,
    };
    let written = Written::default();
    let mut frames = Frames::new(written.clone());
    let mut capture = Capture {
        frames: &mut frames,
        sensors: &mut sensors,
        flavour: "fake",
        timeout: Duration::ZERO,
    };
    capture.sum_up().unwrap();
    let told = split(&written);
    assert_eq!(kinds(&told), [EVENT, Kind::Unloaded as u16]);
    let counts = json!({"flavour": "fake", "sent": 5, "received": 4, "lost": {"ring_full": 1}, "missed": {}, "poorer": {}});
    assert_eq!(last(&told), counts);
}

#[test]
fn what_never_arrives_shows_in_the_numbers() {
    let lost = BTreeMap::from([("ring_full".to_owned(), 3)]);
    let account = Account {
        sent: 10,
        received: 4,
        lost,
        poorer: BTreeMap::new(),
        missed: BTreeMap::new(),
    };
    let mut sensors = Fake {
        account,
        ..Fake::default()
    };
    let frames = run(READY, &mut sensors, 5000);
    let done = last(&frames);
    // All of it happened before the workload began.
    assert_eq!((&done["sent"], &done["lost"]), (&json!(0), &json!({})));
}

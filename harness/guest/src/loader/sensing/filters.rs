//! What is left out: excluded processes, file systems by their state, and touches
//! that were told a moment ago.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, Instant};

use trapline_sensors::sensors::{Descendants, Flavour, MountState};

use super::super::checks::Checks;
use super::super::stage::{Failure, Tried};
use super::{FOLDER, Listening, Outcome, Stage};
use crate::sys::{birth, process, space};

/// How long touches count as one in these cases.
const WINDOW: Duration = Duration::from_millis(50);
/// So small that it is soon full, and large enough for what is not meant to fill it.
const RING_BYTES: u32 = 16 << 10;

pub(super) fn filters(stage: &mut Stage<'_>, flavour: Flavour) -> Outcome {
    // Another case may have played there.
    let _ = fs::remove_dir_all(FOLDER);
    fs::create_dir_all(FOLDER).tried(FOLDER)?;
    let mut checks = Checks::default();
    let mut listening = Listening::begin(stage.kernel(), flavour, |options| {
        options.file.touch_window = WINDOW;
    })?;
    exclusion(&mut listening, &mut checks)?;
    descent(&mut listening, &mut checks)?;
    mounts(&mut listening, &mut checks)?;
    window(&mut listening, &mut checks)?;
    drop(listening);
    let mut listening = Listening::begin(stage.kernel(), flavour, |options| {
        options.ring_bytes = RING_BYTES;
        options.file.touch_window = Duration::from_secs(3600);
    })?;
    told_when_sent(&mut listening, &mut checks)?;
    Ok(checks.report(flavour.name()))
}

/// A process that waits, and then does what it is for.
struct Actor {
    pid: i32,
    gate: std::io::PipeWriter,
}

impl Actor {
    fn start(body: &mut dyn FnMut()) -> Result<Self, Failure> {
        let (mut gate, opens) = std::io::pipe().tried("make a pipe")?;
        let mut waits = || {
            let told = gate.read_exact(&mut [0]);
            if told.is_ok() {
                body();
            }
            0
        };
        let pid = birth::fork(&mut waits).tried("fork")?;
        Ok(Self { pid, gate: opens })
    }

    fn tgid(&self) -> u32 {
        self.pid.cast_unsigned()
    }

    fn open_gate(&mut self) -> Result<(), Failure> {
        self.gate.write_all(&[1]).tried("open the gate")
    }

    fn await_end(self) -> Result<(), Failure> {
        process::wait(Some(self.pid)).tried("wait").map(drop)
    }

    fn act(mut self) -> Result<(), Failure> {
        self.open_gate()?;
        self.await_end()
    }
}

/// Creates a file. What cannot be done is missed in the events.
fn make(name: &str) {
    let _ = File::create_new(format!("{FOLDER}/{name}"));
}

/// Makes a child that creates a file, and waits for it.
fn make_by_child(name: &str) {
    let child = birth::fork(&mut || {
        make(name);
        0
    });
    let _ = child.and_then(|pid| process::wait(Some(pid)));
}

fn exclusion(listening: &mut Listening, checks: &mut Checks) -> Result<(), Failure> {
    // It alone: neither its sibling nor its child.
    let excluded = Actor::start(&mut || {
        make("excluded");
        make_by_child("child of excluded");
    })?;
    let sibling = Actor::start(&mut || make("sibling"))?;
    let tgid = excluded.tgid();
    listening.sensors.exclude(tgid, Descendants::Reported)?;
    excluded.act()?;
    sibling.act()?;
    let said = listening.all_said()?;
    let expected = ["create child of excluded", "create sibling"].map(str::to_owned);
    checks.equal(
        "what its child and its sibling say",
        &said,
        &expected.to_vec(),
    )?;
    let left = listening.sensors.include(tgid)?;
    checks.holds_not("an exclusion after its process's end", left)?;

    // Ourselves, and not any more.
    let own = std::process::id();
    listening.sensors.exclude(own, Descendants::Reported)?;
    make("own");
    checks.equal(
        "what we say when excluded",
        &listening.all_said()?,
        &Vec::new(),
    )?;
    checks.holds("being excluded", listening.sensors.include(own)?)?;
    make("own again");
    let said = listening.all_said()?;
    checks.equal(
        "what we say when included",
        &said,
        &vec!["create own again".to_owned()],
    )
}

/// With descendants: those to come, and those that live already.
fn descent(listening: &mut Listening, checks: &mut Checks) -> Result<(), Failure> {
    let parent = Actor::start(&mut || {
        make("parent");
        make_by_child("child");
    })?;
    let tgid = parent.tgid();
    listening.sensors.exclude(tgid, Descendants::Excluded)?;
    parent.act()?;
    checks.equal(
        "what descendants to come say",
        &listening.all_said()?,
        &Vec::new(),
    )?;
    let left = listening.sensors.include(tgid)?;
    checks.holds_not("an exclusion after its process's end", left)?;

    let (mut hears, mut tells) = std::io::pipe().tried("make a pipe")?;
    let (mut waits, mut lets_go) = std::io::pipe().tried("make a pipe")?;
    let mut elder = Actor::start(&mut || {
        let child = Actor::start(&mut || {
            make("grandchild");
            make_by_child("great-grandchild");
        });
        let begun = tells.write_all(&[1]).and(waits.read_exact(&mut [0]));
        if let (Ok(child), Ok(())) = (child, begun) {
            let _ = child.act();
        }
    })?;
    elder.open_gate()?;
    hears.read_exact(&mut [0]).tried("hear of the child")?;
    listening
        .sensors
        .exclude(elder.tgid(), Descendants::Excluded)?;
    lets_go.write_all(&[1]).tried("let it go on")?;
    elder.await_end()?;
    checks.equal(
        "what living descendants say",
        &listening.all_said()?,
        &Vec::new(),
    )
}

fn mounts(listening: &mut Listening, checks: &mut Checks) -> Result<(), Failure> {
    let place = format!("{FOLDER}/mounted");
    fs::create_dir(&place).tried("mkdir")?;
    let target =
        std::ffi::CString::new(place.clone()).map_err(|error| Failure::other(&place, error))?;
    space::bind_or_mount(c"none", &target, c"tmpfs", 0).tried("mount")?;
    let device = fs::metadata(&place).tried(&place)?.dev();
    let (major, minor) = (libc::major(device), libc::minor(device));
    listening.all_said()?;
    for (name, state, said) in [
        ("before", None, &["create before"][..]),
        ("a", Some(MountState::NotMonitored), &[]),
        ("b", Some(MountState::NotScannable), &["create b [remote]"]),
        (
            "c",
            Some(MountState::Scannable),
            &["create c [remote, scannable]"],
        ),
        ("d", Some(MountState::Local), &["create d"]),
    ] {
        if let Some(state) = state {
            listening.sensors.set_mount(major, minor, state)?;
        }
        make(&format!("mounted/{name}"));
        // The same elsewhere is none of its business.
        make(&format!("not {name}"));
        let mut expected: Vec<String> = said.iter().map(|said| (*said).to_owned()).collect();
        expected.push(format!("create not {name}"));
        checks.equal(
            &format!("with {state:?}"),
            &listening.all_said()?,
            &expected,
        )?;
    }
    // The kernel's own affairs.
    fs::write("/proc/self/comm", "sensing").tried("write to /proc")?;
    let heard = listening.hear()?.len();
    checks.equal("records of a write to /proc", &heard, &0)?;
    space::unmount(&target).tried("unmount")
}

/// Writes all the time: each window has one event, the first write's.
fn window(listening: &mut Listening, checks: &mut Checks) -> Result<(), Failure> {
    let mut file = File::create_new(format!("{FOLDER}/window")).tried("create")?;
    let began = Instant::now();
    let mut writes = 0_u32;
    while began.elapsed() < 4 * WINDOW {
        file.write_all(b"x").tried("write")?;
        writes += 1;
    }
    drop(file);
    let most = began.elapsed().as_millis() / WINDOW.as_millis() + 1;
    let said = listening.all_said()?;
    let told = said.iter().filter(|said| *said == "write window").count() as u128;
    let what = format!("{told} events of {writes} writes within {most} windows");
    checks.holds(&what, (2..=most).contains(&told))?;
    checks.equal(
        "the last",
        &said.last().map(String::as_str),
        &Some("close_write window"),
    )
}

/// A touch that was lost is no touch: the next is told. One that was told is.
fn told_when_sent(listening: &mut Listening, checks: &mut Checks) -> Result<(), Failure> {
    let mut file = File::create_new(format!("{FOLDER}/full")).tried("create")?;
    for number in 0..1000 {
        if listening.sensors.account()?.lost_total() > 0 {
            break;
        }
        make(&format!("filler {number}"));
    }
    let lost = listening.sensors.account()?.lost_total();
    checks.holds("a full ring", lost > 0)?;
    file.write_all(b"lost").tried("write")?;
    let more = listening.sensors.account()?.lost_total() - lost;
    checks.equal("records lost by a write into a full ring", &more, &1)?;
    let before = listening.all_said()?;
    let told = before.iter().any(|said| said == "write full");
    checks.holds_not("a write that was lost is told", told)?;
    for expected in [&["write full"][..], &[]] {
        file.write_all(b"again").tried("write")?;
        let said = listening.all_said()?;
        checks.equal(
            "what the next write says",
            &said,
            &expected.iter().map(|s| (*s).to_owned()).collect(),
        )?;
    }
    drop(file);
    let said = listening.all_said()?;
    checks.equal("its end", &said, &vec!["close_write full".to_owned()])
}

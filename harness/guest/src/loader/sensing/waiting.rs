//! What waits for a call to go on: nothing of one that was refused between two
//! hooks, and nothing of a thread that is gone, whose call was never seen to return.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::symlink;
use std::thread;
use std::time::Duration;

use trapline_sensors::Family;
use trapline_sensors::sensors::Flavour;

use super::super::checks::Checks;
use super::super::stage::{Failure, Tried};
use super::{FOLDER, Listening, Outcome, Stage, file_of};
use crate::sys::{birth, file, landlock, process};

/// More than are seen to return at once: 512, see src/sensors.rs.
const READERS: usize = 560;
/// What a reader needs.
const STACK_BYTES: usize = 64 << 10;

pub(super) fn waiting(stage: &mut Stage<'_>, flavour: Flavour) -> Outcome {
    // Another case may have played there.
    let _ = fs::remove_dir_all(FOLDER);
    fs::create_dir_all(format!("{FOLDER}/folder")).tried(FOLDER)?;
    for name in ["one", "two"] {
        fs::write(format!("{FOLDER}/{name}"), name).tried(name)?;
    }
    let mut checks = Checks::default();
    let mut listening = Listening::begin(stage.kernel(), flavour, |options| {
        options.families = Family::ALL;
    })?;
    refused(&mut listening, &mut checks)?;
    match flavour {
        Flavour::Kprobe => readers(&listening, &mut checks)?,
        Flavour::Fentry => checks.equal("calls that wait", &calls_waiting(&listening)?, &0)?,
    }
    Ok(checks.report(flavour.name()))
}

/// Everything that waits for more than a moment; calls of others are under way at any time.
fn names_waiting(listening: &Listening) -> Result<Vec<(&'static str, usize)>, Failure> {
    let waiting = listening.sensors.waiting()?.into_iter();
    Ok(waiting
        .filter(|(map, entries)| *map != "calls" && *entries > 0)
        .collect())
}

fn calls_waiting(listening: &Listening) -> Result<usize, Failure> {
    let waiting = listening.sensors.waiting()?;
    Ok(waiting.get("calls").copied().unwrap_or(0))
}

/// A child that Landlock keeps from all of this: each is told as failed, and
/// nothing waits, while it lives or when it is gone.
fn refused(listening: &mut Listening, checks: &mut Checks) -> Result<(), Failure> {
    let ((mut gate, opens), (mut done, mut tells)) = (pipe()?, pipe()?);
    let mut opens = Some(opens);
    let mut body = || {
        // Our copy of the other end would keep us from seeing it go.
        drop(opens.take());
        let given_up = landlock::give_up_names();
        let is_missing = given_up.is_err_and(|error| error.raw_os_error() == Some(libc::ENOSYS));
        if !is_missing {
            try_all();
        }
        let _ = tells.write_all(&[u8::from(is_missing)]);
        let _ = gate.read(&mut [0]);
        0
    };
    let child = birth::fork(&mut body).tried("fork")?;
    let mut is_missing = [0];
    done.read_exact(&mut is_missing).tried("hear the child")?;
    let is_missing = is_missing == [1];
    let waits = names_waiting(listening)?;
    drop(opens);
    process::wait(Some(child)).tried("wait")?;
    checks.equal("no Landlock", &is_missing, &is_before_landlock()?)?;
    checks.equal("what waits", &waits, &Vec::new())?;
    checks.equal("what a child left", &names_waiting(listening)?, &Vec::new())?;
    let told: Vec<String> = listening
        .hear()?
        .iter()
        .filter_map(|heard| match heard {
            super::Heard::Event(event) if event.process.tgid == child.cast_unsigned() => {
                file_of(event)
            }
            _ => None,
        })
        .map(|file| format!("{} {}", file.operation.name(), file.error))
        .collect();
    let expected: Vec<String> = match is_missing {
        true => Vec::new(),
        false => ALL
            .map(|name| format!("file_{name} {}", libc::EACCES))
            .into(),
    };
    checks.equal("what a child is refused", &told, &expected)
}

/// What [`try_all`] tries.
const ALL: [&str; 7] = [
    "create", "create", "create", "link", "rename", "delete", "delete",
];

/// What should not have been refused is missed in the events.
fn try_all() {
    let at = |name: &str| format!("{FOLDER}/{name}");
    let _ = fs::create_dir(at("new"));
    let _ = file::mknod(at("new").as_ref(), libc::S_IFIFO | 0o600, 0);
    let _ = symlink("one", at("new"));
    let _ = fs::hard_link(at("one"), at("new"));
    let _ = fs::rename(at("one"), at("two"));
    let _ = fs::remove_file(at("one"));
    let _ = fs::remove_dir(at("folder"));
}

/// Landlock came with Linux 5.13.
fn is_before_landlock() -> Result<bool, Failure> {
    let path = "/proc/sys/kernel/osrelease";
    let release = fs::read_to_string(path).tried(path)?;
    let mut numbers = release.split('.').map(|part| part.parse::<u32>().ok());
    let version = (numbers.next().flatten(), numbers.next().flatten());
    Ok(version < (Some(5), Some(13)))
}

/// More threads than a kretprobe follows wait in a read. Some of the calls are not
/// seen to return, and still nothing is left of them.
fn readers(listening: &Listening, checks: &mut Checks) -> Result<(), Failure> {
    let before = calls_waiting(listening)?;
    let unseen = returns_unseen(listening)?;
    let (gate, opens) = pipe()?;
    let mut opens = Some(opens);
    let mut body = || {
        drop(opens.take());
        thread::scope(|scope| {
            for _ in 0..READERS {
                let thread = thread::Builder::new().stack_size(STACK_BYTES);
                let reads = || drop((&gate).read(&mut [0]));
                if thread.spawn_scoped(scope, reads).is_err() {
                    return 1;
                }
            }
            0
        })
    };
    let child = birth::fork(&mut body).tried("fork")?;
    // A look into a map is no call that is noted itself.
    while calls_waiting(listening)? < before + READERS {
        thread::sleep(Duration::from_millis(10));
    }
    drop(opens);
    let ended = process::wait(Some(child)).tried("wait")?;
    let is_well = ended.is_some_and(|it| it.ended == process::Ended::Exit(0));
    checks.holds("how the readers end", is_well)?;
    let left = calls_waiting(listening)?.saturating_sub(before);
    checks.equal("calls that wait when all are gone", &left, &0)?;
    let more = returns_unseen(listening)?.saturating_sub(unseen);
    checks.holds("returns were not seen", more > 0)
}

fn returns_unseen(listening: &Listening) -> Result<u64, Failure> {
    let missed = listening.sensors.account()?.missed;
    Ok(missed.get("returns").copied().unwrap_or(0))
}

fn pipe() -> Result<(std::io::PipeReader, std::io::PipeWriter), Failure> {
    std::io::pipe().tried("make a pipe")
}

//! How often the reader is woken: seldom while much comes, and in time for a single
//! event, by whichever way it waits.

use std::fs::{self, File};
use std::io::Write;
use std::time::{Duration, Instant};

use trapline_sensors::sensors::Flavour;

use super::super::checks::Checks;
use super::super::stage::{Failure, Tried};
use super::{FOLDER, Heard, Listening, Outcome, Stage};
use crate::sys::{birth, process};

/// Each is a write and a close, which are told both.
const ROUNDS: usize = 2_000;
/// Events for each time that the reader goes on, at least. Emulated, what comes
/// in a tenth of a second is a few hundred.
const EVENTS_PER_WAKE: usize = 50;
/// Far longer than a single event may wait, as much as a busy host may add.
const PATIENCE: Duration = Duration::from_secs(2);

pub(super) fn wakes(stage: &mut Stage<'_>) -> Outcome {
    // Another case may have played there.
    let _ = fs::remove_dir_all(FOLDER);
    fs::create_dir_all(FOLDER).tried(FOLDER)?;
    let mut checks = Checks::default();
    let mut listening = Listening::begin(stage.kernel(), Flavour::Fentry, |options| {
        options.file.touch_window = Duration::ZERO;
    })?;
    for timeout in [Some(PATIENCE * 2), None] {
        single(&mut listening, &mut checks, timeout)?;
    }
    let nothing = listening.sensors.poll(Some(Duration::from_millis(10)))?;
    checks.holds_not("what comes when nothing does", nothing)?;
    let (wakes, events) = many(&mut listening)?;
    checks.holds("events", events >= 2 * ROUNDS)?;
    let is_seldom = wakes * EVENTS_PER_WAKE <= events;
    checks.holds(
        &format!("{wakes} times woken for {events} events"),
        is_seldom,
    )?;
    Ok(checks.report(&format!("{wakes} times woken for {events} events")))
}

/// One event, while the reader sleeps.
fn single(
    listening: &mut Listening,
    checks: &mut Checks,
    timeout: Option<Duration>,
) -> Result<(), Failure> {
    let path = format!("{FOLDER}/single");
    let mut body = || {
        // By then the reader sleeps.
        std::thread::sleep(Duration::from_millis(150));
        i32::from(File::create(&path).is_err())
    };
    let child = birth::fork(&mut body).tried("fork")?;
    let started = Instant::now();
    let is_there = listening.sensors.poll(timeout)?;
    let is_in_time = started.elapsed() < PATIENCE;
    process::wait(Some(child)).tried("wait")?;
    checks.equal("a single event", &(is_there, is_in_time), &(true, true))?;
    checks.equal("what it says", &listening.all_said()?.len(), &1)?;
    fs::remove_file(&path).tried("delete")?;
    listening.hear().map(drop)
}

/// A child that writes and closes, and lets others run; how often we went on, and
/// how many events there were.
fn many(listening: &mut Listening) -> Result<(usize, usize), Failure> {
    let path = format!("{FOLDER}/many");
    let mut body = || {
        for _ in 0..ROUNDS {
            let file = File::options().create(true).append(true).open(&path);
            if file.and_then(|mut file| file.write_all(b"x")).is_err() {
                return 1;
            }
            // Whoever was woken runs now, be there but one processor.
            std::thread::yield_now();
        }
        0
    };
    let child = birth::fork(&mut body).tried("fork")?;
    let (mut wakes, mut events) = (0, 0);
    loop {
        let is_over = process::try_wait(Some(child)).tried("wait")?.is_some();
        wakes += usize::from(listening.sensors.poll(Some(Duration::from_secs(1)))?);
        let heard = listening.hear()?.into_iter();
        events += heard.filter(|it| matches!(it, Heard::Event(_))).count();
        if is_over {
            return Ok((wakes, events));
        }
    }
}

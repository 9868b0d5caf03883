//! Started and stopped again and again: nothing is left of it.

use std::fs;
use std::time::{Duration, Instant};

use trapline_sensors::sensors::{Flavour, Options};
use trapline_sensors::{Family, Sensors};

use super::running::Watching;
use crate::loader::checks::Checks;
use crate::loader::stage::{Failure, Tried};
use crate::loader::{Outcome, Stage};

const CYCLES: u32 = 1000;
/// With fentry as many as there is time for: most kernels take a second to attach and end that few.
const TIME: Duration = Duration::from_secs(60);
/// At least.
const LEAST: u32 = 20;
/// Of all of them, of the program.
const BY_PROGRAM: u32 = 5;
/// What nobody holds goes a moment later.
const PATIENCE: Duration = Duration::from_secs(10);

/// By fentry, which the program takes where there is a choice.
pub(super) fn cycles(stage: &mut Stage<'_>) -> Outcome {
    again(stage, Flavour::Fentry, |done, took| {
        done < LEAST || took < TIME
    })
}

/// By kprobes, of which there is time for all.
pub(super) fn thousand(stage: &mut Stage<'_>) -> Outcome {
    again(stage, Flavour::Kprobe, |_, _| true)
}

fn again(
    stage: &mut Stage<'_>,
    flavour: Flavour,
    goes_on: impl Fn(u32, Duration) -> bool,
) -> Outcome {
    let mut checks = Checks::default();
    let mut options = Options::default();
    // The smallest family, which has links and maps of each kind all the same.
    options.families = &[Family::Mount];
    // What is made once, such as what is known of the kernel, stays.
    drop(Sensors::load_on(stage.kernel(), flavour, &options)?);
    let before = settled(None)?;
    let began = Instant::now();
    let mut done = 0;
    while done < CYCLES && goes_on(done, began.elapsed()) {
        if done % (CYCLES / BY_PROGRAM) == 0 || done < 2 {
            let watching = Watching::start(&["--family", "mount"])?;
            watching.end(libc::SIGTERM)?.good()?;
        } else {
            let mut sensors = Sensors::load_on(stage.kernel(), flavour, &options)?;
            // Both ways to end.
            if done % 2 == 0 {
                sensors.detach()?;
            }
        }
        done += 1;
    }
    let after = settled(Some(&before))?;
    checks.equal("what is there before and afterwards", &after, &before)?;
    Ok(checks.report(&format!("{done} cycles")))
}

/// What there is: descriptors of ours, programs, maps and links of everybody.
type There = Vec<(&'static str, usize)>;

/// What there is, when it is as before, or for too long is not.
fn settled(wanted: Option<&There>) -> Result<There, Failure> {
    let began = Instant::now();
    loop {
        let there = there()?;
        let is_it = wanted.is_none_or(|wanted| *wanted == there);
        if is_it && (wanted.is_some() || began.elapsed() > Duration::from_millis(500)) {
            return Ok(there);
        }
        if began.elapsed() > PATIENCE {
            return Ok(there);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn there() -> Result<There, Failure> {
    let fds = fs::read_dir("/proc/self/fd")
        .tried("own descriptors")?
        .count();
    Ok(vec![
        ("descriptors", fds),
        ("programs", trapline_loader::ids::programs()?.len()),
        ("maps", trapline_loader::ids::maps()?.len()),
        ("links", trapline_loader::ids::links()?.len()),
    ])
}

//! Running cases: each in a child, with a deadline, so that one that crashes or
//! hangs takes no other with it.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use trapline_loader::kernel_btf::KernelBtf;
use trapline_loader::object;

use super::stage::{self, Outcome, Stage, Told};
use super::{Case, find};
use crate::capture::tree;
use crate::frames::{Frames, Kind};
use crate::sys::{birth, process};

/// The most that a case may say, in characters: a verifier's log knows no end.
const SAID_MAX: usize = 50_000;

/// Runs the cases of these names, some with a space and an argument behind, and writes a frame for
/// each.
///
/// # Errors
/// Only when the recording itself cannot be written.
pub fn run_all(frames: &mut Frames, names: &[String], kernel: &mut KernelBtf) -> io::Result<()> {
    if names.is_empty() {
        return Ok(());
    }
    if let Err(error) = process::become_subreaper() {
        return frames.failure("become a subreaper", &error);
    }
    let mut cases = Vec::new();
    for name in names {
        let (name, argument) = name.split_once(' ').unwrap_or((name, ""));
        match find(name) {
            Some((case, most)) => cases.push((case, argument, most)),
            None => frames.failure(&format!("run case {name}"), &"there is no such case")?,
        }
    }
    if let Err(error) = look_up(cases.iter().map(|(case, ..)| *case), kernel) {
        frames.failure("look up what the cases need of the kernel's BTF", &error)?;
    }
    for (case, argument, most) in cases {
        frames.json(Kind::Case, &supervised(case, argument, kernel, most))?;
    }
    Ok(())
}

/// The subcommand `loader-case NAME...`: runs cases on this very kernel, which it
/// attaches to, and prints their frames.
#[must_use]
pub fn main(names: &[String]) -> ExitCode {
    let mut kernel = KernelBtf::running();
    for name in names {
        let Some((case, most)) = find(name) else {
            eprintln!("loader-case: there is no case {name}");
            return ExitCode::from(2);
        };
        println!("{}", supervised(case, "", &mut kernel, most));
    }
    ExitCode::SUCCESS
}

/// Searches the kernel's types once for everything that the cases' objects name;
/// each would take a search of its own.
fn look_up(
    cases: impl Iterator<Item = &'static Case>,
    kernel: &mut KernelBtf,
) -> Result<(), String> {
    // One that cannot be read is its case's to report.
    let specs = cases.filter_map(|case| stage::spec_of(case.object?).ok());
    let specs: Vec<_> = specs.collect();
    object::look_up(&specs, kernel).map_err(|error| format!("{error:#}"))
}

/// Runs one case in a child; returns its frame's payload.
fn supervised(
    case: &'static Case,
    argument: &str,
    kernel: &mut KernelBtf,
    most: Duration,
) -> Value {
    let began = Instant::now();
    let mut said = match in_child(case, argument, kernel, most) {
        Ok(said) => said,
        Err(error) => payload(case, &Err(stage::Failure::Other(error))),
    };
    if process::has_children() && !tree::kill_all() {
        let stuck = "some of its processes cannot be killed".to_owned();
        said = payload(case, &Err(stage::Failure::Other(stuck)));
    }
    said["elapsed_ms"] = u64::try_from(began.elapsed().as_millis())
        .unwrap_or(u64::MAX)
        .into();
    said
}

fn in_child(
    case: &'static Case,
    argument: &str,
    kernel: &mut KernelBtf,
    most: Duration,
) -> Result<Value, String> {
    let until = Instant::now() + most;
    let (said, says) = io::pipe().map_err(|error| format!("make a pipe: {error}"))?;
    let mut says = Some(File::from(OwnedFd::from(says)));
    let mut body = || {
        let Some(says) = says.take() else { return 1 };
        say_panics(case, &says);
        let mut stage = Stage::new(case, argument, kernel);
        let outcome = (case.run)(&mut stage);
        let mut said = payload(case, &outcome);
        if outcome.is_ok() {
            said["spent"] = json!(stage.spent());
            said["lines"] = json!(stage.shown());
        }
        say(&says, &said);
        0
    };
    let pid = birth::fork(&mut body).map_err(|error| format!("fork: {error}"))?;
    drop(says);
    let line = hear(File::from(OwnedFd::from(said)), until);
    let ended = match &line {
        Ok(_) => await_end(pid, until),
        // Its end by force is the caller's.
        Err(_) => return Err(format!("it was not over after {most:?}")),
    };
    match (line, ended) {
        (Ok(line), Ok(process::Ended::Exit(0))) => serde_json::from_slice(&line)
            .map_err(|error| format!("it said nothing that can be read: {error}")),
        // A panic is said, and then aborts.
        (Ok(line), Ok(ended)) => Ok(serde_json::from_slice(&line).unwrap_or_else(|_| {
            let died = format!("its process ended with {ended:?}");
            payload(case, &Err(stage::Failure::Other(died)))
        })),
        (_, Err(error)) | (Err(error), _) => Err(error),
    }
}

/// What a child says, until it says no more.
fn hear(mut said: File, until: Instant) -> Result<Vec<u8>, String> {
    let mut line = Vec::new();
    let mut piece = [0; 4096];
    loop {
        wait_for(said.as_fd(), until)?;
        match said.read(&mut piece) {
            Ok(0) => return Ok(line),
            Ok(count) => line.extend_from_slice(&piece[..count]),
            Err(error) => return Err(format!("hear the case: {error}")),
        }
        // What the case has left running may keep the pipe open.
        if line.ends_with(b"\n") {
            return Ok(line);
        }
    }
}

/// Waits until a child has ended: what it held is given back by then, or about to
/// be.
fn await_end(pid: i32, until: Instant) -> Result<process::Ended, String> {
    let pidfd = process::pidfd_open(pid).map_err(|error| format!("pidfd_open: {error}"))?;
    wait_for(pidfd.as_fd(), until)?;
    match process::wait(Some(pid)) {
        Ok(Some(waited)) => Ok(waited.ended),
        other => Err(format!("wait for the case: {other:?}")),
    }
}

fn wait_for(fd: std::os::fd::BorrowedFd<'_>, until: Instant) -> Result<(), String> {
    let left = until.saturating_duration_since(Instant::now());
    // Rounded up: who looks a moment too early reads from a pipe that is empty.
    let left_ms = i32::try_from(left.as_millis() + 1).unwrap_or(i32::MAX);
    let ready = process::poll_in(&[fd], left_ms).map_err(|error| format!("poll: {error}"));
    ready.and_then(|()| match Instant::now() < until {
        true => Ok(()),
        false => Err("late".to_owned()),
    })
}

/// Has a panic end as what the case says: the process is aborted by it.
fn say_panics(case: &'static Case, says: &File) {
    let Ok(says) = says.try_clone() else { return };
    std::panic::set_hook(Box::new(move |panic| {
        let panicked = stage::Failure::Other(panic.to_string());
        say(&says, &payload(case, &Err(panicked)));
    }));
}

fn say(mut says: &File, payload: &Value) {
    // Nobody is there to hear what went wrong with hearing; the silence is.
    let _ = says.write_all(format!("{payload}\n").as_bytes());
}

/// The payload of a case's frame, but for its time.
fn payload(case: &Case, outcome: &Outcome) -> Value {
    let mut said = json!({
        "name": case.name, "outcome": null, "how": null, "expected": null, "counted": null,
        "after_detach": null, "spent": {}, "lines": [], "feature": null, "since": null, "error": null,
        "elapsed_ms": 0,
    });
    let told = match outcome {
        Ok(report) => {
            said["outcome"] = "exercised".into();
            said["how"] = report.how.clone().into();
            said["expected"] = report.expected.into();
            said["counted"] = report.counted.into();
            said["after_detach"] = report.after_detach.into();
            return said;
        }
        Err(failure) => failure.told(),
    };
    let (outcome, error) = match told {
        Told::Unsupported { feature, since } => {
            said["feature"] = feature.into();
            said["since"] = since.into();
            said["outcome"] = "unsupported".into();
            return said;
        }
        Told::Absent(why) => ("absent", why),
        Told::Failed(why) => ("failed", why),
    };
    said["outcome"] = outcome.into();
    said["error"] = error.chars().take(SAID_MAX).collect::<String>().into();
    said
}

#[cfg(test)]
mod tests {
    use super::super::Report;
    use super::super::stage::Failure;
    use super::*;
    use crate::capture::tests::my_turn;

    fn case(run: fn(&mut Stage<'_>) -> Outcome) -> &'static Case {
        Box::leak(Box::new(Case {
            name: "a_case",
            object: Some("attach_fentry"),
            run,
        }))
    }

    fn outcome(run: fn(&mut Stage<'_>) -> Outcome) -> Value {
        let _turn = my_turn();
        let mut kernel = KernelBtf::running();
        supervised(case(run), "", &mut kernel, Duration::from_millis(500))
    }

    #[test]
    fn a_report_and_a_refusal_come_whole_out_of_the_child() {
        let said = outcome(|_| Ok(Report::checked("way", 3, 2)));
        assert_eq!(said["outcome"], "exercised");
        assert_eq!((&said["how"], &said["counted"]), (&"way".into(), &2.into()));
        let said = outcome(|_| Err(Failure::Absent("no module".to_owned())));
        assert_eq!(
            (&said["outcome"], &said["error"]),
            (&"absent".into(), &"no module".into())
        );
    }

    #[test]
    fn a_panic_a_signal_and_a_hang_fail_their_case_alone() {
        let said = outcome(|_| panic!("on purpose"));
        assert_eq!(said["outcome"], "failed", "{said}");
        assert!(said["error"].to_string().contains("on purpose"), "{said}");
        let said = outcome(|_| {
            let _ = process::kill(std::process::id().cast_signed(), libc::SIGKILL);
            Ok(Report::checked("never", 1, 1))
        });
        assert!(said["error"].to_string().contains("Signal"), "{said}");
        let said = outcome(|_| {
            loop {
                std::thread::sleep(Duration::from_secs(1));
            }
        });
        assert!(said["error"].to_string().contains("not over"), "{said}");
        // Other tests have children of their own.
        let _turn = my_turn();
        assert!(!process::has_children());
    }
}

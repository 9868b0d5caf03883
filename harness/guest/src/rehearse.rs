//! The subcommand `rehearse FILE`: all workloads under no sensors, on any Linux machine, as root.
//!
//! What it writes has neither hello nor end, so that it cannot be taken for a recording.

use std::fs::File;
use std::io;
use std::process::ExitCode;

use crate::frames::Frames;
use crate::plan::{Mode, Plan, Workload};
use crate::{bench, capture, workloads};

/// Runs it; the exit code only says whether the file could be written.
#[must_use]
pub fn main(arguments: &[String]) -> ExitCode {
    let (path, mode) = match arguments {
        [path] => (path, Mode::Record),
        [path, mode] if mode == "bench" => (path, Mode::Bench),
        _ => {
            eprintln!("usage: trapline-guest rehearse FILE [bench]");
            return ExitCode::from(2);
        }
    };
    match rehearse(path, mode) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rehearse: {path}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn rehearse(path: &str, mode: Mode) -> io::Result<()> {
    let mut frames = Frames::new(File::create(path)?);
    let all = workloads::all().map(|it| Workload {
        family: it.family.into(),
        name: it.name.into(),
    });
    let plan = Plan {
        nonce: String::new(),
        mode,
        flavours: vec!["none".into()],
        workloads: all.collect(),
        workload_timeout_ms: 20_000,
        fault: None,
    };
    match mode {
        Mode::Bench => bench::run(&mut frames, &plan)?,
        _ => capture::run_flavour(&mut frames, &plan, "none")?,
    }
    frames.flush()
}

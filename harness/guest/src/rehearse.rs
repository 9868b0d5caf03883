//! The subcommand `rehearse FILE`: all workloads on any Linux machine, as root, under no sensors unless flavours are named.
//!
//! What it writes has neither hello nor end, so that it cannot be taken for a recording.

use std::fs::File;
use std::io;
use std::process::ExitCode;

use trapline_loader::kernel_btf::KernelBtf;

use crate::frames::Frames;
use crate::plan::{Mode, Plan, Workload};
use crate::{bench, capture, workloads};

/// Runs it; the exit code only says whether the file could be written.
#[must_use]
pub fn main(arguments: &[String]) -> ExitCode {
    let Some((path, words)) = arguments.split_first() else {
        eprintln!("usage: trapline-guest rehearse FILE [bench] [FLAVOUR...]");
        return ExitCode::from(2);
    };
    let (mode, flavours) = match words.split_first() {
        Some((first, rest)) if first == "bench" => (Mode::Bench, rest),
        _ => (Mode::Record, words),
    };
    match rehearse(path, mode, flavours) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rehearse: {path}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn rehearse(path: &str, mode: Mode, flavours: &[String]) -> io::Result<()> {
    let mut frames = Frames::new(File::create(path)?);
    let all = workloads::all().map(|it| Workload {
        family: it.family.into(),
        name: it.name.into(),
    });
    let plan = Plan {
        nonce: String::new(),
        mode,
        flavours: flavours.to_vec(),
        workloads: all.collect(),
        perf_buffers: false,
        cases: Vec::new(),
        workload_timeout_ms: 20_000,
        fault: None,
    };
    match mode {
        Mode::Bench => {
            for (kind, payload) in bench::measure(&plan) {
                frames.json(kind, &payload)?;
            }
        }
        _ => {
            let mut kernel = KernelBtf::running();
            let none = ["none".to_owned()];
            let flavours = if flavours.is_empty() { &none } else { flavours };
            for flavour in flavours {
                capture::run_flavour(&mut frames, &plan, flavour, &mut kernel)?;
            }
        }
    }
    frames.flush()
}

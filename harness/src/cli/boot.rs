//! `cargo harness boot`: does every kernel boot here, and how fast?

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anyhow::{Context, Result, anyhow};

use crate::host::workspace_root;
use crate::kernels::{Kernel, Lock, Series, Store};
use crate::progress::Progress;
use crate::vm::{self, Choice, Lab, Outcome, Plan, Request};

/// Arguments of `boot`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Only these series, such as 5.10 or 6.12; all without.
    series: Vec<Series>,
    /// What executes guest code.
    #[arg(long, value_enum, default_value_t)]
    accel: Choice,
    /// How many virtual machines run at a time.
    #[arg(long, value_name = "N", default_value_t = 2)]
    jobs: usize,
}

/// Runs the subcommand: 1 when a kernel does not boot.
///
/// # Errors
/// When a kernel cannot be fetched or a tool is missing.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let lock = Lock::load(&workspace_root())?;
    let store = Store::open()?;
    let progress = Progress::new();
    let kernels = lock
        .select(&arguments.series)?
        .into_iter()
        .map(|entry| store.ensure(entry, &progress))
        .collect::<Result<Vec<Kernel>>>()?;
    let first = kernels.first().context("the lock has no kernels")?;
    let lab = Lab::open(arguments.accel, first).map_err(|why| anyhow!(why))?;
    println!("accelerator: {}", lab.accelerator);
    let queue = Mutex::new(kernels.iter());
    let failed = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..arguments.jobs.max(1) {
            scope.spawn(|| {
                // A thread that panicked while it held the lock only held an
                // iterator, which is right at any time.
                let next = || queue.lock().unwrap_or_else(|e| e.into_inner()).next();
                while let Some(kernel) = next() {
                    let mut request = Request::new(kernel, Plan::probe(), &lab);
                    request.name = format!("boot.{}", kernel.series);
                    let outcome = vm::run(&lab, kernel, &request);
                    failed.fetch_or(outcome.verdict.is_err(), Ordering::Relaxed);
                    println!("{}", line(kernel, &outcome));
                }
            });
        }
    });
    Ok(if failed.into_inner() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn line(kernel: &Kernel, outcome: &Outcome) -> String {
    let boot = outcome.boot.map_or_else(
        || "   -".to_owned(),
        |boot| format!("{:4.1}", boot.as_secs_f32()),
    );
    let verdict = match &outcome.verdict {
        Ok(recording) => recording.hello.release.clone(),
        Err(failure) => format!("{failure}\n       see {}", outcome.serial_log.display()),
    };
    format!(
        "{:<6} {} hello after {boot} s, over after {:4.1} s  {verdict}",
        kernel.series.to_string(),
        outcome.accel,
        outcome.total.as_secs_f32(),
    )
}

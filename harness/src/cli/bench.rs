//! `cargo harness bench`: what the sensors cost, in executed instructions, what
//! loading costs compared with other loaders, and what the program takes.

use std::process::ExitCode;

use anyhow::{Context, Result, anyhow};

use crate::bench::loaders::{self, CONTESTANTS, Comparison};
use crate::bench::program::Figures;
use crate::bench::{self, Costs, budget};
use crate::host::workspace_root;
use crate::kernels::{Lock, Series, Store};
use crate::progress::{Amount, Progress};
use crate::vm::{self, Choice, Lab, Request};

/// Arguments of `bench`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    what: Option<What>,
    /// The series to measure, separated by commas.
    #[arg(long, value_delimiter = ',', default_value = budget::SERIES)]
    kernels: Vec<Series>,
}

#[derive(Clone, Copy, Debug, clap::Subcommand)]
enum What {
    /// Instead: what loading an object costs, next to libbpf-rs and aya, on this
    /// host's kernel. Needs root.
    Loaders,
    /// Instead: what the program takes, as guests have it and as an appliance builds it,
    /// on the last of the kernels.
    Program,
}

/// Runs the subcommand: 0 when all figures are within their budgets.
///
/// # Errors
/// What keeps a kernel from being fetched, booted or measured.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    match arguments.what {
        Some(What::Loaders) => return run_loaders(),
        Some(What::Program) => return run_program(&arguments.kernels),
        None => {}
    }
    let lock = Lock::load(&workspace_root())?;
    let store = Store::open()?;
    let progress = Progress::new();
    let mut exceeded = Vec::new();
    for entry in lock.select(&arguments.kernels)? {
        let kernel = store.ensure(entry, &progress)?;
        // Instructions are counted by emulation only, whatever else works.
        let lab = Lab::open(Choice::Tcg, &kernel).map_err(|error| anyhow!(error))?;
        let task = progress.task(format!("measuring {}", kernel.series), Amount::Unknown);
        let mut recordings = Vec::new();
        for flavour in bench::FLAVOURS {
            task.step(flavour);
            let mut request = Request::new(&kernel, bench::plan(flavour), &lab);
            request.name = format!("{}.bench.{flavour}", kernel.series);
            let outcome = vm::run(&lab, &kernel, &request);
            match outcome.verdict {
                Ok(recording) => recordings.push(recording),
                Err(failure) => {
                    task.failed(failure.to_string());
                    return Err(anyhow!("{failure}")).context(format!(
                        "measuring {} with {flavour}; the kernel's own words are in {}",
                        kernel.series,
                        outcome.serial_log.display()
                    ));
                }
            }
        }
        task.done("measured");
        let costs = Costs::of(&recordings)?;
        println!("{costs}");
        exceeded.extend(budget::exceeded(&kernel.series.to_string(), &costs));
    }
    Ok(tell(&exceeded))
}

fn run_loaders() -> Result<ExitCode> {
    let figures = Comparison::build(&CONTESTANTS, &Progress::new())?.run()?;
    println!("{}", loaders::Table(&figures));
    let mut exceeded = Vec::new();
    if let [ours, libbpf, ..] = figures.as_slice() {
        exceeded.extend(loaders::budget::exceeded(&ours.counted));
        exceeded.extend(loaders::budget::exceeded_time(ours, libbpf));
    }
    Ok(tell(&exceeded))
}

fn run_program(kernels: &[Series]) -> Result<ExitCode> {
    let series = kernels.last().context("--kernels names none")?;
    let figures = Figures::measure(*series, &Progress::new())?;
    println!("{figures}");
    Ok(tell(&figures.exceeded()))
}

fn tell(exceeded: &[String]) -> ExitCode {
    for sentence in exceeded {
        eprintln!("over budget: {sentence}");
    }
    if exceeded.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

//! `cargo harness btf`: the minimised BTF of every kernel.

use std::process::ExitCode;

use anyhow::Result;

use crate::btf;
use crate::host::{workspace_root, write_whole};
use crate::kernels::{Lock, Series, Store};
use crate::progress::Progress;

/// Arguments of `btf`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Only these series, such as 5.10 or 6.12; all without.
    series: Vec<Series>,
}

/// Runs the subcommand.
///
/// # Errors
/// When a kernel cannot be had or its file not be written.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let root = workspace_root();
    let lock = Lock::load(&root)?;
    let store = Store::open()?;
    let progress = Progress::new();
    let objects = btf::sensors()?;
    for entry in lock.select(&arguments.series)? {
        let kernel = store.ensure(entry, &progress)?;
        let bytes = btf::minimised(&objects, &btf::of_kernel(&kernel)?)?;
        let path = btf::path(&root, entry.series);
        write_whole(&path, &bytes)?;
        let (series, size) = (entry.series, bytes.len());
        progress.say(format_args!(
            "{series:<5} {size} bytes of {}",
            kernel.release
        ));
    }
    Ok(ExitCode::SUCCESS)
}

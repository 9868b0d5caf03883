//! `cargo harness kernels`: list, fetch, update.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;

use crate::host::workspace_root;
use crate::kernels::apt::Apt;
use crate::kernels::{Lock, Series, State, Store, cache_folder, update};
use crate::progress::Progress;

/// Arguments of `kernels`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Shows every locked kernel and whether it is cached. Touches no network.
    List,
    /// Fetches and unpacks kernels that are not cached.
    Fetch(Choice),
    /// Writes the newest version of each series into the lock.
    Update(Choice),
}

#[derive(Debug, clap::Args)]
struct Choice {
    /// Only these series, such as 5.10 or 6.12; all without.
    series: Vec<Series>,
    /// A Debian mirror instead of the one that this machine's apt uses; a
    /// second URI after a comma names the security archive. The environment
    /// variable TRAPLINE_MIRROR does the same.
    #[arg(long, value_name = "URI[,URI]")]
    mirror: Option<String>,
}

/// Runs the subcommand.
///
/// # Errors
/// When the lock is not valid or the output cannot be written; a kernel that
/// cannot be fetched is reported and gives exit code 1 after the others.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    match &arguments.action {
        Action::List => list(),
        Action::Fetch(choice) => fetch(choice),
        Action::Update(choice) => change(choice),
    }
}

fn list() -> Result<ExitCode> {
    let lock = Lock::load(&workspace_root())?;
    let store = Store::open()?;
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{:<7} {:<6} {:<23} {:<18} {:>8}  CACHE",
        "SERIES", "ARCH", "VERSION", "SUITE", "MB"
    )?;
    let mut code = ExitCode::SUCCESS;
    for entry in lock.kernels() {
        let state = match store.state(entry) {
            State::Absent => "-".to_owned(),
            State::Ready {
                release,
                replaced: false,
                ..
            } => release,
            State::Ready {
                release,
                version,
                replaced: true,
            } => {
                format!("{release} ({version} in place of the locked one, which left the archive)")
            }
            State::Corrupt(reason) => {
                code = ExitCode::FAILURE;
                format!(
                    "CORRUPT: {reason}; cargo harness kernels fetch {}",
                    entry.series
                )
            }
        };
        let megabytes = entry.pin.size_bytes as f64 / 1e6;
        let (series, arch, pin) = (entry.series, entry.arch, &entry.pin);
        writeln!(
            out,
            "{series:<7} {arch:<6} {:<23} {:<18} {megabytes:>8.1}  {state}",
            pin.version, pin.suite
        )?;
    }
    Ok(code)
}

fn fetch(choice: &Choice) -> Result<ExitCode> {
    let lock = Lock::load(&workspace_root())?;
    let store = Store::open_with_mirror(choice.mirror.clone())?;
    let progress = Progress::new();
    let mut code = ExitCode::SUCCESS;
    for entry in lock.select(&choice.series)? {
        match store.ensure(entry, &progress) {
            Ok(kernel) => progress.say(format_args!(
                "{:<5} {} in {}",
                entry.series,
                kernel.release,
                kernel.vmlinux.parent().unwrap_or(store.folder()).display()
            )),
            Err(error) => {
                progress.say(format_args!("error: {error:#}"));
                code = ExitCode::FAILURE;
            }
        }
    }
    Ok(code)
}

fn change(choice: &Choice) -> Result<ExitCode> {
    let root = workspace_root();
    let mut apt = Apt::new(cache_folder()?.join("apt"), choice.mirror.clone());
    let changes = update::update(&root, &choice.series, &mut apt, &Progress::new())?;
    let mut out = io::stdout().lock();
    for change in changes {
        if change.from == change.to {
            writeln!(out, "{:<5} {} is the newest", change.series, change.to)?;
        } else {
            writeln!(out, "{:<5} {} -> {}", change.series, change.from, change.to)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

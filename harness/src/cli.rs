//! The command line: one file per subcommand, nothing but arguments and
//! output in it.

use std::env;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

use crate::kernels::LOCK_PATH;

mod bench;
mod boot;
mod kernels;
mod matrix;

/// Boots real kernels and proves, kernel by kernel, what the sensors report.
#[derive(Debug, Parser)]
#[command(name = "harness", bin_name = "cargo harness", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// What the sensors cost, in executed instructions.
    Bench(bench::Arguments),
    /// The kernels of the matrix: what is locked, what is cached.
    Kernels(kernels::Arguments),
    /// The main job: all workloads on all kernels, then a table and a page.
    Matrix(matrix::Arguments),
    /// Boots kernels with nothing to do, and says how long each takes.
    Boot(boot::Arguments),
}

/// Runs the program: 0 when all went well, 1 when not, 2 for wrong arguments.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match arguments.command {
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Kernels(arguments) => kernels::run(&arguments),
        Command::Matrix(arguments) => matrix::run(&arguments),
        Command::Boot(arguments) => boot::run(&arguments),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The root of the repository: where cargo says this package is, else the
/// nearest folder upwards with a kernel lock in it.
///
/// # Errors
/// When this is run outside of the repository.
pub fn repository_root() -> Result<PathBuf> {
    // At run time: compiled in, it would be the place of another checkout
    // where two share a target folder.
    let of_cargo = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    if let Some(root) = of_cargo.filter(|root| root.join(LOCK_PATH).is_file()) {
        return Ok(root);
    }
    let here = env::current_dir().context("cannot tell the current folder")?;
    let root = here
        .ancestors()
        .find(|folder| folder.join(LOCK_PATH).is_file());
    let root = root.with_context(|| {
        format!(
            "no {LOCK_PATH} in {} or above: run this inside the repository",
            here.display()
        )
    })?;
    Ok(root.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_series_that_is_none_is_refused_by_the_command_line() {
        let parse = |series| Arguments::try_parse_from(["harness", "kernels", "fetch", series]);
        assert!(parse("6.12").is_ok());
        assert!(
            parse("six")
                .unwrap_err()
                .to_string()
                .contains("not a kernel series")
        );
    }
}

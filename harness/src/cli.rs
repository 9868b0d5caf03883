//! The command line: one file per subcommand, nothing but arguments and
//! output in it.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod bench;
mod boot;
mod btf;
mod kernels;
mod matrix;
mod replay;
mod verify;

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
    /// Writes the minimised BTF of every kernel, in vm-images/btf.
    Btf(btf::Arguments),
    /// The kernels of the matrix: what is locked, what is cached.
    Kernels(kernels::Arguments),
    /// The main job: all workloads on all kernels, then a table and a page.
    Matrix(matrix::Arguments),
    /// Loads any objects on the kernels: which programs do, and why do others not?
    Verify(verify::Arguments),
    /// Writes our own BPF objects, the sensors' and the corpus, into a folder.
    Objects(verify::ObjectsArguments),
    /// Repeats on a kernel what the test of random operations has told.
    Replay(replay::Arguments),
    /// Boots kernels with nothing to do, and says how long each takes.
    Boot(boot::Arguments),
}

/// Runs the program: 0 when all went well, 1 when not, 2 for wrong arguments.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match arguments.command {
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Btf(arguments) => btf::run(&arguments),
        Command::Kernels(arguments) => kernels::run(&arguments),
        Command::Matrix(arguments) => matrix::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Objects(arguments) => verify::objects(&arguments),
        Command::Replay(arguments) => replay::run(&arguments),
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

//! `cargo harness`: the harness program.

use std::process::ExitCode;

fn main() -> ExitCode {
    trapline_harness::cli::main()
}

//! `trapline`: what happens on this machine, and eBPF objects, from the command line.
//!
//! `watch` tells of processes, files, mounts and sockets; `load` puts objects into the
//! running kernel and says what became of each program; `check` says what this kernel
//! has and, of objects, what they need and whether they fit other kernels' types,
//! without privileges; `btf min` makes the little of a kernel's types that they look
//! at; `isolate` cuts the host off the network but for an allow list.

// Of some commands without the others, what those share is more than they need.
#![cfg_attr(
    not(feature = "commands"),
    allow(dead_code, clippy::large_enum_variant)
)]

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use trapline_loader::ErrorKind;

#[cfg(feature = "btf")]
mod btf;
#[cfg(feature = "check")]
mod check;
mod files;
#[cfg(feature = "isolate")]
mod isolate;
#[cfg(feature = "load")]
mod load;
#[cfg(all(test, feature = "commands"))]
mod pages;
mod table;
mod watch;

/// EPIPE.
const BROKEN_PIPE: ErrorKind = ErrorKind::System { errno: 32 };

/// Tells what happens on a host, by eBPF, and isolates it; loads eBPF objects, and says
/// beforehand whether they will load.
#[derive(Debug, Parser)]
#[command(name = "trapline", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Watch(watch::Arguments),
    #[cfg(feature = "load")]
    Load(load::Arguments),
    #[cfg(feature = "check")]
    Check(check::Arguments),
    #[cfg(feature = "btf")]
    Btf(btf::Arguments),
    #[cfg(feature = "isolate")]
    Isolate(isolate::Arguments),
}

/// Of what went well, or did not.
fn code(is_good: bool) -> ExitCode {
    match is_good {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// 0 when all went well, 1 when something did not, 2 for wrong arguments, 3 when somebody
/// has tampered with what `watch` watches with.
fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match &arguments.command {
        Command::Watch(arguments) => watch::run(arguments),
        #[cfg(feature = "load")]
        Command::Load(arguments) => load::run(arguments).map(code),
        #[cfg(feature = "check")]
        Command::Check(arguments) => check::run(arguments).map(code),
        #[cfg(feature = "btf")]
        Command::Btf(arguments) => btf::run(arguments).map(code),
        #[cfg(feature = "isolate")]
        Command::Isolate(arguments) => isolate::run(arguments).map(code),
    };
    match result {
        Ok(code) => code,
        // Whoever read the output has seen enough.
        Err(error) if error.kind() == BROKEN_PIPE => ExitCode::FAILURE,
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
}

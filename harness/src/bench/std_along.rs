//! Programs built along with the standard library, as an appliance builds them.
//!
//! The library comes compiled, for speed and with all that a panic needs to say where it
//! was. Built from its sources with the program, only what that calls is in it, and a
//! panic just ends it. That takes the sources and switches that cargo and the compiler do
//! not promise to keep; README says the same ones.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::host;
use crate::images::guest;

/// For cargo.
const WORDS: [&str; 2] = [
    "-Zbuild-std=std,panic_abort",
    "-Zbuild-std-features=optimize_for_size",
];
/// For the compiler: no unwinding, no words about panics, a fixed address, and what
/// functions have in common once. Its own linker keeps one of functions that came out alike.
const RUSTFLAGS: &str = "-Zunstable-options -Cpanic=immediate-abort -Crelocation-model=static \
     -Cforce-unwind-tables=no -Zlocation-detail=none \
     -Cllvm-args=-enable-machine-outliner=always \
     -Clinker-features=+lld -Clink-self-contained=+linker -Clink-arg=-Wl,--icf=all,-z,noseparate-code";

/// Has a `cargo build` of the package in `folder` build the library along.
///
/// # Errors
/// Without the library's sources, how to get them.
pub(super) fn add_to(cargo: &mut Command, folder: &Path) -> Result<()> {
    ensure_sources(folder)?;
    add(cargo);
    Ok(())
}

fn add(cargo: &mut Command) {
    cargo
        .args(WORDS)
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTFLAGS", RUSTFLAGS);
}

/// As [`guest::measure_program`], of the program built so, with words for cargo of which
/// commands are in it.
///
/// # Errors
/// As there; without the library's sources, how to get them.
pub(super) fn measure_program(arch: &str, commands: &[&str]) -> Result<(PathBuf, u64)> {
    let root = host::workspace_root();
    ensure_sources(&root)?;
    let folder = root.join("target/std-along");
    let add = |cargo: &mut Command| {
        add(cargo);
        cargo.args(commands);
    };
    guest::measure_program(arch, Some(&folder), &add).map_err(anyhow::Error::msg)
}

/// Are the library's sources there, for the compiler of a package?
fn ensure_sources(package: &Path) -> Result<()> {
    let mut rustc = Command::new("rustc");
    rustc.args(["--print", "sysroot"]).current_dir(package);
    let sysroot = rustc.output().context("rustc does not run: run ci/setup")?;
    let sysroot = String::from_utf8_lossy(&sysroot.stdout);
    let sources = Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library/Cargo.lock");
    ensure!(
        sources.is_file(),
        "the standard library's sources are not there: rustup component add rust-src"
    );
    Ok(())
}

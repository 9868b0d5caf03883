//! The programs that are compared, built in two ways.
//!
//! The standard library comes compiled, for speed and with all that a panic
//! needs to say where it was; a small program for an appliance is built along
//! with it instead. That takes the library's sources and switches that cargo
//! and the compiler do not promise to keep.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use super::{Contestant, tree};
use crate::host;

/// Where the standard library of a program comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Std {
    /// From the toolchain, compiled.
    Shipped,
    /// From its sources, with the program.
    BuiltAlong,
}

/// What builds the standard library along; README says the same for appliances.
const BUILD_STD: &str = "-Zbuild-std=std,panic_abort";
/// No unwinding, no words about panics, at a fixed address.
const BUILD_STD_RUSTFLAGS: &str = "-Zunstable-options -Cpanic=immediate-abort \
     -Crelocation-model=static -Cforce-unwind-tables=no -Zlocation-detail=none";

/// A package below `harness/benches/loaders`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Package<'a> {
    /// Its folder; the program is `load-` and this.
    pub(super) name: &'a str,
    /// What the program is linked with.
    pub(super) libc: &'a str,
}

impl Package<'_> {
    pub(super) const fn of(contestant: &Contestant) -> Self {
        Self {
            name: contestant.name,
            libc: contestant.libc,
        }
    }

    pub(super) fn folder(&self) -> PathBuf {
        let packages = host::workspace_root().join("harness/benches/loaders");
        packages.join(self.name)
    }

    /// Builds the program and says where it is.
    ///
    /// # Errors
    /// What the compiler says; without the standard library's sources, how to
    /// get them.
    pub(super) fn build(&self, std: Std) -> Result<PathBuf> {
        let target = format!("{}-unknown-linux-{}", std::env::consts::ARCH, self.libc);
        let folder = host::output_dir();
        let folder = folder.parent().context("the target folder has no place")?;
        let folder = folder.join("loaders").join(self.name);
        let mut cargo = tree::cargo(&self.folder());
        cargo
            .args(["build", "--quiet", "--release", "--locked"])
            .args(["--target", &target]);
        let folder = match std {
            Std::Shipped => folder,
            Std::BuiltAlong => {
                ensure_sources(&self.folder())?;
                cargo
                    .arg(BUILD_STD)
                    .env("RUSTC_BOOTSTRAP", "1")
                    .env("RUSTFLAGS", BUILD_STD_RUSTFLAGS);
                folder.join("std")
            }
        };
        let built = cargo.env("CARGO_TARGET_DIR", &folder).output();
        let built = built.context("cargo does not run: run ci/setup")?;
        if !built.status.success() {
            bail!("{}", String::from_utf8_lossy(&built.stderr).trim_end());
        }
        let program = format!("load-{}", self.name);
        Ok(folder.join(target).join("release").join(program))
    }
}

/// Are the standard library's sources there, for the compiler of a package?
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

//! The programs that are compared, built in two ways.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use super::{Contestant, tree};
use crate::bench::std_along;
use crate::host;

/// Where the standard library of a program comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Std {
    /// From the toolchain, compiled.
    Shipped,
    /// From its sources, with the program.
    BuiltAlong,
}

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
                std_along::add_to(&mut cargo, &self.folder())?;
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

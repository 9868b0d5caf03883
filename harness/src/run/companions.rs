//! What some cases and workloads need and no other boot has: programs that are not
//! the guest's, modules, a disk. Made when the first kernel's need them, or found on
//! this machine, and put into the image for those.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use anyhow::{Result, anyhow};

use super::{Order, disk, workshop};
use crate::cases;
use crate::images::{Extra, guest, modules};
use crate::kernels::Kernel;
use crate::rows::Workload;

/// Where the guest finds a disk with btrfs.
const BTRFS_PATH: &str = "disks/btrfs";

/// All that there are; none is built yet.
#[derive(Debug, Default)]
pub(super) struct Companions {
    /// Instead of the program that is built here.
    given: Option<PathBuf>,
    program: Built,
    loader: Built,
    examples: OnceLock<Result<Vec<Extra>, String>>,
    workshop: OnceLock<Result<Vec<Extra>, String>>,
    btrfs: Built,
}

type Built = OnceLock<Result<Arc<[u8]>, String>>;

impl Companions {
    /// With a program that is built already, if one is given.
    pub(super) fn new(given: Option<PathBuf>) -> Self {
        Self {
            given,
            ..Self::default()
        }
    }

    /// The files that the order's cases and workloads need on this kernel.
    pub(super) fn of(&self, order: &Order, kernel: &Kernel) -> Result<Vec<Extra>> {
        let (names, mut files) = (&order.cases, Vec::new());
        if order.workloads.iter().any(plays_on_btrfs) {
            let spare = modules("spare", &kernel.spare_modules);
            files.extend(spare.map_err(|why| anyhow!(why))?);
            files.push(Extra {
                path: BTRFS_PATH.to_owned(),
                content: made(&self.btrfs, || disk::btrfs().map(Arc::from))?,
                mode: 0o644,
            });
        }
        if names.iter().any(|name| cases::runs_program(name)) {
            let content = match &self.given {
                Some(path) => made(&self.program, || read(path))?,
                None => built(&self.program, guest::build_program)?,
            };
            files.push(executable(cases::PROGRAM_PATH, content));
        }
        if names.iter().any(|name| cases::runs_loader(name)) {
            let content = built(&self.loader, guest::build_loader)?;
            files.push(executable(cases::LOADER_PATH, content));
        }
        if names.iter().any(|name| cases::example(name).is_some()) {
            let examples = self.examples.get_or_init(examples);
            files.extend(examples.clone().map_err(|why| anyhow!(why))?);
        }
        if names.iter().any(|name| cases::builds(name)) {
            let workshop = self.workshop.get_or_init(workshop::files);
            files.extend(workshop.clone().map_err(|why| anyhow!(why))?);
        }
        Ok(files)
    }
}

/// Whether a workload mounts a btrfs.
fn plays_on_btrfs(workload: &Workload) -> bool {
    workload.name.starts_with("btrfs_")
}

/// The loader's examples, built in one go.
fn examples() -> Result<Vec<Extra>, String> {
    let built = guest::build_examples(&cases::EXAMPLES, std::env::consts::ARCH)?;
    let files = cases::EXAMPLES.iter().zip(built).map(|(name, path)| {
        let to = format!("{}/{name}", cases::EXAMPLES_FOLDER);
        Ok(executable(&to, read(&path)?))
    });
    files.collect()
}

fn built(program: &Built, build: fn(&str) -> Result<PathBuf, String>) -> Result<Arc<[u8]>> {
    made(program, || {
        let path = build(std::env::consts::ARCH)?;
        read(&path)
    })
}

fn read(path: &Path) -> Result<Arc<[u8]>, String> {
    let bytes = std::fs::read(path).map(Arc::from);
    bytes.map_err(|error| format!("cannot read {}: {error}", path.display()))
}

fn made(content: &Built, make: impl FnOnce() -> Result<Arc<[u8]>, String>) -> Result<Arc<[u8]>> {
    content
        .get_or_init(make)
        .clone()
        .map_err(|why| anyhow!(why))
}

fn executable(path: &str, content: Arc<[u8]>) -> Extra {
    Extra {
        path: path.to_owned(),
        content,
        mode: 0o755,
    }
}

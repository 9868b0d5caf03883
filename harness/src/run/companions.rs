//! Programs that cases run and that are not the guest's: built when the first
//! kernel's cases need them, or found on this machine, and put into the image for
//! those.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use anyhow::{Result, anyhow};

use crate::cases;
use crate::images::{Extra, guest};

use super::workshop;

/// All that there are; none is built yet.
#[derive(Debug, Default)]
pub(super) struct Companions {
    program: Built,
    loader: Built,
    workshop: OnceLock<Result<Vec<Extra>, String>>,
}

type Built = OnceLock<Result<Arc<[u8]>, String>>;

impl Companions {
    /// The files that cases of these names need.
    pub(super) fn of(&self, names: &[String]) -> Result<Vec<Extra>> {
        let mut files = Vec::new();
        if names.iter().any(|name| cases::runs_program(name)) {
            let content = content(&self.program, guest::build_program)?;
            files.push(executable(cases::PROGRAM_PATH, content));
        }
        if names.iter().any(|name| cases::runs_loader(name)) {
            let content = content(&self.loader, guest::build_loader)?;
            files.push(executable(cases::LOADER_PATH, content));
        }
        if names.iter().any(|name| cases::builds(name)) {
            let workshop = self.workshop.get_or_init(workshop::files);
            files.extend(workshop.clone().map_err(|why| anyhow!(why))?);
        }
        Ok(files)
    }
}

fn content(built: &Built, build: fn(&str) -> Result<PathBuf, String>) -> Result<Arc<[u8]>> {
    let content = built.get_or_init(|| {
        let path = build(std::env::consts::ARCH)?;
        let bytes = std::fs::read(&path).map(Arc::from);
        bytes.map_err(|error| format!("cannot read {}: {error}", path.display()))
    });
    content.clone().map_err(|why| anyhow!(why))
}

fn executable(path: &str, content: Arc<[u8]>) -> Extra {
    Extra {
        path: path.to_owned(),
        content,
        mode: 0o755,
    }
}

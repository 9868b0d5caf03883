//! Where the logs of a run go: `target/trapline/verify`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::host;
use crate::kernels::Series;
use crate::run::cache::Place;

/// The folder of one run; no other run of this checkout has it meanwhile.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    _mine: File,
}

impl Folder {
    /// Takes the folder, and removes what an earlier run left there.
    pub(super) fn take() -> Result<Self> {
        Self::at(&host::output_dir().join("verify"))
    }

    /// The same for a folder elsewhere.
    pub(super) fn at(path: &Path) -> Result<Self> {
        let place = Place::fixed(path.to_owned());
        let mine = place.lock()?;
        place.clear()?;
        Ok(Self {
            path: path.to_owned(),
            _mine: mine,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Keeps a program's log, and says where.
    pub(super) fn keep(
        &self,
        series: Series,
        object: &str,
        program: Option<&str>,
        log: &str,
    ) -> Result<PathBuf> {
        let folder = self.path.join(series.to_string());
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let name = format!(
            "{}.{}.log",
            plain(object.trim_end_matches(".o").trim_end_matches(".bpf")),
            plain(program.unwrap_or("object"))
        );
        let path = folder.join(name);
        fs::write(&path, log).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }
}

/// A name as a part of a file's name.
fn plain(name: &str) -> String {
    const LONGEST: usize = 80;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let letters = name.chars().map(|c| if is_plain(c) { c } else { '_' });
    letters.take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_never_leaves_its_folder() {
        assert_eq!(plain("../a b/é.o"), ".._a_b__.o");
        assert_eq!(plain(&"x".repeat(300)).len(), 80);
    }
}

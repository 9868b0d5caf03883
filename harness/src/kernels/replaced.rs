//! The packages of one kernel, and the note that says which stand in for those that left the archive.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::lock::{Entry, Pin, is_plain, is_sha256};

/// What a kernel comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packages {
    /// The package that the kernel is in.
    pub kernel: Pin,
    /// The one that its modules are in, where they live apart and some are wanted.
    pub modules: Option<Pin>,
}

impl Packages {
    /// Those that the lock names.
    pub fn locked(entry: &Entry) -> Self {
        Self {
            kernel: entry.pin.clone(),
            modules: entry
                .modules_package
                .clone()
                .filter(|_| wants_modules(entry)),
        }
    }

    /// All of them, the kernel's first.
    pub fn all(&self) -> impl Iterator<Item = &Pin> {
        [&self.kernel].into_iter().chain(&self.modules)
    }
}

/// Whether anything is wanted of a package with modules.
pub fn wants_modules(entry: &Entry) -> bool {
    !entry.modules.is_empty() || !entry.spare_modules.is_empty()
}

/// Says which packages stand in for those that left the archive.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Note {
    package: String,
    version: String,
    suite: String,
    size_bytes: u64,
    sha256: String,
    #[serde(default)]
    modules: Option<Box<Note>>,
}

impl Note {
    fn new(pin: &Pin, modules: Option<&Pin>) -> Self {
        let pin = pin.clone();
        Self {
            package: pin.package,
            version: pin.version,
            suite: pin.suite,
            size_bytes: pin.size_bytes,
            sha256: pin.sha256,
            modules: modules.map(|pin| Box::new(Self::new(pin, None))),
        }
    }

    fn into_pin(self) -> Option<Pin> {
        let Self {
            package,
            version,
            suite,
            size_bytes,
            sha256,
            modules: _,
        } = self;
        let sound = is_sha256(&sha256) && [&package, &version, &suite].iter().all(|t| is_plain(t));
        sound.then_some(Pin {
            package,
            version,
            suite,
            size_bytes,
            sha256,
        })
    }
}

/// What an earlier run found in place of packages that are gone. A note that is damaged, or says
/// nothing of modules that are wanted now, is as good as none: the archive is asked again.
pub fn read(path: &Path, entry: &Entry) -> Option<Packages> {
    let bytes = fs::read(path).ok()?;
    let mut note: Note = serde_json::from_slice(&bytes).ok()?;
    let modules = note.modules.take().and_then(|note| note.into_pin());
    let wants = wants_modules(entry) && entry.modules_package.is_some();
    (wants == modules.is_some()).then_some(Packages {
        kernel: note.into_pin()?,
        modules,
    })
}

/// Keeps it for later runs.
///
/// # Errors
/// When the file cannot be written.
pub fn write(path: &Path, packages: &Packages) -> Result<()> {
    let note = Note::new(&packages.kernel, packages.modules.as_ref());
    let aside = path.with_extension("replaced-new");
    fs::write(&aside, serde_json::to_vec_pretty(&note)?)
        .and_then(|()| fs::rename(&aside, path))
        .with_context(|| format!("cannot write {}", path.display()))
}

//! Where runs are kept: one folder per run, found by the hash of all that went
//! into it, and belonging to one process at a time.

use std::env;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::host;

/// A run's folder.
#[derive(Clone, Debug)]
pub struct Place {
    folder: PathBuf,
}

impl Place {
    /// The folder for what went into a run, given as named parts, below `runs`.
    ///
    /// The parts must hold everything that could change the outcome and the
    /// session that it belongs to.
    pub fn of(runs: &Path, parts: &[(&str, &str)]) -> Self {
        let mut digest = Sha256::new();
        for (name, value) in parts {
            // Lengths keep `ab`,`c` apart from `a`,`bc`.
            for text in [name, value] {
                digest.update((text.len() as u64).to_le_bytes());
                digest.update(text.as_bytes());
            }
        }
        let hash = digest.finalize();
        let name: String = hash[..12]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Self {
            folder: runs.join(name),
        }
    }

    /// A folder of a fixed name, for a run that is never shared.
    pub fn fixed(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The folder itself.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Waits until no other process has it, and has it until the value is dropped.
    ///
    /// # Errors
    /// When the folder or its lock cannot be made.
    pub fn lock(&self) -> Result<File> {
        // Not with_extension: 6.12 would lose its second number.
        let mut path = self.folder.clone().into_os_string();
        path.push(".lock");
        lock_file(Path::new(&path))
    }

    /// Removes what an earlier run left.
    ///
    /// # Errors
    /// When it cannot be removed, or the folder not be made.
    pub fn clear(&self) -> Result<()> {
        match fs::remove_dir_all(&self.folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => fs::create_dir_all(&self.folder),
        }
        .with_context(|| format!("cannot make {} anew", self.folder.display()))
    }

    /// Writes a file whole.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.folder.join(name);
        host::write_whole(&path, bytes).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Reads a file; `None` if there is none.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn read(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let path = self.folder.join(name);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }
}

fn lock_file(path: &Path) -> Result<File> {
    let open = || -> io::Result<File> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)?;
        file.lock()?;
        Ok(file)
    };
    open().with_context(|| format!("cannot lock {}", path.display()))
}

/// One of `most` turns to run a VM, shared by all processes of this checkout;
/// waits until one is free. The turn ends when the value is dropped.
///
/// # Errors
/// When the locks cannot be made.
pub fn turn(folder: &Path, most: usize) -> Result<File> {
    const PATIENCE: Duration = Duration::from_millis(100);
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    loop {
        for number in 0..most.max(1) {
            let path = folder.join(format!("vm{number}.lock"));
            let file = File::options()
                .create(true)
                .truncate(false)
                .write(true)
                .open(&path);
            let file = file.with_context(|| format!("cannot open {}", path.display()))?;
            if file.try_lock().is_ok() {
                return Ok(file);
            }
        }
        std::thread::sleep(PATIENCE);
    }
}

/// The id of a session whose rows are processes of their own; none in an ordinary run.
pub fn shared_session() -> Option<String> {
    env::var("NEXTEST_RUN_ID").ok().filter(|id| !id.is_empty())
}

/// Seconds since 1970.
pub fn now_unix_s() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap_or_default().as_secs()
}

/// Removes the runs that are older than a day, and their locks.
pub fn prune(runs: &Path) {
    const KEPT: Duration = Duration::from_secs(24 * 60 * 60);
    for entry in fs::read_dir(runs).into_iter().flatten().flatten() {
        let modified = entry.metadata().and_then(|metadata| metadata.modified());
        let age = modified.ok().and_then(|modified| modified.elapsed().ok());
        if age.is_some_and(|age| age > KEPT) {
            // Another process may be removing it at the same time.
            let _ = fs::remove_dir_all(entry.path());
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_makes_another_place() {
        let runs = Path::new("runs");
        let place = |parts: &[(&str, &str)]| Place::of(runs, parts).folder().to_owned();
        let one = place(&[("kernel", "ab"), ("session", "c")]);
        assert_eq!(one, place(&[("kernel", "ab"), ("session", "c")]));
        for other in [
            place(&[("kernel", "a"), ("session", "bc")]),
            place(&[("kernel", "ab"), ("session", "d")]),
            place(&[("kernel", "ab")]),
        ] {
            assert_ne!(one, other);
        }
    }

    #[test]
    fn no_more_turns_than_allowed_are_given() {
        let folder = tempfile::tempdir().unwrap();
        let first = turn(folder.path(), 2).unwrap();
        let _second = turn(folder.path(), 2).unwrap();
        let path = folder.path().to_owned();
        let waiting = std::thread::spawn(move || turn(&path, 2).map(drop));
        std::thread::sleep(Duration::from_millis(250));
        assert!(!waiting.is_finished());
        drop(first);
        waiting.join().unwrap().unwrap();
    }

    #[test]
    fn a_cleared_place_is_empty() {
        let runs = tempfile::tempdir().unwrap();
        let place = Place::of(runs.path(), &[("x", "y")]);
        place.keep("run.json", b"{}").unwrap();
        place.clear().unwrap();
        assert_eq!(place.read("run.json").unwrap(), None);
    }
}

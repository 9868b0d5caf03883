//! Where what is in force is pinned: a folder of its own in a bpf file system,
//! and in it one folder for each run.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use trapline_loader::error::ResultExt;
use trapline_loader::map::Map;
use trapline_loader::program::Program;

use super::{Error, Result};

const USUAL: &str = "/sys/fs/bpf/trapline-isolate";
const MOUNTS: &str = "/proc/self/mounts";
/// Folders of a run.
pub(super) const MAPS: &str = "maps";
pub(super) const PROGRAMS: &str = "programs";
pub(super) const LINKS: &str = "links";

/// A folder in a bpf file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    folder: PathBuf,
}

impl Default for Place {
    /// `/sys/fs/bpf/trapline-isolate`.
    fn default() -> Self {
        Self::at(USUAL)
    }
}

impl Place {
    /// Another folder.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
        }
    }

    /// Is there a bpf file system to pin in?
    ///
    /// # Errors
    /// `NotFound`, with the remedy, where there is none.
    pub(super) fn check(&self) -> Result<()> {
        let mounts = Path::new(MOUNTS);
        let text = fs::read_to_string(mounts).map_err(|error| Error::io(mounts, &error))?;
        if is_in_bpf(&text, &self.folder) {
            return Ok(());
        }
        let parent = self.folder.parent().unwrap_or(&self.folder);
        Err(Error::not_found(format!(
            "no bpf file system is mounted at {path}: mount -t bpf bpf {path}",
            path = parent.display()
        )))
    }

    /// The runs that left something here, oldest first.
    ///
    /// # Errors
    /// `PermissionDenied` for whoever may not look.
    pub(super) fn runs(&self) -> Result<Vec<Run>> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => {
                return Err(Error::io(&self.folder, &error)).with_context(|| "only root may look");
            }
        };
        let numbers = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        let mut numbers: Vec<u32> = numbers.collect();
        numbers.sort_unstable();
        Ok(numbers.into_iter().map(|number| self.run(number)).collect())
    }

    fn run(&self, number: u32) -> Run {
        Run {
            folder: self.folder.join(number.to_string()),
        }
    }

    /// A folder for one more run; nobody but root may look into it.
    ///
    /// # Errors
    /// `PermissionDenied`; what the kernel says otherwise.
    pub(super) fn new_run(&self) -> Result<Run> {
        let mut private = DirBuilder::new();
        private.mode(0o700);
        let make = |path: &Path| {
            private
                .create(path)
                .map_err(|error| (Error::io(path, &error), error))
        };
        match make(&self.folder) {
            Err((error, io)) if io.kind() != std::io::ErrorKind::AlreadyExists => {
                return Err(error);
            }
            _ => {}
        }
        let mut number = 1;
        loop {
            let run = self.run(number);
            match make(&run.folder) {
                Ok(()) => {
                    for part in [MAPS, PROGRAMS, LINKS] {
                        make(&run.folder.join(part)).map_err(|(error, _)| error)?;
                    }
                    return Ok(run);
                }
                Err((_, io)) if io.kind() == std::io::ErrorKind::AlreadyExists => number += 1,
                Err((error, _)) => return Err(error),
            }
        }
    }

    /// Removes the folder itself, if nothing is left in it.
    pub(super) fn remove(&self) {
        // What is left is another run's.
        let _ = fs::remove_dir(&self.folder);
    }
}

/// The pins of one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Run {
    folder: PathBuf,
}

impl Run {
    /// The path of a pin.
    pub(super) fn path(&self, part: &str, name: &str) -> PathBuf {
        self.folder.join(part).join(name)
    }

    /// Is it still there?
    pub(super) fn exists(&self) -> bool {
        self.folder.exists()
    }

    /// A map by its name in C.
    pub(super) fn map(&self, name: &str) -> Result<Map> {
        Map::from_pin(self.path(MAPS, name))
    }

    /// The numbers of the programs that were attached.
    pub(super) fn program_ids(&self) -> Result<Vec<u32>> {
        let names = self.names(PROGRAMS)?;
        let ids = names.iter().map(|name| {
            let program = Program::from_pin(self.path(PROGRAMS, name))?;
            Ok(program.info()?.id)
        });
        ids.collect()
    }

    /// What is pinned in a part of it.
    pub(super) fn names(&self, part: &str) -> Result<Vec<String>> {
        let folder = self.folder.join(part);
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(Error::io(&folder, &error)),
        };
        let names = entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
        let names: std::io::Result<Vec<String>> = names.collect();
        names.map_err(|error| Error::io(&folder, &error))
    }

    /// Removes all names and the folder.
    ///
    /// # Errors
    /// What the kernel says.
    pub(super) fn remove(&self) -> Result<()> {
        for part in [LINKS, PROGRAMS, MAPS] {
            for name in self.names(part)? {
                let path = self.path(part, &name);
                gone(&path, fs::remove_file(&path))?;
            }
            let folder = self.folder.join(part);
            gone(&folder, fs::remove_dir(&folder))?;
        }
        gone(&self.folder, fs::remove_dir(&self.folder)).with_context(|| "removing what was pinned")
    }
}

/// It is no matter who removed it.
fn gone(path: &Path, removed: std::io::Result<()>) -> Result<()> {
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io(path, &error)),
        _ => Ok(()),
    }
}

/// Does a folder lie in a bpf file system? The last mount around it counts.
fn is_in_bpf(mounts: &str, folder: &Path) -> bool {
    let around = mounts.lines().filter_map(|line| {
        let mut words = line.split_whitespace().skip(1);
        let (point, kind) = (words.next()?, words.next()?);
        folder.starts_with(point).then_some((point.len(), kind))
    });
    let deepest = around.max_by_key(|(len, _)| *len);
    deepest.is_some_and(|(_, kind)| kind == "bpf")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deepest_mount_around_a_folder_counts() {
        let mounts = "/dev/root / ext4 rw 0 0\nsysfs /sys sysfs rw 0 0\n\
                      bpf /sys/fs/bpf bpf rw,mode=700 0 0\n";
        assert!(is_in_bpf(mounts, Path::new(USUAL)));
        assert!(!is_in_bpf(mounts, Path::new("/sys/fs/bpffs/x")));
        assert!(!is_in_bpf("sysfs /sys sysfs rw 0 0\n", Path::new(USUAL)));
        let over = format!("{mounts}tmpfs /sys/fs/bpf tmpfs rw 0 0\n");
        assert!(!is_in_bpf(&over, Path::new(USUAL)));
    }

    #[test]
    fn without_a_bpf_file_system_the_remedy_is_named() {
        let place = Place::at("/proc/nowhere/trapline");
        let error = place.check().unwrap_err();
        assert_eq!(
            error.to_string(),
            "no bpf file system is mounted at /proc/nowhere: mount -t bpf bpf /proc/nowhere"
        );
    }

    #[test]
    fn where_nothing_was_there_are_no_runs() {
        assert_eq!(Place::at("/proc/nowhere").runs().unwrap(), []);
    }
}

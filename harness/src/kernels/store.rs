//! The cache of unpacked kernels: one folder per package, named by its sha256.
//!
//! Entries appear whole or not at all (built aside, then renamed), belong to
//! one process at a time while they change (file lock), are verified on every
//! use, and need no network once they are there.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, ensure};

use super::apt::Apt;
use super::archive::{Archive, Resolved, resolve};
use super::extract::{self, extract};
use super::lock::{Entry, Pin};
use super::lockfile;
use super::manifest::{Manifest, sha256_of};
use super::replaced::{self, Packages};
use super::{Kernel, Series};
use crate::progress::{Amount, Progress};

/// The packages themselves stay in their entry: a damaged file, or another choice
/// of modules, is put right from them without the network. The kernel's is first.
const PACKAGES: [&str; 2] = ["package.deb", "modules.deb"];

/// The cache, and where it gets what it lacks.
pub struct Store {
    folder: PathBuf,
    archive: Mutex<Box<dyn Archive>>,
}

/// How things stand with one kernel, without touching the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Not in the cache.
    Absent,
    /// In the cache and verified; the version that will be booted.
    Ready {
        /// Debian version.
        version: String,
        /// `uname -r`.
        release: String,
        /// Whether it stands in for a pin that left the mirror.
        replaced: bool,
    },
    /// In the cache but damaged; the next use fetches it again.
    Corrupt(String),
}

impl Store {
    /// The user's cache, filled by apt from this machine's mirror, or the one
    /// that the environment names.
    ///
    /// # Errors
    /// When there is no place for a cache.
    pub fn open() -> Result<Self> {
        Self::open_with_mirror(None)
    }

    /// The same with another mirror, see [`super::Mirror::parse`].
    ///
    /// # Errors
    /// When there is no place for a cache.
    pub fn open_with_mirror(mirror: Option<String>) -> Result<Self> {
        let folder = cache_folder()?;
        let apt = Apt::new(folder.join("apt"), mirror);
        Ok(Self::new(folder.join("kernels"), Box::new(apt)))
    }

    /// A store in `folder` that is filled from `archive`.
    pub fn new(folder: PathBuf, archive: Box<dyn Archive>) -> Self {
        Self {
            folder,

            archive: Mutex::new(archive),
        }
    }

    /// Everything that is cached lies below this folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The files of a kernel, verified; fetched first when they are not there
    /// or no longer what they were. Two processes may ask at once: one waits.
    ///
    /// # Errors
    /// When the kernel cannot be fetched, is not what the lock says, or cannot
    /// be unpacked.
    pub fn ensure(&self, entry: &Entry, progress: &Progress) -> Result<Kernel> {
        let found = self.ensure_inner(entry, progress);
        found.with_context(|| format!("kernel {} {}", entry.series, entry.arch))
    }

    fn ensure_inner(&self, entry: &Entry, progress: &Progress) -> Result<Kernel> {
        // By series, not by package: checkouts with different locks may end at
        // the same package.
        let name = format!("{}-{}.lock", entry.arch, entry.series);
        let _lock = lockfile::exclusive(&self.folder.join(name))?;
        let candidates = self.candidates(entry);
        for packages in &candidates {
            if packages.kernel != entry.pin {
                warn_replaced(entry, &packages.kernel, progress);
            }
            if let Some(kernel) = self.usable(entry, packages, progress) {
                return Ok(kernel);
            }
        }
        // Healthy packages in the entry make the network unnecessary.
        for packages in &candidates {
            let folder = self.entry_folder(&packages.kernel);
            let mut files = packages.all().zip(PACKAGES);
            let healthy = |(pin, name): (&Pin, &str)| {
                sha256_of(&folder.join(name)).is_ok_and(|sha256| sha256 == pin.sha256)
            };
            if files.all(healthy) {
                return self.unpack(entry, packages, None, progress);
            }
        }
        let mut archive = self.archive.lock().unwrap_or_else(PoisonError::into_inner);
        let packages = match resolve(archive.as_mut(), entry, progress)? {
            Resolved::Locked => Packages::locked(entry),
            Resolved::Replaced(packages) => {
                warn_replaced(entry, &packages.kernel, progress);
                replaced::write(&self.replacement_path(entry), &packages)?;
                *packages
            }
        };
        let mut downloads = Vec::new();
        for pin in packages.all() {
            let folder = self.scratch(pin, "download")?;
            let package = archive.download(entry.arch, pin, &folder.0, progress)?;
            let sha256 = sha256_of(&package)?;
            ensure!(
                sha256 == pin.sha256,
                "{pin} was fetched with sha256 {sha256}, expected {}; it is not used",
                pin.sha256
            );
            downloads.push((folder, package));
        }
        drop(archive);
        let files: Vec<&Path> = downloads.iter().map(|(_, file)| file.as_path()).collect();
        self.unpack(entry, &packages, Some(&files), progress)
    }

    /// How things stand with `entry`; asks the disk, never the network.
    pub fn state(&self, entry: &Entry) -> State {
        for packages in self.candidates(entry) {
            let folder = self.entry_folder(&packages.kernel);
            let verified = Manifest::read(&folder).and_then(|manifest| {
                manifest.as_ref().map(|m| m.verify(&folder)).transpose()?;
                Ok(manifest)
            });
            match verified {
                Ok(None) => {}
                Ok(Some(manifest)) => {
                    return State::Ready {
                        version: manifest.version,
                        release: manifest.release,
                        replaced: packages.kernel != entry.pin,
                    };
                }
                Err(error) => return State::Corrupt(format!("{error:#}")),
            }
        }
        State::Absent
    }

    /// The cached kernel, when it is there, whole, and has the right modules.
    fn usable(&self, entry: &Entry, packages: &Packages, progress: &Progress) -> Option<Kernel> {
        let pin = &packages.kernel;
        let folder = self.entry_folder(pin);
        let modules_sha256 = packages.modules.as_ref().map(|pin| &pin.sha256);
        let found = Manifest::read(&folder).and_then(|manifest| match manifest {
            Some(manifest)
                if manifest.modules_sha256.as_ref() == modules_sha256
                    && manifest.wanted_modules == entry.modules
                    && manifest.wanted_spare_modules == entry.spare_modules =>
            {
                manifest.verify(&folder)?;
                Ok(Some(kernel(entry.series, pin, &folder, &manifest)?))
            }
            _ => Ok(None),
        });
        found.unwrap_or_else(|error| {
            progress.warn(format_args!(
                "kernel {}: the cache entry {} is corrupt and is made again: {error:#}",
                entry.series,
                folder.display()
            ));
            None
        })
    }

    /// Builds the entry of these packages aside and puts it in its place. Without
    /// `files` it is built from those that the old entry holds.
    fn unpack(
        &self,
        entry: &Entry,
        packages: &Packages,
        files: Option<&[&Path]>,
        progress: &Progress,
    ) -> Result<Kernel> {
        let pin = &packages.kernel;
        let task = progress.task(entry.series.to_string(), Amount::Unknown);
        task.step(format_args!("unpacking {pin}"));
        let scratch = self.scratch(pin, "unpack")?;
        let folder = self.entry_folder(pin);
        let mut debs = Vec::new();
        for (index, (_, name)) in packages.all().zip(PACKAGES).enumerate() {
            let deb = scratch.0.join(name);
            match files.and_then(|files| files.get(index)) {
                Some(file) => fs::rename(file, &deb).context("cannot move the package")?,
                None => {
                    fs::copy(folder.join(name), &deb).context("cannot copy the package")?;
                }
            }
            debs.push(deb);
        }
        let extracted = extract(&debs, &entry.modules, &entry.spare_modules, &scratch.0)?;
        let mut manifest = Manifest::describe(&scratch.0, &PACKAGES)?;
        manifest.modules_sha256 = packages.modules.as_ref().map(|pin| pin.sha256.clone());
        manifest.package.clone_from(&pin.package);
        manifest.version.clone_from(&pin.version);
        manifest.release = extracted.release;
        manifest.wanted_modules.clone_from(&entry.modules);
        manifest
            .wanted_spare_modules
            .clone_from(&entry.spare_modules);
        manifest.modules = extracted.modules;
        manifest.spare_modules = extracted.spare_modules;
        manifest.write(&scratch.0)?;
        if folder.exists() {
            fs::remove_dir_all(&folder)
                .with_context(|| format!("cannot remove {}", folder.display()))?;
        }
        fs::rename(&scratch.0, &folder)
            .with_context(|| format!("cannot put the kernel into {}", folder.display()))?;
        task.done(format_args!("{} ready", manifest.release));
        kernel(entry.series, pin, &folder, &manifest)
    }

    fn entry_folder(&self, pin: &Pin) -> PathBuf {
        self.folder.join(&pin.sha256)
    }

    /// An empty folder that is removed again. What a killed process left under
    /// the same name goes first; the entry's lock says nobody is using it.
    fn scratch(&self, pin: &Pin, purpose: &str) -> Result<Scratch> {
        let path = self.folder.join(format!("{}.{purpose}", pin.sha256));
        if path.exists() {
            fs::remove_dir_all(&path)
                .with_context(|| format!("cannot remove {}", path.display()))?;
        }
        fs::create_dir_all(&path).with_context(|| format!("cannot create {}", path.display()))?;
        Ok(Scratch(path))
    }

    fn replacement_path(&self, entry: &Entry) -> PathBuf {
        self.folder.join(format!("{}.replaced", entry.pin.sha256))
    }

    /// What there may be in the cache: what the lock says, and what stood in for it.
    fn candidates(&self, entry: &Entry) -> Vec<Packages> {
        let mut packages = vec![Packages::locked(entry)];
        packages.extend(replaced::read(&self.replacement_path(entry), entry));
        packages
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

/// A folder that goes when it is dropped, unless it was renamed away.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next use of the entry.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn warn_replaced(entry: &Entry, pin: &Pin, progress: &Progress) {
    progress.warn(format_args!(
        "kernel {}: the locked {} has left the archive; using the newest of its series, {pin}. \
         To lock that: cargo harness kernels update {}",
        entry.series, entry.pin, entry.series
    ));
}

fn kernel(series: Series, pin: &Pin, folder: &Path, manifest: &Manifest) -> Result<Kernel> {
    let paths = |names: &[String]| names.iter().map(|name| folder.join(name)).collect();
    let optional = |name: &str| manifest.files.contains_key(name).then(|| folder.join(name));
    Ok(Kernel {
        series,
        release: manifest.release.clone(),
        version: pin.version.clone(),
        vmlinux: optional(extract::VMLINUX).context("its manifest lists no vmlinux")?,
        modules: paths(&manifest.modules),
        spare_modules: paths(&manifest.spare_modules),
        config: optional(extract::CONFIG),
        btf: optional(extract::BTF),
        sha256: pin.sha256.clone(),
    })
}

/// `$XDG_CACHE_HOME/trapline` or `~/.cache/trapline`.
///
/// # Errors
/// When neither variable names an absolute path.
pub fn cache_folder() -> Result<PathBuf> {
    let absolute = |name: &str| {
        env::var_os(name)
            .map(PathBuf::from)
            .filter(|p| p.is_absolute())
    };
    let base = absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|p| p.join(".cache")));
    let base = base.context("no place for the cache: set XDG_CACHE_HOME or HOME to a folder")?;
    Ok(base.join("trapline"))
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;

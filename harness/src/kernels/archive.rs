//! Where packages come from, as seen by the store: a trait, so that tests need
//! no mirror, and the rule for a pin that has left it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::Arch;
use super::index;
use super::lock::{Entry, Pin};
use super::replaced::{Packages, wants_modules};
use crate::progress::Progress;

/// A package archive whose index can be trusted.
pub trait Archive: Send {
    /// Every kernel and module package for `arch` in `suites`, freshly asked
    /// for once per process.
    ///
    /// # Errors
    /// When the archive cannot be reached or its signature is wrong.
    fn pins(&mut self, arch: Arch, suites: &[String], progress: &Progress) -> Result<Vec<Pin>>;

    /// Downloads one package into the empty folder `into`. The caller checks
    /// what it got.
    ///
    /// # Errors
    /// When the package cannot be had.
    fn download(
        &mut self,
        arch: Arch,
        pin: &Pin,
        into: &Path,
        progress: &Progress,
    ) -> Result<PathBuf>;
}

/// What stands for a locked kernel today.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolved {
    /// The archive has exactly what the lock says.
    Locked,
    /// It has not; these are of the newest of the series.
    Replaced(Box<Packages>),
}

/// Looks for the kernel of `entry` in its suite, and when it has left the
/// archive, for the newest of its series in all suites of the lock.
///
/// # Errors
/// When the archive cannot be asked, has other bytes under the locked version,
/// or has no kernel of the series any more.
pub fn resolve(archive: &mut dyn Archive, entry: &Entry, progress: &Progress) -> Result<Resolved> {
    let series = entry.series;
    let own_suite = std::slice::from_ref(&entry.pin.suite);
    let pins = archive.pins(entry.arch, own_suite, progress)?;
    let same = |pin: &&Pin| pin.package == entry.pin.package && pin.version == entry.pin.version;
    if let Some(found) = pins.iter().find(same) {
        if found.sha256 != entry.pin.sha256 {
            bail!(
                "the archive's {} has sha256 {}, the lock says {}; if the archive was right to \
                 change it: cargo harness kernels update {series}",
                entry.pin,
                found.sha256,
                entry.pin.sha256
            );
        }
        return Ok(Resolved::Locked);
    }
    let pins = archive.pins(entry.arch, &entry.suites, progress)?;
    let newest = index::newest(&pins, series).with_context(|| {
        format!(
            "{} has left the archive, and no kernel {series} is in {}; name another mirror, or \
             take the series out of the lock",
            entry.pin,
            entry.suites.join(", ")
        )
    })?;
    let modules = index::modules_package(&pins, newest).filter(|_| wants_modules(entry));
    Ok(Resolved::Replaced(Box::new(Packages {
        kernel: newest.clone(),
        modules: modules.cloned(),
    })))
}

//! File systems of a workload's own, mounted by who prepares it and left until it is prepared again.

use std::fs;
use std::path::{Path, PathBuf};

use crate::sys::{boot, space};
use crate::workloads::failure::{Outcome, Tried};
use crate::workloads::scene::c_path;

/// Where a workload has the file system of this name.
#[must_use]
pub fn place(name: &str) -> PathBuf {
    Path::new("/tmp/m").join(name)
}

/// Mounts a new file system in place of the one that an earlier run has left.
///
/// # Errors
/// What the kernel says.
pub fn fresh(name: &str, kind: &str, options: &str) -> Outcome<PathBuf> {
    let place = place(name);
    fs::create_dir_all(&place).tried(place.display())?;
    // The first time there is nothing.
    let _ = space::unmount(&c_path(&place)?);
    let target = place.to_string_lossy();
    boot::mount(kind, &target, kind, options).tried(format_args!("mount {kind} on {target}"))?;
    Ok(place)
}

/// Shows a folder at another place as well.
///
/// # Errors
/// What the kernel says.
pub fn fresh_bound(name: &str, folder: &Path) -> Outcome<PathBuf> {
    let place = place(name);
    fs::create_dir_all(&place).tried(place.display())?;
    let (source, target) = (c_path(folder)?, c_path(&place)?);
    let _ = space::unmount(&target);
    space::bind_or_mount(&source, &target, c"", libc::MS_BIND).tried("bind")?;
    Ok(place)
}

/// As [`fresh_bound`], where nothing can be changed.
///
/// # Errors
/// What the kernel says.
pub fn fresh_read_only(name: &str, folder: &Path) -> Outcome<PathBuf> {
    let place = fresh_bound(name, folder)?;
    let (source, target) = (c_path(folder)?, c_path(&place)?);
    let flags = libc::MS_BIND | libc::MS_REMOUNT | libc::MS_RDONLY;
    space::bind_or_mount(&source, &target, c"", flags).tried("bind read-only")?;
    Ok(place)
}

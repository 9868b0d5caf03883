//! A btrfs of a workload's own, on a disk in memory.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::mounts;
use crate::sys::{boot, space};
use crate::workloads::failure::{Failure, Outcome, Tried};
use crate::workloads::scene::{Scene, c_path};

/// An empty btrfs. First how large the disk is; then pages, each behind its place, all numbers of
/// eight little-endian bytes. What is left out is empty.
const IMAGE: &str = "/disks/btrfs";
const PAGE_BYTES: usize = 4096;
/// What that is written to.
const DISK: &str = "/dev/ram0";
const NAME: &str = "btrfs";
/// Where one of its subvolumes is mounted as well.
const SUBVOLUME: &str = "btrfs_subvolume";
/// Source: include/uapi/linux/magic.h
pub const BTRFS_MAGIC: u32 = 0x9123_683e;
/// Stands in the scene where the kernel has no btrfs.
const WITHOUT: &str = "without btrfs";

/// Makes the file system anew and mounts it; `None`, and the scene says so, on a kernel without.
pub fn fresh(scene: &Scene) -> Outcome<Option<PathBuf>> {
    let known = fs::read_to_string("/proc/filesystems").tried("read /proc/filesystems")?;
    if !known.split_whitespace().any(|word| word == "btrfs") {
        scene.file(WITHOUT, b"", 0o600)?;
        return Ok(None);
    }
    let place = mounts::place(NAME);
    // What an earlier run has left; the first time there is nothing.
    for name in [SUBVOLUME, NAME] {
        fs::create_dir_all(mounts::place(name)).tried(name)?;
        let _ = space::unmount(&c_path(mounts::place(name))?);
    }
    write_image()?;
    let target = place.to_string_lossy();
    boot::mount(DISK, &target, "btrfs", "").tried("mount btrfs")?;
    Ok(Some(place))
}

/// Where the file system is, if the kernel has it.
pub fn mounted(scene: &Scene) -> Option<PathBuf> {
    (!scene.path(WITHOUT).exists()).then(|| mounts::place(NAME))
}

/// The same file system at another place: one of its subvolumes.
pub fn mount_subvolume(name: &str) -> Outcome {
    let (place, options) = (subvolume(), format!("subvol={name}"));
    boot::mount(DISK, &place.to_string_lossy(), "btrfs", &options).tried("mount a subvolume")
}

/// Where that is.
pub fn subvolume() -> PathBuf {
    mounts::place(SUBVOLUME)
}

fn write_image() -> Outcome {
    let damaged = || Failure(format!("{IMAGE} ends within a page"));
    let image = fs::read(IMAGE).tried(IMAGE)?;
    let (_, pages) = image.split_at_checked(8).ok_or_else(damaged)?;
    let disk = File::options().write(true).open(DISK).tried(DISK)?;
    for page in pages.chunks(8 + PAGE_BYTES) {
        let (place, page) = page.split_first_chunk().ok_or_else(damaged)?;
        let place = u64::from_le_bytes(*place);
        disk.write_all_at(page, place).tried(DISK)?;
    }
    disk.sync_all().tried(DISK)
}

/// The file system's own device. What stat(2) shows is one for each subvolume, which the sensors
/// tell where the kernel shows the types of modules.
pub fn device_told(shown: u64) -> Outcome<u64> {
    if Path::new("/sys/kernel/btf/btrfs").exists() {
        return Ok(shown);
    }
    let mounts = fs::read_to_string("/proc/self/mountinfo").tried("read /proc/self/mountinfo")?;
    let place = mounts::place(NAME);
    let own = mounts.lines().find_map(|line| {
        let words: Vec<&str> = line.split(' ').collect();
        let (major, minor) = words.get(2)?.split_once(':')?;
        let is_here = Path::new(words.get(4)?) == place;
        is_here.then_some((major.parse().ok()?, minor.parse().ok()?))
    });
    let (major, minor) = own.ok_or_else(|| Failure("no btrfs in mountinfo".into()))?;
    Ok(libc::makedev(major, minor))
}

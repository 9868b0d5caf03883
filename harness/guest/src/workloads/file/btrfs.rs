//! Subvolumes of btrfs, where numbers of files come again, and extents that files share.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::disks;
use super::routes::{tell, tell_end};
use super::told::{Stat, Told, path_of};
use crate::sys::{contents, extents};
use crate::workloads::failure::{Outcome, Tried, ensure};
use crate::workloads::scene::Scene;

/// As long as the file system's smallest extent that can be shared.
const BLOCK_BYTES: usize = 4096;

/// Subvolumes `one` and `two`, each with `kept`, and `copy`, a snapshot of the first.
pub fn volumes(scene: &Scene) -> Outcome {
    let Some(place) = disks::fresh(scene)? else {
        return Ok(());
    };
    let folder = File::open(&place).tried("open")?;
    for (name, c_name) in [("one", c"one"), ("two", c"two")] {
        extents::make_subvolume(folder.as_fd(), c_name).tried(name)?;
        fs::write(place.join(name).join("kept"), name).tried("write")?;
    }
    let one = File::open(place.join("one")).tried("open")?;
    extents::make_snapshot(folder.as_fd(), c"copy", one.as_fd()).tried("snapshot")?;
    disks::mount_subvolume("two")
}

/// `same` as `first`, `other` as long, in one subvolume; `far` in another; all of two blocks.
pub fn blocks(scene: &Scene) -> Outcome {
    let Some(place) = disks::fresh(scene)? else {
        return Ok(());
    };
    let folder = File::open(&place).tried("open")?;
    extents::make_subvolume(folder.as_fd(), c"two").tried("subvolume")?;
    for (name, byte) in [("first", 1), ("same", 1), ("other", 2), ("two/far", 3)] {
        fs::write(place.join(name), [byte; 2 * BLOCK_BYTES]).tried("write")?;
    }
    // Delayed work of the disk's changes what stat(2) shows of times no more.
    folder.sync_all().tried("sync")
}

fn open(place: &Path, name: &str) -> Outcome<File> {
    let options = &mut File::options();
    options.read(true).write(true);
    options.open(place.join(name)).tried(name)
}

/// Files of one number in three subvolumes, one of them a snapshot of another: each is told by
/// itself, under its own path.
pub fn subvolumes(scene: &Scene) -> Outcome {
    let Some(place) = disks::mounted(scene) else {
        return Ok(());
    };
    let kept = ["one", "two", "copy"].map(|name| place.join(name).join("kept"));
    differ_by_device_alone(&kept)?;
    for path in &kept {
        let mut file = open(&place, &path.to_string_lossy())?;
        file.read_exact(&mut [0; 3]).tried("read")?;
        tell("file_read", &file)?;
        file.write_all(b" and more").tried("write")?;
        tell("file_write", &file)?;
        tell_end(file)?;
    }
    // By another way: the subvolume as a mount of its own. The file has been told.
    let mounted = disks::subvolume().join("kept");
    let mut file = File::options().append(true).open(mounted).tried("open")?;
    file.write_all(b" there").tried("write")?;
    tell_end(file)
}

fn differ_by_device_alone(paths: &[PathBuf]) -> Outcome {
    let mut seen = Vec::new();
    for path in paths {
        let metadata = fs::metadata(path).tried(path.display())?;
        seen.push((metadata.ino(), metadata.dev()));
    }
    let first = seen[0];
    let same = seen[1..]
        .iter()
        .all(|file| file.0 == first.0 && file.1 != first.1);
    ensure(same, || format!("inodes and devices: {seen:?}"))
}

/// Between subvolumes files cannot move nor be linked; a subvolume can move, with all in it.
pub fn moves(scene: &Scene) -> Outcome {
    let Some(place) = disks::mounted(scene) else {
        return Ok(());
    };
    let (kept, other) = (place.join("one/kept"), place.join("two/other"));
    Told::new("file_rename", &other)?
        .old_path(&kept)
        .fails(fs::rename(&kept, &other))?
        .stat(Stat::of(&kept)?)
        .say()?;
    Told::new("file_link", &other)?
        .old_path(&kept)
        .fails(fs::hard_link(&kept, &other))?
        .say()?;
    let moved = place.join("one/moved");
    fs::rename(&kept, &moved).tried("rename")?;
    Told::new("file_rename", &moved)?
        .old_path(&kept)
        .stat(Stat::of(&moved)?)
        .say()?;
    let mut open = open(&place, "copy/kept")?;
    let (copy, inner) = (place.join("copy"), place.join("one/copy"));
    fs::rename(&copy, &inner).tried("move the subvolume")?;
    Told::new("file_rename", &inner)?
        .old_path(&copy)
        .stat(Stat::of(&inner)?)
        .say()?;
    open.write_all(b"now there").tried("write")?;
    tell("file_write", &open)?;
    tell_end(open)?;
    deleted(&inner.join("kept"))?;
    made_and_gone(&place)
}

/// A subvolume that an ioctl makes is no event; a file in it is, and the subvolume's end by rmdir.
fn made_and_gone(place: &Path) -> Outcome {
    let folder = File::open(place).tried("open")?;
    extents::make_subvolume(folder.as_fd(), c"new").tried("subvolume")?;
    let (new, first) = (place.join("new"), place.join("new/first"));
    let file = File::create_new(&first).tried("create")?;
    Told::new("file_create", path_of(&file)?)?
        .how("open")
        .stat(Stat::of_file(&file)?)
        .say()?;
    drop(file);
    deleted(&first)?;
    let gone = Stat::of(&new)?.less_links(1);
    fs::remove_dir(&new).tried("rmdir")?;
    Told::new("file_delete", &new)?
        .how("rmdir")
        .flags(&["last_link"])
        .stat(gone)
        .say()
}

fn deleted(path: &Path) -> Outcome {
    let gone = Stat::of(path)?.less_links(1);
    fs::remove_file(path).tried("delete")?;
    Told::new("file_delete", path)?
        .how("unlink")
        .flags(&["last_link"])
        .stat(gone)
        .say()
}

/// FICLONE of a whole file, FICLONERANGE of a block within a file and into another subvolume; one
/// that is refused.
pub fn clones(scene: &Scene) -> Outcome {
    let Some(place) = disks::mounted(scene) else {
        return Ok(());
    };
    let (first, other) = (open(&place, "first")?, open(&place, "other")?);
    let refused = extents::clone_range(first.as_fd(), other.as_fd(), 10, 1);
    ensure(refused.is_err(), || "cloned parts of blocks".into())?;
    extents::clone_whole(first.as_fd(), other.as_fd()).tried("FICLONE")?;
    tell("file_read", &first)?;
    tell("file_write", &other)?;
    tell_end(other)?;
    let (far, block) = (open(&place, "two/far")?, BLOCK_BYTES as u64);
    extents::clone_range(first.as_fd(), far.as_fd(), block, block).tried("FICLONERANGE")?;
    tell("file_write", &far)?;
    tell_end(far)?;
    // Within one file, beyond its end.
    extents::clone_range(first.as_fd(), first.as_fd(), block, 4 * block).tried("FICLONERANGE")?;
    tell("file_write", &first)?;
    tell_end(first)
}

/// FIDEDUPERANGE: of what is the same, of what differs, of what is no file. Nothing that anyone reads
/// has changed, so there is nothing to tell.
pub fn deduplicated(scene: &Scene) -> Outcome {
    let Some(place) = disks::mounted(scene) else {
        return Ok(());
    };
    let (first, block) = (open(&place, "first")?, BLOCK_BYTES as u64);
    for (name, expected) in [("same", block), ("other", 0)] {
        let to = open(&place, name)?;
        let done = extents::deduplicate(first.as_fd(), to.as_fd(), block).tried(name)?;
        ensure(done == expected, || format!("{name}: {done} bytes"))?;
    }
    let folder = File::open(&place).tried("open")?;
    let refused = extents::deduplicate(folder.as_fd(), first.as_fd(), block);
    ensure(refused.is_err(), || "a folder is deduplicated".into())?;
    drop(first);
    // Something must be told, so that the silence before it is one.
    deleted(&place.join("first"))
}

/// copy_file_range within a subvolume, into another, and into another file system, where since Linux
/// 5.19 what copies has to do as cp(1) does then.
pub fn copies(scene: &Scene) -> Outcome {
    let Some(place) = disks::mounted(scene) else {
        return Ok(());
    };
    let (first, other) = (open(&place, "first")?, open(&place, "other")?);
    contents::copy_file_range(first.as_fd(), other.as_fd(), 100).tried("copy_file_range")?;
    tell("file_read", &first)?;
    tell("file_write", &other)?;
    tell_end(other)?;
    let (same, far) = (open(&place, "same")?, open(&place, "two/far")?);
    contents::copy_file_range(same.as_fd(), far.as_fd(), 100).tried("copy_file_range")?;
    tell("file_read", &same)?;
    tell("file_write", &far)?;
    let away = File::create_new(scene.path("away")).tried("create")?;
    Told::new("file_create", path_of(&away)?)?
        .how("open")
        .stat(Stat::of_file(&away)?)
        .say()?;
    match contents::copy_file_range(far.as_fd(), away.as_fd(), 100) {
        Err(error) if error.raw_os_error() == Some(libc::EXDEV) => {
            contents::sendfile(away.as_fd(), far.as_fd(), 100)
        }
        copied => copied,
    }
    .tried("copy between file systems")?;
    tell("file_read", &far)?;
    tell("file_write", &away)?;
    tell_end(far)?;
    tell_end(away)
}

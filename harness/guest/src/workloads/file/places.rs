//! File systems: of another device, of another kind, read-only, full.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{chown, symlink};
use std::path::Path;

use super::mounts;
use super::told::{Stat, Told, path_of};
use crate::sys::file;
use crate::sys::process::Ended;
use crate::sys::space;
use crate::workloads::failure::{Outcome, Tried, ensure};
use crate::workloads::kit::{self, Birth};
use crate::workloads::scene::Scene;

/// Two file systems of different kinds; in each a file of somebody else's.
pub fn two(_: &Scene) -> Outcome {
    for (name, kind) in [("two_tmpfs", "tmpfs"), ("two_ramfs", "ramfs")] {
        let theirs = mounts::fresh(name, kind, "")?.join("theirs");
        fs::write(&theirs, "theirs").tried("write")?;
        chown(&theirs, Some(1001), Some(2001)).tried("give away")?;
    }
    Ok(())
}

/// The same in both; between them, nothing.
pub fn devices(_: &Scene) -> Outcome {
    let places = ["two_tmpfs", "two_ramfs"].map(mounts::place);
    for place in &places {
        let (new, theirs) = (place.join("new"), place.join("theirs"));
        let file = File::create_new(&new).tried("create")?;
        Told::new("file_create", path_of(&file)?)?
            .how("open")
            .stat(Stat::of(&new)?)
            .say()?;
        let replaced = Stat::of(&theirs)?;
        fs::rename(&new, &theirs).tried("rename")?;
        Told::new("file_rename", &theirs)?
            .old_path(&new)
            .flags(&["replaced"])
            .other(replaced)
            .stat(Stat::of(&theirs)?)
            .say()?;
    }
    let (from, to) = (places[0].join("theirs"), places[1].join("new"));
    all_fail(
        libc::EXDEV,
        [fs::rename(&from, &to), fs::hard_link(&from, &to)],
    )
}

/// Files, the same where nothing can be changed, and a file system that is full.
pub fn limited(scene: &Scene) -> Outcome {
    scene.file("theirs/first", b"one", 0o644)?;
    scene.dir("theirs/folder")?;
    mounts::fresh_read_only("read_only", &scene.path("theirs"))?;
    // One inode is the root's.
    let full = mounts::fresh("full", "tmpfs", "nr_inodes=2")?;
    fs::write(full.join("first"), "").tried("fill")
}

/// Refused for what the kernel knows before it tries: nothing is told. Refused by the file system,
/// or for want of permission in the folder: told with the error.
pub fn refused(scene: &Scene) -> Outcome {
    let existing = scene.path("theirs/first");
    all_fail(libc::EEXIST, [File::create_new(&existing)])?;
    let mut options = OpenOptions::new();
    let options = options.write(true).create(true);
    drop(options.open(&existing).tried("open what exists")?);
    let place = mounts::place("read_only");
    let (first, other) = (place.join("first"), place.join("other"));
    all_fail(
        libc::EROFS,
        [
            File::create_new(&other).map(drop),
            fs::create_dir(&other),
            symlink("x", &other),
            fs::hard_link(&first, &other),
            fs::rename(&first, &other),
            fs::remove_file(&first),
            fs::remove_dir(place.join("folder")),
            file::mknod(&other, libc::S_IFIFO, 0),
        ],
    )?;
    full()?;
    kit::start(Birth::Fork, &mut |_| {
        space::setresuid(1001, 1001, 1001).tried("setresuid")?;
        not_allowed(&scene.path("theirs"))?;
        Ok(1)
    })?
    .ends(Ended::Exit(1))
}

/// Without a free inode.
fn full() -> Outcome {
    let place = mounts::place("full");
    let (first, other) = (place.join("first"), place.join("other"));
    all_fail(libc::ENOSPC, [File::create_new(&other)])?;
    let create = |how| -> Outcome<Told> { Ok(Told::new("file_create", &other)?.how(how)) };
    create("mkdir")?.fails(fs::create_dir(&other))?.say()?;
    create("mknod")?
        .fails(file::mknod(&other, libc::S_IFIFO, 0))?
        .say()?;
    create("symlink")?
        .target("x")
        .fails(symlink("x", &other))?
        .say()?;
    Told::new("file_link", &other)?
        .old_path(&first)
        .fails(fs::hard_link(&first, &other))?
        .say()
}

/// In somebody else's folder.
fn not_allowed(folder: &Path) -> Outcome {
    let (first, inner, other) = (
        folder.join("first"),
        folder.join("folder"),
        folder.join("other"),
    );
    all_fail(libc::EACCES, [File::create_new(&other)])?;
    Told::new("file_create", &other)?
        .how("mkdir")
        .fails(fs::create_dir(&other))?
        .say()?;
    Told::new("file_delete", &first)?
        .how("unlink")
        .fails(fs::remove_file(&first))?
        .stat(Stat::of(&first)?)
        .say()?;
    Told::new("file_delete", &inner)?
        .how("rmdir")
        .fails(fs::remove_dir(&inner))?
        .stat(Stat::of(&inner)?)
        .say()?;
    Told::new("file_rename", &other)?
        .old_path(&first)
        .fails(fs::rename(&first, &other))?
        .stat(Stat::of(&first)?)
        .say()
}

/// Checks that each was refused so.
fn all_fail<T, const COUNT: usize>(errno: i32, results: [std::io::Result<T>; COUNT]) -> Outcome {
    for (which, result) in results.into_iter().enumerate() {
        let error = result.err().and_then(|error| error.raw_os_error());
        ensure(error == Some(errno), || {
            format!("call {which}: errno {error:?}, not {errno}")
        })?;
    }
    Ok(())
}

//! Names and sizes through io_uring: told as the process's own that asked.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::fd::AsFd;
use std::os::unix::fs::{OpenOptionsExt, symlink};

use super::routes::{open, tell, tell_end};
use super::told::{Stat, Told};
use crate::sys::process::Ended;
use crate::sys::uring::Uring;
use crate::workloads::failure::{Outcome, Tried};
use crate::workloads::kit::{self, Birth};
use crate::workloads::scene::{Scene, c_path};

/// What a request said, or where the kernel has no such request what the plain call says.
fn or_by_call(by_ring: io::Result<()>, call: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    match by_ring {
        Err(error) if error.kind() == ErrorKind::InvalidInput => call(),
        other => other,
    }
}

/// A folder, a file in it, a symbolic link, a second name and a new one, and the end of all.
pub fn names(scene: &Scene) -> Outcome {
    names_through(scene, false)
}

/// The same, found by a thread of the kernel.
pub fn polled_names(scene: &Scene) -> Outcome {
    names_through(scene, true)
}

fn names_through(scene: &Scene, is_polled: bool) -> Outcome {
    let child = kit::start(Birth::Fork, &mut |_| {
        let mut ring = Uring::new(is_polled).tried("io_uring_setup")?;
        made(scene, &mut ring)?;
        gone(scene, &mut ring)?;
        Ok(0)
    })?;
    child.ends(Ended::Exit(0))
}

fn made(scene: &Scene, ring: &mut Uring) -> Outcome {
    let at = |name| scene.path(name);
    let create = |how, path| -> Outcome<Told> {
        let stat = Stat::of(&path)?;
        Ok(Told::new("file_create", path)?.how(how).stat(stat))
    };
    let by_ring = ring.mkdir(&c_path(at("folder"))?, 0o755);
    or_by_call(by_ring, || fs::create_dir(at("folder"))).tried("mkdirat")?;
    create("mkdir", at("folder"))?.say()?;
    let new = c_path(at("folder/new"))?;
    let flags = libc::O_CREAT | libc::O_EXCL | libc::O_WRONLY | libc::O_CLOEXEC;
    let by_ring = ring.open(&new, flags, 0o640).map(drop);
    let call = || {
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o640)
            .open(at("folder/new"))
    };
    or_by_call(by_ring, || call().map(drop)).tried("openat")?;
    create("open", at("folder/new"))?.say()?;
    let soft = c_path(at("soft"))?;
    let by_ring = ring.symlink(c"some where", &soft);
    or_by_call(by_ring, || symlink("some where", at("soft"))).tried("symlinkat")?;
    create("symlink", at("soft"))?.target("some where").say()?;
    let by_ring = ring.link(&new, &c_path(at("second name"))?);
    let link = || fs::hard_link(at("folder/new"), at("second name"));
    or_by_call(by_ring, link).tried("linkat")?;
    Told::new("file_link", at("second name"))?
        .old_path(at("folder/new"))
        .stat(Stat::of(at("second name"))?)
        .say()?;
    let by_ring = ring.rename(&new, &c_path(at("moved"))?);
    let rename = || fs::rename(at("folder/new"), at("moved"));
    or_by_call(by_ring, rename).tried("renameat")?;
    Told::new("file_rename", at("moved"))?
        .old_path(at("folder/new"))
        .stat(Stat::of(at("moved"))?)
        .say()
}

fn gone(scene: &Scene, ring: &mut Uring) -> Outcome {
    for (name, flags) in [
        ("moved", &[][..]),
        ("soft", &["last_link"]),
        ("second name", &["last_link"]),
    ] {
        let path = scene.path(name);
        let stat = Stat::of(&path)?.less_links(1);
        let by_ring = ring.unlink(&c_path(&path)?, 0);
        or_by_call(by_ring, || fs::remove_file(&path)).tried("unlinkat")?;
        Told::new("file_delete", path)?
            .how("unlink")
            .flags(flags)
            .stat(stat)
            .say()?;
    }
    let folder = scene.path("folder");
    let stat = Stat::of(&folder)?.less_links(u64::MAX);
    let by_ring = ring.unlink(&c_path(&folder)?, libc::AT_REMOVEDIR);
    or_by_call(by_ring, || fs::remove_dir(&folder)).tried("unlinkat")?;
    Told::new("file_delete", folder)?
        .how("rmdir")
        .flags(&["last_link"])
        .stat(stat)
        .say()
}

/// More room and less. As in `routes::uring_write`, the last close is ours.
pub fn sizes(scene: &Scene) -> Outcome {
    sizes_through(scene, false)
}

/// The same, found by a thread of the kernel.
pub fn polled_sizes(scene: &Scene) -> Outcome {
    sizes_through(scene, true)
}

fn sizes_through(scene: &Scene, is_polled: bool) -> Outcome {
    let first = open(scene, "first")?;
    let child = kit::start(Birth::Fork, &mut |_| {
        let mut ring = Uring::new(is_polled).tried("io_uring_setup")?;
        ring.fallocate(first.as_fd(), 5000).tried("fallocate")?;
        tell("file_write", &first)?;
        Ok(0)
    })?;
    child.ends(Ended::Exit(0))?;
    truncated(&first, is_polled)?;
    tell_end(first)
}

fn truncated(first: &File, is_polled: bool) -> Outcome {
    let child = kit::start(Birth::Fork, &mut |_| {
        let mut ring = Uring::new(is_polled).tried("io_uring_setup")?;
        let by_ring = ring.truncate(first.as_fd(), 2);
        or_by_call(by_ring, || first.set_len(2)).tried("ftruncate")?;
        tell("file_truncate", first)?;
        Ok(0)
    })?;
    child.ends(Ended::Exit(0))
}

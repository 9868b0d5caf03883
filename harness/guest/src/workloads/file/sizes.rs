//! Sizes that are set, and memory that is a file.

use std::fs::File;
use std::os::fd::AsFd;

use super::routes::{open, tell, tell_end};
use super::told::{Stat, Told, path_of};
use crate::sys::contents::{self, Mapped};
use crate::sys::process;
use crate::workloads::failure::{Outcome, Tried, ensure};
use crate::workloads::kit::{self, Birth};
use crate::workloads::scene::Scene;

/// ftruncate, to less and to more.
pub fn ftruncate(scene: &Scene) -> Outcome {
    let first = open(scene, "first")?;
    for bytes in [1, 10_000] {
        first.set_len(bytes).tried("ftruncate")?;
        tell("file_truncate", &first)?;
    }
    tell_end(first)
}

/// open with `O_TRUNC`.
pub fn open_truncated(scene: &Scene) -> Outcome {
    let first = File::create(scene.path("first")).tried("open")?;
    tell("file_truncate", &first)?;
    tell_end(first)
}

/// truncate of a path: no open file, no end.
pub fn truncate(scene: &Scene) -> Outcome {
    let path = scene.path("first");
    contents::truncate(&path, 2).tried("truncate")?;
    Told::new("file_truncate", &path)?
        .stat(Stat::of(&path)?)
        .say()
}

/// Of a folder, of none, to less than nothing: nothing to tell. Of a program that runs: refused.
pub fn truncate_failures(scene: &Scene) -> Outcome {
    let folder = scene.path("inner");
    let missing = scene.path("missing");
    for (path, bytes) in [(&folder, 1), (&missing, 1), (&scene.path("first"), -1)] {
        let refused = contents::truncate(path, bytes);
        ensure(refused.is_err(), || format!("truncated {}", path.display()))?;
    }
    let busy = scene.path("prog");
    let runs = kit::run(Birth::Fork, &scene.program("prog", &[])?)?;
    Told::new("file_truncate", &busy)?
        .fails(contents::truncate(&busy, 0))?
        .stat(Stat::of(&busy)?)
        .say()?;
    runs.finish(0)
}

/// Shared and writable: told when it is mapped; changed without a call; its end is when the last
/// mapping is gone, long after the descriptor.
pub fn map(scene: &Scene) -> Outcome {
    let first = open(scene, "first")?;
    let writable = libc::PROT_READ | libc::PROT_WRITE;
    // A copy of one's own, and one that cannot be written: nothing to tell.
    let copy = Mapped::new(first.as_fd(), writable, libc::MAP_PRIVATE).tried("mmap")?;
    let to_read = Mapped::new(first.as_fd(), libc::PROT_READ, libc::MAP_SHARED).tried("mmap")?;
    let mapped = Mapped::new(first.as_fd(), writable, libc::MAP_SHARED).tried("mmap")?;
    Told::new("file_map", path_of(&first)?)?
        .detail(writable.cast_unsigned())
        .flags(&["mapped"])
        .stat(Stat::of_file(&first)?)
        .say()?;
    drop((copy, to_read));
    ends_with_its_mapping(first, mapped)
}

/// Made writable after it was mapped.
pub fn protect(scene: &Scene) -> Outcome {
    let first = open(scene, "first")?;
    let mapped = Mapped::new(first.as_fd(), libc::PROT_READ, libc::MAP_SHARED).tried("mmap")?;
    let writable = libc::PROT_READ | libc::PROT_WRITE;
    mapped.protect(writable).tried("mprotect")?;
    Told::new("file_map", path_of(&first)?)?
        .detail(writable.cast_unsigned())
        .flags(&["mapped"])
        .stat(Stat::of_file(&first)?)
        .say()?;
    ends_with_its_mapping(first, mapped)
}

fn ends_with_its_mapping(file: File, mapped: Mapped) -> Outcome {
    mapped.write(b'!');
    let end = Told::new("file_close_write", path_of(&file)?)?
        .flags(&["mapped"])
        .stat(Stat::of_file(&file)?);
    drop(file);
    drop(mapped);
    end.say()
}

/// In memory, of small and of huge pages.
pub fn memfd(_: &Scene) -> Outcome {
    let small = process::memfd_create(c"of small pages", true).tried("memfd_create")?;
    let huge = contents::memfd_of_huge_pages(c"of huge pages").tried("memfd_create")?;
    for (fd, name) in [
        (small, "/memfd:of small pages"),
        (huge, "/memfd:of huge pages"),
    ] {
        let file = File::from(fd);
        let shown = path_of(&file)?;
        ensure(
            shown.as_os_str() == format!("{name} (deleted)").as_str(),
            || format!("{name} is shown as {}", shown.display()),
        )?;
        Told::new("file_create", name)?
            .how("memfd")
            .path_flags(&["unreachable"])
            .stat(Stat::of_file(&file)?)
            .say()?;
        // What is written there is nobody's file.
        file.set_len(0).tried("ftruncate")?;
    }
    Ok(())
}

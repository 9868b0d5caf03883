//! Other ways to open.

use std::fs::{self, File};
use std::io::Write;
use std::os::fd::AsFd;

use super::routes::{tell, tell_end};
use super::told::{Stat, Told, path_of};
use crate::sys::contents::{self, Mapped};
use crate::sys::{boot, handle, process, space};
use crate::workloads::failure::{Outcome, Tried};
use crate::workloads::kit::{self, Birth};
use crate::workloads::scene::{Scene, c_path};

/// openat2, which creates what is not there.
pub fn openat2(scene: &Scene) -> Outcome {
    const RESOLVE_NO_SYMLINKS: u64 = 4;
    let flags = libc::O_CREAT | libc::O_EXCL | libc::O_WRONLY;
    let fd = contents::openat2(&scene.path("new"), flags, 0o640, RESOLVE_NO_SYMLINKS);
    let mut file = File::from(fd.tried("openat2")?);
    Told::new("file_create", path_of(&file)?)?
        .how("open")
        .stat(Stat::of_file(&file)?)
        .say()?;
    file.write_all(b"new").tried("write")?;
    tell("file_write", &file)?;
    tell_end(file)
}

/// open_by_handle_at: no name is looked up, and there is one all the same.
pub fn by_handle(scene: &Scene) -> Outcome {
    let fd = handle::open(&scene.path("first"), libc::O_WRONLY | libc::O_TRUNC);
    let mut file = File::from(fd.tried("open by handle")?);
    tell("file_truncate", &file)?;
    file.write_all(b"handled").tried("write")?;
    tell("file_write", &file)?;
    tell_end(file)
}

const CORE_PATTERN: &str = "/proc/sys/kernel/core_pattern";

/// A disk with room for one page: what a core has in it, and so its size, differs from kernel to
/// kernel; where it ends here does not.
pub fn small_disk(scene: &Scene) -> Outcome {
    scene.file("first", b"one", 0o644)?;
    let place = scene.dir("small")?;
    boot::mount("tmpfs", &place.to_string_lossy(), "tmpfs", "size=4k").tried("mount")
}

/// The core of a process: its own doing, but by the kernel's hand.
pub fn core(scene: &Scene) -> Outcome {
    let place = scene.path("small");
    let mut child = kit::start(Birth::Fork, &mut |inside| {
        process::limit_core(libc::RLIM_INFINITY).tried("allow core files")?;
        std::env::set_current_dir(&place).tried("enter the small disk")?;
        // Each is mentioned in the core: more than a page of headers alone.
        let file = File::open(scene.path("first")).tried("open")?;
        let map = |_| Mapped::new(file.as_fd(), libc::PROT_READ, libc::MAP_SHARED);
        let _maps: Vec<_> = (0..60).map(map).collect();
        inside.ready()?;
        inside.wait()
    })?;
    child.await_ready()?;
    let pid = child.pid;
    child.killed_by(libc::SIGABRT, true)?;
    let pattern = fs::read_to_string(CORE_PATTERN).tried(CORE_PATTERN)?;
    let core = place.join(pattern.trim_end());
    for operation in [
        "file_create",
        "file_truncate",
        "file_write",
        "file_close_write",
    ] {
        let fact = Told::new(operation, &core)?.of(pid).flags(&["by_kernel"]);
        match operation {
            "file_create" => fact.how("open"),
            "file_close_write" => fact.stat(Stat::of(&core)?),
            _ => fact,
        }
        .say()?;
    }
    space::unmount(&c_path(&place)?).tried("unmount")
}

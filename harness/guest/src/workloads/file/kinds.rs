//! Files that are not regular, and files that begin without a name.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixListener;

use super::mounts;
use super::told::{Stat, Told, path_of};
use crate::sys::file;
use crate::workloads::failure::{Outcome, Tried};
use crate::workloads::scene::Scene;

/// Every type that mknod(2) makes, and the socket that bind(2) makes.
pub fn nodes(scene: &Scene) -> Outcome {
    let null = libc::makedev(1, 3);
    for (name, mode, device) in [
        ("regular", libc::S_IFREG | 0o600, 0),
        ("fifo", libc::S_IFIFO | 0o640, 0),
        ("socket", libc::S_IFSOCK | 0o644, 0),
        ("character", libc::S_IFCHR | 0o666, null),
        ("block", libc::S_IFBLK | 0o660, null),
    ] {
        let path = scene.path(name);
        file::mknod(&path, mode, device).tried(format_args!("mknod {name}"))?;
        Told::new("file_create", &path)?
            .how("mknod")
            .stat(Stat::of(&path)?)
            .say()?;
    }
    let path = scene.path("bound");
    let socket = UnixListener::bind(&path).tried("bind")?;
    Told::new("file_create", &path)?
        .how("mknod")
        .stat(Stat::of(&path)?)
        .say()?;
    drop(socket);
    Ok(())
}

/// A file system where inodes are numbered from the start.
pub fn own_tmpfs(_: &Scene) -> Outcome {
    mounts::fresh("tmpfile", "tmpfs", "").map(drop)
}

/// Written without a name, then given one; one more is never given any.
pub fn tmpfile(_: &Scene) -> Outcome {
    let folder = mounts::place("tmpfile");
    let open = || {
        let mut options = OpenOptions::new();
        let options = options.write(true).custom_flags(libc::O_TMPFILE);
        options.open(&folder).tried("open without a name")
    };
    let created = |file: &File| -> Outcome {
        Told::new("file_create", path_of(file)?)?
            .how("tmpfile")
            .stat(Stat::of_file(file)?)
            .say()
    };
    let mut named = open()?;
    created(&named)?;
    named.write_all(b"hello").tried("write")?;
    Told::new("file_write", path_of(&named)?)?
        .stat(Stat::of_file(&named)?)
        .say()?;
    let name = folder.join("name");
    let before = path_of(&named)?;
    file::link_open(named.as_fd(), &name).tried("linkat")?;
    Told::new("file_link", &name)?
        .old_path(before)
        .stat(Stat::of(&name)?)
        .say()?;
    let end = Told::new("file_close_write", path_of(&named)?)?.stat(Stat::of_file(&named)?);
    drop(named);
    end.say()?;
    created(&open()?)
}

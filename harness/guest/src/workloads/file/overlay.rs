//! A file system of layers: what is done to a merged file is done once, under its merged path.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;

use super::attributes::changed;
use super::routes::{tell, tell_end};
use super::told::{Stat, Told, path_of};
use crate::sys::{boot, contents, space};
use crate::workloads::failure::{Outcome, Tried};
use crate::workloads::scene::{Scene, c_path};

/// Stands where the kernel has no overlayfs.
const WITHOUT: &str = "without overlayfs";

/// `merged` of an upper and a lower layer; in the lower one `old`, `read` and `gone`. Room for
/// another such, `again`.
pub fn layers(scene: &Scene) -> Outcome {
    for name in ["lower/old", "lower/read", "lower/gone"] {
        scene.file(name, b"below", 0o644)?;
    }
    scene.file("beside", b"", 0o644)?;
    for merged in ["merged", "again"] {
        for name in [merged, &upper(merged), &work(merged)] {
            scene.dir(name)?;
        }
    }
    match mount_layers(scene, "merged") {
        // ENODEV: built without it.
        Err(error) if error.raw_os_error() == Some(libc::ENODEV) => {
            scene.file(WITHOUT, b"", 0o600).map(drop)
        }
        mounted => mounted.tried("mount the layers"),
    }
}

fn upper(merged: &str) -> String {
    format!("{merged}_upper")
}

fn work(merged: &str) -> String {
    format!("{merged}_work")
}

fn mount_layers(scene: &Scene, merged: &str) -> io::Result<()> {
    let at = |name: &str| scene.path(name).to_string_lossy().into_owned();
    let options = format!(
        "lowerdir={},upperdir={},workdir={}",
        at("lower"),
        at(&upper(merged)),
        at(&work(merged))
    );
    boot::mount("overlay", &at(merged), "overlay", &options)
}

/// Mounting sets an attribute of the upper layer without taking a mount for it; who takes one next,
/// here for another file of that file system, has set none.
fn mounted_again(scene: &Scene) -> Outcome {
    mount_layers(scene, "again").tried("mount the layers again")?;
    let beside = scene.path("beside");
    fs::set_permissions(&beside, fs::Permissions::from_mode(0o600)).tried("chmod")?;
    changed("chmod", &beside)?.detail(0o600).say()?;
    space::unmount(&c_path(scene.path("again"))?).tried("unmount")
}

/// Read below, copied up by a write, made, moved and deleted. A kernel without overlayfs does
/// nothing, and its document says why.
pub fn merged(scene: &Scene) -> Outcome {
    if scene.path(WITHOUT).exists() {
        return Ok(());
    }
    mounted_again(scene)?;
    let merged = scene.path("merged");
    let mut read = File::open(merged.join("read")).tried("open")?;
    read.read_exact(&mut [0; 3]).tried("read")?;
    tell("file_read", &read)?;

    let options = &mut File::options();
    let mut old = options
        .append(true)
        .open(merged.join("old"))
        .tried("open")?;
    old.write_all(b" and above").tried("write")?;
    tell("file_write", &old)?;
    tell_end(old)?;

    let (path, moved) = (merged.join("new"), merged.join("moved"));
    let new = File::create_new(&path).tried("create")?;
    Told::new("file_create", path_of(&new)?)?
        .how("open")
        .stat(Stat::of_file(&new)?)
        .say()?;
    contents::fallocate(new.as_fd(), 0, 10).tried("fallocate")?;
    tell("file_write", &new)?;
    new.set_len(4).tried("ftruncate")?;
    tell("file_truncate", &new)?;
    tell_end(new)?;
    fs::rename(&path, &moved).tried("rename")?;
    Told::new("file_rename", &moved)?
        .old_path(&path)
        .stat(Stat::of(&moved)?)
        .say()?;
    for path in [&moved, &merged.join("gone")] {
        let gone = Stat::of(path)?.less_links(1);
        fs::remove_file(path).tried("delete")?;
        Told::new("file_delete", path)?
            .how("unlink")
            .flags(&["last_link"])
            .stat(gone)
            .say()?;
    }
    drop(read);
    space::unmount(&c_path(&merged)?).tried("unmount")
}

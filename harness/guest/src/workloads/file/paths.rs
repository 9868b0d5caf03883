//! Paths: long, deep, of any bytes; through mounts; of what has been moved, linked or deleted since.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::told::{Stat, Told, path_of};
use crate::sys::process::Ended;
use crate::sys::space;
use crate::workloads::failure::{Outcome, Tried, ensure};
use crate::workloads::kit::{self, Birth};
use crate::workloads::scene::{Scene, c_path};

/// Creates a file and says so, with the path that readlink(2) shows.
fn made(path: &Path, marks: &[&str]) -> Outcome<File> {
    let file = File::create_new(path).tried(path.display())?;
    said_made(&file, path_of(&file)?, marks)?;
    Ok(file)
}

fn said_made(file: &File, path: PathBuf, marks: &[&str]) -> Outcome {
    Told::new("file_create", path)?
        .how("open")
        .path_flags(marks)
        .stat(Stat::of_file(file)?)
        .say()
}

/// Writes and says so, with the path that readlink(2) shows.
fn written(file: &mut File, marks: &[&str]) -> Outcome {
    file.write_all(b"more").tried("write")?;
    Told::new("file_write", path_of(file)?)?
        .path_flags(marks)
        .stat(Stat::of_file(file)?)
        .say()
}

/// Closes what was written and says so, with the path that readlink(2) has shown just before.
fn closed(file: File, marks: &[&str]) -> Outcome {
    let end = Told::new("file_close_write", path_of(&file)?)?
        .path_flags(marks)
        .stat(Stat::of_file(&file)?);
    drop(file);
    end.say()
}

/// Folders for [`long`], made beforehand: 300 of one letter, and a chain of more than 4096 bytes.
pub fn deep_folders(scene: &Scene) -> Outcome {
    scene.dir(&"d/".repeat(300))?;
    for _ in 0..LONG_FOLDERS {
        fs::create_dir(long_name()).tried("make a folder")?;
        std::env::set_current_dir(long_name()).tried("walk down")?;
    }
    Ok(())
}

const LONG_FOLDERS: usize = 20;

fn long_name() -> String {
    "p".repeat(250)
}

/// A name of 255 bytes, one that is no UTF-8, a depth of 300, and one past what a path can hold.
pub fn long(scene: &Scene) -> Outcome {
    drop(made(&scene.path(&"n".repeat(255)), &[])?);
    let odd = OsStr::from_bytes(b"\xff\xfe \x01\"\n\\");
    drop(made(&scene.folder.join(odd), &[])?);
    drop(made(&scene.path(&format!("{}end", "d/".repeat(300))), &[])?);
    let mut path = scene.folder.clone();
    for _ in 0..LONG_FOLDERS {
        std::env::set_current_dir(long_name()).tried("walk down")?;
        path.push(long_name());
    }
    let file = File::create_new("end").tried("create far down")?;
    // readlink(2) has no room for it either.
    ensure(path_of(&file).is_err(), || {
        "readlink shows a path of 5,000 bytes".into()
    })?;
    said_made(&file, path.join("end"), &[])
}

/// A mount, one in it, a folder of it bound elsewhere, a file bound over another; then one that is
/// taken away while a file of it is open.
pub fn mounts(scene: &Scene) -> Outcome {
    let at = |name: &str| c_path(scene.path(name));
    space::bind_or_mount(c"none", &at("outer")?, c"tmpfs", 0).tried("mount")?;
    for name in ["outer/inner", "outer/folder"] {
        fs::create_dir(scene.path(name)).tried("mkdir")?;
        Told::new("file_create", scene.path(name))?
            .how("mkdir")
            .stat(Stat::of(scene.path(name))?)
            .say()?;
    }
    space::bind_or_mount(c"none", &at("outer/inner")?, c"tmpfs", 0).tried("mount inside")?;
    for (from, to) in [("outer/folder", "bound"), ("first", "second")] {
        space::bind_or_mount(&at(from)?, &at(to)?, c"none", libc::MS_BIND).tried("bind")?;
    }
    drop(made(&scene.path("outer/one"), &[])?);
    let mut left = made(&scene.path("outer/inner/two"), &[])?;
    drop(made(&scene.path("bound/three"), &[])?);
    let mut second = File::options()
        .append(true)
        .open(scene.path("second"))
        .tried("open")?;
    written(&mut second, &[])?;
    closed(second, &[])?;
    space::unmount(&at("outer/inner")?).tried("unmount")?;
    written(&mut left, &["unreachable"])?;
    closed(left, &["unreachable"])?;
    for name in ["second", "bound", "outer"] {
        space::unmount(&at(name)?).tried("unmount")?;
    }
    Ok(())
}

/// What [`mounts`] mounts on.
pub fn mountpoints(scene: &Scene) -> Outcome {
    super::files(scene)?;
    for name in ["outer", "bound", "jail/below"] {
        scene.dir(name)?;
    }
    Ok(())
}

/// Below another root the path is the one from the host's; in another mount namespace it is the one
/// there, and marked.
pub fn worlds(scene: &Scene) -> Outcome {
    let jail = c_path(scene.path("jail"))?;
    kit::start(Birth::Fork, &mut |_| {
        // There is no /proc to ask for our pid then.
        let told = Told::new("file_create", scene.path("jail/below/new"))?.how("open");
        space::chroot(&jail).tried("chroot")?;
        let file = File::create_new("/below/new").tried("create")?;
        told.stat(Stat::of_file(&file)?).say()?;
        Ok(2)
    })?
    .ends(Ended::Exit(2))?;
    kit::start(Birth::Fork, &mut |_| {
        space::unshare(libc::CLONE_NEWNS).tried("unshare")?;
        let private_tree = libc::MS_REC | libc::MS_PRIVATE;
        space::bind_or_mount(c"none", c"/", c"none", private_tree).tried("make mounts private")?;
        let place = c_path(scene.path("outer"))?;
        space::bind_or_mount(c"none", &place, c"tmpfs", 0).tried("mount")?;
        drop(made(&scene.path("outer/only here"), &["foreign"])?);
        Ok(3)
    })?
    .ends(Ended::Exit(3))
}

/// What is open keeps its place while names change around it: no name from before is told.
pub fn changed(scene: &Scene) -> Outcome {
    let open = |name: &str| {
        let file = File::options().append(true).open(scene.path(name));
        file.tried(name)
    };
    // A folder above it moves.
    let mut third = open("inner/third")?;
    written(&mut third, &[])?;
    let (inner, moved) = (scene.path("inner"), scene.path("moved"));
    fs::rename(&inner, &moved).tried("rename")?;
    Told::new("file_rename", &moved)?
        .old_path(&inner)
        .stat(Stat::of(&moved)?)
        .say()?;
    closed(third, &[])?;
    // Another name of the same file: a touch by this process has been told, its end is of this name.
    let mut first = open("first")?;
    written(&mut first, &[])?;
    closed(first, &[])?;
    let (name, other) = (scene.path("first"), scene.path("moved/other name"));
    fs::hard_link(&name, &other).tried("link")?;
    Told::new("file_link", &other)?
        .old_path(&name)
        .stat(Stat::of(&other)?)
        .say()?;
    let mut first = open("moved/other name")?;
    first.write_all(b"again").tried("write")?;
    closed(first, &[])?;
    // Its last name goes.
    let mut second = open("second")?;
    let gone = Stat::of_file(&second)?.less_links(1);
    fs::remove_file(scene.path("second")).tried("delete")?;
    Told::new("file_delete", scene.path("second"))?
        .how("unlink")
        .flags(&["last_link", "still_open"])
        .stat(gone)
        .say()?;
    written(&mut second, &[])?;
    closed(second, &[])
}

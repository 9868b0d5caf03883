//! Who does it: ids, sessions and namespaces of the process and of its parent.

use std::fs::{self, File};
use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;

use super::told::{Stat, Told, path_of};
use crate::sys::process::{self, Ended};
use crate::sys::space;
use crate::workloads::failure::{Outcome, Tried};
use crate::workloads::kit::{self, Birth};
use crate::workloads::scene::Scene;

/// A folder where everybody may make files, and a file in it.
pub fn open_to_all(scene: &Scene) -> Outcome {
    scene.file("first", b"one", 0o644)?;
    let mode = fs::Permissions::from_mode(0o777);
    fs::set_permissions(&scene.folder, mode).tried("open the folder to all")
}

/// All ids differ from each other, in the process and in its parent, and each has namespaces of its
/// own; the new files belong to the ids for file access.
pub fn ids(scene: &Scene) -> Outcome {
    let make = |name: &str| -> Outcome {
        let file = File::create_new(scene.path(name)).tried("create")?;
        Told::new("file_create", path_of(&file)?)?
            .how("open")
            .path_flags(&["foreign"])
            .stat(Stat::of_file(&file)?)
            .say()
    };
    kit::start(Birth::Fork, &mut |_| {
        space::setsid().tried("setsid")?;
        space::unshare(libc::CLONE_NEWNS | libc::CLONE_NEWNET).tried("unshare")?;
        become_somebody(1000)?;
        make("by the parent")?;
        let child = kit::start(Birth::flags(libc::CLONE_NEWPID), &mut |_| {
            space::setpgid(0, 0).tried("setpgid")?;
            space::unshare(libc::CLONE_NEWNS | libc::CLONE_NEWNET).tried("unshare")?;
            become_somebody(1100)?;
            make("by the child")?;
            Ok(3)
        })?;
        child.ends(Ended::Exit(3))?;
        Ok(2)
    })?
    .ends(Ended::Exit(2))?;
    kit::start(Birth::Fork, &mut |_| {
        space::unshare(libc::CLONE_NEWUSER).tried("unshare")?;
        let mut file = File::open(scene.path("first")).tried("open")?;
        file.read_exact(&mut [0]).tried("read")?;
        Told::new("file_read", path_of(&file)?)?.say()?;
        Ok(4)
    })?
    .ends(Ended::Exit(4))
}

/// A program of its own reads what it was given.
pub fn program(scene: &Scene) -> Outcome {
    let path = scene.path("first");
    let program = scene.program("prog", &[])?;
    let child = kit::start(Birth::Fork, &mut |_| {
        let (from, to) = (
            File::open(&path).tried("open")?,
            File::options()
                .write(true)
                .open("/dev/null")
                .tried("open /dev/null")?,
        );
        process::dup_to(from.as_fd(), 0).tried("dup")?;
        process::dup_to(to.as_fd(), 1).tried("dup")?;
        Err(program.exec()).tried("exec")
    })?;
    let pid = child.pid;
    // Its code is the byte that it has read.
    child.ends(Ended::Exit(b'o'))?;
    Told::by(pid, "file_read", &path)
        .stat(Stat::of(&path)?)
        .say()
}

/// Real, effective, saved and file access ids, one after the other from this one on.
fn become_somebody(first: u32) -> Outcome {
    space::keep_capabilities().tried("keep capabilities")?;
    space::setresgid(first + 11, first + 12, first + 13).tried("setresgid")?;
    space::setresuid(first + 1, first + 2, first + 3).tried("setresuid")?;
    space::setfsids(first + 4, first + 14);
    Ok(())
}

//! What a security module refuses: told as failed, and leaves nothing behind.

use std::fs::{self, File};
use std::os::unix::fs::symlink;

use super::told::{Stat, Told};
use crate::sys::process::Ended;
use crate::sys::{file, landlock};
use crate::workloads::failure::{Outcome, Tried, ensure};
use crate::workloads::kit::{self, Birth};
use crate::workloads::scene::Scene;

/// By a child that Landlock keeps from making, moving and deleting anything. A kernel without
/// Landlock does nothing, and its document says why.
pub fn by_landlock(scene: &Scene) -> Outcome {
    kit::start(Birth::Fork, &mut |_| {
        match landlock::give_up_names() {
            // ENOSYS: before 5.13.
            Err(error) if error.raw_os_error() == Some(libc::ENOSYS) => {}
            given_up => {
                given_up.tried("give up names")?;
                create(scene)?;
                remove(scene)?;
                open(scene)?;
            }
        }
        Ok(1)
    })?
    .ends(Ended::Exit(1))
}

fn create(scene: &Scene) -> Outcome {
    let (new, first) = (scene.path("new"), scene.path("first"));
    let create = Told::new("file_create", &new)?;
    create
        .clone()
        .how("mkdir")
        .fails(fs::create_dir(&new))?
        .say()?;
    let fifo = file::mknod(&new, libc::S_IFIFO | 0o600, 0);
    create.clone().how("mknod").fails(fifo)?.say()?;
    create
        .how("symlink")
        .target("first")
        .fails(symlink("first", &new))?
        .say()?;
    Told::new("file_link", &new)?
        .old_path(&first)
        .fails(fs::hard_link(&first, &new))?
        .say()
}

fn remove(scene: &Scene) -> Outcome {
    let (first, second, folder) = (
        scene.path("first"),
        scene.path("second"),
        scene.path("inner"),
    );
    let new = scene.path("new");
    Told::new("file_rename", &new)?
        .old_path(&first)
        .stat(Stat::of(&first)?)
        .fails(fs::rename(&first, &new))?
        .say()?;
    Told::new("file_rename", &second)?
        .old_path(&first)
        .stat(Stat::of(&first)?)
        .other(Stat::of(&second)?)
        .fails(fs::rename(&first, &second))?
        .say()?;
    Told::new("file_delete", &first)?
        .how("unlink")
        .stat(Stat::of(&first)?)
        .fails(fs::remove_file(&first))?
        .say()?;
    Told::new("file_delete", &folder)?
        .how("rmdir")
        .stat(Stat::of(&folder)?)
        .fails(fs::remove_dir(&folder))?
        .say()
}

/// The kernel asks whether a file may be made before it knows whether it is there: so of a file
/// that is to be opened a refusal says nothing, and is not told.
fn open(scene: &Scene) -> Outcome {
    let refused = File::create_new(scene.path("new"));
    ensure(refused.is_err(), || "the file was made".to_owned())?;
    let there = File::options()
        .create(true)
        .append(true)
        .open(scene.path("first"));
    there.tried("open what is there").map(drop)
}

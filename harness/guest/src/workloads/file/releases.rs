//! The end of what was written: by whoever lets go last, however many have held it.

use std::fs::File;
use std::io::Write;
use std::os::unix::net::UnixStream;

use super::told::{Stat, Told, path_of};
use crate::sys::process::Ended;
use crate::sys::rights;
use crate::workloads::failure::{Outcome, Tried};
use crate::workloads::kit::{self, Birth};
use crate::workloads::scene::Scene;

/// Opened and written by the calling process, and said so.
fn written(scene: &Scene, name: &str) -> Outcome<File> {
    let path = scene.path(name);
    let mut file = File::options().write(true).open(&path).tried("open")?;
    file.write_all(b"more").tried("write")?;
    Told::new("file_write", path_of(&file)?)?
        .stat(Stat::of_file(&file)?)
        .say()?;
    Ok(file)
}

/// What the calling process says of its last release, before or after it.
fn closes(file: &File) -> Outcome<Told> {
    Ok(Told::new("file_close_write", path_of(file)?)?.stat(Stat::of_file(file)?))
}

/// Ends without closing what it has written: the kernel does it, when the program is gone already.
pub fn by_exit(scene: &Scene) -> Outcome {
    kit::start(Birth::Fork, &mut |_| {
        let file = written(scene, "first")?;
        closes(&file)?.say()?;
        // Left to the kernel.
        std::mem::forget(file);
        Ok(5)
    })?
    .ends(Ended::Exit(5))?;
    // Killed: likewise.
    let mut killed = kit::start(Birth::Fork, &mut |inside| {
        let file = written(scene, "inner/third")?;
        closes(&file)?.say()?;
        inside.ready()?;
        inside.wait()
    })?;
    killed.await_ready()?;
    killed.killed_by(libc::SIGKILL, false)
}

/// Two descriptors of one open file: one end.
pub fn duplicates(scene: &Scene) -> Outcome {
    let file = written(scene, "first")?;
    let mut second = file.try_clone().tried("dup")?;
    drop(file);
    second.write_all(b"and more").tried("write")?;
    let end = closes(&second)?;
    drop(second);
    end.say()
}

/// Inherited: the end is the child's, which leaves last.
pub fn inherited(scene: &Scene) -> Outcome {
    let mut file = Some(written(scene, "first")?);
    let mut child = kit::start(Birth::Fork, &mut |inside| {
        inside.wait()?;
        if let Some(file) = file.take() {
            closes(&file)?.say()?;
            drop(file);
        }
        Ok(6)
    })?;
    drop(file.take());
    child.tell(0)?;
    child.ends(Ended::Exit(6))
}

/// Handed over a socket: while it is on its way, and after, the other side holds it.
pub fn handed_over(scene: &Scene) -> Outcome {
    let (ours, theirs) = UnixStream::pair().tried("make a pair of sockets")?;
    let mut theirs = Some(theirs);
    let mut child = kit::start(Birth::Fork, &mut |inside| {
        inside.wait()?;
        let Some(from) = theirs.take() else {
            return Ok(1);
        };
        let file = File::from(rights::receive_fd(&from).tried("receive")?);
        closes(&file)?.say()?;
        drop(file);
        Ok(7)
    })?;
    let file = written(scene, "first")?;
    rights::send_fd(&ours, std::os::fd::AsFd::as_fd(&file)).tried("send")?;
    drop(file);
    child.tell(0)?;
    child.ends(Ended::Exit(7))
}

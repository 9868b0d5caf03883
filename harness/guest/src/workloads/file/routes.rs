//! Contents by other ways than read(2) and write(2): each is told as these are.

use std::fs::{self, File};
use std::io::{IoSlice, IoSliceMut, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;

use super::told::{Stat, Told, path_of};
use crate::sys::process::Ended;
use crate::sys::uring::Uring;
use crate::sys::{contents, extents};
use crate::workloads::failure::{Outcome, Tried, ensure};
use crate::workloads::kit::{self, Birth};
use crate::workloads::scene::Scene;

/// Says what was just done to an open file.
pub fn tell(operation: &str, file: &File) -> Outcome {
    Told::new(operation, path_of(file)?)?
        .stat(Stat::of_file(file)?)
        .say()
}

/// Closes a file that was changed, and says so.
pub fn tell_end(file: File) -> Outcome {
    let end = Told::new("file_close_write", path_of(&file)?)?.stat(Stat::of_file(&file)?);
    drop(file);
    end.say()
}

/// To write and read.
pub fn open(scene: &Scene, name: &str) -> Outcome<File> {
    let options = &mut File::options();
    options.read(true).write(true);
    options.open(scene.path(name)).tried(name)
}

/// writev, then readv of another file.
pub fn vectors(scene: &Scene) -> Outcome {
    let (mut first, mut second) = (open(scene, "first")?, open(scene, "second")?);
    let parts = [IoSlice::new(b"in "), IoSlice::new(b"parts")];
    first.write_vectored(&parts).tried("writev")?;
    tell("file_write", &first)?;
    let (mut one, mut other) = ([0; 2], [0; 2]);
    let mut parts = [IoSliceMut::new(&mut one), IoSliceMut::new(&mut other)];
    second.read_vectored(&mut parts).tried("readv")?;
    tell("file_read", &second)?;
    tell_end(first)
}

/// pwrite and pread.
pub fn at_offset(scene: &Scene) -> Outcome {
    let (first, second) = (open(scene, "first")?, open(scene, "second")?);
    first.write_all_at(b"further on", 100).tried("pwrite")?;
    tell("file_write", &first)?;
    second.read_exact_at(&mut [0; 2], 3).tried("pread")?;
    tell("file_read", &second)?;
    tell_end(first)
}

/// pwritev2 and preadv2.
pub fn vectors_at(scene: &Scene) -> Outcome {
    let (first, second) = (open(scene, "first")?, open(scene, "second")?);
    contents::pwritev2(first.as_fd(), b"at its start", libc::RWF_DSYNC).tried("pwritev2")?;
    tell("file_write", &first)?;
    contents::preadv2(second.as_fd(), &mut [0; 4], 0).tried("preadv2")?;
    tell("file_read", &second)?;
    tell_end(first)
}

/// sendfile from a file to another.
pub fn sendfile(scene: &Scene) -> Outcome {
    let (first, second) = (open(scene, "first")?, open(scene, "second")?);
    contents::sendfile(first.as_fd(), second.as_fd(), 100).tried("sendfile")?;
    tell("file_read", &second)?;
    tell("file_write", &first)?;
    tell_end(first)
}

/// sendfile from a file to a pipe: only read.
pub fn sendfile_to_pipe(scene: &Scene) -> Outcome {
    let second = open(scene, "second")?;
    let (_reads, writes) = std::io::pipe().tried("pipe")?;
    contents::sendfile(writes.as_fd(), second.as_fd(), 100).tried("sendfile")?;
    tell("file_read", &second)
}

/// splice from a file into a pipe, and from there into another file.
pub fn splice(scene: &Scene) -> Outcome {
    let (first, second) = (open(scene, "first")?, open(scene, "second")?);
    let (reads, writes) = std::io::pipe().tried("pipe")?;
    let there = contents::splice(second.as_fd(), writes.as_fd(), 100).tried("splice")?;
    tell("file_read", &second)?;
    let here = contents::splice(reads.as_fd(), first.as_fd(), 100).tried("splice")?;
    ensure((there, here) == (5, 5), || {
        format!("{there} in, {here} out")
    })?;
    tell("file_write", &first)?;
    tell_end(first)
}

/// vmsplice from memory into a pipe, and splice from there into a file.
pub fn vmsplice(scene: &Scene) -> Outcome {
    let first = open(scene, "first")?;
    let (reads, writes) = std::io::pipe().tried("pipe")?;
    let there = contents::vmsplice(b"from memory", writes.as_fd()).tried("vmsplice")?;
    let here = contents::splice(reads.as_fd(), first.as_fd(), 100).tried("splice")?;
    ensure((there, here) == (11, 11), || {
        format!("{there} in, {here} out")
    })?;
    tell("file_write", &first)?;
    tell_end(first)
}

/// copy_file_range.
pub fn copy_range(scene: &Scene) -> Outcome {
    let (first, second) = (open(scene, "first")?, open(scene, "second")?);
    contents::copy_file_range(second.as_fd(), first.as_fd(), 100).tried("copy_file_range")?;
    tell("file_read", &second)?;
    tell("file_write", &first)?;
    tell_end(first)
}

/// A file system without shared extents refuses; nothing has happened.
pub fn clone_refused(scene: &Scene) -> Outcome {
    let (first, second) = (open(scene, "first")?, open(scene, "second")?);
    let refused = extents::clone_whole(second.as_fd(), first.as_fd());
    ensure(refused.is_err(), || "FICLONE succeeded on tmpfs".into())?;
    drop((first, second));
    // Something must be told, so that the silence before it is one.
    fs::remove_file(scene.path("first")).tried("delete")?;
    Told::new("file_delete", scene.path("first"))?
        .how("unlink")
        .flags(&["last_link"])
        .say()
}

/// More room, and a hole.
pub fn fallocate(scene: &Scene) -> Outcome {
    let (first, second) = (open(scene, "first")?, open(scene, "second")?);
    contents::fallocate(first.as_fd(), 0, 5000).tried("fallocate")?;
    tell("file_write", &first)?;
    let hole = libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_KEEP_SIZE;
    contents::fallocate(second.as_fd(), hole, 4).tried("fallocate")?;
    tell("file_write", &second)?;
    tell_end(first)?;
    tell_end(second)
}

/// io_submit.
pub fn aio(scene: &Scene) -> Outcome {
    let (first, second) = (open(scene, "first")?, open(scene, "second")?);
    contents::aio_write(first.as_fd(), b"asynchronous").tried("AIO write")?;
    tell("file_write", &first)?;
    contents::aio_read(second.as_fd(), &mut [0; 100]).tried("AIO read")?;
    tell("file_read", &second)?;
    tell_end(first)
}

/// io_uring, written by a worker.
pub fn uring_write(scene: &Scene) -> Outcome {
    written_through_uring(scene, false)
}

/// io_uring whose requests nobody submits: a thread of the kernel finds them.
pub fn uring_polled(scene: &Scene) -> Outcome {
    written_through_uring(scene, true)
}

/// A process's workers have let go of its files when it ends, not before: the last close is ours.
fn written_through_uring(scene: &Scene, is_polled: bool) -> Outcome {
    let first = open(scene, "first")?;
    let child = kit::start(Birth::Fork, &mut |_| {
        let mut ring = Uring::new(is_polled).tried("io_uring_setup")?;
        let wrote = ring.write(first.as_fd(), b"through a ring");
        ensure(wrote.tried("write")? == 14, || "written in parts".into())?;
        tell("file_write", &first)?;
        Ok(0)
    })?;
    child.ends(Ended::Exit(0))?;
    tell_end(first)
}

/// io_uring, asked for more than there is: read in two steps, the second of which finds the end.
pub fn uring_read(scene: &Scene) -> Outcome {
    let second = open(scene, "second")?;
    let child = kit::start(Birth::Fork, &mut |_| {
        let mut ring = Uring::new(false).tried("io_uring_setup")?;
        let read = ring.read(second.as_fd(), &mut [0; 100]).tried("read")?;
        ensure(read == 5, || format!("{read} bytes"))?;
        tell("file_read", &second)?;
        Ok(0)
    })?;
    child.ends(Ended::Exit(0))
}

//! Workloads for the file sensors: names that come, move and go, contents that are read and change.

mod actors;
mod attributes;
mod btrfs;
mod contents;
mod denied;
mod disks;
mod gone;
mod kinds;
mod mounts;
mod names;
mod opens;
mod overlay;
mod paths;
mod places;
mod releases;
mod rings;
mod routes;
mod sizes;
mod swaps;
pub(super) mod told;

use super::Workload;
use super::failure::Outcome;
use super::scene::Scene;

const fn file(
    name: &'static str,
    prepare: fn(&Scene) -> Outcome,
    run: fn(&Scene) -> Outcome,
    about: &'static str,
) -> Workload {
    Workload {
        family: "file",
        name,
        prepare: Some(prepare),
        run,
        about,
    }
}

/// An empty folder.
fn nothing(_: &Scene) -> Outcome {
    Ok(())
}

/// Small files: `first`, `second` and, in `inner`, `third`.
fn files(scene: &Scene) -> Outcome {
    scene.file("first", b"one", 0o644)?;
    scene.file("second", b"other", 0o640)?;
    scene.file("inner/third", b"", 0o600)?;
    Ok(())
}

/// The family, in the order in which it runs.
pub const WORKLOADS: &[Workload] = &[
    file(
        "write",
        nothing,
        contents::write,
        "a new file is written, closed and deleted",
    ),
    file(
        "rewrite",
        files,
        contents::rewrite,
        "written, closed and written again at once: two ends",
    ),
    file("read", files, contents::read, "read, and read again"),
    file(
        "folders",
        nothing,
        names::folders,
        "folders are made, moved and deleted",
    ),
    file(
        "links",
        files,
        names::links,
        "a second name, a symbolic link, and their end",
    ),
    file(
        "rename",
        files,
        names::rename,
        "to a new name, over another file, into another folder",
    ),
    file(
        "ids",
        actors::open_to_all,
        actors::ids,
        "by processes of other ids, sessions and namespaces",
    ),
    file(
        "name_failures",
        files,
        names::failures,
        "names that cannot be made, moved or deleted",
    ),
    file("program", files, actors::program, "by a program of its own"),
    file(
        "nodes",
        nothing,
        kinds::nodes,
        "fifos, sockets and devices are made",
    ),
    file(
        "tmpfile",
        kinds::own_tmpfs,
        kinds::tmpfile,
        "a file without a name, and the name it gets",
    ),
    file(
        "rename_flags",
        files,
        swaps::rename_flags,
        "to free names only, exchanged, with a whiteout",
    ),
    file(
        "delete_open",
        files,
        gone::delete_open,
        "deleted while it is open or has another name",
    ),
    file(
        "devices",
        places::two,
        places::devices,
        "on file systems of other kinds and devices",
    ),
    file(
        "refused",
        places::limited,
        places::refused,
        "where it is full, read-only or forbidden",
    ),
    file("at_offset", files, routes::at_offset, "pwrite and pread"),
    file("vectors", files, routes::vectors, "writev and readv"),
    file(
        "vectors_at",
        files,
        routes::vectors_at,
        "pwritev2 and preadv2",
    ),
    file(
        "sendfile",
        files,
        routes::sendfile,
        "from a file to another",
    ),
    file(
        "sendfile_to_pipe",
        files,
        routes::sendfile_to_pipe,
        "from a file to a pipe",
    ),
    file(
        "splice",
        files,
        routes::splice,
        "from a file through a pipe into another",
    ),
    file(
        "vmsplice",
        files,
        routes::vmsplice,
        "from memory through a pipe into a file",
    ),
    file("copy_range", files, routes::copy_range, "copy_file_range"),
    file(
        "clone_refused",
        files,
        routes::clone_refused,
        "FICLONE where it cannot be",
    ),
    file(
        "fallocate",
        files,
        routes::fallocate,
        "more room, and a hole",
    ),
    file("aio", files, routes::aio, "io_submit"),
    file(
        "uring_write",
        files,
        routes::uring_write,
        "io_uring, written by a worker",
    ),
    file(
        "uring_read",
        files,
        routes::uring_read,
        "io_uring, read by a worker",
    ),
    file(
        "uring_polled",
        files,
        routes::uring_polled,
        "io_uring with a thread that looks for requests",
    ),
    file(
        "uring_names",
        nothing,
        rings::names,
        "io_uring, names that come, move and go",
    ),
    file(
        "uring_sizes",
        files,
        rings::sizes,
        "io_uring, more room and less",
    ),
    file(
        "uring_polled_names",
        nothing,
        rings::polled_names,
        "names through a thread that looks for requests",
    ),
    file(
        "uring_polled_sizes",
        files,
        rings::polled_sizes,
        "sizes through a thread that looks for requests",
    ),
    file("ftruncate", files, sizes::ftruncate, "to less and to more"),
    file(
        "open_truncated",
        files,
        sizes::open_truncated,
        "open with O_TRUNC",
    ),
    file("truncate", files, sizes::truncate, "by its path"),
    file(
        "truncate_failures",
        files,
        sizes::truncate_failures,
        "what cannot be truncated",
    ),
    file("map", files, sizes::map, "mapped shared and writable"),
    file(
        "protect",
        files,
        sizes::protect,
        "mapped shared and made writable",
    ),
    file("memfd", files, sizes::memfd, "files in memory"),
    file("openat2", files, opens::openat2, "created by openat2"),
    file("by_handle", files, opens::by_handle, "opened by its handle"),
    file(
        "core",
        opens::small_disk,
        opens::core,
        "a process leaves its core",
    ),
    file(
        "paths_long",
        paths::deep_folders,
        paths::long,
        "names of 255 and of any bytes, deep, and past 4096 bytes",
    ),
    file(
        "paths_mounts",
        paths::mountpoints,
        paths::mounts,
        "through mounts, nested, bound and taken away",
    ),
    file(
        "paths_worlds",
        paths::mountpoints,
        paths::worlds,
        "below another root, in another mount namespace",
    ),
    file(
        "paths_changed",
        files,
        paths::changed,
        "moved, linked and deleted while open",
    ),
    file(
        "close_by_exit",
        files,
        releases::by_exit,
        "written and never closed: the end of the process does it",
    ),
    file(
        "close_duplicates",
        files,
        releases::duplicates,
        "two descriptors, one end",
    ),
    file(
        "close_inherited",
        files,
        releases::inherited,
        "the child lets go last",
    ),
    file(
        "close_handed_over",
        files,
        releases::handed_over,
        "sent through a socket, closed by the receiver",
    ),
    file(
        "overlay",
        overlay::layers,
        overlay::merged,
        "in a file system of layers",
    ),
    file(
        "btrfs_subvolumes",
        btrfs::volumes,
        btrfs::subvolumes,
        "files of one number in several subvolumes of btrfs",
    ),
    file(
        "btrfs_moves",
        btrfs::volumes,
        btrfs::moves,
        "between subvolumes, and a subvolume itself",
    ),
    file(
        "btrfs_clones",
        btrfs::blocks,
        btrfs::clones,
        "FICLONE and FICLONERANGE",
    ),
    file(
        "btrfs_dedupe",
        btrfs::blocks,
        btrfs::deduplicated,
        "FIDEDUPERANGE, of what is the same and what is not",
    ),
    file(
        "btrfs_copies",
        btrfs::blocks,
        btrfs::copies,
        "copy_file_range in a subvolume, between two, to another file system",
    ),
    file(
        "chmod",
        attributes::shown_twice,
        attributes::permissions,
        "permissions change, or not",
    ),
    file(
        "chown",
        attributes::shown_twice,
        attributes::owners,
        "owners and groups change, or not",
    ),
    file(
        "utimes",
        attributes::shown_twice,
        attributes::times,
        "times change, or not",
    ),
    file(
        "xattr",
        attributes::shown_twice,
        attributes::extended,
        "extended attributes are set and removed",
    ),
    file(
        "acl",
        attributes::shown_twice,
        attributes::access_lists,
        "access control lists are set and removed",
    ),
    file(
        "denied",
        files,
        denied::by_landlock,
        "names that a security module lets nobody make, move or delete",
    ),
];

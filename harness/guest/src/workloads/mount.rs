//! Workloads for the mount sensors: mounts that are made, moved, changed and taken away.

use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;

use super::Workload;
use super::failure::{Outcome, Tried, ensure};
use super::file::told::{Stat, Told};
use super::kit::{self, Birth};
use super::scene::{Scene, c_path};
use crate::sys::process::Ended;
use crate::sys::{mounts, space};

const fn mount(name: &'static str, run: fn(&Scene) -> Outcome, about: &'static str) -> Workload {
    Workload {
        family: "mount",
        name,
        prepare: Some(places),
        run,
        about,
    }
}

/// The family, in the order in which it runs.
pub const WORKLOADS: &[Workload] = &[
    mount("mount", made, "made and taken away, also while in use"),
    mount("bind", bound, "folders and a file shown elsewhere as well"),
    mount("move", moved, "moved by either call"),
    mount("attach", attached, "made first and put somewhere later"),
    mount("change", changed, "read-only, shared, private"),
    mount("failures", failures, "that cannot be made, moved or ended"),
    mount("foreign", foreign, "in a mount namespace of its own"),
];

/// Folders `one`, `two`, `three` and, in `one`, `inner` and a file `first`.
fn places(scene: &Scene) -> Outcome {
    for name in ["one/inner", "two", "three"] {
        scene.dir(name)?;
    }
    for name in ["one/first", "second"] {
        scene.file(name, b"one", 0o644)?;
    }
    Ok(())
}

/// What is the root of what is mounted there.
fn root(path: &Path) -> Outcome<Stat> {
    Stat::of_file(&File::open(path).tried(path.display())?)
}

/// mount(2), told with what is there afterwards.
fn make(source: &str, at: &Path, kind: &str, flags: u64) -> io::Result<()> {
    let text = |text: &str| CString::new(text).map_err(io::Error::other);
    let at = CString::new(at.as_os_str().as_encoded_bytes())?;
    space::bind_or_mount(&text(source)?, &at, &text(kind)?, flags)
}

fn tell_new(at: &Path, how: &str, flags: u64) -> Outcome<Told> {
    let told = Told::new("mount", at)?.how(how);
    Ok(told.detail(flags as u32).stat(root(at)?))
}

fn new_tmpfs(at: &Path) -> Outcome {
    make("trapline", at, "tmpfs", 0).tried("mount")?;
    tell_new(at, "mount", 0)?.target("trapline").say()
}

fn bind(from: &Path, to: &Path, flags: u64) -> Outcome {
    let source = from.to_string_lossy();
    make(&source, to, "", libc::MS_BIND | flags).tried("bind")?;
    tell_new(to, "bind", libc::MS_BIND | flags)?
        .old_path(from)
        .say()
}

/// umount2(2), told with what was there before.
fn end(at: &Path, flags: i32) -> Outcome {
    let gone = root(at)?;
    mounts::unmount(&c_path(at)?, flags).tried("umount")?;
    Told::new("umount", at)?
        .detail(flags.cast_unsigned())
        .stat(gone)
        .say()
}

/// One over another, and one that is still in use when it goes.
fn made(scene: &Scene) -> Outcome {
    let one = scene.path("one");
    new_tmpfs(&one)?;
    new_tmpfs(&one)?;
    end(&one, 0)?;
    let busy = File::create_new(one.join("busy")).tried("create")?;
    end(&one, libc::MNT_DETACH)?;
    drop(busy);
    make("devpts", &one, "devpts", libc::MS_NOSUID).tried("mount devpts")?;
    tell_new(&one, "mount", libc::MS_NOSUID)?
        .target("devpts")
        .say()?;
    end(&one, 0)
}

/// A folder, a folder with what is mounted in it, a file. One call is one event, however many mounts
/// it makes.
fn bound(scene: &Scene) -> Outcome {
    let (one, two, three) = (scene.path("one"), scene.path("two"), scene.path("three"));
    bind(&one, &two, 0)?;
    new_tmpfs(&one.join("inner"))?;
    bind(&one, &three, libc::MS_REC)?;
    bind(&one.join("first"), &scene.path("second"), 0)?;
    end(&scene.path("second"), 0)?;
    end(&three, libc::MNT_DETACH)?;
    end(&one.join("inner"), 0)?;
    end(&two, 0)
}

fn tell_move(from: &Path, to: &Path, flags: u64) -> Outcome {
    Told::new("mount_move", to)?
        .detail(flags as u32)
        .old_path(from)
        .stat(root(to)?)
        .say()
}

/// By mount(2) and by move_mount(2).
fn moved(scene: &Scene) -> Outcome {
    let (one, two, three) = (scene.path("one"), scene.path("two"), scene.path("three"));
    new_tmpfs(&one)?;
    make(&one.to_string_lossy(), &two, "", libc::MS_MOVE).tried("move")?;
    tell_move(&one, &two, libc::MS_MOVE)?;
    mounts::moved_from(&c_path(&two)?, &c_path(&three)?).tried("move_mount")?;
    tell_move(&two, &three, 0)?;
    end(&three, 0)
}

/// A new file system, and a copy of a place; neither is anywhere before it is put there.
fn attached(scene: &Scene) -> Outcome {
    let (one, two) = (scene.path("one"), scene.path("two"));
    let made = mounts::made(c"tmpfs").tried("fsmount")?;
    mounts::put(made.as_fd(), &c_path(&two)?).tried("move_mount")?;
    tell_new(&two, "attach", 0)?.say()?;
    end(&two, libc::MNT_DETACH)?;
    let copy = mounts::copied(&c_path(&one)?).tried("open_tree")?;
    mounts::put(copy.as_fd(), &c_path(&two)?).tried("move_mount")?;
    tell_new(&two, "attach", 0)?.say()?;
    end(&two, libc::MNT_DETACH)
}

/// What a mount allows, and whom it is shared with.
fn changed(scene: &Scene) -> Outcome {
    let one = scene.path("one");
    new_tmpfs(&one)?;
    for (how, flags) in [
        ("remount", libc::MS_REMOUNT | libc::MS_RDONLY),
        (
            "remount",
            libc::MS_REMOUNT | libc::MS_BIND | libc::MS_NOEXEC,
        ),
        ("propagation", libc::MS_SHARED),
        ("propagation", libc::MS_PRIVATE | libc::MS_REC),
    ] {
        make("none", &one, "", flags).tried(how)?;
        Told::new("mount_change", &one)?
            .how(how)
            .detail(flags as u32)
            .stat(root(&one)?)
            .say()?;
    }
    end(&one, 0)
}

/// Told with the reason; where the place itself is not there, nothing is.
fn failures(scene: &Scene) -> Outcome {
    let (one, two, missing) = (scene.path("one"), scene.path("two"), scene.path("missing"));
    let told = |what: &str, at: &Path| Told::new(what, at);
    let unknown = make("none", &one, "no such kind", 0);
    told("mount", &one)?
        .how("mount")
        .target("none")
        .fails(unknown)?
        .say()?;
    let from_nowhere = make(&missing.to_string_lossy(), &one, "", libc::MS_BIND);
    told("mount", &one)?
        .how("bind")
        .detail(libc::MS_BIND as u32)
        .target(&missing)
        .fails(from_nowhere)?
        .say()?;
    let no_mount = mounts::unmount(&c_path(&one)?, 0);
    told("umount", &one)?.fails(no_mount)?.say()?;
    new_tmpfs(&two)?;
    let into_itself = make(&two.to_string_lossy(), &two, "", libc::MS_MOVE);
    told("mount_move", &two)?
        .detail(libc::MS_MOVE as u32)
        .target(&two)
        .fails(into_itself)?
        .say()?;
    let busy = File::create_new(two.join("busy")).tried("create")?;
    let in_use = mounts::unmount(&c_path(&two)?, 0);
    told("umount", &two)?
        .stat(root(&two)?)
        .fails(in_use)?
        .say()?;
    drop(busy);
    kit::start(Birth::Fork, &mut |_| {
        space::setresuid(1001, 1001, 1001).tried("setresuid")?;
        let refused = make("none", &one, "tmpfs", 0);
        told("mount", &one)?
            .how("mount")
            .target("none")
            .fails(refused)?
            .say()?;
        Ok(1)
    })?
    .ends(Ended::Exit(1))?;
    ensure(mounts::unmount(&c_path(&missing)?, 0).is_err(), || {
        "a missing place was unmounted".into()
    })?;
    end(&two, 0)
}

/// The host does not get there.
fn foreign(scene: &Scene) -> Outcome {
    let one = scene.path("one");
    kit::start(Birth::Fork, &mut |_| {
        space::unshare(libc::CLONE_NEWNS).tried("unshare")?;
        make("trapline", &one, "tmpfs", 0).tried("mount")?;
        tell_new(&one, "mount", 0)?
            .target("trapline")
            .path_flags(&["foreign"])
            .say()?;
        let gone = root(&one)?;
        mounts::unmount(&c_path(&one)?, 0).tried("umount")?;
        Told::new("umount", &one)?
            .stat(gone)
            .path_flags(&["foreign"])
            .say()?;
        Ok(1)
    })?
    .ends(Ended::Exit(1))
}

//! Processes that see another world: namespaces, mounts, roots.

use std::fs;

use crate::sys::process::Ended;
use crate::sys::space;
use crate::workloads::failure::{Outcome, Tried, ensure};
use crate::workloads::kit::{self, Birth};
use crate::workloads::scene::{Program, Scene, c_path};
use crate::workloads::truth;

/// A child that is pid 1 of a new namespace, one that unshares before it forks, one inside another.
pub fn pid(scene: &Scene) -> Outcome {
    let program = scene.program("prog", &["inside"])?;
    let first = || -> Outcome {
        ensure(std::process::id() == 1, || {
            format!("pid 1 is {}", std::process::id())
        })?;
        kit::idle(Birth::Fork)?.finish(2)?;
        kit::run(Birth::Fork, &program)?.finish(3)
    };
    let mut cloned = kit::start(Birth::flags(libc::CLONE_NEWPID), &mut |inside| {
        first()?;
        inside.ready()?;
        inside.wait()
    })?;
    cloned.await_ready()?;
    // Held open to the end: the number of a namespace that is gone may be given to the next one,
    // or not, as the kernel finds time.
    let _first = fs::File::open(format!("/proc/{}/ns/pid", cloned.pid)).tried("hold it")?;
    cloned.finish(1)?;
    let mut outside = kit::start(Birth::Fork, &mut |inside| {
        space::unshare(libc::CLONE_NEWPID).tried("unshare")?;
        kit::run(Birth::Fork, &program)?.finish(5)?;
        inside.ready()?;
        inside.wait()
    })?;
    outside.await_ready()?;
    let second = format!("/proc/{}/ns/pid_for_children", outside.pid);
    let _second = fs::File::open(second).tried("hold it")?;
    outside.finish(4)?;
    let mut outer = kit::start(Birth::flags(libc::CLONE_NEWPID), &mut |inside| {
        kit::run(Birth::flags(libc::CLONE_NEWPID), &program)?.finish(7)?;
        inside.ready()?;
        inside.wait()
    })?;
    outer.await_ready()?;
    outer.finish(6)
}

/// Pid 1 leaves while another process of its namespace lives: the kernel kills and reaps that one.
pub fn pid_ends(_: &Scene) -> Outcome {
    let mut first = kit::start(Birth::flags(libc::CLONE_NEWPID), &mut |inside| {
        let left = kit::idle(Birth::Fork)?;
        inside.say_pid(left.pid)?;
        inside.wait()
    })?;
    let left = first.outside.heard_pid()?;
    first.tell(1)?;
    let pid = first.pid;
    let ended = first.ends(Ended::Exit(1));
    let killed = Ended::Signal {
        signal: libc::SIGKILL,
        core: false,
    };
    // Nobody but pid 1 could have waited for it; that it was killed is what pid_namespaces(7) promises.
    truth::say(&serde_json::json!({
        "what": "exit", "pid": left, "tid": left, "parent": pid, "status": truth::status(killed),
    }))?;
    ended
}

/// New user and mount namespaces, and a program from a mount that exists only there.
pub fn user(scene: &Scene) -> Outcome {
    scene.dir("mount")?;
    let program = scene.program("mount/prog", &["as root of its own"])?;
    let target = c_path(scene.path("mount"))?;
    let flags = libc::CLONE_NEWUSER | libc::CLONE_NEWNS;
    let mut child = kit::start(Birth::flags(flags), &mut |inside| {
        inside.ready()?;
        inside.wait()?;
        space::setresgid(0, 0, 0).tried("become group 0 inside")?;
        space::setresuid(0, 0, 0).tried("become user 0 inside")?;
        space::bind_or_mount(c"none", &target, c"tmpfs", 0).tried("mount inside")?;
        scene.tiny("mount/prog")?;
        Err(inside.exec(&program)).tried("exec inside")
    })?;
    child.await_ready()?;
    for name in ["uid_map", "gid_map"] {
        let path = format!("/proc/{}/{name}", child.pid);
        fs::write(&path, "0 100000 1000").tried(&path)?;
    }
    child.tell(0)?;
    child.await_ready()?;
    kit::say_exec(&child, &program)?;
    child.finish(1)
}

/// A network of its own.
pub fn net(scene: &Scene) -> Outcome {
    let program = scene.program("prog", &[])?;
    kit::run(Birth::flags(libc::CLONE_NEWNET), &program)?.finish(1)
}

/// Programs from a tmpfs, from a folder bound elsewhere, from a file bound over another.
pub fn mounts(scene: &Scene) -> Outcome {
    scene.dir("tmpfs")?;
    scene.dir("bound")?;
    scene.tiny("original/prog")?;
    scene.file("single", b"hidden by the mount", 0o644)?;
    let at = |name: &str| c_path(scene.path(name));
    let mut child = kit::start(Birth::Fork, &mut |inside| {
        space::unshare(libc::CLONE_NEWNS).tried("unshare")?;
        let private_tree = libc::MS_REC | libc::MS_PRIVATE;
        space::bind_or_mount(c"none", c"/", c"none", private_tree).tried("make mounts private")?;
        space::bind_or_mount(c"none", &at("tmpfs")?, c"tmpfs", 0).tried("mount a tmpfs")?;
        for (from, to) in [("original", "bound"), ("prog", "single")] {
            let bound = space::bind_or_mount(&at(from)?, &at(to)?, c"none", libc::MS_BIND);
            bound.tried(format_args!("bind {from} to {to}"))?;
        }
        scene.tiny("tmpfs/deep/prog")?;
        for (code, name) in (2..).zip(["tmpfs/deep/prog", "bound/prog", "single"]) {
            let program = scene.program(name, &[])?;
            let path = scene.path(name).to_string_lossy().into_owned();
            kit::run(Birth::Fork, &program.known("exe", path))?.finish(code)?;
        }
        // A mount that is gone from the tree while its program still runs.
        let running = kit::run(
            Birth::Fork,
            &scene.program("tmpfs/deep/prog", &["unmounted"])?,
        )?;
        space::unmount(&at("tmpfs")?).tried("unmount")?;
        running.finish(5)?;
        inside.ready()?;
        inside.wait()
    })?;
    child.await_ready()?;
    child.finish(1)
}

/// The path as given begins at the new root, the program's real path at the old one.
pub fn chroot(scene: &Scene) -> Outcome {
    let real = scene.tiny("jail/bin/prog")?;
    let root = c_path(scene.path("jail"))?;
    let program = Program::new("/bin/prog", &["below"])?.known("exe", real.to_string_lossy());
    let mut enter = || {
        space::chroot(&root).tried("chroot")?;
        std::env::set_current_dir("/bin").tried("enter the new root")
    };
    kit::run_after(Birth::Fork, &program, &mut enter)?.finish(1)
}

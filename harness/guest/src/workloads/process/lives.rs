//! How processes begin and whom they belong to.

use crate::sys::birth::Clone3;
use crate::sys::process::{self, Ended};
use crate::workloads::failure::{Outcome, Tried, ensure};
use crate::workloads::kit::{self, Birth, Child};
use crate::workloads::pipes::{self, Inside};
use crate::workloads::scene::Scene;
use crate::workloads::truth;

/// Children one after the other, two at once, and a grandchild.
pub fn fork(_: &Scene) -> Outcome {
    kit::idle(Birth::Fork)?.finish(0)?;
    let first = kit::idle(Birth::Fork)?;
    let second = kit::idle(Birth::Fork)?;
    second.finish(2)?;
    first.finish(1)?;
    let mut parent = kit::start(Birth::Fork, &mut |inside| {
        kit::idle(Birth::Fork)?.finish(4)?;
        inside.ready()?;
        inside.wait()
    })?;
    parent.await_ready()?;
    parent.finish(3)
}

/// A child that leaves at once, and one that execs.
pub fn vfork(scene: &Scene) -> Outcome {
    kit::start(Birth::Vfork, &mut |_| Ok(7))?.ends(Ended::Exit(7))?;
    kit::run(Birth::Vfork, &scene.program("prog", &["by vfork"])?)?.finish(8)
}

/// What only clone3 can ask for.
pub fn clone3(scene: &Scene) -> Outcome {
    const CLONE_CLEAR_SIGHAND: u64 = 1 << 32;
    let with = |flags: u64, exit_signal| {
        Birth::Clone3(Clone3 {
            flags,
            exit_signal,
            cgroup_fd: 0,
        })
    };
    let watched = kit::idle(with(libc::CLONE_PIDFD as u64, libc::SIGCHLD))?;
    ensure(watched.pidfd.is_some(), || {
        "CLONE_PIDFD gave no pidfd".into()
    })?;
    watched.finish(1)?;
    kit::idle(with(0, 0))?.finish(2)?;
    // Ignored by default, so that it does us no harm.
    kit::idle(with(0, libc::SIGURG))?.finish(3)?;
    let shared = libc::CLONE_FS | libc::CLONE_SYSVSEM | libc::CLONE_IO;
    kit::idle(Birth::flags(shared))?.finish(4)?;
    let cleared = with(CLONE_CLEAR_SIGHAND, libc::SIGCHLD);
    kit::run(
        cleared,
        &scene.program("prog", &["signal handlers cleared"])?,
    )?
    .finish(5)
}

/// A child makes another child of its own parent.
pub fn clone_parent(_: &Scene) -> Outcome {
    let own = truth::own_pid()?;
    // The kernel takes no exit signal here: the sibling inherits its maker's.
    let birth = Birth::Clone3(Clone3 {
        flags: libc::CLONE_PARENT as u64,
        exit_signal: 0,
        cgroup_fd: 0,
    });
    let (sibling_inside, outside) = pipes::pipes()?;
    let mut maker = kit::start(Birth::Fork, &mut |inside| {
        let (sibling, _) = kit::start_on(birth, &sibling_inside, &mut Inside::wait)?;
        kit::say_fork(own, sibling, birth)?;
        inside.say_pid(sibling)?;
        inside.wait()
    })?;
    let sibling = maker.outside.heard_pid()?;
    drop(sibling_inside);
    maker.finish(1)?;
    Child {
        local: sibling,
        pid: sibling,
        pidfd: None,
        outside,
    }
    .finish(2)
}

/// A grandchild outlives its parent, belongs to us then, and becomes a program.
pub fn orphan(scene: &Scene) -> Outcome {
    let own = truth::own_pid()?;
    let program = scene.program("prog", &["an orphan"])?;
    let (orphan_inside, outside) = pipes::pipes()?;
    let mut parent = kit::start(Birth::Fork, &mut |inside| {
        let own = truth::own_pid()?;
        let (orphan, _) = kit::start_on(Birth::Fork, &orphan_inside, &mut |inside| {
            inside.wait()?;
            Err(inside.exec(&program)).tried("exec as an orphan")
        })?;
        kit::say_fork(own, orphan, Birth::Fork)?;
        inside.say_pid(orphan)?;
        inside.wait()
    })?;
    let orphan = parent.outside.heard_pid()?;
    drop(orphan_inside);
    parent.finish(1)?;
    let mut orphan = Child {
        local: orphan,
        pid: orphan,
        pidfd: None,
        outside,
    };
    let ppid = truth::identity(orphan.pid)?["ppid"].clone();
    ensure(ppid == own, || {
        format!("the orphan belongs to {ppid}, not to {own}")
    })?;
    orphan.tell(0)?;
    orphan.await_ready()?;
    kit::say_exec(&orphan, &program)?;
    process::kill(orphan.local, 0).tried("find the orphan")?;
    orphan.finish(2)
}

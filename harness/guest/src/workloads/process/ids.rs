//! Who a process is: session, group, user.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};

use crate::sys::process::Ended;
use crate::sys::space;
use crate::workloads::failure::{Outcome, Tried};
use crate::workloads::kit::{self, Birth, Child};
use crate::workloads::pipes;
use crate::workloads::scene::Scene;
use crate::workloads::truth;

/// A session of its own, a group of its own, somebody else's group, and a daemon made by two forks.
pub fn sessions(scene: &Scene) -> Outcome {
    let program = scene.program("prog", &[])?;
    let leader = kit::run_after(Birth::Fork, &program, &mut || {
        space::setsid().tried("setsid")?;
        Ok(())
    })?;
    leader.finish(1)?;
    let group = kit::run_after(Birth::Fork, &program, &mut || {
        space::setpgid(0, 0).tried("setpgid")
    })?;
    let joins = group.local;
    let member = kit::run_after(Birth::Fork, &program, &mut || {
        space::setpgid(0, joins).tried("setpgid to a sibling's")
    })?;
    member.finish(2)?;
    group.finish(3)?;
    daemon(scene)
}

/// fork, setsid, fork, and the middle one leaves.
fn daemon(scene: &Scene) -> Outcome {
    let program = scene.program("prog", &["a daemon"])?;
    let (daemon_inside, outside) = pipes::pipes()?;
    let mut middle = kit::start(Birth::Fork, &mut |inside| {
        let own = truth::own_pid()?;
        space::setsid().tried("setsid")?;
        let (daemon, _) = kit::start_on(Birth::Fork, &daemon_inside, &mut |inside| {
            inside.wait()?;
            Err(inside.exec(&program)).tried("exec as a daemon")
        })?;
        kit::say_fork(own, daemon, Birth::Fork)?;
        inside.say_pid(daemon)?;
        inside.wait()
    })?;
    let daemon = middle.outside.heard_pid()?;
    drop(daemon_inside);
    middle.finish(4)?;
    let mut daemon = Child {
        local: daemon,
        pid: daemon,
        pidfd: None,
        outside,
    };
    daemon.tell(0)?;
    daemon.await_ready()?;
    kit::say_exec(&daemon, &program)?;
    daemon.finish(5)
}

/// All four user ids and all four group ids differ: in a fork, in its child, and across exec, which
/// makes the effective ids the saved ones. The child's parent leads a session and has a network of
/// its own.
pub fn ids(scene: &Scene) -> Outcome {
    let program = scene.program("prog", &[])?;
    let change = || -> Outcome {
        space::setresgid(2001, 2002, 2003).tried("setresgid")?;
        space::setresuid(1001, 1002, 1003).tried("setresuid")
    };
    kit::run_after(Birth::Fork, &program, &mut || change())?.finish(1)?;
    // Only a privileged process may choose its file system ids freely.
    let mut parent = kit::start(Birth::Fork, &mut |inside| {
        space::setsid().tried("setsid")?;
        space::unshare(libc::CLONE_NEWNET).tried("unshare")?;
        space::keep_capabilities().tried("keep capabilities")?;
        change()?;
        space::setfsids(1004, 2004);
        kit::run(Birth::Fork, &program)?.finish(2)?;
        inside.ready()?;
        inside.wait()
    })?;
    parent.await_ready()?;
    let seen = truth::identity(parent.pid)?;
    parent.tell(3)?;
    let more = [("uid", seen["uid"].clone()), ("gid", seen["gid"].clone())];
    parent.ends_with(Ended::Exit(3), &more)
}

/// Programs whose file says as whom they run.
pub fn setuid_file(scene: &Scene) -> Outcome {
    for (name, mode) in [("setuid", 0o4755), ("setgid", 0o2755), ("both", 0o6755)] {
        let path = scene.tiny(name)?;
        chown(&path, Some(1005), Some(2005)).tried("give the program away")?;
        // Changing the owner clears these bits, so they come second.
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).tried("set the bits")?;
        let child = kit::run(Birth::Fork, &scene.program(name, &[])?)?;
        let seen = truth::identity(child.pid)?;
        let (uid, gid) = (&seen["uid"][1], &seen["gid"][1]);
        let wanted = (
            if mode & 0o4000 != 0 { 1005 } else { 0 },
            if mode & 0o2000 != 0 { 2005 } else { 0 },
        );
        crate::workloads::failure::ensure(*uid == wanted.0 && *gid == wanted.1, || {
            format!("{name}: effective ids are {uid} and {gid}; is the folder mounted nosuid?")
        })?;
        child.finish(1)?;
    }
    Ok(())
}

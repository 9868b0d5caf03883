//! Where a process stands: its login and its cgroup, both inherited and both free to change.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use crate::sys::birth::Clone3;
use crate::workloads::failure::{Outcome, Tried, ensure};
use crate::workloads::kit::{self, Birth};
use crate::workloads::scene::Scene;
use crate::workloads::standing;

/// A child logs in, as `login` does it; its own child inherits that, and another logs in as somebody
/// else below the same parent. No audit daemon is needed.
pub fn login_uid(scene: &Scene) -> Outcome {
    let program = scene.program("prog", &["logged in"])?;
    let missing = scene.program("missing", &[])?;
    let mut child = kit::start(Birth::Fork, &mut |inside| {
        log_in(1000)?;
        kit::run(Birth::Fork, &program)?.finish(2)?;
        kit::exec_fails(&missing, libc::ENOENT)?;
        // More than sixteen bits, so that none is lost on the way.
        let mut other = || log_in(1_000_002);
        kit::run_after(Birth::Fork, &program, &mut other)?.finish(3)?;
        inside.ready()?;
        inside.wait()?;
        Err(inside.exec(&program)).tried("exec with a login")
    })?;
    child.await_ready()?;
    child.tell(0)?;
    child.await_ready()?;
    kit::say_exec(&child, &program)?;
    child.finish(1)
}

/// Sets our own login.
fn log_in(uid: u32) -> Outcome {
    const OWN: &str = "/proc/self/loginuid";
    fs::write(OWN, uid.to_string()).tried(format_args!("log in as {uid}"))?;
    let now = fs::read_to_string(OWN).tried(OWN)?;
    ensure(now == uid.to_string(), || {
        format!("logged in as {uid}, the kernel says {now}")
    })
}

/// Children that are moved into cgroups, born in them and born into them from elsewhere; their
/// parents move on while they live.
pub fn cgroup(scene: &Scene) -> Outcome {
    let outer = standing::cgroup_root()?.join("w1");
    let deep = outer.join("deep");
    for folder in [&deep, &outer] {
        // Left by a run that failed.
        remove(folder)?;
    }
    for folder in [&outer, &deep] {
        fs::create_dir(folder).tried(format_args!("make cgroup {}", folder.display()))?;
    }
    let done = within(scene, &outer, &deep);
    let removed = remove(&deep).and_then(|()| remove(&outer));
    done.and(removed)
}

fn within(scene: &Scene, outer: &Path, deep: &Path) -> Outcome {
    let program = scene.program("prog", &["in a cgroup"])?;
    let missing = scene.program("missing", &[])?;
    let mut parent = kit::start(Birth::Fork, &mut |inside| {
        inside.ready()?;
        inside.wait()?;
        // Moved to the outer one meanwhile: born there, moved after exec, ended in the deep one.
        let child = kit::run(Birth::Fork, &program)?;
        enter(deep, child.pid)?;
        child.finish(2)?;
        kit::exec_fails(&missing, libc::ENOENT)?;
        let left = kit::idle(Birth::Fork)?;
        inside.ready()?;
        inside.wait()?;
        // We are in the deep one by now, and this child is where we were.
        left.finish(3)?;
        let mut back = || enter(standing::cgroup_root()?, 0);
        kit::run_after(Birth::Fork, &program, &mut back)?.finish(4)?;
        inside.ready()?;
        inside.wait()
    })?;
    for folder in [outer, deep] {
        parent.await_ready()?;
        enter(folder, parent.pid)?;
        parent.tell(0)?;
    }
    parent.await_ready()?;
    parent.finish(1)?;
    // From the root straight into the deep one, where it is before anybody sees it.
    let folder = File::open(deep).tried("open the cgroup")?;
    let into = Birth::Clone3(Clone3 {
        flags: CLONE_INTO_CGROUP,
        exit_signal: libc::SIGCHLD,
        cgroup_fd: folder.as_raw_fd(),
    });
    kit::run(into, &program)?.finish(5)
}

/// Kernel: 5.7.
const CLONE_INTO_CGROUP: u64 = 1 << 33;

/// Moves a process, or with 0 ourselves.
fn enter(folder: &Path, pid: i32) -> Outcome {
    let procs: PathBuf = folder.join("cgroup.procs");
    fs::write(&procs, pid.to_string()).tried(format_args!("write {pid} to {}", procs.display()))
}

/// Removes a cgroup if it is there. A process that has been waited for may hold it for a moment: from
/// Linux 6.19 on it leaves its cgroup only when it is scheduled for the last time.
fn remove(folder: &Path) -> Outcome {
    const TURNS: usize = 10_000;
    for _ in 0..TURNS {
        match fs::remove_dir(folder) {
            Err(error) if error.raw_os_error() == Some(libc::EBUSY) => std::thread::yield_now(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            other => return other.tried(format_args!("remove cgroup {}", folder.display())),
        }
    }
    fs::remove_dir(folder).tried(format_args!("remove cgroup {}", folder.display()))
}

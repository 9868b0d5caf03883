//! Processes of several threads: their end is one event, whoever leaves last.

use std::fs;
use std::sync::mpsc;
use std::thread;

use serde_json::Value;

use crate::sys::birth;
use crate::sys::process::{self, Ended};
use crate::workloads::failure::{Failure, Outcome, Tried, ensure};
use crate::workloads::kit::{self, Birth};
use crate::workloads::pipes::Inside;
use crate::workloads::scene::Scene;
use crate::workloads::truth;

/// Threads come and go, one of them forks; the leader leaves last, with its own code.
pub fn come_and_go(_: &Scene) -> Outcome {
    let mut child = kit::start(Birth::Fork, &mut |inside| {
        for _ in 0..3 {
            joined(|| Ok(()))?;
        }
        joined(|| kit::idle(Birth::Fork)?.finish(6))?;
        two_at_once()?;
        inside.ready()?;
        inside.wait()
    })?;
    child.await_ready()?;
    child.finish(4)
}

/// The leader leaves first; the last thread ends the process, or a signal does.
pub fn leader_first(_: &Scene) -> Outcome {
    let (child, last) = outlive_leader(|| birth::exit_group(5))?;
    child.ends_with(Ended::Exit(5), &[("tid", last.into())])?;
    let (killed, last) = outlive_leader(|| {
        loop {
            thread::park();
        }
    })?;
    process::kill(killed.local, libc::SIGKILL).tried("kill")?;
    killed.ends_with(KILLED, &[("tid", last.into())])
}

/// The leader leaves first, then the last thread, neither with exit_group. Whose code the process
/// has depends on the kernel: the leader's at first, the last thread's since Linux 6.0 (commit
/// "signal: Guarantee that SIGNAL_GROUP_EXIT is set on process exit"). The truth is what wait says.
pub fn last_code(_: &Scene) -> Outcome {
    let (child, last) = outlive_leader(|| birth::exit_thread(9))?;
    let either = [Ended::Exit(LEADERS_CODE), Ended::Exit(9)];
    child.ends_in(&either, &[("tid", last.into())])
}

/// A signal ends three threads at once; which of them goes last is chance.
pub fn killed(_: &Scene) -> Outcome {
    for signal in [libc::SIGKILL, libc::SIGTERM] {
        let mut child = kit::start(Birth::Fork, &mut |inside| {
            let _waiting = [parked()?, parked()?];
            inside.ready()?;
            inside.wait()
        })?;
        child.await_ready()?;
        process::kill(child.local, signal).tried("kill")?;
        let ended = Ended::Signal {
            signal,
            core: false,
        };
        child.ends_with(ended, &[("tid", Value::Null)])?;
    }
    Ok(())
}

/// A thread that is not the leader execs: the other threads go, the process keeps its pid.
pub fn exec(scene: &Scene) -> Outcome {
    let program = scene.program("prog", &["by a thread"])?;
    let mut child = kit::start(Birth::Fork, &mut |inside| {
        let _waiting = parked()?;
        joined(|| {
            let ids = (process::gettid(), std::process::id().cast_signed());
            ensure(ids.0 != ids.1, || format!("thread {} is the leader", ids.0))?;
            Err(inside.exec(&program)).tried("exec from a thread")
        })?;
        Err(Failure("exec came back without an error".into()))
    })?;
    child.await_ready()?;
    kit::say_exec(&child, &program)?;
    child.finish(3)
}

/// A thread that is not the leader makes children in every way, one of which does the same in turn;
/// and it cannot become another program.
pub fn fork(scene: &Scene) -> Outcome {
    let program = scene.program("prog", &["of a thread"])?;
    let missing = scene.program("missing", &["by a thread"])?;
    let mut child = kit::start(Birth::Fork, &mut |inside| {
        joined(|| {
            let (pid, tid) = truth::own_thread()?;
            ensure(pid != tid, || format!("thread {tid} is the leader"))?;
            kit::run(Birth::Fork, &program)?.finish(1)?;
            kit::run(Birth::Vfork, &program)?.finish(2)?;
            kit::run(Birth::flags(libc::CLONE_FS), &program)?.finish(3)?;
            kit::exec_fails(&missing, libc::ENOENT)?;
            let mut further = kit::start(Birth::Fork, &mut |inside| {
                joined(|| kit::idle(Birth::Fork)?.finish(5))?;
                inside.ready()?;
                inside.wait()
            })?;
            further.await_ready()?;
            further.finish(4)
        })?;
        inside.ready()?;
        inside.wait()
    })?;
    child.await_ready()?;
    child.finish(6)
}

const LEADERS_CODE: u8 = 3;
const KILLED: Ended = Ended::Signal {
    signal: libc::SIGKILL,
    core: false,
};

/// A child whose leader is gone when this returns and whose other thread, the number returned, then
/// calls `last`.
fn outlive_leader(last: fn() -> ()) -> Outcome<(kit::Child, i32)> {
    let mut child = kit::start(Birth::Fork, &mut |inside: &Inside| {
        let leader = std::process::id();
        thread::scope(|scope| -> Outcome<u8> {
            let spawned = thread::Builder::new().spawn_scoped(scope, move || {
                let left = await_zombie(leader)
                    .and_then(|()| truth::own_thread())
                    .and_then(|(_, tid)| inside.say_pid(tid));
                if let Err(failure) = left {
                    truth::say_failure(&failure);
                    birth::exit_group(kit::CHILD_FAILED);
                }
                last();
            });
            spawned.tried("start a thread")?;
            birth::exit_thread(i32::from(LEADERS_CODE))
        })
    })?;
    let last = child.outside.heard_pid()?;
    Ok((child, last))
}

/// Watches until the thread is a zombie: it no longer counts among the living, yet its process stays.
fn await_zombie(thread: u32) -> Outcome {
    let path = format!("/proc/self/task/{thread}/stat");
    loop {
        let stat = fs::read_to_string(&path).tried(&path)?;
        // The name in brackets may hold anything; the state is the word after the last bracket.
        let state = stat
            .rsplit(')')
            .next()
            .and_then(|rest| rest.split_whitespace().next());
        if state == Some("Z") {
            return Ok(());
        }
        thread::yield_now();
    }
}

/// Runs something in a thread and waits for its end.
fn joined(body: impl FnOnce() -> Outcome + Send) -> Outcome {
    thread::scope(|scope| {
        let running = thread::Builder::new().spawn_scoped(scope, body);
        let ended = running.tried("start a thread")?.join();
        ended.unwrap_or_else(|_| Err(Failure("a thread panicked".into())))
    })
}

/// Two threads that need each other to go on.
fn two_at_once() -> Outcome {
    let (to_second, from_first) = mpsc::channel::<u8>();
    thread::scope(|scope| {
        let second = thread::Builder::new().spawn_scoped(scope, move || from_first.recv());
        let second = second.tried("start a thread")?;
        let first = thread::Builder::new().spawn_scoped(scope, move || to_second.send(1));
        let sent = first.tried("start a thread")?.join();
        ensure(matches!(sent, Ok(Ok(()))), || {
            "the first thread could not send".into()
        })?;
        let received = second.join();
        ensure(matches!(received, Ok(Ok(1))), || {
            "the second thread heard nothing".into()
        })
    })
}

/// A thread that runs when this returns and then only waits.
fn parked() -> Outcome<thread::JoinHandle<()>> {
    let (tell, told) = mpsc::channel::<()>();
    let body = move || {
        // The other end waits for this; if it is gone, so is the process.
        let _ = tell.send(());
        loop {
            thread::park();
        }
    };
    let running = thread::Builder::new().spawn(body).tried("start a thread")?;
    told.recv().tried("wait for a thread")?;
    Ok(running)
}

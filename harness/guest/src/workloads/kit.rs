//! What workloads are made of: a fresh folder, children that wait to be told, programs that wait to be seen.
//!
//! Order is made by waiting only: a parent goes on when its child has said so through a pipe or has
//! ended. Nothing sleeps, so the order of forks, execs and exits is the same on one CPU and on many.

use std::io::{Read, Write};
use std::os::fd::OwnedFd;

use serde_json::Value;

pub use super::facts::{exec_fails, reap, say_exec, say_fork};
use super::failure::{Outcome, Tried, ensure};
use super::pipes::{Inside, Outside, pipes};
use super::scene::Program;
use super::tiny::READY;
use super::truth;
use crate::sys::birth::{self, Clone3};
use crate::sys::process::{self, Ended};

/// Exit code of a child that could not do what it was for; it has said why.
pub const CHILD_FAILED: i32 = 70;

/// How a child comes into being.
#[derive(Clone, Copy, Debug)]
pub enum Birth {
    /// fork(2).
    Fork,
    /// vfork(2): the parent stands still until the child has left or is another program.
    Vfork,
    /// clone3(2) without shared memory.
    Clone3(Clone3),
}

impl Birth {
    /// clone3 with these flags and SIGCHLD.
    #[must_use]
    pub fn flags(flags: i32) -> Self {
        Self::Clone3(Clone3 {
            flags: u64::from(flags.cast_unsigned()),
            exit_signal: libc::SIGCHLD,
            cgroup_fd: 0,
        })
    }

    /// The `CLONE_*` bits without the exit signal, and the exit signal.
    pub(super) fn said(self) -> (u64, i32) {
        match self {
            Self::Fork => (0, libc::SIGCHLD),
            Self::Vfork => ((libc::CLONE_VM | libc::CLONE_VFORK) as u64, libc::SIGCHLD),
            Self::Clone3(request) => (request.flags, request.exit_signal),
        }
    }
}

/// A child that lives until it is told or killed.
#[derive(Debug)]
pub struct Child {
    /// Its pid here.
    pub local: i32,
    /// Its pid in the initial pid namespace.
    pub pid: i32,
    /// With `CLONE_PIDFD`.
    pub pidfd: Option<OwnedFd>,
    /// Our ends of its pipes.
    pub outside: Outside,
}

/// Makes a child that runs `body` and leaves with the code that it returns. The child does nothing
/// before its birth has been said; one by vfork cannot wait for that, but neither can its parent talk.
///
/// # Errors
/// When the kernel refuses.
pub fn start(birth: Birth, body: &mut dyn FnMut(&Inside) -> Outcome<u8>) -> Outcome<Child> {
    let waits = !matches!(birth, Birth::Vfork);
    let (inside, outside) = pipes()?;
    let (local, pidfd) = start_on(birth, &inside, &mut |inside| {
        if waits {
            inside.wait()?;
        }
        body(inside)
    })?;
    drop(inside);
    let pid = truth::child_pid(local)?;
    let mut child = Child {
        local,
        pid,
        pidfd,
        outside,
    };
    say_fork(truth::own_pid()?, pid, birth)?;
    if waits {
        child.tell(0)?;
    }
    Ok(child)
}

/// Makes a child on pipes that exist already. Returns its pid here, and the pidfd if asked for.
///
/// # Errors
/// When the kernel refuses.
pub fn start_on(
    birth: Birth,
    inside: &Inside,
    body: &mut dyn FnMut(&Inside) -> Outcome<u8>,
) -> Outcome<(i32, Option<OwnedFd>)> {
    let mut run = || match body(inside) {
        Ok(code) => i32::from(code),
        Err(failure) => {
            truth::say_failure(&failure);
            CHILD_FAILED
        }
    };
    match birth {
        Birth::Fork => Ok((birth::fork(&mut run).tried("fork")?, None)),
        Birth::Vfork => Ok((birth::vfork(&mut run).tried("vfork")?, None)),
        Birth::Clone3(request) => birth::clone3(request, &mut run).tried("clone3"),
    }
}

impl Child {
    /// Waits until the child has called [`Inside::ready`] or, as the tiny program, runs.
    ///
    /// # Errors
    /// When it ended instead.
    pub fn await_ready(&mut self) -> Outcome {
        let mut byte = [0];
        self.outside
            .said
            .read_exact(&mut byte)
            .tried(format_args!("child {} ended before it was ready", self.pid))?;
        ensure(byte[0] == READY, || {
            format!("child {} said {byte:?}", self.pid)
        })
    }

    /// Sends one byte: the next step, or the code to leave with.
    ///
    /// # Errors
    /// When the child is gone.
    pub fn tell(&mut self, byte: u8) -> Outcome {
        self.outside
            .tell
            .write_all(&[byte])
            .tried(format_args!("tell child {}", self.pid))
    }

    /// Waits for the end, says it, and checks that it is the expected one.
    ///
    /// # Errors
    /// When it ended otherwise.
    pub fn ends(self, expected: Ended) -> Outcome {
        self.ends_with(expected, &[])
    }

    /// Like [`Child::ends`], saying more about the end.
    ///
    /// # Errors
    /// When it ended otherwise.
    pub fn ends_with(self, expected: Ended, more: &[(&str, Value)]) -> Outcome {
        self.ends_in(&[expected], more)
    }

    /// Like [`Child::ends_with`], where kernels differ: any of these ends will do.
    ///
    /// # Errors
    /// When it ended otherwise.
    pub fn ends_in(self, expected: &[Ended], more: &[(&str, Value)]) -> Outcome {
        drop(self.outside);
        reap(self.local, self.pid, expected, more)
    }

    /// Tells the code to leave with, waits and says so.
    ///
    /// # Errors
    /// When it ended otherwise.
    pub fn finish(mut self, code: u8) -> Outcome {
        self.tell(code)?;
        self.ends(Ended::Exit(code))
    }

    /// Kills it, waits and says so.
    ///
    /// # Errors
    /// When it ended otherwise.
    pub fn killed_by(self, signal: i32, core: bool) -> Outcome {
        process::kill(self.local, signal).tried("kill")?;
        reap(self.local, self.pid, &[Ended::Signal { signal, core }], &[])
    }
}

/// A child that only waits for the code to leave with.
///
/// # Errors
/// When the kernel refuses.
pub fn idle(birth: Birth) -> Outcome<Child> {
    start(birth, &mut Inside::wait)
}

/// Starts a child that becomes the program, which must be the waiting tiny one, directly or as
/// interpreter; looks at it while it waits, and says both.
///
/// # Errors
/// When it does not run.
pub fn run(birth: Birth, program: &Program) -> Outcome<Child> {
    run_after(birth, program, &mut || Ok(()))
}

/// Like [`run`], with something that the child does between fork and exec.
///
/// # Errors
/// When it does not run.
pub fn run_after(
    birth: Birth,
    program: &Program,
    before: &mut dyn FnMut() -> Outcome,
) -> Outcome<Child> {
    let mut child = start(birth, &mut |inside| {
        before()?;
        Err(inside.exec(program)).tried(format_args!("exec {}", program.path.to_string_lossy()))
    })?;
    child.await_ready()?;
    say_exec(&child, program)?;
    Ok(child)
}

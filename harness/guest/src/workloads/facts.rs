//! The facts that whoever leads a child says of it: that it was born, what it became, how it ended.

use serde_json::{Value, json};

use super::failure::{Failure, Outcome, Tried, ensure};
use super::kit::{Birth, Child};
use super::scene::Program;
use super::{standing, truth};
use crate::sys::process::{self, Ended};

/// Says that `parent` (as the kernel will name it) has a new child, made by the calling thread. The
/// child must stand still or have ended.
///
/// # Errors
/// When nobody listens, or one of them is gone.
pub fn say_fork(parent: i32, child: i32, birth: Birth) -> Outcome {
    let (flags, exit_signal) = birth.said();
    let (caller, caller_tid) = truth::own_thread()?;
    truth::say(&json!({
        "what": "fork", "parent": parent, "child": child,
        "caller": caller, "caller_tid": caller_tid, "flags": flags, "exit_signal": exit_signal,
        "standing": standing::of(child)?, "parent_standing": standing::of(parent)?,
    }))
}

/// Says that the child has become the program, with all that /proc shows of it.
///
/// # Errors
/// When it is gone.
pub fn say_exec(child: &Child, program: &Program) -> Outcome {
    let mut fact = program.said("exec", child.pid);
    let seen = truth::observe(child.pid)?;
    if let Value::Object(fact) = &mut fact {
        fact.extend(seen);
        fact.extend(
            program
                .known
                .iter()
                .map(|(key, value)| ((*key).into(), value.clone())),
        );
    }
    truth::say(&fact)
}

/// Inside a child: tries an exec that must fail with this errno, and says so. The child goes on.
///
/// # Errors
/// When it failed for another reason; when it succeeds, whoever waits for this child finds out.
pub fn exec_fails(program: &Program, errno: i32) -> Outcome {
    let error = program.exec();
    let got = error.raw_os_error();
    let (own, tid) = truth::own_thread()?;
    let mut fact = program.said("exec_failed", own);
    fact["tid"] = json!(tid);
    fact["errno"] = json!(got);
    fact["argv"] = program
        .argv
        .iter()
        .map(|argument| argument.to_string_lossy())
        .collect();
    fact["standing"] = standing::of(own)?;
    truth::say(&fact)?;
    ensure(got == Some(errno), || {
        format!(
            "exec {} should fail with errno {errno}: {error}",
            program.path.to_string_lossy()
        )
    })
}

/// Waits for the child known here as `local`, says how it ended and checks it.
///
/// Its last thread is taken to be its leader, and its parent to be us; `more` may know better, and
/// says null where it is chance.
///
/// # Errors
/// When it ended otherwise or is not ours.
pub fn reap(local: i32, pid: i32, expected: &[Ended], more: &[(&str, Value)]) -> Outcome {
    // Until it has been waited for, /proc still shows where it stood.
    process::await_end(local).tried(format_args!("wait for the end of {pid}"))?;
    let own = truth::own_pid()?;
    let mut fact = json!({
        "what": "exit", "pid": pid, "tid": pid, "parent": own,
        "standing": standing::of(pid)?, "parent_standing": standing::of(own)?,
    });
    let waited = process::wait(Some(local)).tried("wait")?;
    let waited = waited.ok_or_else(|| Failure(format!("{pid} is not a child to wait for")))?;
    fact["status"] = truth::status(waited.ended);
    for (key, value) in more {
        fact[*key] = value.clone();
    }
    truth::say(&fact)?;
    ensure(expected.contains(&waited.ended), || {
        format!(
            "{pid} should have ended with {expected:?}, got {:?}",
            waited.ended
        )
    })
}

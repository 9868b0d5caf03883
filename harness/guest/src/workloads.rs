//! The workloads: what the guest does so that sensors have something to report.
//!
//! Each is the root of a process tree that does one kind of thing in a fixed order and says what it
//! did. It knows nothing of sensors; who starts it and reads what it says is `capture`.

pub mod facts;
pub mod failure;
pub mod file;
pub mod kit;
pub mod mount;
pub mod network;
pub mod pipes;
pub mod process;
pub mod scene;
pub mod standing;
pub mod tiny;
pub mod truth;

use std::io::Read;
use std::os::fd::AsFd;
use std::process::ExitCode;

use serde_json::json;

use crate::sys::birth;
use crate::sys::process as sys;
use failure::{Failure, Outcome, Tried};
use scene::{Program, Scene};

/// One workload.
#[derive(Clone, Copy, Debug)]
pub struct Workload {
    /// What kind of sensor it is for.
    pub family: &'static str,
    /// Its name, unique in its family.
    pub name: &'static str,
    /// What stands in its folder beforehand, put there by another process; `None`: the folder is
    /// a part of what it does.
    pub prepare: Option<fn(&Scene) -> Outcome>,
    /// What it does, in its own fresh folder.
    pub run: fn(&Scene) -> Outcome,
    /// One line for people.
    pub about: &'static str,
}

/// All workloads, in the order in which they run.
pub fn all() -> impl Iterator<Item = &'static Workload> {
    let families = [
        process::WORKLOADS,
        file::WORKLOADS,
        mount::WORKLOADS,
        network::WORKLOADS,
    ];
    families.into_iter().flatten()
}

/// The workload of this name.
#[must_use]
pub fn find(family: &str, name: &str) -> Option<&'static Workload> {
    all().find(|workload| workload.family == family && workload.name == name)
}

/// Prints `family name about`, one line each.
pub fn list() {
    for workload in all() {
        println!(
            "{} {:<24} {}",
            workload.family, workload.name, workload.about
        );
    }
}

/// The subcommand `workload FAMILY NAME [--held]`: runs one workload in this process.
///
/// `--held` is how capture starts it: truth goes to descriptor 3, the first fact is
/// `{"what":"ready"}`, and nothing happens before a byte comes from standard input. Without it truth
/// goes to standard output, for a person to look at.
#[must_use]
pub fn main(arguments: &[String]) -> ExitCode {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (workload, held) = match words[..] {
        [family, name] => (find(family, name), false),
        [family, name, "--held"] => (find(family, name), true),
        _ => (None, false),
    };
    let Some(workload) = workload else {
        eprintln!(
            "workload FAMILY NAME: no such workload: {}",
            words.join(" ")
        );
        return ExitCode::from(2);
    };
    match run(workload, held) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            truth::say_failure(&failure);
            eprintln!("{} {}: {failure}", workload.family, workload.name);
            ExitCode::FAILURE
        }
    }
}

fn run(workload: &Workload, held: bool) -> Outcome {
    sys::umask(0o022);
    let prepared = workload.prepare.map(|with| prepare(workload, with));
    let prepared = prepared.transpose()?;
    if held {
        truth::say(&json!({"what": "ready"}))?;
        let mut gate = std::io::stdin().lock();
        gate.read_exact(&mut [0]).tried("wait to be let go")?;
    } else {
        sys::dup_to(std::io::stdout().as_fd(), truth::TRUTH_FD).tried("send truth to stdout")?;
    }
    sys::limit_core(0).tried("forbid core files")?;
    sys::become_subreaper().tried("become a subreaper")?;
    let is_prepared = prepared.is_some();
    let scene = match prepared {
        Some(scene) => scene,
        None => Scene::new(workload.name)?,
    };
    (workload.run)(&scene)?;
    failure::ensure(!sys::has_children(), || "a descendant is left".into())?;
    // A scene that is no part of the play is cleared away by who plays there next.
    if is_prepared { Ok(()) } else { scene.strike() }
}

/// Makes the scene by a process of its own, so that what the workload then does is its first touch.
fn prepare(workload: &Workload, with: fn(&Scene) -> Outcome) -> Outcome<Scene> {
    let mut body = || match Scene::new(workload.name).and_then(|scene| with(&scene)) {
        Ok(()) => 0,
        Err(failure) => {
            eprintln!("{} {}: {failure}", workload.family, workload.name);
            1
        }
    };
    let pid = birth::fork(&mut body).tried("fork")?;
    let ended = sys::wait(Some(pid))
        .tried("wait")?
        .map(|waited| waited.ended);
    failure::ensure(ended == Some(sys::Ended::Exit(0)), || {
        format!("preparing ended with {ended:?}")
    })?;
    Scene::enter(workload.name)
}

/// The subcommand `then-exec PATH ARGUMENTS…`, which workloads execute: says what it is and becomes PATH.
#[must_use]
pub fn then_exec(arguments: &[String]) -> ExitCode {
    let become_it = || -> Outcome {
        let (path, further) = arguments
            .split_first()
            .ok_or_else(|| Failure("then-exec what?".into()))?;
        let further: Vec<&str> = further.iter().map(String::as_str).collect();
        let own = truth::own_pid()?;
        let mut fact = truth::observe(own)?;
        fact.insert("what".into(), json!("exec"));
        fact.insert("pid".into(), json!(own));
        fact.insert(
            "filename".into(),
            fact.get("exe").cloned().unwrap_or_default(),
        );
        truth::say(&fact.into())?;
        Err(Program::new(path, &further)?.exec()).tried(format_args!("exec {path}"))
    };
    if let Err(failure) = become_it() {
        truth::say_failure(&failure);
    }
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests;

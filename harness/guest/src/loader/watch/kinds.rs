//! Something of every kind, told in each form; the host holds the lines to the schemas.

use std::collections::BTreeSet;

use serde_json::Value;
use trapline_sensors::event::{FileOperation, SocketOperation};

use super::running::{Watching, values};
use super::{FOLDER, acts};
use crate::loader::checks::Checks;
use crate::loader::stage::{Failure, Tried};
use crate::loader::{Outcome, Stage};

/// Of each kind so many lines are for the host.
const LINES: usize = 2;

pub(super) fn kinds(stage: &mut Stage<'_>) -> Outcome {
    let mut checks = Checks::default();
    let policy = "/tmp/watch-kinds.toml";
    std::fs::write(policy, "[capture]\nloopback = true\n").tried(policy)?;
    let json = told(&["--json", "--policy", policy])?;
    let ecs = told(&["--ecs", "--policy", policy])?;
    let rows = told(&["--family", "process"])?;
    std::fs::remove_file(policy).tried(policy)?;

    let wanted = FileOperation::ALL.iter().map(|kind| kind.name());
    let wanted = wanted.chain(SocketOperation::ALL.iter().map(|kind| kind.name()));
    let wanted: BTreeSet<&str> = wanted.chain(["fork", "exec", "exit"]).collect();
    for (text, member) in [(&json, "kind"), (&ecs, "event.action")] {
        let values = values(text)?;
        let mut left = wanted.clone();
        let mut found = std::collections::BTreeMap::<&str, usize>::new();
        for (value, line) in values.iter().zip(text.lines()) {
            let kind = value[member].as_str().unwrap_or_default();
            left.remove(kind);
            let so_many = found.entry(kind).or_default();
            *so_many += 1;
            if *so_many <= LINES {
                stage.show(line);
            }
        }
        checks.equal("kinds without a line", &left, &BTreeSet::new())?;
        checks.holds_not("a secret in what is told", text.contains("hunter2"))?;
        checks.holds("its name", text.contains("SECRET"))?;
    }
    checks.holds_not("a colour where there is no terminal", rows.contains('\x1b'))?;
    let failed = rows.lines().find(|row| row.contains("/nothing"));
    let failed = failed.is_some_and(|row| row.trim_end().ends_with("ENOENT"));
    checks.holds("the row of an exec that failed", failed)?;
    Ok(checks.report("fentry"))
}

/// What is told when all is done that there is.
fn told(words: &[&str]) -> Result<String, Failure> {
    let watching = Watching::start(words)?;
    let own = watching.pid();
    acts::all(FOLDER)?;
    let said = watching.end(libc::SIGTERM)?.good()?;
    let lost = said.err.contains("lost: none");
    let whole = !said.err.contains("NOT ACCOUNTED FOR");
    let is_json = words.contains(&"--json");
    let of_us = |value: &Value| value["process"]["tgid"].as_u64() == Some(own.into());
    match (lost, whole) {
        (true, true) if is_json && values(&said.out)?.iter().any(of_us) => {
            Err(Failure::Other("it tells of itself".to_owned()))
        }
        (true, true) => Ok(said.out),
        _ => Err(Failure::Other(said.err)),
    }
}

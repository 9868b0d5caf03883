//! The program `trapline`, run as people run it, and what it said: the host puts it into the image
//! for the cases that do. It knows none of the subcommands.

use std::fs;
use std::process::{Command, Output};

use serde_json::Value;

use super::stage::{Failure, Tried};

pub(super) const PROGRAM: &str = "/bin/trapline";

/// An object of the corpus as a file.
pub(super) fn file(object: &str) -> Result<String, Failure> {
    let bytes = trapline_corpus::object(object);
    let bytes = bytes.ok_or_else(|| Failure::Other(format!("no object {object}")))?;
    let path = format!("/tmp/{object}.bpf.o");
    fs::write(&path, bytes).tried(&path)?;
    Ok(path)
}

/// What the program printed, and how it ended.
#[derive(Debug)]
pub struct Said {
    pub(super) out: String,
    pub(super) err: String,
    pub(super) code: Option<i32>,
}

impl Said {
    pub(super) fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            out: text(&output.stdout),
            err: text(&output.stderr),
            code: output.status.code(),
        }
    }

    /// Its lines of JSON.
    pub(super) fn lines(&self) -> Result<Vec<Value>, Failure> {
        let lines = self.out.lines().map(serde_json::from_str);
        let lines: Result<_, _> = lines.collect();
        lines.map_err(|error| Failure::other(format!("{}{}", self.out, self.err), error))
    }

    /// The line about a program.
    pub(super) fn line(&self, program: &str) -> Result<Value, Failure> {
        let mut lines = self.lines()?.into_iter();
        let line = lines.find(|line| line["program"] == program);
        let none = || Failure::Other(format!("no line of {program}: {}{}", self.out, self.err));
        line.ok_or_else(none)
    }

    /// `self`, if it ended well.
    pub(super) fn good(self) -> Result<Self, Failure> {
        match self.code {
            Some(0) => Ok(self),
            code => Err(Failure::Other(format!(
                "it ended with {code:?}: {}{}",
                self.out, self.err
            ))),
        }
    }
}

/// Runs the program to its end.
pub(super) fn trapline(words: &[&str]) -> Result<Said, Failure> {
    let output = Command::new(PROGRAM).args(words).output().tried(PROGRAM)?;
    Ok(Said::of(&output))
}

//! Results as lines of JSON: for programs, and to be compared with later.

use serde::{Deserialize, Serialize};

use super::{Judged, Object};

/// One kernel, object and program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// The series: `6.12`.
    pub kernel: String,
    /// `x86_64`
    pub arch: String,
    /// The object's name.
    pub object: String,
    /// The program; none where the object or a whole section is meant.
    pub program: Option<String>,
    /// Its section.
    pub section: Option<String>,
    /// `loaded`, `rejected` or `unsupported`.
    pub verdict: String,
    /// None where it was not tried.
    pub attached: Option<bool>,
    /// Instructions that the verifier processed; none where it is not loaded.
    pub verified_insns: Option<u64>,
    /// The error on one line.
    pub error: Option<String>,
}

impl Line {
    /// What it is about: `a.bpf.o: program`, `a.bpf.o: section xdp/x` or `a.bpf.o`.
    #[must_use]
    pub fn subject(&self) -> String {
        match (&self.program, &self.section) {
            (Some(program), _) => format!("{}: {program}", self.object),
            (None, Some(section)) => format!("{}: section {section}", self.object),
            (None, None) => self.object.clone(),
        }
    }
}

/// The lines of a run, kernel by kernel.
#[must_use]
pub fn lines(objects: &[Object], judged: &[Judged]) -> Vec<Line> {
    let of_kernel = |judged: &Judged| {
        let line = |row: &super::Row| Line {
            kernel: judged.series.to_string(),
            arch: judged.arch.to_owned(),
            object: objects[row.object].name.clone(),
            program: row.program.clone(),
            section: row.section.clone(),
            verdict: row.verdict.name().to_owned(),
            attached: row.attached,
            verified_insns: row.verified_insns,
            error: row.error(),
        };
        judged.rows.iter().map(line).collect::<Vec<_>>()
    };
    judged.iter().flat_map(of_kernel).collect()
}

/// Reads what an earlier run printed.
///
/// # Errors
/// A sentence that names the line that is not one of these.
pub fn parse(text: &str) -> Result<Vec<Line>, String> {
    let numbered = text.lines().enumerate();
    let lines = numbered.filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(index, line)| {
            serde_json::from_str(line).map_err(|error| format!("line {}: {error}", index + 1))
        })
        .collect()
}

//! Rows: what the matrix consists of, known before anything boots.
//!
//! Kernels come from `vm-images/kernels.toml`, workloads from
//! `harness/guest/workloads.txt`, the loader's cases from
//! `harness/guest/loader.toml`. A row is a kernel and one of these, or a whole
//! boot.

use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::cases::{self, Expectation};
use crate::kernels::{Lock, Series};

/// Where the guest's table of workloads is told to the host, below the root.
pub const WORKLOADS_PATH: &str = "harness/guest/workloads.txt";

/// Both flavours of every hook, in the order in which they run.
pub const FLAVOURS: [&str; 2] = ["fentry", "kprobe"];

/// A workload's name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Workload {
    /// `process`, `file`, …
    pub family: String,
    /// `exec_script`, …
    pub name: String,
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}::{}", self.family, self.name))
    }
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The kernel.
    pub series: Series,
    /// What of it.
    pub subject: Subject,
}

/// What a row is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The boot as a whole: complete, the right kernel, nothing lost.
    Boot,
    /// One workload under both flavours.
    Workload(Workload),
    /// One of the loader's cases, by its name.
    Case(String),
}

impl Row {
    /// `k6_12::process::exec_script`
    pub fn name(&self) -> String {
        match &self.subject {
            Subject::Boot => format!("{}::boot::complete", self.series.row_prefix()),
            Subject::Workload(workload) => format!("{}::{workload}", self.series.row_prefix()),
            Subject::Case(case) => {
                format!("{}::{}::{case}", self.series.row_prefix(), cases::FAMILY)
            }
        }
    }
}

/// The matrix: its kernels, its workloads and the loader's cases.
#[derive(Clone, Debug)]
pub struct Matrix {
    /// Ascending.
    pub series: Vec<Series>,
    /// In the order in which the guest runs them.
    pub workloads: Vec<Workload>,
    /// In the order in which the guest runs them, after the workloads.
    pub cases: Vec<Expectation>,
    /// Cases that take too long for a row, see [`cases::long_kind`].
    pub long_cases: Vec<Expectation>,
}

impl Matrix {
    /// Reads the matrix of the repository at `root`. Touches no network.
    ///
    /// # Errors
    /// When one of its three files is missing or not valid.
    pub fn load(root: &Path) -> Result<Self> {
        let path = root.join(WORKLOADS_PATH);
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let cases = cases::load(root)?.into_iter();
        let (long_cases, cases) = cases.partition(|case| cases::long_kind(&case.name).is_some());
        Ok(Self {
            series: Lock::load(root)?.series().collect(),
            workloads: parse_workloads(&text).with_context(|| path.display().to_string())?,
            cases,
            long_cases,
        })
    }

    /// What is expected of the case of this name.
    pub fn case(&self, name: &str) -> Option<&Expectation> {
        self.cases.iter().find(|case| case.name == name)
    }

    /// Every row, kernel by kernel, the boot first.
    pub fn rows(&self) -> Vec<Row> {
        let of_kernel = |series: &Series| {
            let series = *series;
            let boot = Row {
                series,
                subject: Subject::Boot,
            };
            let workloads = self.workloads.iter().cloned();
            let rows = workloads.map(move |workload| Row {
                series,
                subject: Subject::Workload(workload),
            });
            let cases = self.cases.iter().map(move |case| Row {
                series,
                subject: Subject::Case(case.name.clone()),
            });
            [boot]
                .into_iter()
                .chain(rows)
                .chain(cases)
                .collect::<Vec<_>>()
        };
        self.series.iter().flat_map(of_kernel).collect()
    }

    /// The row of this name.
    pub fn find(&self, name: &str) -> Option<Row> {
        self.rows().into_iter().find(|row| row.name() == name)
    }
}

/// Reads lines `family name`; `#` begins a comment.
///
/// # Errors
/// The first line that is neither, or a workload that is there twice.
pub fn parse_workloads(text: &str) -> Result<Vec<Workload>> {
    let mut workloads: Vec<Workload> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        let mut words = line.split_whitespace();
        let (family, name) = (words.next(), words.next());
        let plain = |word: &&str| {
            word.bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        };
        let (Some(family), Some(name), None) =
            (family.filter(plain), name.filter(plain), words.next())
        else {
            anyhow::bail!("line {}: `{line}` is not `family name`", number + 1);
        };
        let workload = Workload {
            family: family.to_owned(),
            name: name.to_owned(),
        };
        ensure!(!workloads.contains(&workload), "{workload} is there twice");
        workloads.push(workload);
    }
    ensure!(!workloads.is_empty(), "it lists no workload");
    Ok(workloads)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_kernels_times_workloads_and_cases_and_one_for_each_boot() {
        let matrix = Matrix {
            series: vec![Series::new(5, 10), Series::new(6, 12)],
            workloads: parse_workloads("# all\nprocess fork\nprocess exec # x\n").unwrap(),
            cases: cases::parse("[[case]]\nname = \"pinning\"").unwrap(),
            long_cases: Vec::new(),
        };
        let names: Vec<_> = matrix.rows().iter().map(Row::name).collect();
        assert_eq!(names.len(), 8);
        assert_eq!(names[0], "k5_10::boot::complete");
        assert_eq!(names[6], "k6_12::process::exec");
        assert_eq!(names[7], "k6_12::loader::pinning");
        assert!(matrix.find("k6_12::process::fork").is_some());
        assert!(matrix.find("k6_13::process::fork").is_none());
    }

    #[test]
    fn lines_that_name_no_workload_are_errors() {
        for text in [
            "",
            "process",
            "process fork x",
            "process Fork",
            "a b\na b\n",
            "a::b c",
        ] {
            assert!(parse_workloads(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_repository_has_a_matrix() {
        let matrix = Matrix::load(&crate::host::workspace_root()).unwrap();
        assert!(matrix.series.len() >= 11 && matrix.workloads.len() >= 12);
        assert!(!matrix.cases.is_empty());
    }
}

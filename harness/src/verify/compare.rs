//! A run compared with a saved one: what grew, what is lost, what is new.

use std::collections::BTreeMap;
use std::fmt;

use super::Line;
use super::table::{many, thousands};

/// Prints as the differences; see [`Comparison::new`].
#[derive(Debug)]
pub struct Comparison {
    /// Where the saved run is from.
    name: String,
    /// What changed, with the kernels that it changed on alike; the greatest
    /// growth first.
    changes: Vec<(Change, Vec<String>)>,
    /// Programs on kernels whose figures are the same.
    same: usize,
    /// Instructions of those that were loaded then and are now.
    before: u64,
    after: u64,
}

/// One program's difference.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Change {
    subject: String,
    what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    Insns { before: u64, after: u64 },
    State { before: String, after: String },
    New { state: String },
    Gone { state: String },
}

/// Kernel, architecture, object, section and program.
type Key<'l> = (&'l str, &'l str, &'l str, Option<&'l str>, Option<&'l str>);

fn key(line: &Line) -> Key<'_> {
    (
        &line.kernel,
        &line.arch,
        &line.object,
        line.section.as_deref(),
        line.program.as_deref(),
    )
}

impl Comparison {
    /// Compares a run with the saved one of that name. Kernels and objects that
    /// this run has not been asked about are left out.
    #[must_use]
    pub fn new(name: &str, saved: &[Line], now: &[Line]) -> Self {
        let mut this = Self {
            name: name.to_owned(),
            changes: Vec::new(),
            same: 0,
            before: 0,
            after: 0,
        };
        let before: BTreeMap<_, _> = saved.iter().map(|line| (key(line), line)).collect();
        let after: BTreeMap<_, _> = now.iter().map(|line| (key(line), line)).collect();
        for line in now {
            match before.get(&key(line)) {
                Some(old) => this.compare(old, line),
                None => this.add(line, What::New { state: state(line) }),
            }
        }
        let asked = |old: &Line| {
            now.iter()
                .any(|line| line.kernel == old.kernel && line.object == old.object)
        };
        for old in saved {
            if !after.contains_key(&key(old)) && asked(old) {
                this.add(old, What::Gone { state: state(old) });
            }
        }
        this.changes.sort_by_key(|(change, _)| change.what.rank());
        this
    }

    fn compare(&mut self, old: &Line, line: &Line) {
        let (before, after) = (state(old), state(line));
        if before != after {
            return self.add(line, What::State { before, after });
        }
        match (old.verified_insns, line.verified_insns) {
            (Some(before), Some(after)) => {
                self.before += before;
                self.after += after;
                match before == after {
                    true => self.same += 1,
                    false => self.add(line, What::Insns { before, after }),
                }
            }
            _ => self.same += 1,
        }
    }

    fn add(&mut self, line: &Line, what: What) {
        let change = Change {
            subject: line.subject(),
            what,
        };
        let kernel = line.kernel.clone();
        match self.changes.iter_mut().find(|(known, _)| *known == change) {
            Some((_, kernels)) => kernels.push(kernel),
            None => self.changes.push((change, vec![kernel])),
        }
    }
}

/// The verdict, and whether it could be attached.
fn state(line: &Line) -> String {
    match (line.verdict.as_str(), line.attached) {
        ("loaded", Some(false)) => "loaded, not attached".to_owned(),
        (verdict, _) => verdict.to_owned(),
    }
}

impl What {
    /// Lost and new ones first, then by growth, the greatest first.
    fn rank(&self) -> (u8, i64) {
        match self {
            Self::State { .. } => (0, 0),
            Self::Gone { .. } => (1, 0),
            Self::New { .. } => (2, 0),
            Self::Insns { before, after } => (3, -permille(*before, *after)),
        }
    }
}

/// Growth in tenths of a per cent.
fn permille(before: u64, after: u64) -> i64 {
    let (before, after) = (i128::from(before.max(1)), i128::from(after));
    let change = (after - before) * 1000 / before;
    i64::try_from(change).unwrap_or(i64::MAX)
}

/// `1,000 -> 1,200 (+20.0 %)`
fn growth(before: u64, after: u64) -> String {
    let change = permille(before, after);
    let sign = if after < before { '-' } else { '+' };
    let (percent, tenth) = (change.unsigned_abs() / 10, change.unsigned_abs() % 10);
    format!(
        "{} -> {} ({sign}{percent}.{tenth} %)",
        thousands(before),
        thousands(after)
    )
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "compared with {}:", self.name)?;
        for (Change { subject, what }, kernels) in &self.changes {
            let text = match what {
                What::Insns { before, after } => growth(*before, *after),
                What::State { before, after } => format!("was {before}, is {after}"),
                What::New { state } => format!("new, {state}"),
                What::Gone { state } => format!("no longer there, was {state}"),
            };
            writeln!(f, "  {subject}  {text} on {}", kernels.join(" "))?;
        }
        let changed: usize = self.changes.iter().map(|(_, kernels)| kernels.len()).sum();
        write!(
            f,
            "  {} as before, {changed} not",
            many(self.same, "program")
        )?;
        match self.before {
            0 => writeln!(f),
            before => writeln!(f, "; instructions in all {}", growth(before, self.after)),
        }
    }
}

//! Does any object load on these kernels, and where not, why?
//!
//! The guest judges, see harness/RECORDING.md; here kernels are booted, boots
//! that a program has killed are gone on with behind it, and rows are made of
//! what came: one for each kernel, object and program.

mod boots;
mod compare;
mod expected;
mod failures;
mod folder;
mod json;
mod ledger;
mod table;

use std::path::PathBuf;
use std::sync::Arc;

pub use boots::{Options, run};
pub use compare::Comparison;
pub use expected::Expected;
pub use failures::Failures;
pub use json::{Line, lines, parse};
pub use table::Table;

use crate::kernels::Series;
use crate::recording::Verdict;

/// An object to judge.
#[derive(Debug, Clone)]
pub struct Object {
    /// What it is called in the results.
    pub name: String,
    /// Its file's content.
    pub bytes: Arc<[u8]>,
}

/// What one kernel made of all objects.
#[derive(Debug)]
pub struct Judged {
    /// The kernel.
    pub series: Series,
    /// Its architecture, as `uname -m` spells it.
    pub arch: &'static str,
    /// By object, and in it by position.
    pub rows: Vec<Row>,
    /// The work on this kernel, boots included.
    pub seconds: f64,
}

/// What one kernel made of one program, or of one object as a whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The object, by its number in the order.
    pub object: usize,
    /// The program's position in it; none where no program is meant.
    pub position: Option<usize>,
    /// The program; none where the object or a section is meant.
    pub program: Option<String>,
    /// Its section; none where the object is meant.
    pub section: Option<String>,
    /// Whether it is loaded.
    pub verdict: Verdict,
    /// Whether it was judged at all: false where the kernel did not run.
    pub is_judged: bool,
    /// Whether it could be attached; none where that was not tried.
    pub attached: Option<bool>,
    /// Instructions that the verifier processed.
    pub verified_insns: Option<u64>,
    /// The error's lines, outermost first.
    pub chain: Vec<String>,
    /// The lines of the log that matter, at most twenty.
    pub excerpt: Option<String>,
    /// Where the whole log is.
    pub log: Option<PathBuf>,
}

impl Row {
    /// Is all well with it?
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.verdict == Verdict::Loaded && self.attached != Some(false)
    }

    /// The error on one line.
    #[must_use]
    pub fn error(&self) -> Option<String> {
        (!self.chain.is_empty()).then(|| self.chain.join(": "))
    }

    /// A row about an object as a whole.
    fn of_object(object: usize, chain: Vec<String>) -> Self {
        Self {
            object,
            position: None,
            program: None,
            section: None,
            verdict: Verdict::Rejected,
            is_judged: true,
            attached: None,
            verified_insns: None,
            chain,
            excerpt: None,
            log: None,
        }
    }
}

/// How many rows are of each kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Loaded, and attached where that was tried.
    pub good: usize,
    /// Loaded, but not to be attached.
    pub unattached: usize,
    /// Rejected.
    pub rejected: usize,
    /// Unsupported by the kernel.
    pub unsupported: usize,
    /// Not judged, because the kernel did not run.
    pub unjudged: usize,
}

impl Counts {
    /// Counts rows.
    #[must_use]
    pub fn of<'r>(rows: impl IntoIterator<Item = &'r Row>) -> Self {
        let mut counts = Self::default();
        for row in rows {
            let place = match row.verdict {
                _ if !row.is_judged => &mut counts.unjudged,
                Verdict::Loaded if row.is_good() => &mut counts.good,
                Verdict::Loaded => &mut counts.unattached,
                Verdict::Rejected => &mut counts.rejected,
                Verdict::Unsupported => &mut counts.unsupported,
            };
            *place += 1;
        }
        counts
    }

    /// Is there nothing but good?
    #[must_use]
    pub fn all_good(self) -> bool {
        let Self { good, .. } = self;
        self == Self {
            good,
            ..Self::default()
        }
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parts = [
            (self.good + self.unattached, "loaded"),
            (self.unattached, "of them not attached"),
            (self.rejected, "rejected"),
            (self.unsupported, "unsupported"),
            (self.unjudged, "not judged"),
        ];
        let parts = parts.iter().enumerate();
        let shown = parts.filter(|(index, (count, _))| *index == 0 || *count > 0);
        let texts: Vec<_> = shown
            .map(|(_, (count, what))| format!("{count} {what}"))
            .collect();
        f.write_str(&texts.join(", "))
    }
}

/// What is judged by `--ours`: the sensors' objects and those of the corpus.
///
/// # Errors
/// A harness that is damaged.
pub fn our_objects() -> anyhow::Result<Vec<Object>> {
    let sensors =
        trapline_sensors::objects::unpacked().map_err(|error| anyhow::anyhow!("{error:#}"))?;
    let sensors = sensors.iter().map(|(name, bytes)| (*name, &**bytes));
    Ok(named(
        sensors.chain(trapline_corpus::OBJECTS.iter().copied()),
    ))
}

/// Objects that some or all kernels refuse, each for one reason.
#[must_use]
pub fn refused_objects() -> Vec<Object> {
    named(trapline_corpus::REFUSED.iter().copied())
}

fn named<'o>(objects: impl Iterator<Item = (&'o str, &'o [u8])>) -> Vec<Object> {
    let object = |(name, bytes): (&str, &[u8])| Object {
        name: format!("{name}.bpf.o"),
        bytes: Arc::from(bytes),
    };
    objects.map(object).collect()
}

#[cfg(test)]
mod tests;

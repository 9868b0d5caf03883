//! Snapshots: what a workload's document is known to be, on every kernel.
//!
//! `snapshots/FAMILY/WORKLOAD.snap` is the one truth; `WORKLOAD@SERIES.snap`
//! stands beside it only where `snapshots/reasons.toml` says why. The files are
//! insta's, so that `cargo insta review` shows what is pending; the comparison
//! and its diff are ours, because a row must say in its own message what is
//! different. Under CI nothing is ever written.

mod file;
mod housekeeping;
mod policy;
mod reasons;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::Result;
use similar::TextDiff;

pub use policy::Policy;
pub use reasons::{Difference, Reasons};

/// The folder of snapshots and the rules for them.
#[derive(Debug)]
pub struct Snapshots {
    folder: PathBuf,
    reasons: Reasons,
    policy: Policy,
    /// What this process has written as pending, by the snapshot's file.
    pending: Mutex<BTreeMap<PathBuf, String>>,
}

/// How a document differs from its snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// A unified diff from the snapshot to the document.
    pub diff: String,
    /// What to do about it.
    pub advice: String,
}

impl Snapshots {
    /// Opens `snapshots/` below the repository's root.
    ///
    /// # Errors
    /// When the reasons cannot be read, or when CI is told to accept whatever comes.
    pub fn open(root: &Path) -> Result<Self> {
        let folder = root.join("snapshots");
        let reasons = Reasons::load(&folder)?;
        Ok(Self::new(folder, reasons, Policy::of_environment(root)?))
    }

    /// The same from parts.
    pub fn new(folder: PathBuf, reasons: Reasons, policy: Policy) -> Self {
        let pending = Mutex::default();
        Self {
            folder,
            reasons,
            policy,
            pending,
        }
    }

    /// Compares a workload's document on one kernel with its snapshot.
    ///
    /// Outside CI a document that differs is left as pending, once: the first
    /// kernel that brings it stands for the others. One that `is_sound` says no to,
    /// because it disagrees with the workload's own word, never is.
    ///
    /// # Errors
    /// How they differ, and what to do.
    pub fn compare(
        &self,
        family: &str,
        workload: &str,
        series: &str,
        document: &str,
        is_sound: bool,
    ) -> Result<(), Mismatch> {
        let suffix = self.reasons.find(family, workload, series).map(|_| series);
        let path = self.path(family, workload, suffix);
        let (known, what) = match file::read(&path) {
            Ok(Some(known)) => (known, "snapshot"),
            Ok(None) => (String::new(), "no snapshot yet"),
            Err(error) => return Err(unreadable(&path, &error)),
        };
        if what == "snapshot" && file::same(&known, document) {
            return Ok(());
        }
        let advice = match self.policy {
            Policy::Compare => "this is CI: review it on your own machine".to_owned(),
            Policy::Write if !is_sound => {
                "not pending: it is wrong by itself, see above".to_owned()
            }
            Policy::Write => match self.leave_pending(&path, workload, suffix, document) {
                Some(advice) => advice,
                None => return Ok(()),
            },
        };
        let diff = unified(&known, document, what, &format!("kernel {series}"));
        Err(Mismatch { diff, advice })
    }

    /// Whether this is the known document of a workload on one kernel. Writes nothing.
    pub fn is_known(&self, family: &str, workload: &str, series: &str, document: &str) -> bool {
        let suffix = self.reasons.find(family, workload, series).map(|_| series);
        let known = file::read(&self.path(family, workload, suffix));
        matches!(known, Ok(Some(known)) if file::same(&known, document))
    }

    /// Leaves the document as pending; `None` when insta was told to accept it.
    fn leave_pending(
        &self,
        path: &Path,
        workload: &str,
        suffix: Option<&str>,
        document: &str,
    ) -> Option<String> {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(other) = pending.get(path) {
            return Some(if file::same(other, document) {
                "pending already, from another kernel or flavour: `cargo insta review`".to_owned()
            } else {
                "another kernel or flavour has a different document pending; both cannot be right, \
                 or snapshots/reasons.toml must say why"
                    .to_owned()
            });
        }
        pending.insert(path.to_owned(), document.to_owned());
        let refused = file::assert(path, workload, suffix, document);
        refused.then(|| "pending: `cargo insta review`".to_owned())
    }

    fn path(&self, family: &str, workload: &str, series: Option<&str>) -> PathBuf {
        let name = match series {
            Some(series) => format!("{workload}@{series}.snap"),
            None => format!("{workload}.snap"),
        };
        self.folder.join(family).join(name)
    }
}

fn unreadable(path: &Path, error: &anyhow::Error) -> Mismatch {
    Mismatch {
        diff: String::new(),
        advice: format!("cannot read {}: {error:#}", path.display()),
    }
}

/// A unified diff; empty when both are the same.
pub fn unified(old: &str, new: &str, old_name: &str, new_name: &str) -> String {
    TextDiff::from_lines(old, new)
        .unified_diff()
        .context_radius(3)
        .header(old_name, new_name)
        .to_string()
}

#[cfg(test)]
mod tests;

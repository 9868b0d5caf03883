//! The loader's cases: which there are, and what every kernel must do with them.
//!
//! The guest says what happened, the file `harness/guest/loader.toml` what has to:
//! since which version a case works, which way the loader takes, and which
//! kernels are excused, each with its reason. An excuse that is not needed is as
//! wrong as a case that fails.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::kernels::Series;
use crate::recording::{Case, CaseOutcome};

/// Where the cases are told to guest and host, below the root.
pub const CASES_PATH: &str = "harness/guest/loader.toml";

/// The family that rows of cases belong to.
pub const FAMILY: &str = "loader";

/// One case, and what is expected of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// `attach_kprobe`, …
    pub name: String,
    /// The version that brought what it needs; none: every kernel has it.
    pub since: Option<Series>,
    /// Older kernels that have it all the same, and why.
    pub earlier: BTreeMap<Series, String>,
    /// The way that the loader takes, from each of these series on.
    pub how: BTreeMap<Series, String>,
    /// Kernels that are new enough and still lack it, and why.
    pub excused: BTreeMap<Series, String>,
}

/// The file, as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    case: Vec<Written>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    since: Option<Series>,
    how: Option<How>,
    #[serde(default)]
    earlier: BTreeMap<String, String>,
    #[serde(default)]
    excused: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum How {
    Always(String),
    From(BTreeMap<String, String>),
}

/// Reads the cases of the repository at `root`, in the order in which they run.
///
/// # Errors
/// When the file is missing or not valid.
pub fn load(root: &Path) -> Result<Vec<Expectation>> {
    let path = root.join(CASES_PATH);
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    parse(&text).with_context(|| path.display().to_string())
}

/// Reads the text of the file.
///
/// # Errors
/// The first entry that is not valid, or a case that is there twice.
pub fn parse(text: &str) -> Result<Vec<Expectation>> {
    let file: File = toml::from_str(text)?;
    ensure!(!file.case.is_empty(), "it lists no case");
    let mut names = BTreeSet::new();
    for case in &file.case {
        ensure!(names.insert(&case.name), "{} is there twice", case.name);
    }
    let cases = file.case.iter().map(|written| {
        let name = &written.name;
        expectation(written).with_context(|| format!("case {name}"))
    });
    cases.collect()
}

fn expectation(written: &Written) -> Result<Expectation> {
    let name = &written.name;
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    ensure!(
        !name.is_empty() && name.bytes().all(plain),
        "`{name}` does not fit a row's name"
    );
    let how = match &written.how {
        None => BTreeMap::new(),
        Some(How::Always(how)) => BTreeMap::from([(Series::new(0, 0), how.clone())]),
        Some(How::From(from)) => {
            let from = from
                .iter()
                .map(|(series, how)| Ok((series.parse::<Series>()?, how.clone())));
            from.collect::<Result<_>>()?
        }
    };
    ensure!(
        !is_attachment(name) || !how.is_empty(),
        "it attaches, so it needs `how`: the way that the loader takes"
    );
    let mut earlier = BTreeMap::new();
    for (series, reason) in &written.earlier {
        ensure!(!reason.trim().is_empty(), "`earlier` without a reason");
        let series: Series = series.parse()?;
        let is_older = written.since.is_some_and(|since| series < since);
        ensure!(is_older, "{series} is not older than `since`");
        earlier.insert(series, reason.clone());
    }
    let mut excused = BTreeMap::new();
    for (list, reason) in &written.excused {
        ensure!(!reason.trim().is_empty(), "an excuse without a reason");
        for series in list.split_whitespace() {
            let series: Series = series.parse()?;
            ensure!(
                written.since.is_none_or(|since| series >= since),
                "{series} needs no excuse: the case is there since {}",
                written.since.unwrap_or(series)
            );
            let before = excused.insert(series, reason.clone());
            ensure!(before.is_none(), "{series} is excused twice");
        }
    }
    Ok(Expectation {
        name: name.clone(),
        since: written.since,
        earlier,
        how,
        excused,
    })
}

/// Whether a case attaches something, so that it must also detach it.
fn is_attachment(name: &str) -> bool {
    name.starts_with("attach_")
}

impl Expectation {
    /// The way that the loader takes on `series`, where one is demanded.
    fn how_on(&self, series: Series) -> Option<&str> {
        let known = self.how.range(..=series).next_back();
        known.map(|(_, how)| how.as_str())
    }

    /// Whether `series` is too old for it.
    pub fn is_before(&self, series: Series) -> bool {
        self.since.is_some_and(|since| series < since) && !self.earlier.contains_key(&series)
    }

    /// Everything about what a kernel did that is not as it should be.
    pub fn wrong(&self, series: Series, case: &Case) -> Vec<String> {
        let mut wrong = match case.outcome {
            CaseOutcome::Exercised => self.exercised(series, case),
            CaseOutcome::Unsupported => self.unsupported(series, case),
            CaseOutcome::Absent => self.absent(series, case),
            CaseOutcome::Failed => vec![said(case, "it failed")],
        };
        wrong.extend(misplaced(case));
        wrong
    }

    fn exercised(&self, series: Series, case: &Case) -> Vec<String> {
        let mut wrong = Vec::new();
        if self.is_before(series) {
            wrong.push(format!(
                "{series} does it, but {CASES_PATH} says that it came with {}",
                self.since.unwrap_or(series)
            ));
        }
        if let Some(reason) = self.excused.get(&series) {
            wrong.push(format!(
                "{series} does it: remove its excuse from {CASES_PATH} ({reason})"
            ));
        }
        let how = case.how.as_deref().unwrap_or_default();
        if how.is_empty() {
            wrong.push("it does not say how".to_owned());
        }
        match self.how_on(series) {
            Some(expected) if expected != how => {
                wrong.push(format!("the loader took `{how}`, not `{expected}`"));
            }
            _ => {}
        }
        match (case.expected, case.counted) {
            (Some(expected), Some(counted)) if expected == counted && expected > 0 => {}
            (Some(0), _) => wrong.push("nothing was triggered".to_owned()),
            (Some(expected), Some(counted)) => {
                wrong.push(format!("{expected} expected, {counted} counted"));
            }
            _ => wrong.push("it was not counted".to_owned()),
        }
        match (case.after_detach, case.counted) {
            (None, _) if is_attachment(&self.name) => {
                wrong.push("nobody looked whether it is detached".to_owned());
            }
            (Some(after), Some(counted)) if after != counted => wrong.push(format!(
                "it was not detached: {counted} counted before, {after} after"
            )),
            _ => {}
        }
        wrong
    }

    fn unsupported(&self, series: Series, case: &Case) -> Vec<String> {
        let since = case.since.as_deref().unwrap_or_default();
        let feature = case.feature.as_deref().unwrap_or_default();
        if !self.is_before(series) {
            let told = format!("the loader says that {feature} needs Linux {since}");
            return vec![match self.excused.get(&series) {
                Some(_) => format!("{told}, but {series} is excused for another reason"),
                None => format!("{series} should have it, and {told}"),
            }];
        }
        let mut wrong = Vec::new();
        if feature.is_empty() {
            wrong.push("the loader does not name the feature that is missing".to_owned());
        }
        let expected = self.since.map(|since| since.to_string());
        if expected.as_deref() != Some(since) {
            wrong.push(format!(
                "the loader says that {feature} came with Linux {since}, {CASES_PATH} with {}",
                expected.unwrap_or_default()
            ));
        }
        wrong
    }

    fn absent(&self, series: Series, case: &Case) -> Vec<String> {
        if self.excused.contains_key(&series) {
            return Vec::new();
        }
        let what = if self.is_before(series) {
            format!(
                "{series} is older than {}, which the loader has to say",
                self.since.unwrap_or(series)
            )
        } else {
            format!("{series} should have it")
        };
        vec![said(case, &what)]
    }
}

fn said(case: &Case, what: &str) -> String {
    format!("{what}: {}", case.error.as_deref().unwrap_or("no reason"))
}

/// What an outcome says that is not its own: a guest that mixes them up could say
/// anything.
fn misplaced(case: &Case) -> Vec<String> {
    use CaseOutcome::{Absent, Exercised, Failed, Unsupported};
    let counts = [case.expected, case.counted, case.after_detach];
    let exercised = case.how.is_some() || counts.iter().any(Option::is_some);
    let groups = [
        (exercised, &[Exercised][..]),
        (
            case.feature.is_some() || case.since.is_some(),
            &[Unsupported],
        ),
        (case.error.is_some(), &[Absent, Failed]),
    ];
    let is_misplaced = |(is_said, outcomes): &(bool, &[CaseOutcome])| {
        *is_said && !outcomes.contains(&case.outcome)
    };
    if groups.iter().any(is_misplaced) {
        return vec![format!("it says {case:?}, which cannot be")];
    }
    Vec::new()
}

#[cfg(test)]
#[path = "cases_tests.rs"]
mod tests;

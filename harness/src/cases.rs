//! The loader's cases: which there are, and what every kernel must do with them.
//!
//! The guest says what happened, the file `harness/guest/loader.toml` what has to:
//! since which version a case works, which way the loader takes, what it may
//! spend, and which kernels are excused, each with its reason. An excuse that is
//! not needed is as wrong as a case that fails.

mod table;

use std::collections::{BTreeMap, BTreeSet};

pub use table::{load, parse};

use crate::kernels::Series;
use crate::normalize::schema;
use crate::recording::{Case, CaseOutcome};

/// Where the cases are told to guest and host, below the root.
pub const CASES_PATH: &str = "harness/guest/loader.toml";

/// The family that rows of cases belong to.
pub const FAMILY: &str = "loader";

/// Where cases that run `trapline` itself find it.
pub const PROGRAM_PATH: &str = "bin/trapline";

/// Whether a case of that name runs `trapline` itself.
pub fn runs_program(name: &str) -> bool {
    name.ends_with("_by_program")
}

/// Where cases that count what loading takes find the program that does it.
pub const LOADER_PATH: &str = "bin/load-trapline";

/// Whether a case of that name counts what loading takes.
pub fn runs_loader(name: &str) -> bool {
    name.starts_with("budget_")
}

/// The loader's examples that people begin with.
pub const EXAMPLES: [&str; 3] = ["print", "appliance", "minimised_btf"];

/// The folder where cases of the loader's examples find them.
pub const EXAMPLES_FOLDER: &str = "examples";

/// The example that a case of that name runs.
pub fn example(name: &str) -> Option<&str> {
    name.strip_prefix("example_")
}

/// Whether a case of that name builds a project, for which the guest needs tools.
pub fn builds(name: &str) -> bool {
    name.starts_with("sensing_build_")
}

/// What the names of cases begin with that take too long for a row: those that load the sensors,
/// isolate the guest, watch it, or ask what the kernel has, for which all objects are unpacked.
const LONG: [&str; 4] = ["sensing", "isolate", "watch", "check"];

/// The one of these, for a case that is no row.
pub fn long_kind(name: &str) -> Option<&'static str> {
    let kind = name.split('_').next();
    LONG.into_iter().find(|long| Some(*long) == kind)
}

/// The one of them that takes longest, in a boot of its own.
pub const LONGEST: &str = "watch_thousand_by_program";

/// How many lines are named that are not as their schema says.
const LINES_NAMED: usize = 5;

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
    /// What it may spend at most, by name, from each of these series on.
    pub most: BTreeMap<String, BTreeMap<Series, u64>>,
}

/// What holds on `series`, of values from each of these series on.
fn since<T>(from: &BTreeMap<Series, T>, series: Series) -> Option<&T> {
    from.range(..=series).next_back().map(|(_, value)| value)
}

/// Whether a case attaches something, so that it must also detach it.
fn is_attachment(name: &str) -> bool {
    name.starts_with("attach_")
}

impl Expectation {
    /// The way that the loader takes on `series`, where one is demanded.
    fn how_on(&self, series: Series) -> Option<&str> {
        since(&self.how, series).map(String::as_str)
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
        wrong.extend(self.overspent(series, case));
        let lines = case.lines.iter();
        let not_of_schema = lines.filter_map(|line| schema::either(line).err());
        wrong.extend(not_of_schema.take(LINES_NAMED));
        wrong
    }

    /// What was spent above its budget, and what only one of guest and table knows.
    fn overspent(&self, series: Series, case: &Case) -> Vec<String> {
        let names: BTreeSet<_> = self.most.keys().chain(case.spent.keys()).collect();
        let judge = |name: &String| {
            let most = self.most.get(name).and_then(|most| since(most, series));
            match (case.spent.get(name), most) {
                (Some(spent), Some(most)) if spent <= most => None,
                (Some(spent), Some(most)) => Some(format!(
                    "it spent {spent} {name}, and {CASES_PATH} allows {most}"
                )),
                (Some(spent), None) => Some(format!(
                    "it spent {spent} {name}, for which {CASES_PATH} has no budget"
                )),
                (None, _) => Some(format!("it does not say how many {name} it spent")),
            }
        };
        names.into_iter().filter_map(judge).collect()
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
    let exercised = case.how.is_some()
        || counts.iter().any(Option::is_some)
        || !case.spent.is_empty()
        || !case.lines.is_empty();
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

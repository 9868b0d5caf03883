//! Reading the table of cases.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::{CASES_PATH, Expectation, is_attachment};
use crate::kernels::Series;

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
    how: Option<BySeries<String>>,
    #[serde(default)]
    earlier: BTreeMap<String, String>,
    #[serde(default)]
    excused: BTreeMap<String, String>,
    #[serde(default)]
    most: BTreeMap<String, BySeries<u64>>,
}

/// A value for all kernels, or values from each of these series on.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum BySeries<T> {
    Always(T),
    Each(BTreeMap<String, T>),
}

impl<T: Clone> BySeries<T> {
    fn read(&self) -> Result<BTreeMap<Series, T>> {
        match self {
            Self::Always(value) => Ok(BTreeMap::from([(Series::new(0, 0), value.clone())])),
            Self::Each(from) => {
                let from = from.iter();
                from.map(|(series, value)| Ok((series.parse::<Series>()?, value.clone())))
                    .collect()
            }
        }
    }
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
        Some(how) => how.read()?,
    };
    let most = written.most.iter();
    let most = most.map(|(what, most)| Ok((what.clone(), most.read()?)));
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
        most: most.collect::<Result<_>>()?,
    })
}

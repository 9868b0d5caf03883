//! What kernels have to make of objects, held against what they made of them.
//!
//! Most of it is derived: a program loads, and attaches where that was tried,
//! unless the object's needs name a feature that is younger than the kernel; then
//! it is refused with that version. What is otherwise is written down, with its
//! reason. So a new refusal shows, and one that vanished, and one that now has
//! another reason.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use trapline_loader::need::Version;
use trapline_loader::spec::ObjectSpec;

use super::{Line, Object};
use crate::kernels::Series;

/// What is expected; see [`Expected::load`].
#[derive(Debug, Default)]
pub struct Expected {
    exceptions: Vec<Exception>,
}

/// What is not as the needs of its object say.
#[derive(Debug)]
struct Exception {
    state: State,
    /// Programs and sections as [`Line::subject`] has them.
    of: Vec<String>,
    on: Kernels,
    /// What the error must have in it.
    says: String,
}

/// What became of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Loaded,
    /// Loaded, but attaching it was refused.
    Unattached,
    Rejected,
    Unsupported,
}

/// Parts of the kernels' order, the second number excluded.
#[derive(Debug)]
struct Kernels(Vec<(Series, Option<Series>)>);

/// The file, as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    exception: Vec<Written>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    state: State,
    of: Vec<String>,
    on: Option<String>,
    #[serde(default)]
    says: String,
    why: String,
}

impl Expected {
    /// Reads a file of exceptions; `harness/corpus/expected.toml` says what is in one.
    ///
    /// # Errors
    /// When it cannot be read, or the first exception that is not valid.
    pub fn load(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path);
        let text = text.with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text).with_context(|| format!("{} is not valid", path.display()))
    }

    fn parse(text: &str) -> Result<Self> {
        let file: File = toml::from_str(text)?;
        let exceptions = file.exception.into_iter().map(|written| {
            let about = written.of.first().cloned().unwrap_or_default();
            exception(written).with_context(|| format!("the exception of `{about}`"))
        });
        Ok(Self {
            exceptions: exceptions.collect::<Result<_>>()?,
        })
    }

    /// Everything that is not as expected, as sentences; also exceptions of what is
    /// not there.
    #[must_use]
    pub fn differences(&self, objects: &[Object], lines: &[Line]) -> Vec<String> {
        let needs: BTreeMap<_, _> = objects
            .iter()
            .map(|object| (object.name.as_str(), Needs::of(object)))
            .collect();
        let mut wrong = Vec::new();
        for line in lines {
            let needs = needs.get(line.object.as_str());
            if let Some(why) = self.wrong(needs, line) {
                wrong.push(format!("{} on {}: {why}", line.subject(), line.kernel));
            }
        }
        let asked = |of: &str| lines.iter().any(|line| of.starts_with(&line.object));
        let known = |of: &str| lines.iter().any(|line| names(of, &line.subject()));
        let named = self.exceptions.iter().flat_map(|exception| &exception.of);
        let gone = named.filter(|of| asked(of) && !known(of));
        wrong.extend(gone.map(|of| format!("{of}: excepted, but there is no such program")));
        wrong
    }

    fn wrong(&self, needs: Option<&Needs>, line: &Line) -> Option<String> {
        let Ok(series) = line.kernel.parse::<Series>() else {
            return Some("no kernel's name".to_owned());
        };
        let (is, subject) = (State::of(line), line.subject());
        let error = line.error.as_deref().unwrap_or_default();
        let told = match error {
            "" => String::new(),
            error => format!(": {error}"),
        };
        let mut exceptions = self.exceptions.iter();
        let exception = exceptions.find(|exception| {
            let mut of = exception.of.iter();
            exception.on.contains(series) && of.any(|of| names(of, &subject))
        });
        if let Some(Exception { state, says, .. }) = exception {
            return match (is == *state, error.contains(says.as_str())) {
                (true, true) => None,
                (true, false) => Some(format!("{is:?}, but not because of `{says}`{told}")),
                (false, _) => Some(format!("{is:?}, and should be {state:?}{told}")),
            };
        }
        let lacking = needs.map(|needs| needs.lacking(series, line));
        let lacking = lacking.unwrap_or_default();
        if lacking.is_empty() {
            return (is != State::Loaded).then(|| format!("{is:?}, and should be Loaded{told}"));
        }
        let is_named =
            |(_, since): &(String, Version)| error.contains(&format!("needs Linux {since}"));
        let is_refused = matches!(is, State::Unsupported | State::Unattached);
        if is_refused && lacking.iter().any(is_named) {
            return None;
        }
        let lacking = lacking
            .iter()
            .map(|(what, since)| format!("{what} ({since})"));
        let lacking = lacking.collect::<Vec<_>>().join(", ");
        Some(format!("{is:?}, though it needs {lacking}{told}"))
    }
}

/// Whether an exception is of this program: by its name, or of all of an object, `object.bpf.o: *`.
fn names(of: &str, subject: &str) -> bool {
    match of.strip_suffix('*') {
        Some(object) => subject.starts_with(object),
        None => of == subject,
    }
}

impl State {
    fn of(line: &Line) -> Self {
        match (line.verdict.as_str(), line.attached) {
            ("loaded", Some(false)) => Self::Unattached,
            ("loaded", _) => Self::Loaded,
            ("unsupported", _) => Self::Unsupported,
            _ => Self::Rejected,
        }
    }
}

/// The features that an object's programs cannot do without.
struct Needs {
    /// Feature, version, and the programs that use it; none: all do.
    required: Vec<(String, Version, Vec<String>)>,
}

impl Needs {
    /// Of what is no object there are none: it is refused everywhere.
    fn of(object: &Object) -> Self {
        let Ok(spec) = ObjectSpec::parse(&object.name, &object.bytes) else {
            return Self {
                required: Vec::new(),
            };
        };
        let is_program = |user: &String| spec.programs.iter().any(|p| p.name == *user);
        let needs = spec.needs().into_iter().filter(|need| need.required);
        let required = needs.map(|need| {
            // A map is in the way of every program.
            let programs = match need.users.iter().all(is_program) {
                true => need.users,
                false => Vec::new(),
            };
            (need.feature, need.since, programs)
        });
        Self {
            required: required.collect(),
        }
    }

    /// Those that are younger than the kernel.
    fn lacking(&self, series: Series, line: &Line) -> Vec<(String, Version)> {
        let uses = |programs: &[String]| {
            let program = line.program.as_ref();
            programs.is_empty() || program.is_some_and(|program| programs.contains(program))
        };
        let required = self.required.iter();
        required
            .filter(|(_, since, programs)| Series::new(since.0, since.1) > series && uses(programs))
            .map(|(feature, since, _)| (feature.clone(), *since))
            .collect()
    }
}

impl Kernels {
    /// `5.10 6.12..7.1 7.3..`: single ones, and from one until before another.
    fn parse(text: &str) -> Result<Self> {
        let part = |part: &str| match part.split_once("..") {
            None => {
                let series: Series = part.parse()?;
                Ok((series, Some(series.next())))
            }
            Some(("", "")) => bail!("`..`: from where?"),
            Some((from, until)) => {
                let from = match from {
                    "" => Series::new(0, 0),
                    from => from.parse()?,
                };
                let until = (!until.is_empty()).then(|| until.parse()).transpose()?;
                Ok((from, until))
            }
        };
        let parts: Vec<_> = text.split_whitespace().map(part).collect::<Result<_>>()?;
        ensure!(!parts.is_empty(), "`on` names no kernel");
        Ok(Self(parts))
    }

    fn contains(&self, series: Series) -> bool {
        let in_part = |(from, until): &(Series, Option<Series>)| {
            *from <= series && until.is_none_or(|until| series < until)
        };
        self.0.iter().any(in_part)
    }
}

fn exception(written: Written) -> Result<Exception> {
    const WHY_BYTES_LEAST: usize = 20;
    ensure!(!written.of.is_empty(), "`of` names no program");
    ensure!(
        written.why.trim().len() >= WHY_BYTES_LEAST,
        "`why` is no sentence that says why this is meant"
    );
    ensure!(
        (written.state == State::Loaded) == written.says.is_empty(),
        "`says` has the error's essence where there is an error, and only there"
    );
    Ok(Exception {
        state: written.state,
        of: written.of,
        on: Kernels::parse(written.on.as_deref().unwrap_or("0.0.."))?,
        says: written.says,
    })
}

#[cfg(test)]
#[path = "expected_tests.rs"]
mod tests;

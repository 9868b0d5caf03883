//! What a case works with: its object, the count that the object keeps, and the
//! protocol of attaching, triggering, counting and detaching.

use std::collections::BTreeMap;
use std::fmt::Display;

use trapline_loader::attach::Link;
use trapline_loader::error::{Error, ErrorKind};
use trapline_loader::kernel_btf::KernelBtf;
use trapline_loader::object::{LoadOptions, Object};
use trapline_loader::program::Program;
use trapline_loader::spec::ObjectSpec;

use super::Case;
use super::hits::Hits;

/// How often a hook is triggered while a program is attached to it.
const TIMES: u64 = 3;
/// The global that says whose doing counts.
const PID: &str = "pid";

/// What a case that was done has to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The way that it went: `kprobe/link`, …
    pub how: String,
    /// How often the hook was triggered, or how many values were looked at.
    pub expected: u64,
    /// How often the program ran, or how many values were right.
    pub counted: u64,
    /// How often it had run after being detached and triggered once more; none for
    /// a case that attaches nothing.
    pub after_detach: Option<u64>,
}

impl Report {
    /// A case without an attachment: of `expected` values `counted` were right.
    #[must_use]
    pub fn checked(how: impl Into<String>, expected: u64, counted: u64) -> Self {
        Self {
            how: how.into(),
            expected,
            counted,
            after_detach: None,
        }
    }
}

/// Why a case was not done.
#[derive(Debug)]
pub enum Failure {
    /// The loader refused. That this kernel is too old for something is no
    /// mistake; the host knows whether it is.
    Loader(Error),
    /// This kernel was built or packaged without it: what is missing.
    Absent(String),
    /// Anything else.
    Other(String),
}

/// How a case ends.
pub type Outcome = Result<Report, Failure>;

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error.kind() {
            // Not a matter of the version, so of how the kernel was built.
            ErrorKind::Unsupported { since: None, .. } => Self::Absent(format!("{error:#}")),
            _ => Self::Loader(error),
        }
    }
}

impl Failure {
    /// A failure from what was tried and what came of it.
    pub fn other(what: impl Display, error: impl Display) -> Self {
        Self::Other(format!("{what}: {error}"))
    }

    /// `unsupported`, `absent` or `failed`, with the text that goes with it.
    pub(super) fn told(&self) -> Told {
        match self {
            Self::Loader(error) => match error.kind() {
                ErrorKind::Unsupported {
                    feature,
                    since: Some(since),
                } => Told::Unsupported { feature, since },
                _ => Told::Failed(format!("{error:?}")),
            },
            Self::Absent(what) => Told::Absent(what.clone()),
            Self::Other(what) => Told::Failed(what.clone()),
        }
    }
}

/// A failure as the recording tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    Unsupported {
        feature: &'static str,
        since: &'static str,
    },
    Absent(String),
    Failed(String),
}

/// Adds what was tried to an error that does not say it.
pub trait Tried<T> {
    /// The value, or a failure of the case.
    ///
    /// # Errors
    /// The error of `self`, with what was tried.
    fn tried(self, what: impl Display) -> Result<T, Failure>;
}

impl<T> Tried<T> for std::io::Result<T> {
    fn tried(self, what: impl Display) -> Result<T, Failure> {
        self.map_err(|error| Failure::other(what, error))
    }
}

/// What is attached, however it is held.
pub trait Attached {
    /// The way that worked.
    fn how(&self) -> String;

    /// Detaches it.
    ///
    /// # Errors
    /// What stayed behind.
    fn detach(self) -> Result<(), Failure>;
}

impl Attached for Link {
    fn how(&self) -> String {
        Self::how(self).to_owned()
    }

    fn detach(self) -> Result<(), Failure> {
        Ok(Self::detach(self)?)
    }
}

/// The programs of one object, each attached the same way.
impl Attached for Vec<Link> {
    fn how(&self) -> String {
        let first = self.first();
        first.map_or_else(String::new, |link| link.how().to_owned())
    }

    fn detach(self) -> Result<(), Failure> {
        for link in self {
            link.detach()?;
        }
        Ok(())
    }
}

/// One case at work.
#[derive(Debug)]
pub struct Stage<'a> {
    case: &'static Case,
    argument: &'a str,
    kernel: &'a mut KernelBtf,
    /// Where the count is, once the object is known.
    hits: Option<Hits>,
    /// What the case has spent, by name.
    spent: BTreeMap<&'static str, u64>,
    /// Lines of events, for the host to look at.
    lines: Vec<String>,
}

impl<'a> Stage<'a> {
    pub(super) fn new(case: &'static Case, argument: &'a str, kernel: &'a mut KernelBtf) -> Self {
        Self {
            case,
            argument,
            kernel,
            hits: None,
            spent: BTreeMap::new(),
            lines: Vec::new(),
        }
    }

    /// What stood behind the case's name; mostly nothing.
    pub fn argument(&self) -> &'a str {
        self.argument
    }

    /// The kernel's types, searched already for what the cases need.
    pub fn kernel(&mut self) -> &mut KernelBtf {
        self.kernel
    }

    /// Has the recording say that the case spent so many of something that the host
    /// has a budget for.
    pub fn spend(&mut self, what: &'static str, count: u64) {
        self.spent.insert(what, count);
    }

    pub(super) fn spent(&self) -> &BTreeMap<&'static str, u64> {
        &self.spent
    }

    /// Has the host hold a line of an event to its schema.
    pub fn show(&mut self, line: &str) {
        self.lines.push(line.to_owned());
    }

    pub(super) fn shown(&self) -> &[String] {
        &self.lines
    }

    /// The case's object, taken apart, to be changed before it is loaded.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub fn spec(&self) -> Result<ObjectSpec, Failure> {
        let none = || Failure::Other("the case names no object".to_owned());
        spec_of(self.case.object.ok_or_else(none)?)
    }

    /// Loads the case's object.
    ///
    /// # Errors
    /// Why the loader does not load it.
    pub fn load(&mut self) -> Result<Object, Failure> {
        let spec = self.spec()?;
        self.load_spec(spec)
    }

    /// Loads an object; its global `pid`, if it has one, is this process.
    ///
    /// # Errors
    /// Why the loader does not load it.
    pub fn load_spec(&mut self, spec: ObjectSpec) -> Result<Object, Failure> {
        self.load_spec_with(spec, &LoadOptions::default())
    }

    /// The same with other options.
    ///
    /// # Errors
    /// Why the loader does not load it.
    pub fn load_spec_with(
        &mut self,
        mut spec: ObjectSpec,
        options: &LoadOptions,
    ) -> Result<Object, Failure> {
        if spec.global(PID).is_ok() {
            spec.set_global(PID, &std::process::id().to_le_bytes())?;
        }
        self.hits = Hits::of(&spec).or(self.hits.take());
        Ok(Object::load(spec, self.kernel, options)?)
    }

    /// What the object that was loaded last has counted in `hits`.
    ///
    /// # Errors
    /// When it has no such global, or the map cannot be read.
    pub fn hits(&self, object: &Object) -> Result<u64, Failure> {
        let no_global = || Failure::Other(format!("object {} has no hits", object.name()));
        let hits = self.hits.as_ref().ok_or_else(no_global)?;
        hits.read(object.map(&hits.map)?)
    }

    /// The whole protocol for the object's only program, attached where its
    /// section says.
    ///
    /// # Errors
    /// What fails on the way.
    pub fn attached(&mut self, trigger: impl FnMut() -> Result<(), Failure>) -> Outcome {
        self.attached_by(|program| Ok(program.attach()?), trigger)
    }

    /// The same, attached by `attach`.
    ///
    /// # Errors
    /// What fails on the way.
    pub fn attached_by<A: Attached>(
        &mut self,
        attach: impl FnOnce(&Program) -> Result<A, Failure>,
        trigger: impl FnMut() -> Result<(), Failure>,
    ) -> Outcome {
        let object = self.load()?;
        let [program] = object.programs() else {
            let count = object.programs().len();
            return Err(Failure::Other(format!("{count} programs, not one")));
        };
        self.protocol(&object, || attach(program), trigger)
    }

    /// Triggers once for nothing, attaches, triggers three times, counts, detaches,
    /// triggers once more and counts again.
    ///
    /// # Errors
    /// What fails on the way; also a program that runs before it is attached.
    pub fn protocol<A: Attached>(
        &self,
        object: &Object,
        attach: impl FnOnce() -> Result<A, Failure>,
        mut trigger: impl FnMut() -> Result<(), Failure>,
    ) -> Outcome {
        trigger()?;
        let early = self.hits(object)?;
        if early != 0 {
            return Err(Failure::Other(format!(
                "it ran {early} times before it was attached"
            )));
        }
        let attached = attach()?;
        for _ in 0..TIMES {
            trigger()?;
        }
        let counted = self.hits(object)?;
        let how = attached.how();
        attached.detach()?;
        trigger()?;
        Ok(Report {
            how,
            expected: TIMES,
            counted,
            after_detach: Some(self.hits(object)?),
        })
    }
}

/// An object of the corpus, taken apart.
///
/// # Errors
/// When there is none of this name, or it cannot be read.
pub fn spec_of(object: &str) -> Result<ObjectSpec, Failure> {
    let bytes = trapline_corpus::object(object)
        .ok_or_else(|| Failure::Other(format!("the corpus has no object {object}")))?;
    Ok(ObjectSpec::parse(object, bytes)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_kernel_lacks_is_told_apart_from_what_went_wrong() {
        let told = |error: Error| Failure::from(error).told();
        assert_eq!(
            told(Error::unsupported("kprobe.multi", Some("5.18")).context("x")),
            Told::Unsupported {
                feature: "kprobe.multi",
                since: "5.18"
            }
        );
        assert!(matches!(
            told(Error::unsupported("bpf in the list of LSMs", None)),
            Told::Absent(why) if why.contains("bpf in the list")
        ));
        assert!(matches!(
            told(Error::not_found("function x").context("attaching")),
            Told::Failed(why) if why.contains("attaching") && why.contains("function x")
        ));
        let absent = Failure::Absent("no module veth".to_owned()).told();
        assert_eq!(absent, Told::Absent("no module veth".to_owned()));
    }
}

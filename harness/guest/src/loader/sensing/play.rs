//! Random operations against a model of what they are done to: what all such tests
//! share. Each seed's operations with each flavour of sensors; what differs is made
//! smaller for as long as something still differs, and told as a line that repeats it.

use std::collections::VecDeque;
use std::fmt::Display;
use std::time::{Duration, Instant};

use trapline_loader::kernel_btf::KernelBtf;
use trapline_sensors::sensors::Flavour;

use super::super::stage::Failure;
use super::{Outcome, Report, Stage};

/// How long a difference is tried again with fewer operations: what was found is to be told before
/// the case's time is over.
const SMALLER_FOR: Duration = Duration::from_secs(90);

/// Where operations are done, and what must come of them.
pub trait Play: Sized {
    type Operation: Clone + Display;
    /// Which ones there are.
    const SEEDS: [u64; 3];
    /// What `cargo harness replay` calls it.
    const NAME: &str;

    /// Loads the sensors.
    ///
    /// # Errors
    /// Why they cannot be.
    fn begin(kernel: &mut KernelBtf, flavour: Flavour) -> Result<Self, Failure>;

    /// What a seed stands for.
    fn made_of(seed: u64) -> Vec<Self::Operation>;

    /// Reads one operation; `None` if it is none.
    fn read(text: &str) -> Option<Self::Operation>;

    /// Does them where nothing has been done before.
    ///
    /// # Errors
    /// What keeps them from being tried.
    fn differs(&mut self, operations: &[Self::Operation]) -> Result<Played, Failure>;
}

/// How many events were right, or the first thing that was not.
pub type Played = Result<u64, Difference>;

/// What was told otherwise than the model has it.
#[derive(Clone, Debug)]
pub struct Difference {
    /// The operation's number, if it is one's.
    pub step: Option<usize>,
    pub what: String,
}

impl Difference {
    /// At this operation.
    pub fn at(step: usize, operation: &impl Display, what: impl Display) -> Self {
        Self {
            step: Some(step),
            what: format!("step {step}, {operation}: {what}"),
        }
    }

    /// Of no operation that is known.
    pub fn of(what: impl Into<String>) -> Self {
        Self {
            step: None,
            what: what.into(),
        }
    }
}

/// All seeds with both flavours; or with the argument `FLAVOUR LINE` just what the line says.
pub fn all<P: Play>(stage: &mut Stage<'_>) -> Outcome {
    if !stage.argument().is_empty() {
        return replay::<P>(stage, stage.argument());
    }
    let mut right = 0;
    for flavour in [Flavour::Fentry, Flavour::Kprobe] {
        let mut play = P::begin(stage.kernel(), flavour)?;
        for seed in P::SEEDS {
            let operations = P::made_of(seed);
            right += match play.differs(&operations)? {
                Ok(events) => events,
                Err(first) => {
                    let name = format!("{}, seed {seed:#x}: {}", flavour.name(), first.what);
                    let smaller = smaller(&mut play, operations, first)?;
                    return Err(told(&name, P::NAME, flavour, smaller));
                }
            };
        }
    }
    Ok(Report::checked("fentry, kprobe", right, right))
}

fn replay<P: Play>(stage: &mut Stage<'_>, argument: &str) -> Outcome {
    let (flavour, line) = argument.split_once(' ').unwrap_or((argument, ""));
    let flavour = match flavour {
        "fentry" => Flavour::Fentry,
        "kprobe" => Flavour::Kprobe,
        other => return Err(Failure::other("no flavour of sensors", other)),
    };
    let operations = parse::<P>(line).map_err(Failure::Other)?;
    let mut play = P::begin(stage.kernel(), flavour)?;
    let played = play.differs(&operations)?;
    let right = played.map_err(|difference| Failure::Other(difference.what))?;
    Ok(Report::checked(flavour.name(), right, right))
}

/// As few of the operations as still differ, and how.
fn smaller<P: Play>(
    play: &mut P,
    mut operations: Vec<P::Operation>,
    mut difference: Difference,
) -> Result<(Vec<P::Operation>, Difference), Failure> {
    let until = Instant::now() + SMALLER_FOR;
    if let Some(step) = difference.step {
        // What comes after it is seldom to blame.
        let fewer = operations[..operations.len().min(step + 1)].to_vec();
        if let Err(still) = play.differs(&fewer)? {
            (operations, difference) = (fewer, still);
        }
    }
    let mut piece = operations.len().div_ceil(2);
    while piece > 0 {
        let mut at = 0;
        while at < operations.len() && Instant::now() < until {
            let mut fewer = operations.clone();
            fewer.drain(at..(at + piece).min(operations.len()));
            match play.differs(&fewer)? {
                Err(still) => (operations, difference) = (fewer, still),
                Ok(_) => at += piece,
            }
        }
        piece /= 2;
    }
    Ok((operations, difference))
}

fn told(
    first: &str,
    play: &str,
    flavour: Flavour,
    (operations, difference): (Vec<impl Display>, Difference),
) -> Failure {
    Failure::Other(format!(
        "{first}\nmade smaller: {}\n\
         replay: cargo harness replay KERNEL {play} {} '{}'",
        difference.what,
        flavour.name(),
        line(&operations)
    ))
}

/// Operations as one line, which [`parse`] reads.
fn line(operations: &[impl Display]) -> String {
    let each: Vec<String> = operations.iter().map(ToString::to_string).collect();
    each.join("; ")
}

/// Reads operations with semicolons between them.
///
/// # Errors
/// Which one cannot be read.
pub fn parse<P: Play>(line: &str) -> Result<Vec<P::Operation>, String> {
    let texts = line.split(';').map(str::trim).filter(|it| !it.is_empty());
    texts
        .map(|text| P::read(text).ok_or_else(|| format!("no operation: {text:?}")))
        .collect()
}

/// What must be told, in order, each with its operation's number.
#[derive(Debug)]
pub struct Due<T>(VecDeque<(usize, T)>);

impl<T> Default for Due<T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<T: PartialEq + Display> Due<T> {
    /// Adds what must come of an operation.
    pub fn add(&mut self, step: usize, events: impl IntoIterator<Item = T>) {
        self.0.extend(events.into_iter().map(|event| (step, event)));
    }

    /// What must be told next.
    pub fn next(&self) -> Option<&T> {
        self.first(|_| true)
    }

    /// The next like this that must be told.
    pub fn first(&self, is_like: impl FnMut(&&T) -> bool) -> Option<&T> {
        self.0.iter().map(|(_, event)| event).find(is_like)
    }

    /// Compares one event that was told with the next that must be; what comes of one operation
    /// `in_any_order` may be told so.
    ///
    /// # Errors
    /// When it is another.
    pub fn meets<O: Display>(
        &mut self,
        told: &T,
        operations: &[O],
        in_any_order: impl Fn(&O) -> bool,
    ) -> Result<(), Difference> {
        let Some((step, first)) = self.0.front() else {
            return Err(Difference::of(format!("too many: {told}")));
        };
        let step = *step;
        let among = match in_any_order(&operations[step]) {
            true => self.0.iter().take_while(|(of, _)| *of == step).count(),
            false => 1,
        };
        let at = self.0.iter().take(among).position(|(_, must)| must == told);
        let Some(at) = at else {
            let what = format!("told {told}, by the model {first}");
            return Err(Difference::at(step, &operations[step], what));
        };
        self.0.remove(at);
        Ok(())
    }

    /// Nothing more is told.
    ///
    /// # Errors
    /// When something must be.
    pub fn is_over(&self, operations: &[impl Display]) -> Result<(), Difference> {
        match self.0.front() {
            Some((step, must)) => Err(Difference::at(
                *step,
                &operations[*step],
                format!("not told: {must}"),
            )),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Differs as long as a 7 comes after a 3.
    struct Numbers;

    impl Play for Numbers {
        type Operation = u8;
        const SEEDS: [u64; 3] = [1, 2, 3];
        const NAME: &str = "numbers";

        fn begin(_: &mut KernelBtf, _: Flavour) -> Result<Self, Failure> {
            Ok(Self)
        }

        fn made_of(_: u64) -> Vec<u8> {
            vec![1, 3, 5, 7, 9]
        }

        fn read(text: &str) -> Option<u8> {
            text.parse().ok()
        }

        fn differs(&mut self, operations: &[u8]) -> Result<Played, Failure> {
            let three = operations.iter().position(|it| *it == 3);
            let seven = operations.iter().position(|it| *it == 7);
            Ok(match (three, seven) {
                (Some(three), Some(seven)) if three < seven => {
                    Err(Difference::at(seven, &7, "no luck"))
                }
                _ => Ok(operations.len() as u64),
            })
        }
    }

    #[test]
    fn only_what_it_takes_is_left() {
        let operations = Numbers::made_of(1);
        let difference = Numbers.differs(&operations).unwrap().unwrap_err();
        let (few, left) = smaller(&mut Numbers, operations, difference).unwrap();
        assert_eq!((line(&few), left.step), ("3; 7".to_owned(), Some(1)));
        assert_eq!(parse::<Numbers>("3; 7").unwrap(), few);
    }

    #[test]
    fn what_is_no_operation_is_named() {
        let error = parse::<Numbers>("3; seven").unwrap_err();
        assert!(error.contains("seven"), "{error}");
    }

    #[test]
    fn events_are_missed_told_otherwise_or_too_many() {
        let operations = ["open", "close"];
        let meets = |due: &mut Due<u8>, told| due.meets(&told, &operations, |it| *it == "close");
        let mut due = Due::default();
        due.add(0, [1]);
        due.add(1, [2, 3]);
        let other = meets(&mut due, 2).unwrap_err();
        assert_eq!(other.what, "step 0, open: told 2, by the model 1");
        meets(&mut due, 1).unwrap();
        meets(&mut due, 3).unwrap();
        let missing = due.is_over(&operations).unwrap_err();
        assert_eq!(missing.what, "step 1, close: not told: 2");
        meets(&mut due, 2).unwrap();
        due.is_over(&operations).unwrap();
        let many = meets(&mut due, 2).unwrap_err();
        assert_eq!((many.what.as_str(), many.step), ("too many: 2", None));
    }
}

//! Random operations on a small tree of names, each against a model that knows only
//! what was asked for: errno, and every event's kind, way, paths and outcome, in
//! their order, no event missing and none too many.
//!
//! What differs is made smaller for as long as something still differs, and told as
//! a line that repeats it.

mod model;
mod operation;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use trapline_loader::kernel_btf::KernelBtf;
use trapline_sensors::event::{File, FileHow};
use trapline_sensors::sensors::Flavour;

use super::super::stage::{Failure, Tried};
use super::tree::Random;
use super::{FOLDER, Heard, Listening, Outcome, Report, Stage, file_of};
use model::{Model, Told};
use operation::Operation;

const SEEDS: [u64; 3] = [0x7472_6170, 0x6c69_6e65, 0x2026];
/// With each seed.
const OPERATIONS: usize = 1_000;
/// Often enough that the ring never fills.
const HEAR_EVERY: usize = 200;

pub(super) fn operations(stage: &mut Stage<'_>) -> Outcome {
    if !stage.argument().is_empty() {
        return replay(stage, stage.argument());
    }
    let mut right = 0;
    for flavour in [Flavour::Fentry, Flavour::Kprobe] {
        let mut play = Play::begin(stage.kernel(), flavour)?;
        for seed in SEEDS {
            let operations = made_of(seed);
            right += match play.differs(&operations)? {
                Ok(events) => events,
                Err(difference) => return Err(play.smaller(seed, operations, difference)?),
            };
        }
    }
    Ok(Report::checked("fentry, kprobe", right, right))
}

/// What a seed stands for. The model says where there is something to be met.
fn made_of(seed: u64) -> Vec<Operation> {
    let (mut random, mut model) = (Random::new(seed), Model::new());
    let each = (0..OPERATIONS).map(|_| {
        let operation = Operation::random(&mut random, &model.places());
        model.apply(&operation);
        operation
    });
    each.collect()
}

/// With the argument `FLAVOUR LINE` just what the line says.
fn replay(stage: &mut Stage<'_>, argument: &str) -> Outcome {
    let (flavour, line) = argument.split_once(' ').unwrap_or((argument, ""));
    let flavour = match flavour {
        "fentry" => Flavour::Fentry,
        "kprobe" => Flavour::Kprobe,
        other => return Err(Failure::other("no flavour of sensors", other)),
    };
    let operations = operation::parse(line).map_err(Failure::Other)?;
    let mut play = Play::begin(stage.kernel(), flavour)?;
    let right = play.differs(&operations)?.map_err(Failure::Other)?;
    Ok(Report::checked(flavour.name(), right, right))
}

/// One flavour of sensors, and a folder to play in.
struct Play {
    listening: Listening,
    flavour: Flavour,
    root: PathBuf,
}

/// How many events were right, or the first thing that was not.
type Played = Result<u64, String>;

impl Play {
    fn begin(kernel: &mut KernelBtf, flavour: Flavour) -> Result<Self, Failure> {
        let listening = Listening::begin(kernel, flavour, |options| {
            // Each touch is told: a model of what was told when is another test's.
            options.file.touch_window = Duration::ZERO;
        })?;
        Ok(Self {
            listening,
            flavour,
            root: PathBuf::from(format!("{FOLDER}.operations.{}", flavour.name())),
        })
    }

    /// Does them in an empty folder; `Err` is what keeps it from being tried.
    fn differs(&mut self, operations: &[Operation]) -> Result<Played, Failure> {
        let _ = fs::remove_dir_all(&self.root);
        fs::create_dir_all(&self.root).tried("make a folder")?;
        self.listening.hear()?;
        let mut model = Model::new();
        let mut expected = Vec::new();
        let mut right = 0;
        for (step, operation) in operations.iter().enumerate() {
            let must = model.apply(operation);
            let errno = operation.perform(&self.root);
            if errno != must.errno {
                return Ok(Err(format!(
                    "step {step}, {operation}: errno {errno}, by the model {}",
                    must.errno
                )));
            }
            expected.extend(must.events.into_iter().map(|event| (step, event)));
            if step % HEAR_EVERY == 0 || step + 1 == operations.len() {
                right += match self.compare(operations, &mut expected)? {
                    Ok(events) => events,
                    Err(difference) => return Ok(Err(difference)),
                };
            }
        }
        Ok(Ok(right))
    }

    /// What was heard since against what had to be.
    fn compare(
        &mut self,
        operations: &[Operation],
        expected: &mut Vec<(usize, Told)>,
    ) -> Result<Played, Failure> {
        let own = std::process::id();
        let mut due = expected.drain(..);
        let mut right = 0;
        for heard in self.listening.hear()? {
            let event = match heard {
                Heard::Event(event) => event,
                Heard::Lost { records, .. } => return Ok(Err(format!("{records} records lost"))),
            };
            let Some(file) = file_of(&event).filter(|_| event.process.tgid == own) else {
                continue;
            };
            let told = told(file, &self.root);
            let Some((step, must)) = due.next() else {
                return Ok(Err(format!("too many: {told}")));
            };
            if told != must {
                let operation = &operations[step];
                let what = format!("step {step}, {operation}: told {told}, by the model {must}");
                return Ok(Err(what));
            }
            right += 1;
        }
        Ok(match due.next() {
            Some((step, must)) => Err(format!(
                "step {step}, {}: not told: {must}",
                operations[step]
            )),
            None => Ok(right),
        })
    }

    /// As few of the operations as still differ, and the line that repeats them.
    fn smaller(
        &mut self,
        seed: u64,
        mut operations: Vec<Operation>,
        mut difference: String,
    ) -> Result<Failure, Failure> {
        let mut piece = operations.len().div_ceil(2);
        while piece > 0 {
            let mut at = 0;
            while at < operations.len() {
                let mut fewer = operations.clone();
                fewer.drain(at..(at + piece).min(operations.len()));
                match self.differs(&fewer)? {
                    Err(still) => (operations, difference) = (fewer, still),
                    Ok(_) => at += piece,
                }
            }
            piece /= 2;
        }
        let (flavour, line) = (self.flavour.name(), operation::line(&operations));
        Ok(Failure::Other(format!(
            "{flavour}, seed {seed:#x}, made smaller: {difference}\n\
             replay: cargo harness replay KERNEL {flavour} '{line}'"
        )))
    }
}

/// What an event says, with paths below the tree's root.
fn told(file: &File, root: &Path) -> Told {
    let below = |bytes: &[u8]| {
        let path = Path::new(OsStr::from_bytes(bytes));
        let path = path.strip_prefix(root).unwrap_or(path);
        path.to_string_lossy().into_owned()
    };
    let flags: Vec<&str> = file.flags.names().collect();
    Told {
        operation: file.operation.name(),
        how: file.how.map_or("", FileHow::name),
        errno: file.error.cast_signed(),
        path: below(&file.path.bytes),
        // Of attributes it is the name, which only extended ones have.
        other: below(&file.other_path.bytes),
        flags: match flags[..] {
            [] => "",
            [one] => one,
            _ => "more than one",
        },
    }
}

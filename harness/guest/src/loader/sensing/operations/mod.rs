//! Random operations on a small tree of names, each against a model that knows only
//! what was asked for: errno, and every event's kind, way, paths and outcome, in
//! their order, no event missing and none too many.

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
use super::play::{self, Difference, Due, Play, Played};
use super::tree::Random;
use super::{FOLDER, Heard, Listening, Outcome, Stage, file_of};
use model::{Model, Told};
use operation::Operation;

/// With each seed.
const OPERATIONS: usize = 1_000;
/// Often enough that the ring never fills.
const HEAR_EVERY: usize = 200;

pub(super) fn operations(stage: &mut Stage<'_>) -> Outcome {
    play::all::<Files>(stage)
}

/// One flavour of sensors, and a folder to play in.
struct Files {
    listening: Listening,
    root: PathBuf,
}

impl Play for Files {
    type Operation = Operation;
    const SEEDS: [u64; 3] = [0x7472_6170, 0x6c69_6e65, 0x2026];
    const NAME: &str = "files";

    fn begin(kernel: &mut KernelBtf, flavour: Flavour) -> Result<Self, Failure> {
        let listening = Listening::begin(kernel, flavour, |options| {
            // Each touch is told: a model of what was told when is another test's.
            options.file.touch_window = Duration::ZERO;
        })?;
        Ok(Self {
            listening,
            root: PathBuf::from(format!("{FOLDER}.operations.{}", flavour.name())),
        })
    }

    /// The model says where there is something to be met.
    fn made_of(seed: u64) -> Vec<Operation> {
        let (mut random, mut model) = (Random::new(seed), Model::new());
        let each = (0..OPERATIONS).map(|_| {
            let operation = Operation::random(&mut random, &model.places());
            model.apply(&operation);
            operation
        });
        each.collect()
    }

    fn read(text: &str) -> Option<Operation> {
        operation::read(text)
    }

    /// Does them in an empty folder.
    fn differs(&mut self, operations: &[Operation]) -> Result<Played, Failure> {
        let _ = fs::remove_dir_all(&self.root);
        fs::create_dir_all(&self.root).tried("make a folder")?;
        self.listening.hear()?;
        let mut model = Model::new();
        let mut due = Due::default();
        let mut right = 0;
        for (step, operation) in operations.iter().enumerate() {
            let must = model.apply(operation);
            let errno = operation.perform(&self.root);
            if errno != must.errno {
                let what = format!("errno {errno}, by the model {}", must.errno);
                return Ok(Err(Difference::at(step, operation, what)));
            }
            due.add(step, must.events);
            if step % HEAR_EVERY == 0 || step + 1 == operations.len() {
                right += match self.compare(operations, &mut due)? {
                    Ok(events) => events,
                    Err(difference) => return Ok(Err(difference)),
                };
            }
        }
        Ok(Ok(right))
    }
}

impl Files {
    /// What was heard since against what had to be.
    fn compare(
        &mut self,
        operations: &[Operation],
        due: &mut Due<Told>,
    ) -> Result<Played, Failure> {
        let own = std::process::id();
        let mut right = 0;
        for heard in self.listening.hear()? {
            let event = match heard {
                Heard::Event(event) => event,
                Heard::Lost { records, .. } => {
                    return Ok(Err(Difference::of(format!("{records} records lost"))));
                }
            };
            let Some(file) = file_of(&event).filter(|_| event.process.tgid == own) else {
                continue;
            };
            if let Err(difference) = due.meets(&told(file, &self.root), operations, |_| false) {
                return Ok(Err(difference));
            }
            right += 1;
        }
        Ok(due.is_over(operations).map(|()| right))
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

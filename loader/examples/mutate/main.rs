//! Millions of damaged inputs through everything that reads bytes of others.
//!
//! `cargo run --profile fuzz -p trapline-loader --example mutate -- 10M` reads
//! ten million of them, two processes at a time, and reports: how many of each
//! kind were accepted, what panicked, died, took too much memory or too long.
//! The exit code is 0 where nothing did. `--one NUMBER` repeats one input;
//! `--seeds FOLDER` writes what is damaged, for fuzzers that want to begin with
//! something; `--jobs N` and `--seed N` are what they say.
//!
//! Inputs run in processes of their own, on threads with a small stack, so that
//! one that aborts or overflows the stack is found and counted, too.

#[path = "../../tests/common/mod.rs"]
mod common;
#[path = "../../tests/inputs/mod.rs"]
mod inputs;
mod report;
mod worker;

use std::path::Path;
use std::process::ExitCode;

use inputs::memory::Counting;
use inputs::{Input, Material};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Objects larger than this are left out: small ones are damaged more often.
const MAX_OBJECT_BYTES: usize = 5000;

/// What the command line says.
#[derive(Clone, Debug)]
struct Arguments {
    inputs: u64,
    jobs: usize,
    seed: u64,
}

fn main() -> ExitCode {
    let mut arguments = Arguments {
        inputs: 100_000,
        jobs: std::thread::available_parallelism().map_or(2, Into::into),
        seed: 1,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut number = || words.next().and_then(|word| count(&word));
        let taken = match word.as_str() {
            "--jobs" => number().map(|jobs| arguments.jobs = (jobs as usize).max(1)),
            "--seed" => number().map(|seed| arguments.seed = seed),
            "--one" => match number() {
                Some(index) => return worker::one(&inputs(), arguments.seed, index),
                None => None,
            },
            "--worker" => match (number(), number()) {
                (Some(first), Some(end)) => {
                    return worker::run(inputs(), arguments.seed, first..end);
                }
                _ => None,
            },
            "--seeds" => match words.next() {
                Some(folder) => return write_seeds(Path::new(&folder)),
                None => None,
            },
            word => count(word).map(|inputs| arguments.inputs = inputs),
        };
        if taken.is_none() {
            eprintln!(
                "usage: mutate [INPUTS] [--jobs N] [--seed N] [--one NUMBER] [--seeds FOLDER]"
            );
            return ExitCode::from(2);
        }
    }
    report::run(&arguments)
}

/// `100000`, `100k` or `10M`.
fn count(word: &str) -> Option<u64> {
    let (digits, unit) = match word.strip_suffix(['k', 'M']) {
        Some(digits) if word.ends_with('k') => (digits, 1000),
        Some(digits) => (digits, 1_000_000),
        None => (word, 1),
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

/// All kinds of input, with what there is to damage.
fn inputs() -> Vec<Input> {
    let corpus = trapline_corpus::OBJECTS
        .iter()
        .map(|(_, bytes)| bytes.to_vec());
    let small = corpus.filter(|bytes| bytes.len() <= MAX_OBJECT_BYTES);
    inputs::all(Material {
        objects: small.collect(),
        pair: (
            common::stripped("core_fake"),
            common::btf_of(&common::object("kernel")),
        ),
    })
}

fn write_seeds(folder: &Path) -> ExitCode {
    for input in inputs() {
        let folder = folder.join(input.name);
        let written = std::fs::create_dir_all(&folder).and_then(|()| {
            let mut seeds = input.seeds.iter().enumerate();
            seeds.try_for_each(|(index, seed)| {
                std::fs::write(folder.join(format!("seed-{index}")), &seed.bytes)
            })
        });
        if let Err(error) = written {
            eprintln!("{}: {error}", folder.display());
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

//! One process that reads a range of inputs and tells how it went.

use std::io::Write as _;
use std::ops::Range;
use std::panic::AssertUnwindSafe;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use super::inputs::Input;
use super::inputs::damage::Random;
use super::inputs::memory::{bound_bytes, peak_bytes};

/// Inputs between two lines of output.
pub const BATCH: u64 = 5000;
/// Bytes of stack that every input has to do with.
const STACK_BYTES: usize = 256 << 10;
/// An input of some kilobytes that takes longer than this hangs.
const PATIENCE: Duration = Duration::from_secs(2);

/// What became of one input.
pub struct Outcome {
    /// Number of its kind.
    pub kind: usize,
    pub accepted: bool,
    pub panicked: bool,
    pub bytes: usize,
    pub peak_bytes: usize,
    pub time: Duration,
}

/// Makes and reads the input with this number.
fn read(inputs: &[Input], seed: u64, index: u64, buffer: &mut Vec<u8>) -> Outcome {
    let mut random = Random::new(seed, index);
    let kind = kind(inputs, &mut random);
    let input = &inputs[kind];
    let chosen = random.below(input.seeds.len());
    input.seeds[chosen].damaged(&mut random, buffer);
    let begun = Instant::now();
    let work = || std::panic::catch_unwind(AssertUnwindSafe(|| (input.run)(buffer)));
    let (done, peak_bytes) = peak_bytes(work);
    Outcome {
        kind,
        accepted: matches!(done, Ok(true)),
        panicked: done.is_err(),
        bytes: buffer.len(),
        peak_bytes,
        time: begun.elapsed(),
    }
}

/// Which kind of input it is to be, by their shares.
fn kind(inputs: &[Input], random: &mut Random) -> usize {
    let all = inputs.iter().map(|input| input.percent).sum();
    let mut left = random.below(all);
    let found = inputs.iter().position(|input| {
        let here = left < input.percent;
        left = left.wrapping_sub(input.percent);
        here
    });
    found.unwrap_or(0)
}

/// On a thread with little stack.
fn on_small_stack<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
        let thread = thread.spawn_scoped(scope, work).expect("a thread");
        thread.join().expect("panics are caught inside")
    })
}

/// Reads a range. Each line of output is a batch: the number behind its last
/// input, then per kind how many there were and how many were accepted, then
/// the largest share of the memory bound in thousandths. Lines that begin with
/// `!` are findings.
pub fn run(inputs: Vec<Input>, seed: u64, range: Range<u64>) -> ExitCode {
    // Panics are findings; their text comes with the input's number.
    std::panic::set_hook(Box::new(|info| println!("! panic {info}")));
    on_small_stack(|| {
        let mut buffer = Vec::new();
        let mut next = range.start;
        while next < range.end {
            let end = (next + BATCH).min(range.end);
            let mut counts = vec![(0u64, 0u64); inputs.len()];
            let mut share = 0;
            for index in next..end {
                let outcome = read(&inputs, seed, index, &mut buffer);
                counts[outcome.kind].0 += 1;
                counts[outcome.kind].1 += u64::from(outcome.accepted);
                let bound = bound_bytes(outcome.bytes);
                share = share.max(outcome.peak_bytes * 1000 / bound);
                let name = inputs[outcome.kind].name;
                if outcome.panicked {
                    println!("! input {index} ({name}) panicked");
                }
                if outcome.peak_bytes > bound {
                    let peak = outcome.peak_bytes;
                    println!(
                        "! input {index} ({name}) of {} bytes held {peak}",
                        outcome.bytes
                    );
                }
                if outcome.time > PATIENCE {
                    // It may only have waited for a processor: it is read again.
                    let again = read(&inputs, seed, index, &mut buffer);
                    if again.time > PATIENCE {
                        println!("! input {index} ({name}) took {:?}", again.time);
                    }
                }
            }
            let counts: Vec<String> = counts.iter().map(|(n, a)| format!("{n}:{a}")).collect();
            println!("{end} {share} {}", counts.join(" "));
            let _ = std::io::stdout().flush();
            next = end;
        }
    });
    ExitCode::SUCCESS
}

/// Repeats one input, with all it has to say.
pub fn one(inputs: &[Input], seed: u64, index: u64) -> ExitCode {
    let outcome = on_small_stack(|| read(inputs, seed, index, &mut Vec::new()));
    println!(
        "input {index}: {}, {} bytes, held {} of {} bytes, {:?}, {}",
        inputs[outcome.kind].name,
        outcome.bytes,
        outcome.peak_bytes,
        bound_bytes(outcome.bytes),
        outcome.time,
        match (outcome.panicked, outcome.accepted) {
            (true, _) => "PANICKED",
            (_, true) => "accepted",
            _ => "refused",
        }
    );
    match outcome.panicked || outcome.peak_bytes > bound_bytes(outcome.bytes) {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    }
}

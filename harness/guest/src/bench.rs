//! What operations cost, in executed instructions.
//!
//! Under QEMU's instruction counting one nanosecond of CLOCK_MONOTONIC is one instruction, so a clock
//! is a counter. The measured process is made before any sensor is loaded and is the same for all
//! flavours: what loading leaves behind (descriptors, mappings) is not in its figures. It is told by a
//! byte, runs some rounds and hands over what each took; meanwhile this process only waits.
//!
//! Two boots are the same to the digit only if nothing in them is random: QEMU needs `-seed`, the
//! kernel `nokaslr norandmaps randomize_kstack_offset=off`. Without a seed hash chains differ, and
//! the figures by some 25 instructions.

pub mod operations;

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::time::Duration;

use serde_json::{Value, json};
use trapline_loader::kernel_btf::KernelBtf;
use trapline_sensors::sensors::Transport;

use crate::capture;
use crate::frames::Kind;
use crate::plan::Plan;
use crate::sys::{birth, process};
use operations::{OPERATIONS, Operation};

/// Rounds before those that count: caches, slabs and page tables are in their steady state then.
const WARM_UP: usize = 30;
/// Rounds that count.
const ROUNDS: usize = 101;
/// Rounds between two looks at the ring, so few that it cannot overflow.
const BATCH: usize = 10;

/// A frame to be written when all is measured.
pub type Frame = (Kind, Value);

/// Before each round the processor is left idle for a few timer ticks: what the kernel put off in the
/// last round (freeing after a grace period, above all) happens there and not inside the next one.
const SETTLE: Duration = Duration::from_millis(20);

/// Measures all operations without sensors, then under each flavour of the plan.
///
/// It writes nothing itself: the host's answer to a write comes at a moment of the host's choosing,
/// and from then on no two boots are the same. Call it before the recording is opened.
#[must_use]
pub fn measure(plan: &Plan) -> Vec<Frame> {
    let mut frames = Vec::new();
    let mut worker = match Worker::start() {
        Ok(worker) => worker,
        Err(error) => return vec![failure("start the measured process", &error)],
    };
    let others = plan.flavours.iter().map(String::as_str);
    let others = others.filter(|flavour| *flavour != "none");
    for flavour in std::iter::once("none").chain(others) {
        let (mut sensors, said) =
            match capture::load(flavour, Transport::default(), &mut KernelBtf::running()) {
                Ok(loaded) => loaded,
                Err(error) => {
                    frames.push(failure(&format!("load {flavour} sensors"), &error));
                    continue;
                }
            };
        frames.push((Kind::Sensors, said));
        for (index, operation) in (0_u8..).zip(OPERATIONS) {
            let mut drain = || sensors.consume(&mut |_| {}).map(drop);
            frames.push(match worker.measure(index, &mut drain) {
                Ok(instructions) => {
                    let measured = json!({
                        "operation": operation.name, "flavour": flavour,
                        "rounds": ROUNDS, "instructions": instructions,
                    });
                    (Kind::Measure, measured)
                }
                Err(error) => failure(&format!("measure {}", operation.name), &error),
            });
        }
    }
    frames.extend(
        worker
            .stop()
            .err()
            .map(|error| failure("stop the measured process", &error)),
    );
    frames
}

fn failure(what: &str, error: &str) -> Frame {
    (Kind::Failure, json!({"what": what, "error": error}))
}

/// The measured process and our ends of its pipes.
struct Worker {
    pid: i32,
    tell: File,
    said: File,
}

impl Worker {
    fn start() -> Result<Self, String> {
        let pipe = || io::pipe().map_err(|error| format!("make a pipe: {error}"));
        let ((told, tell), (said, says)) = (pipe()?, pipe()?);
        let mut tell = Some(tell);
        let mut body = || {
            // Our copy of the parent's end would keep us from seeing it go.
            drop(tell.take());
            match work(&told, &says) {
                Ok(()) => 0,
                Err(error) => {
                    eprintln!("measured process: {error}");
                    1
                }
            }
        };
        let pid = birth::fork(&mut body).map_err(|error| format!("fork: {error}"))?;
        let tell = tell.ok_or("the pipe is gone")?;
        let (tell, said) = (
            File::from(OwnedFd::from(tell)),
            File::from(OwnedFd::from(said)),
        );
        Ok(Self { pid, tell, said })
    }

    /// The median of all rounds, after the warm-up.
    fn measure(
        &mut self,
        operation: u8,
        drain: &mut dyn FnMut() -> Result<(), String>,
    ) -> Result<u64, String> {
        let mut costs = Vec::with_capacity(WARM_UP + ROUNDS + BATCH);
        while costs.len() < WARM_UP + ROUNDS {
            self.tell
                .write_all(&[operation])
                .map_err(|error| format!("tell it: {error}"))?;
            for _ in 0..BATCH {
                let mut bytes = [0; 8];
                self.said
                    .read_exact(&mut bytes)
                    .map_err(|error| format!("hear it: {error}"))?;
                costs.push(u64::from_le_bytes(bytes));
            }
            drain()?;
        }
        let counted = costs
            .get_mut(WARM_UP..WARM_UP + ROUNDS)
            .ok_or("too few rounds")?;
        median(counted).ok_or_else(|| "no rounds".to_owned())
    }

    fn stop(self) -> Result<(), String> {
        drop((self.tell, self.said));
        match process::wait(Some(self.pid)) {
            Ok(Some(waited)) if waited.ended == process::Ended::Exit(0) => Ok(()),
            other => Err(format!("it ended otherwise: {other:?}")),
        }
    }
}

/// The measured process: a batch of rounds for every byte, until there are no more bytes.
fn work(mut told: impl Read, mut says: impl Write) -> io::Result<()> {
    let mut prepared = OPERATIONS
        .iter()
        .map(Operation::prepare)
        .collect::<io::Result<Vec<_>>>()?;
    let empty = empty_cost();
    let mut byte = [0];
    loop {
        match told.read(&mut byte) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        }
        let operation = prepared
            .get_mut(usize::from(byte[0]))
            .ok_or_else(|| io::Error::other(format!("no operation {}", byte[0])))?;
        let mut costs = [0; BATCH];
        for cost in &mut costs {
            std::thread::sleep(SETTLE);
            let before = process::monotonic_ns();
            operation()?;
            *cost = (process::monotonic_ns() - before).saturating_sub(empty);
        }
        // All at once, so that nobody is woken between two rounds.
        says.write_all(&costs.map(u64::to_le_bytes).concat())?;
    }
}

/// What reading the clock itself adds to a round.
fn empty_cost() -> u64 {
    let mut costs = [0; 101];
    for cost in &mut costs {
        let before = process::monotonic_ns();
        *cost = process::monotonic_ns() - before;
    }
    median(&mut costs).unwrap_or(0)
}

/// The middle one of an odd number of values.
fn median(values: &mut [u64]) -> Option<u64> {
    values.sort_unstable();
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_ignores_what_is_far_off() {
        assert_eq!(median(&mut [7, 1_000_000, 7, 6, 7]), Some(7));
        assert_eq!(median(&mut []), None);
    }

    #[test]
    fn the_measured_process_measures_and_stops() {
        let _turn = capture::tests::my_turn();
        let mut worker = Worker::start().unwrap();
        let mut drained = 0;
        let cost = worker.measure(0, &mut || {
            drained += 1;
            Ok(())
        });
        assert!(cost.unwrap() > 0);
        assert_eq!(drained, (WARM_UP + ROUNDS).div_ceil(BATCH));
        worker.stop().unwrap();
    }

    #[test]
    fn an_unknown_operation_ends_the_measured_process() {
        let _turn = capture::tests::my_turn();
        let mut worker = Worker::start().unwrap();
        assert!(worker.measure(250, &mut || Ok(())).is_err());
        assert!(worker.stop().is_err());
    }
}

//! A storm: two processes, each on a processor of its own, write and close as fast
//! as they can. What was sent is what came and what was lost, processor by
//! processor, and a loss stands in the stream where it happened.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Write};
use std::time::{Duration, Instant};

use trapline_sensors::event::FileOperation;
use trapline_sensors::sensors::Flavour;

use super::super::checks::Checks;
use super::super::stage::{Failure, Tried};
use super::{FOLDER, Heard, Listening, Outcome, Stage, file_of};
use crate::sys::{birth, process, schedule};

const PROCESSORS: u32 = 2;
/// Each is a write and a close, which are told both: 200,000 operations in all.
const ROUNDS: u64 = 50_000;
/// Room for all of it, so that a reader that hardly runs loses nothing.
const RING_BYTES: u32 = 128 << 20;
/// The same with a ring that is too small.
const LOST_ROUNDS: u64 = 5_000;
const LOST_RING_BYTES: u32 = 64 << 10;
/// How long writers may take to be ready.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long the reader sleeps then: until the ring is full.
const PAUSE: Duration = Duration::from_millis(20);

pub(super) fn storm(stage: &mut Stage<'_>) -> Outcome {
    let mut checks = Checks::default();
    run(stage, &mut checks, ROUNDS, RING_BYTES, Duration::ZERO)?;
    Ok(checks.report("fentry"))
}

pub(super) fn storm_lost(stage: &mut Stage<'_>) -> Outcome {
    let mut checks = Checks::default();
    let lost = run(stage, &mut checks, LOST_ROUNDS, LOST_RING_BYTES, PAUSE)?;
    checks.holds("a loss in a ring that is too small", lost > 0)?;
    Ok(checks.report("fentry"))
}

/// One that writes, on its processor.
struct Writer {
    pid: i32,
    is_over: bool,
    /// Where in its sequence of operations the last event of it was.
    at: u64,
}

/// What the stream has of a processor.
#[derive(Default)]
struct Stream {
    received: u64,
    lost: u64,
    /// Since the last event of its writer.
    lost_since: u64,
}

fn run(
    stage: &mut Stage<'_>,
    checks: &mut Checks,
    rounds: u64,
    ring_bytes: u32,
    pause: Duration,
) -> Result<u64, Failure> {
    let paths: Vec<String> = (0..PROCESSORS)
        .map(|cpu| format!("{FOLDER}.storm.{cpu}"))
        .collect();
    let mut listening = Listening::begin(stage.kernel(), Flavour::Fentry, |options| {
        options.ring_bytes = ring_bytes;
        options.file.touch_window = Duration::ZERO;
    })?;
    let (mut gate, mut opens) = std::io::pipe().tried("make a pipe")?;
    let mut writers = Vec::new();
    for (cpu, path) in paths.iter().enumerate() {
        let mut body = || i32::from(write_all(&mut gate, cpu, path, rounds).is_err());
        let pid = birth::fork(&mut body).tried("fork")?;
        writers.push(Writer {
            pid,
            is_over: false,
            at: 0,
        });
    }
    let mut streams: BTreeMap<u32, Stream> = BTreeMap::new();
    // A stream begins with its first record: what is lost before that is no gap in it.
    let begun = Instant::now();
    while streams.len() < writers.len() {
        if begun.elapsed() > PATIENCE {
            return Err(Failure::Other("writers do not begin".to_owned()));
        }
        listening.sensors.poll(Some(Duration::from_millis(20)))?;
        take(&mut listening, &mut writers, &mut streams)?;
    }
    opens.write_all(&[0; PROCESSORS as usize]).tried("begin")?;
    while writers.iter().any(|writer| !writer.is_over) {
        if pause.is_zero() {
            listening.sensors.poll(Some(Duration::from_millis(20)))?;
        } else {
            std::thread::sleep(pause);
        }
        take(&mut listening, &mut writers, &mut streams)?;
        for writer in writers.iter_mut().filter(|writer| !writer.is_over) {
            if let Some(waited) = process::try_wait(Some(writer.pid)).tried("wait")? {
                let is_well = waited.ended == process::Ended::Exit(0);
                checks.holds("how a writer ends", is_well)?;
                writer.is_over = true;
            }
        }
    }
    take(&mut listening, &mut writers, &mut streams)?;
    // A loss is seen when something comes after it: one more event on each processor.
    for (cpu, path) in paths.iter().enumerate() {
        schedule::pin_to(cpu).tried("pin")?;
        std::fs::remove_file(path).tried("delete")?;
    }
    take(&mut listening, &mut writers, &mut streams)?;
    judge(&listening, checks, &streams, rounds)
}

fn write_all(gate: &mut impl Read, cpu: usize, path: &str, rounds: u64) -> std::io::Result<()> {
    schedule::pin_to(cpu)?;
    File::create(path)?;
    gate.read_exact(&mut [0])?;
    for _ in 0..rounds {
        File::options().append(true).open(path)?.write_all(b"x")?;
    }
    Ok(())
}

/// Takes what is there. The size of its file says which operation an event is of.
fn take(
    listening: &mut Listening,
    writers: &mut [Writer],
    streams: &mut BTreeMap<u32, Stream>,
) -> Result<(), Failure> {
    for heard in listening.hear()? {
        let event = match heard {
            Heard::Lost { cpu, records } => {
                let stream = streams.entry(cpu).or_default();
                stream.lost += records;
                stream.lost_since += records;
                continue;
            }
            Heard::Event(event) => event,
        };
        let stream = streams.entry(event.cpu).or_default();
        stream.received += 1;
        let tgid = event.process.tgid;
        let writer = writers
            .iter_mut()
            .find(|writer| writer.pid.cast_unsigned() == tgid);
        let (Some(writer), Some(file)) = (writer, file_of(&event)) else {
            continue;
        };
        if file.operation == FileOperation::Create {
            continue;
        }
        let is_close = file.operation == FileOperation::CloseWrite;
        let at = file.inode.size_bytes * 2 - u64::from(!is_close);
        let missing = at.checked_sub(writer.at + 1);
        if missing != Some(stream.lost_since) {
            return Err(Failure::Other(format!(
                "processor {}: operation {at} comes after {}, and {} are said to be lost between",
                event.cpu, writer.at, stream.lost_since
            )));
        }
        writer.at = at;
        stream.lost_since = 0;
    }
    Ok(())
}

/// What was counted in the kernel against what came; returns how many were lost.
fn judge(
    listening: &Listening,
    checks: &mut Checks,
    streams: &BTreeMap<u32, Stream>,
    rounds: u64,
) -> Result<u64, Failure> {
    let account = listening.sensors.account()?;
    for cpu in 0..PROCESSORS {
        let none = Stream::default();
        let stream = streams.get(&cpu).unwrap_or(&none);
        let counted = account.cpus.get(cpu as usize);
        let counted = counted.map(|cpu| (cpu.sent, cpu.lost));
        let sent = stream.received + stream.lost;
        checks.equal(
            &format!("processor {cpu}: sent and lost"),
            &counted,
            &Some((sent, stream.lost)),
        )?;
        // Its writer's, and its file's creation and deletion.
        checks.equal(&format!("processor {cpu}: sent"), &sent, &(2 * rounds + 2))?;
    }
    let total = account.received + account.lost_total();
    checks.equal("sent, received and lost", &total, &account.sent)?;
    Ok(account.lost_total())
}

//! Starting the processes, and adding up what they tell.

use std::io::{BufRead as _, BufReader};
use std::ops::Range;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use super::Arguments;
use super::worker::BATCH;

/// Findings that are told; the rest is counted.
const SHOWN: usize = 20;
/// Inputs of one process.
const PORTION: u64 = 250_000;

/// What all processes have told.
#[derive(Default)]
struct Totals {
    /// Per kind: inputs, accepted ones.
    counts: Vec<(u64, u64)>,
    /// The largest share of the memory bound, in thousandths.
    share: u64,
    panics: u64,
    aborts: u64,
    other: u64,
    findings: Vec<String>,
}

impl Totals {
    fn find(&mut self, finding: &str) {
        if self.findings.len() < SHOWN {
            self.findings.push(finding.to_owned());
        }
    }

    /// Takes a line of a process; the number behind its last input, if it is a
    /// batch.
    fn take(&mut self, line: &str) -> Option<u64> {
        if let Some(finding) = line.strip_prefix("! ") {
            match finding {
                text if text.ends_with("panicked") => self.panics += 1,
                text if text.starts_with("panic") => {}
                _ => self.other += 1,
            }
            self.find(finding);
            return None;
        }
        let mut words = line.split(' ');
        let end = words.next()?.parse().ok()?;
        self.share = self.share.max(words.next()?.parse().ok()?);
        for (kind, word) in words.enumerate() {
            let (inputs, accepted) = word.split_once(':')?;
            if self.counts.len() <= kind {
                self.counts.resize(kind + 1, (0, 0));
            }
            self.counts[kind].0 += inputs.parse::<u64>().ok()?;
            self.counts[kind].1 += accepted.parse::<u64>().ok()?;
        }
        Some(end)
    }
}

/// Runs everything and prints the report.
pub fn run(arguments: &Arguments) -> ExitCode {
    let begun = Instant::now();
    let totals = Mutex::new(Totals::default());
    let next = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..arguments.jobs {
            scope.spawn(|| {
                loop {
                    let first = next.fetch_add(PORTION, Ordering::Relaxed);
                    if first >= arguments.inputs {
                        return;
                    }
                    let end = (first + PORTION).min(arguments.inputs);
                    portion(arguments, first..end, &totals);
                    let done = totals
                        .lock()
                        .unwrap()
                        .counts
                        .iter()
                        .map(|(n, _)| n)
                        .sum::<u64>();
                    let seconds = begun.elapsed().as_secs_f64();
                    eprintln!("{done} inputs, {:.0} per second", done as f64 / seconds);
                }
            });
        }
    });
    print(arguments, &totals.into_inner().unwrap(), begun)
}

/// Reads a range in processes of their own: one, but for inputs that end it.
fn portion(arguments: &Arguments, range: Range<u64>, totals: &Mutex<Totals>) {
    let mut from = range.start;
    while from < range.end {
        let (reached, died) = process(arguments, from..range.end, totals);
        from = reached;
        if let Some(how) = died {
            // Somewhere in the next batch is one that no process survives.
            let batch = from..(from + BATCH).min(range.end);
            let found = batch.clone().find(|index| {
                let (_, died) = process(arguments, *index..index + 1, totals);
                died.is_some()
            });
            let mut totals = totals.lock().unwrap();
            totals.aborts += 1;
            totals.find(&match found {
                Some(index) => format!("input {index} ended its process: {how}"),
                None => format!("a process ended in inputs {batch:?}: {how}"),
            });
            from = found.map_or(batch.end, |index| index + 1);
        }
    }
}

/// One process: how far it came, and how it died if it did.
fn process(
    arguments: &Arguments,
    range: Range<u64>,
    totals: &Mutex<Totals>,
) -> (u64, Option<String>) {
    let program = std::env::current_exe().expect("the path of this program");
    let mut child = Command::new(program)
        .args(["--seed", &arguments.seed.to_string(), "--worker"])
        .args([range.start.to_string(), range.end.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .expect("a process");
    let mut reached = range.start;
    let output = child.stdout.take().expect("it is piped");
    for line in BufReader::new(output).lines().map_while(Result::ok) {
        reached = totals.lock().unwrap().take(&line).unwrap_or(reached);
    }
    let status = child.wait().expect("its status");
    let died = !status.success();
    (reached, died.then(|| status.to_string()))
}

fn print(arguments: &Arguments, totals: &Totals, begun: Instant) -> ExitCode {
    let seconds = begun.elapsed().as_secs_f64();
    let all: u64 = totals.counts.iter().map(|(inputs, _)| inputs).sum();
    println!(
        "{:<14} {:>12} {:>12} {:>12}",
        "input", "read", "accepted", "refused"
    );
    for (input, (read, accepted)) in super::inputs().iter().zip(&totals.counts) {
        let refused = read - accepted;
        println!("{:<14} {read:>12} {accepted:>12} {refused:>12}", input.name);
    }
    println!(
        "{all} inputs (seed {}) in {seconds:.0} s with {} processes, {:.0} per second and process",
        arguments.seed,
        arguments.jobs,
        all as f64 / seconds / arguments.jobs as f64
    );
    println!(
        "panics {}, aborts and stack overflows {}, over the memory bound or too slow {}",
        totals.panics, totals.aborts, totals.other
    );
    println!(
        "most memory held: {}.{} % of 4 x input + 1 MiB",
        totals.share / 10,
        totals.share % 10
    );
    for finding in &totals.findings {
        println!("finding: {finding}");
    }
    let clean = totals.findings.is_empty() && totals.aborts == 0 && all == arguments.inputs;
    if clean {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

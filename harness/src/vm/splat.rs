//! What a kernel says on its console when something is wrong with it.

/// What a line of the serial log tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Splat {
    /// The kernel has stopped.
    Panic,
    /// The kernel did what it must not: bad address, BUG(), bad instruction.
    Oops,
    /// The kernel found itself inconsistent and went on.
    Bug,
    /// WARN() or a debugging check.
    Warn,
    /// A processor has been in the kernel too long.
    SoftLockup,
    /// A processor takes no interrupts.
    HardLockup,
    /// A task has been waiting too long.
    HungTask,
    /// A processor holds up RCU.
    RcuStall,
    /// There was no memory left.
    OutOfMemory,
    /// The guest's process 1 could not prepare the machine.
    GuestSetup,
}

impl Splat {
    /// Whether nothing good can come of waiting: the guest is ended.
    #[must_use]
    pub fn is_fatal(self) -> bool {
        !matches!(self, Self::Warn | Self::Bug)
    }

    /// How a report calls it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Panic => "kernel panic",
            Self::Oops => "oops",
            Self::Bug => "kernel BUG",
            Self::Warn => "WARN",
            Self::SoftLockup => "soft lockup",
            Self::HardLockup => "hard lockup",
            Self::HungTask => "hung task",
            Self::RcuStall => "RCU stall",
            Self::OutOfMemory => "out of memory",
            Self::GuestSetup => "guest set-up failed",
        }
    }
}

/// The words that a line must hold, all of them, and what it then tells. The
/// first match counts, so the special come before the general.
const PATTERNS: &[(&[&str], Splat)] = &[
    (&["trapline: init failed"], Splat::GuestSetup),
    (&["BUG: soft lockup"], Splat::SoftLockup),
    (&["hard LOCKUP"], Splat::HardLockup),
    (&["INFO: task ", " blocked for more than "], Splat::HungTask),
    (&["BUG: workqueue lockup"], Splat::SoftLockup),
    (&["rcu", "detected stall"], Splat::RcuStall),
    (&["rcu", "detected expedited stall"], Splat::RcuStall),
    (&["rcu", "kthread starved for"], Splat::RcuStall),
    (&["invoked oom-killer:"], Splat::OutOfMemory),
    (&["Out of memory: Kill"], Splat::OutOfMemory),
    (&["Out of memory and no killable"], Splat::OutOfMemory),
    (&["System is deadlocked on memory"], Splat::OutOfMemory),
    (&["page allocation failure:"], Splat::OutOfMemory),
    (&["Kernel panic - not syncing"], Splat::Panic),
    (&["BUG: kernel NULL pointer dereference"], Splat::Oops),
    (&["BUG: unable to handle"], Splat::Oops),
    (&["Unable to handle kernel"], Splat::Oops),
    (&["kernel BUG at "], Splat::Oops),
    (&["Internal error: "], Splat::Oops),
    (&["Oops: "], Splat::Oops),
    (&["general protection fault, probably"], Splat::Oops),
    (&["general protection fault: "], Splat::Oops),
    (&["invalid opcode: "], Splat::Oops),
    (&["divide error: "], Splat::Oops),
    (&["stack guard page was hit"], Splat::Oops),
    (&["kernel tried to execute NX-protected page"], Splat::Oops),
    (&["PANIC: double fault"], Splat::Oops),
    (&["BUG: "], Splat::Bug),
    (&["UBSAN: "], Splat::Bug),
    (&["INFO: possible circular locking"], Splat::Bug),
    (&["WARNING: "], Splat::Warn),
];

/// Reads one line of the serial log.
#[must_use]
pub fn read(line: &str) -> Option<Splat> {
    // A program's own fault is logged as `traps: name[pid] …` and is its
    // business, not the kernel's.
    if line.contains("traps: ") && !line.contains("PANIC: ") {
        return None;
    }
    PATTERNS
        .iter()
        .find(|(words, _)| words.iter().all(|word| line.contains(word)))
        .map(|&(_, splat)| splat)
}

/// The serial log of one boot, read line by line.
#[derive(Debug, Default)]
pub struct SerialLog {
    lines: Vec<String>,
    /// The first splat of the fatal kind, or else the first of all.
    splat: Option<(Splat, usize)>,
    runner: Option<RunnerEnd>,
}

/// How the guest says its runner ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunnerEnd {
    /// With this code.
    Exit(i32),
    /// By this signal.
    Signal(i32),
    /// It could not be started or gave up, for this reason.
    Failed(String),
}

/// A log longer than this is cut at its front; no healthy boot comes near.
const LINES_MAX: usize = 200_000;
/// How much of the log a report shows around a splat.
const EXCERPT_BEFORE: usize = 3;
const EXCERPT_AFTER: usize = 27;

impl SerialLog {
    /// Takes the next line.
    pub fn push(&mut self, line: &str) {
        if let Some(splat) = read(line) {
            let worse = match self.splat {
                None => true,
                Some((known, _)) => splat.is_fatal() && !known.is_fatal(),
            };
            if worse {
                self.splat = Some((splat, self.lines.len()));
            }
        }
        if let Some((_, said)) = line.split_once("trapline: runner ") {
            self.runner = read_runner(said).or(self.runner.take());
        }
        if self.lines.len() < LINES_MAX {
            self.lines.push(line.to_owned());
        }
    }

    /// What went wrong with the kernel, and the line that says so.
    #[must_use]
    pub fn splat(&self) -> Option<(Splat, &str)> {
        let (splat, at) = self.splat?;
        Some((splat, self.lines.get(at).map_or("", String::as_str)))
    }

    /// How the runner ended, once the guest has said so.
    #[must_use]
    pub fn runner(&self) -> Option<&RunnerEnd> {
        self.runner.as_ref()
    }

    /// The lines around the splat, or the last ones.
    #[must_use]
    pub fn excerpt(&self) -> Vec<String> {
        let (from, to) = match self.splat {
            Some((_, at)) => (at.saturating_sub(EXCERPT_BEFORE), at + EXCERPT_AFTER),
            None => (
                self.lines.len().saturating_sub(EXCERPT_AFTER),
                self.lines.len(),
            ),
        };
        let to = to.min(self.lines.len());
        self.lines.get(from..to).unwrap_or_default().to_vec()
    }
}

fn read_runner(said: &str) -> Option<RunnerEnd> {
    if let Some(code) = said.strip_prefix("ended, exit ") {
        return Some(RunnerEnd::Exit(code.trim().parse().ok()?));
    }
    if let Some(signal) = said.strip_prefix("ended, signal ") {
        return Some(RunnerEnd::Signal(signal.trim().parse().ok()?));
    }
    let reason = said.strip_prefix("failed: ")?;
    Some(RunnerEnd::Failed(reason.trim().to_owned()))
}

#[cfg(test)]
#[path = "splat_tests.rs"]
mod tests;

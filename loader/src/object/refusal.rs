//! Asking the verifier why, and saying it.

use super::externs::MISSING_FUNCTION;
use super::too_old;
use crate::error::{Error, ErrorKind};
use crate::relo_core;
use crate::spec::{ObjectSpec, ProgramSpec};
use crate::sys::{self, Errno, Log};
use crate::verifier::{self, Complaint, VerifierStats};
use std::os::fd::OwnedFd;

/// The part of the log that is asked for on refusal: the failing path.
pub(super) const LOG_LEVEL_PATH: u32 = 1;
/// Every path, with the registers before every instruction.
const LOG_LEVEL_REGISTERS: u32 = 2;
/// The statistics alone, and the complaint.
pub(super) const LOG_LEVEL_STATS: u32 = 4;

/// The log starts with this size and grows up to the largest that all kernels
/// take. Beyond it the log is cut: at the front since 6.4, at the end before.
const LOG_BYTES: usize = 64 << 10;
const LOG_BYTES_MAX: usize = (16 << 20) - 1;

/// A program with so many instructions processed fits into a log of registers:
/// some 200 bytes for each.
const REGISTERS_INSNS: u32 = 4000;
const REGISTERS_BYTES: usize = 1 << 20;

/// Why a program was refused.
pub(super) struct Refusal {
    pub(super) errno: Errno,
    /// The verifier's log, empty where it was not even asked.
    pub(super) log: String,
    /// What the kernel lacks, where that was found out otherwise.
    pub(super) lacks: Option<Error>,
}

/// Loads with a log that grows until it fits. `first`, the errno of an attempt
/// without a log, is the true one where the log does not fit: that is ENOSPC.
pub(super) fn load_with_log(load: &sys::ProgLoad<'_>, first: Errno) -> Result<OwnedFd, Refusal> {
    let mut bytes = LOG_BYTES;
    loop {
        let mut buffer = vec![0; bytes];
        let level = LOG_LEVEL_PATH;
        let mut log = Log {
            level,
            buffer: &mut buffer,
            true_bytes: 0,
        };
        let errno = match sys::prog_load(load, Some(&mut log)) {
            // A passing lack of memory, or a signal: this time it worked.
            Ok(fd) => return Ok(fd),
            Err(errno) => errno,
        };
        let needed = log.true_bytes as usize;
        if errno != Errno::NOSPC {
            return Err(refused(load, errno, verifier::text(&buffer)));
        }
        if bytes == LOG_BYTES_MAX {
            return Err(refused(load, first, cut_log(load, &buffer, needed)));
        }
        bytes = needed.max(bytes * 8).min(LOG_BYTES_MAX);
    }
}

/// Asks for what a log does not say.
fn refused(load: &sys::ProgLoad<'_>, errno: Errno, log: String) -> Refusal {
    let complaint = verifier::complaint(&log);
    let is_silent = complaint.is_none() && errno == Errno::INVAL;
    let lacks = match &complaint {
        Some(complaint) => too_old::callbacks(load, &complaint.reason),
        None => is_silent.then(|| too_old::program(load)).flatten(),
    };
    let registers = complaint.and_then(|complaint| log_of_registers(load, &log, &complaint));
    let log = registers.unwrap_or(log);
    Refusal { errno, log, lacks }
}

/// The log of a short program once more, with registers, where it shows none.
///
/// Kernel: before 5.17; since then they stand behind each instruction.
fn log_of_registers(
    load: &sys::ProgLoad<'_>,
    log: &str,
    complaint: &Complaint<'_>,
) -> Option<String> {
    let processed = VerifierStats::parse(log)?.processed_insns;
    if !complaint.lacks_registers() || processed > REGISTERS_INSNS {
        return None;
    }
    let mut buffer = vec![0; REGISTERS_BYTES];
    let mut log = Log {
        level: LOG_LEVEL_REGISTERS,
        buffer: &mut buffer,
        true_bytes: 0,
    };
    let loaded = sys::prog_load(load, Some(&mut log));
    let text = verifier::text(&buffer);
    let is_same = verifier::complaint(&text).is_some_and(|found| found.reason == complaint.reason);
    (loaded.is_err() && is_same).then_some(text)
}

/// The text of a log that did not fit, with the verifier's last words.
///
/// Since 6.4 the end is kept and nothing is to be done; before, the beginning
/// is. There the statistics are asked for alone: with them comes the complaint,
/// but not the path that led there.
fn cut_log(load: &sys::ProgLoad<'_>, buffer: &[u8], true_bytes: usize) -> String {
    let text = verifier::text(buffer);
    if true_bytes != 0 {
        return text;
    }
    let mut end = vec![0; LOG_BYTES];
    let mut log = Log {
        level: LOG_LEVEL_STATS,
        buffer: &mut end,
        true_bytes: 0,
    };
    // It is refused once more; what counts is the log.
    let _ = sys::prog_load(load, Some(&mut log));
    format!("{text}\n{}\n{}", verifier::CUT, verifier::text(&end))
}

impl Refusal {
    /// The error that tells all of it. `relocation` names the relocation of an
    /// instruction of the program.
    pub(super) fn explain<'r>(
        self,
        spec: &ObjectSpec,
        program: &ProgramSpec,
        relocation: impl Fn(usize) -> Option<&'r relo_core::Relocated>,
    ) -> Error {
        let Self { errno, log, lacks } = self;
        let Some(complaint) = verifier::complaint(&log) else {
            return lacks.unwrap_or_else(|| silence(errno));
        };
        let words = words(errno, &complaint);
        let lacks = lacks.or_else(|| too_old::helper(&complaint.reason));
        let mut error = match lacks {
            Some(error) => error.context(words),
            None => Error::new(ErrorKind::Rejected, words),
        };
        if let Some(name) = missing_function(spec, &complaint.reason) {
            error = error.context(format!(
                "the program reaches a call of {name}, a function that this kernel does not have"
            ));
        }
        if complaint.poisoned {
            // Both halves of a 64-bit load are poisoned; either may be named.
            let insn = complaint.insn;
            let found = insn.and_then(|insn| {
                let before = insn.checked_sub(1).and_then(&relocation);
                relocation(insn).or(before).filter(|found| found.poisoned)
            });
            let what = found.map_or("a field, type or value", |found| &found.description);
            error = error.context(format!(
                "the program reaches a CO-RE relocation that this kernel has nothing for: {what}"
            ));
        }
        if let Some(insn) = complaint.insn {
            error = error.context(place(spec, program, insn));
        }
        error
            .context("refused by the verifier")
            .with_verifier_log(log)
    }
}

/// The extern function whose call the verifier complains of, if it is of one
/// that the kernel lacks.
fn missing_function<'s>(spec: &'s ObjectSpec, reason: &str) -> Option<&'s str> {
    let (_, number) = reason.split_once("invalid func unknown#")?;
    let end = number.find(|c: char| !c.is_ascii_digit());
    let number: i32 = number[..end.unwrap_or(number.len())].parse().ok()?;
    let index = number.checked_sub(MISSING_FUNCTION)?;
    let found = spec.externs.get(usize::try_from(index).ok()?)?;
    Some(&found.name)
}

/// The error of a refusal that the kernel gives no reason for.
fn silence(errno: Errno) -> Error {
    errno.error(match errno {
        Errno::PERM => {
            "BPF_PROG_LOAD: this takes root, or CAP_BPF with CAP_PERFMON or CAP_NET_ADMIN"
        }
        _ => "BPF_PROG_LOAD, without a word from the verifier",
    })
}

/// What the verifier says, and its own explanation where it has one.
fn words(errno: Errno, complaint: &Complaint<'_>) -> String {
    let Complaint { reason, .. } = complaint;
    let mut words = match complaint.poisoned {
        true => format!("{reason}, which marks such a relocation ({errno})"),
        false => format!("{reason} ({errno})"),
    };
    let more = [&complaint.explanation, &complaint.suggestion];
    for (more, between) in more.into_iter().zip([":", ""]) {
        if let Some(more) = more {
            words = format!("{words}{between} {more}");
        }
    }
    words
}

/// Where an instruction is: its number, its function if it is not the
/// program's own, and its source line.
fn place(spec: &ObjectSpec, program: &ProgramSpec, insn: usize) -> String {
    let before = |(_, first): &&(String, usize)| *first <= insn;
    let function = program.subprograms.iter().skip(1).rev().find(before);
    let function = function.map_or(String::new(), |(name, _)| format!(" in {name}"));
    match spec.line_at(program, insn) {
        Some((file, line, source)) => {
            // As the kernel shows it: without the folders of another machine.
            let file = file.rsplit('/').next().unwrap_or_default();
            format!("instruction {insn}{function}, {file}:{line}: {source}")
        }
        None => format!("instruction {insn}{function}"),
    }
}

#[cfg(test)]
#[path = "refusal_tests.rs"]
mod tests;

//! Asking the verifier why, and saying it.

use crate::error::{Error, ErrorKind};
use crate::spec::{ObjectSpec, ProgramSpec};
use crate::sys::{self, Errno, Log};
use crate::{relo_core, verifier};
use std::os::fd::OwnedFd;

/// The part of the log that is asked for on refusal: the failing path.
const LOG_LEVEL_PATH: u32 = 1;
/// The statistics alone, and the complaint.
pub(super) const LOG_LEVEL_STATS: u32 = 4;

/// The log starts with this size and grows up to the largest that all kernels
/// take. Beyond it the log is cut: at the front since 6.4, at the end before.
const LOG_BYTES: usize = 64 << 10;
const LOG_BYTES_MAX: usize = (16 << 20) - 1;

/// Why a program was refused.
pub(super) struct Refusal {
    pub(super) errno: Errno,
    /// The verifier's log, empty where it was not even asked.
    pub(super) log: String,
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
            return Err(Refusal {
                errno,
                log: verifier::text(&buffer),
            });
        }
        if bytes == LOG_BYTES_MAX {
            return Err(Refusal {
                errno: first,
                log: cut_log(load, &buffer, needed),
            });
        }
        bytes = needed.max(bytes * 8).min(LOG_BYTES_MAX);
    }
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
        let Self { errno, log } = self;
        let Some(complaint) = verifier::complaint(&log) else {
            return errno.error("BPF_PROG_LOAD, without a word from the verifier");
        };
        let mut cause = format!("{} ({errno})", complaint.reason);
        if let Some(explanation) = complaint.explanation {
            cause = format!("{cause}: {explanation}");
        }
        let mut error = Error::new(ErrorKind::Rejected, cause);
        if complaint.poisoned {
            // Both halves of a 64-bit load are poisoned; either may be named.
            let insn = complaint.insn;
            let found = insn.and_then(|insn| {
                let before = insn.checked_sub(1).and_then(&relocation);
                relocation(insn).or(before).filter(|found| found.poisoned)
            });
            error = error.context(match found {
                Some(found) => {
                    format!("the kernel has no answer to {}", found.description)
                }
                None => "the kernel has no answer to a CO-RE relocation".to_owned(),
            });
        }
        if let Some(insn) = complaint.insn {
            error = error.context(match spec.line_at(program, insn) {
                Some((file, line, source)) => {
                    format!("instruction {insn}, {file}:{line}: {source}")
                }
                None => format!("instruction {insn}"),
            });
        }
        error
            .context("refused by the verifier")
            .with_verifier_log(log)
    }
}

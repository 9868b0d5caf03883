//! The verdict: what was seen of a boot in, a recording or a named failure out.
//!
//! Pure. The command's exit code, as vmtest tells it, has no part in it: it
//! calls a killed command a success.

use std::time::Duration;

use super::failure::{Cause, Failure, Late};
use super::splat::{RunnerEnd, SerialLog};
use crate::recording::{
    self, Defect, DefectKind, Expected, Frame, Incomplete, Partial, Recording, Status,
};

/// Why the watch over a boot ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stopped {
    /// The recording has its end and the guest has said how the runner ended.
    Finished,
    /// The kernel's log said that nothing good can come.
    Splat,
    /// The runner ended and the recording has no end.
    RunnerEnded,
    /// The recording has a defect.
    Defect,
    /// Something took too long.
    Late {
        /// What did.
        what: Late,
        /// How long it was given.
        allowed: Duration,
    },
    /// QEMU ended, or vmtest gave up, for this reason.
    Lost(String),
}

/// Everything that was seen of one boot.
#[derive(Debug)]
pub struct Seen<'a> {
    /// Why the watch ended.
    pub stopped: Stopped,
    /// The serial log.
    pub serial: &'a SerialLog,
    /// The recording's bytes.
    pub bytes: &'a [u8],
    /// What it should say of itself.
    pub expected: &'a Expected,
}

/// Judges a boot.
///
/// # Errors
/// The named failure, with what was recorded before it.
pub fn judge(seen: &Seen<'_>) -> Result<Recording, Box<Failure>> {
    let (defect, partial, whole) = match recording::parse(seen.bytes, seen.expected) {
        Ok(recording) => (None, Partial::default(), Some(recording)),
        Err(incomplete) => {
            let Incomplete { defect, partial } = *incomplete;
            (Some(defect), partial, None)
        }
    };
    let cause = cause_of(seen, defect.as_ref(), whole.as_ref());
    match (cause, whole) {
        (None, Some(recording)) => Ok(recording),
        (cause, whole) => Err(Box::new(Failure {
            // Without a cause there is a whole recording; the last resort keeps
            // a mistake here from becoming a pass.
            cause: cause.unwrap_or_else(|| Cause::RunnerLeft("no verdict".into())),
            excerpt: seen.serial.excerpt(),
            partial: whole.map_or(partial, |recording| Partial {
                hello: Some(recording.hello),
                frames: recording.frames,
                is_whole: true,
            }),
        })),
    }
}

/// The first cause, the deeper before its consequences: the kernel's own words,
/// then what ran, then how the runner ended, then what is missing.
fn cause_of(seen: &Seen<'_>, defect: Option<&Defect>, whole: Option<&Recording>) -> Option<Cause> {
    if let Some((splat, line)) = seen.serial.splat() {
        return Some(Cause::Splat {
            splat,
            line: line.to_owned(),
        });
    }
    if let Some(DefectKind::WrongRelease { expected, found }) = defect.map(|d| &d.kind) {
        return Some(Cause::WrongKernel {
            expected: expected.clone(),
            found: found.clone(),
        });
    }
    if let Some(RunnerEnd::Signal(signal)) = seen.serial.runner() {
        return Some(Cause::GuestKilled { signal: *signal });
    }
    if let Some(late) = late_workload(whole) {
        return Some(late);
    }
    match (&seen.stopped, defect) {
        (Stopped::Late { what, allowed }, _) => Some(Cause::TimeOut {
            what: what.clone(),
            allowed: *allowed,
        }),
        // Once the runner has ended, vmtest itself ends QEMU.
        (Stopped::Lost(why), Some(_)) if seen.serial.runner().is_none() => {
            Some(Cause::VmLost(why.clone()))
        }
        (_, Some(defect)) => Some(cause_of_defect(seen, defect)),
        (_, None) => match seen.serial.runner() {
            Some(RunnerEnd::Exit(0)) => None,
            Some(RunnerEnd::Exit(code)) => Some(Cause::RunnerLeft(format!("exit {code}"))),
            Some(RunnerEnd::Failed(why)) => Some(Cause::RunnerLeft(why.clone())),
            Some(RunnerEnd::Signal(_)) | None => {
                Some(Cause::RunnerLeft("it never said how it ended".into()))
            }
        },
    }
}

fn cause_of_defect(seen: &Seen<'_>, defect: &Defect) -> Cause {
    match &defect.kind {
        DefectKind::Truncated { .. } => Cause::StreamTruncated(defect.clone()),
        DefectKind::MissingEnd | DefectKind::MissingHello => {
            Cause::RunnerLeft(match seen.serial.runner() {
                Some(RunnerEnd::Exit(code)) => format!("exit {code}; {defect}"),
                Some(RunnerEnd::Failed(why)) => format!("{why}; {defect}"),
                _ => defect.to_string(),
            })
        }
        _ => Cause::StreamBroken(defect.clone()),
    }
}

/// The guest itself enforces a workload's time; a complete recording may tell of
/// one that had to be killed.
fn late_workload(whole: Option<&Recording>) -> Option<Cause> {
    let mut name = String::new();
    for frame in &whole?.frames {
        match frame {
            Frame::Workload(workload) => name = workload.label(),
            Frame::Done(done) => {
                if let Status::TimeoutMs(ms) = done.status {
                    return Some(Cause::TimeOut {
                        what: Late::Workload(name),
                        allowed: Duration::from_millis(ms),
                    });
                }
            }
            _ => {}
        }
    }
    None
}

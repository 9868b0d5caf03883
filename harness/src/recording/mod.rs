//! The host's side of the recording: bytes in, typed frames out.
//!
//! It knows the shape in harness/RECORDING.md and nothing of VMs. It never
//! panics, whatever the bytes, and says of every defect at which byte and in
//! which frame it is.

mod defect;
pub mod frame;
pub mod payload;
mod verified;

pub use defect::{Defect, DefectKind};
pub use payload::{
    Case, CaseOutcome, Done, Failed, Hello, Measure, Sensors, Status, Unloaded, Workload,
};
pub use verified::{Verdict, Verified, Verifying};

use frame::{Kind, RawFrame};
use payload::End;
use sha2::{Digest, Sha256};

/// What a run must say of itself to count.
#[derive(Debug, Clone)]
pub struct Expected {
    /// The nonce on the kernel command line.
    pub nonce: String,
    /// `uname -r` of the kernel that was meant to boot.
    pub release: String,
}

/// One frame after `hello` and before `end`.
#[derive(Debug, Clone, PartialEq)]
pub enum Frame {
    /// Sensors are loaded and attached.
    Sensors(Sensors),
    /// A workload begins.
    Workload(Workload),
    /// One ring buffer record.
    Event(Vec<u8>),
    /// What the workload says it did.
    Truth(serde_json::Map<String, serde_json::Value>),
    /// The workload has ended.
    Done(Done),
    /// A cost.
    Measure(Measure),
    /// Something the guest could not do.
    Failure(Failed),
    /// What sensors counted in all.
    Unloaded(Unloaded),
    /// What the loader did with one case.
    Case(Case),
    /// What is about to be judged.
    Verifying(Verifying),
    /// What became of an object or a program that was judged.
    Verified(Box<Verified>),
}

/// A complete recording: begun, ended, every number and checksum right.
#[derive(Debug, Clone)]
pub struct Recording {
    /// Who ran.
    pub hello: Hello,
    /// Everything between `hello` and `end`, in order.
    pub frames: Vec<Frame>,
}

/// What could be read of a recording up to its first defect.
#[derive(Debug, Clone, Default)]
pub struct Partial {
    /// Who ran, if it came that far.
    pub hello: Option<Hello>,
    /// The frames after `hello` that are right, in order.
    pub frames: Vec<Frame>,
    /// Whether that is all: nothing is wrong with the recording itself.
    pub is_whole: bool,
}

/// A recording that does not count, and why.
#[derive(Debug, Clone)]
pub struct Incomplete {
    /// The first thing that is wrong.
    pub defect: Defect,
    /// What came before it.
    pub partial: Partial,
}

/// Reads a recording.
///
/// # Errors
/// The first defect and what came before it.
pub fn parse(bytes: &[u8], expected: &Expected) -> Result<Recording, Box<Incomplete>> {
    let mut reader = Reader::default();
    match reader.read(bytes, expected) {
        Ok(hello) => Ok(Recording {
            hello,
            frames: reader.partial.frames,
        }),
        Err(defect) => Err(Box::new(Incomplete {
            defect,
            partial: reader.partial,
        })),
    }
}

#[derive(Default)]
struct Reader {
    partial: Partial,
    /// The workload that has begun and has not ended.
    open: Option<Workload>,
}

impl Reader {
    fn read(&mut self, bytes: &[u8], expected: &Expected) -> Result<Hello, Defect> {
        let mut digest = Sha256::new();
        let mut at = 0;
        let mut number = 0;
        while at < bytes.len() {
            let raw = frame::read(bytes, at, number)?;
            if raw.kind == Kind::End {
                return self.end(bytes, &raw, digest);
            }
            digest.update(&bytes[at..raw.end]);
            self.take(&raw, expected)?;
            at = raw.end;
            number += 1;
        }
        let missing = if self.partial.hello.is_some() {
            DefectKind::MissingEnd
        } else {
            DefectKind::MissingHello
        };
        Err(Defect::new(at, number, missing))
    }

    fn take(&mut self, raw: &RawFrame<'_>, expected: &Expected) -> Result<(), Defect> {
        let wrong = |kind| Err(Defect::new(raw.start, raw.number, kind));
        if self.partial.hello.is_none() {
            if raw.kind != Kind::Hello {
                return wrong(DefectKind::MissingHello);
            }
            let hello: Hello = raw.json()?;
            // Kept even if it is of the wrong run: the report names both.
            let (nonce, release) = (hello.nonce.clone(), hello.release.clone());
            self.partial.hello = Some(hello);
            if nonce != expected.nonce {
                return wrong(DefectKind::WrongNonce { found: nonce });
            }
            if release != expected.release {
                return wrong(DefectKind::WrongRelease {
                    expected: expected.release.clone(),
                    found: release,
                });
            }
            return Ok(());
        }
        let frame = match raw.kind {
            Kind::Hello | Kind::End => return wrong(DefectKind::SecondHello),
            Kind::Sensors => Frame::Sensors(raw.json()?),
            Kind::Workload => {
                if let Some(open) = &self.open {
                    return wrong(DefectKind::WorkloadWithoutDone { name: open.label() });
                }
                let workload: Workload = raw.json()?;
                self.open = Some(workload.clone());
                Frame::Workload(workload)
            }
            Kind::Event => Frame::Event(raw.payload.to_vec()),
            Kind::Truth => Frame::Truth(raw.json()?),
            Kind::Done => {
                let done: Done = raw.json()?;
                match self.open.take() {
                    Some(open) if open.name == done.name => Frame::Done(done),
                    _ => return wrong(DefectKind::DoneWithoutWorkload { name: done.name }),
                }
            }
            Kind::Measure => Frame::Measure(raw.json()?),
            Kind::Failure => Frame::Failure(raw.json()?),
            Kind::Unloaded => Frame::Unloaded(raw.json()?),
            Kind::Case => {
                if let Some(open) = &self.open {
                    return wrong(DefectKind::WorkloadWithoutDone { name: open.label() });
                }
                Frame::Case(raw.json()?)
            }
            Kind::Verifying => Frame::Verifying(raw.json()?),
            Kind::Verified => Frame::Verified(raw.json()?),
        };
        self.partial.frames.push(frame);
        Ok(())
    }

    fn end(&mut self, bytes: &[u8], raw: &RawFrame<'_>, digest: Sha256) -> Result<Hello, Defect> {
        let wrong = |kind| Err(Defect::new(raw.start, raw.number, kind));
        let end: End = raw.json()?;
        let Some(hello) = self.partial.hello.clone() else {
            return wrong(DefectKind::MissingHello);
        };
        if let Some(open) = &self.open {
            return wrong(DefectKind::WorkloadWithoutDone { name: open.label() });
        }
        if end.frames != raw.number {
            return wrong(DefectKind::WrongCount { said: end.frames });
        }
        let sha256: String = digest
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        if end.sha256 != sha256 {
            return wrong(DefectKind::WrongDigest);
        }
        if raw.end != bytes.len() {
            return Err(Defect::new(
                raw.end,
                raw.number + 1,
                DefectKind::AfterEnd {
                    bytes: bytes.len() - raw.end,
                },
            ));
        }
        Ok(hello)
    }
}

#[cfg(test)]
mod tests;

//! What can be wrong with a recording, and where.

use std::fmt;

use super::frame::Kind;

/// The first thing that is wrong with a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Defect {
    /// Where it is: bytes from the start of the recording.
    pub offset: usize,
    /// The number of the frame that is wrong or missing.
    pub number: u32,
    /// What is wrong.
    pub kind: DefectKind,
}

impl Defect {
    pub(super) fn new(offset: usize, number: u32, kind: DefectKind) -> Self {
        Self {
            offset,
            number,
            kind,
        }
    }
}

/// What is wrong with a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DefectKind {
    /// No frame begins here.
    BadMagic,
    /// The payload is longer than 1 MiB.
    TooLong {
        /// What the header says.
        payload_bytes: u32,
    },
    /// The recording ends inside a frame.
    Truncated {
        /// How many are there.
        bytes: usize,
        /// How many there should be at least.
        wanted: usize,
    },
    /// The checksum is not that of the bytes.
    Checksum,
    /// Another frame should come here.
    Gap {
        /// The number that came.
        found: u32,
    },
    /// The two zero bytes are not zero.
    Reserved,
    /// No frame has this kind.
    UnknownKind {
        /// What the header says.
        kind_number: u16,
    },
    /// The payload does not fit its kind.
    Payload {
        /// The kind of frame.
        kind: Kind,
        /// What does not fit.
        error: String,
    },
    /// The first frame is not hello.
    MissingHello,
    /// There is a hello that is not the first frame.
    SecondHello,
    /// It is the recording of another run.
    WrongNonce {
        /// What hello says.
        found: String,
    },
    /// Another kernel ran.
    WrongRelease {
        /// The kernel that was meant to boot.
        expected: String,
        /// What hello says.
        found: String,
    },
    /// A workload began and did not end.
    WorkloadWithoutDone {
        /// `process::fork (fentry)`
        name: String,
    },
    /// A workload ended that had not begun.
    DoneWithoutWorkload {
        /// What done says.
        name: String,
    },
    /// The recording has no end.
    MissingEnd,
    /// End counts another number of frames.
    WrongCount {
        /// What end says.
        said: u32,
    },
    /// End has another digest than the frames.
    WrongDigest,
    /// Something follows end.
    AfterEnd {
        /// How much.
        bytes: usize,
    },
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "frame {} at byte {}: {}",
            self.number, self.offset, self.kind
        )
    }
}

impl std::error::Error for Defect {}

impl fmt::Display for DefectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadMagic => f.write_str("no frame begins here"),
            Self::TooLong { payload_bytes } => {
                write!(f, "a payload of {payload_bytes} bytes is over 1 MiB")
            }
            Self::Truncated { bytes, wanted } => {
                write!(
                    f,
                    "the stream stops after {bytes} of at least {wanted} bytes"
                )
            }
            Self::Checksum => f.write_str("the checksum is wrong"),
            Self::Gap { found } => write!(f, "frame {found} came instead"),
            Self::Reserved => f.write_str("the reserved bytes are not zero"),
            Self::UnknownKind { kind_number } => write!(f, "no frame is of kind {kind_number}"),
            Self::Payload { kind, error } => write!(f, "not a {kind:?} payload: {error}"),
            Self::MissingHello => f.write_str("hello is missing"),
            Self::SecondHello => f.write_str("a second hello"),
            Self::WrongNonce { found } => write!(f, "the nonce {found} is of another run"),
            Self::WrongRelease { expected, found } => {
                write!(f, "kernel {found} ran, not {expected}")
            }
            Self::WorkloadWithoutDone { name } => write!(f, "{name} began and did not end"),
            Self::DoneWithoutWorkload { name } => write!(f, "{name} ended without a beginning"),
            Self::MissingEnd => f.write_str("the end is missing"),
            Self::WrongCount { said } => {
                write!(f, "end counts {said} frames")
            }
            Self::WrongDigest => f.write_str("the digest is not that of the frames"),
            Self::AfterEnd { bytes } => write!(f, "{bytes} bytes follow the end"),
        }
    }
}

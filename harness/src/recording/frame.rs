//! Framing: where a frame begins and ends, and whether its bytes are right.

use serde::de::DeserializeOwned;

use super::{Defect, DefectKind};

const MAGIC: &[u8; 4] = b"TLF1";
const HEADER_BYTES: usize = 16;
const CRC_BYTES: usize = 4;
const PAYLOAD_MAX_BYTES: u32 = 1 << 20;

/// What a frame is; the numbers are those of harness/RECORDING.md.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Who runs.
    Hello,
    /// Sensors are loaded and attached.
    Sensors,
    /// A workload begins.
    Workload,
    /// One ring buffer record.
    Event,
    /// What a workload says it did.
    Truth,
    /// A workload has ended.
    Done,
    /// A cost.
    Measure,
    /// Something the guest could not do.
    Failure,
    /// The recording is complete.
    End,
    /// What sensors counted in all.
    Unloaded,
    /// What the loader did with one case.
    Case,
    /// What is about to be judged.
    Verifying,
    /// What became of it.
    Verified,
}

impl Kind {
    fn from_number(number: u16) -> Option<Self> {
        Some(match number {
            1 => Self::Hello,
            2 => Self::Sensors,
            3 => Self::Workload,
            4 => Self::Event,
            5 => Self::Truth,
            6 => Self::Done,
            7 => Self::Measure,
            8 => Self::Failure,
            9 => Self::End,
            10 => Self::Unloaded,
            11 => Self::Case,
            12 => Self::Verifying,
            13 => Self::Verified,
            _ => return None,
        })
    }
}

/// A frame whose length, number and checksum are right.
#[derive(Debug)]
pub struct RawFrame<'a> {
    /// What it is.
    pub kind: Kind,
    /// Its number, from 0.
    pub number: u32,
    /// Its first byte's offset in the recording.
    pub start: usize,
    /// The offset of the byte after it.
    pub end: usize,
    /// Its content.
    pub payload: &'a [u8],
}

impl RawFrame<'_> {
    /// Reads the payload as one JSON object of this shape.
    ///
    /// # Errors
    /// A defect at this frame that says what does not fit.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Defect> {
        serde_json::from_slice(self.payload).map_err(|error| {
            Defect::new(
                self.start,
                self.number,
                DefectKind::Payload {
                    kind: self.kind,
                    error: error.to_string(),
                },
            )
        })
    }
}

/// Reads the frame at `start`, which must carry this number.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn read(bytes: &[u8], start: usize, number: u32) -> Result<RawFrame<'_>, Defect> {
    let wrong = |kind| Err(Defect::new(start, number, kind));
    let rest = bytes.get(start..).unwrap_or_default();
    let magic = &rest[..rest.len().min(MAGIC.len())];
    if magic != &MAGIC[..magic.len()] {
        return wrong(DefectKind::BadMagic);
    }
    let truncated = |wanted: usize| {
        wrong(DefectKind::Truncated {
            bytes: rest.len(),
            wanted,
        })
    };
    let Some(header) = rest.get(..HEADER_BYTES) else {
        return truncated(HEADER_BYTES);
    };
    let payload_bytes = u32_at(header, 4);
    if payload_bytes > PAYLOAD_MAX_BYTES {
        return wrong(DefectKind::TooLong { payload_bytes });
    }
    let payload_end = HEADER_BYTES + payload_bytes as usize;
    let frame_bytes = payload_end + CRC_BYTES;
    if rest.len() < frame_bytes {
        return truncated(frame_bytes);
    }
    if crc32fast::hash(&rest[..payload_end]) != u32_at(rest, payload_end) {
        return wrong(DefectKind::Checksum);
    }
    let found = u32_at(header, 8);
    if found != number {
        return wrong(DefectKind::Gap { found });
    }
    let kind_number = u16::from_le_bytes([header[12], header[13]]);
    if header[14..16] != [0, 0] {
        return wrong(DefectKind::Reserved);
    }
    let Some(kind) = Kind::from_number(kind_number) else {
        return wrong(DefectKind::UnknownKind { kind_number });
    };
    Ok(RawFrame {
        kind,
        number,
        start,
        end: start + frame_bytes,
        payload: &rest[HEADER_BYTES..payload_end],
    })
}

/// The caller has checked that four bytes are there.
fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

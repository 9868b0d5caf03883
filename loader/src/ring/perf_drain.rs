//! Walking over the records of one processor's perf buffer.
//!
//! Knows how the kernel lays records out, not where the memory is, so that the
//! tests can hand it any memory they like.
//!
//! Source: `enum perf_event_type`, include/uapi/linux/perf_event.h

use crate::bytes::word;
use crate::error::{Error, Result};

/// Type, misc, size.
const HEADER_BYTES: usize = 8;
/// `u64 id; u64 lost`.
const RECORD_LOST: u32 = 2;
/// Time (where asked for), `u32 size`, the program's bytes.
const RECORD_SAMPLE: u32 = 9;

/// The memory of one processor's buffer.
pub(super) trait Memory {
    /// Size of the data in bytes, a power of two.
    fn data_bytes(&self) -> usize;
    /// The bytes from an offset on, up to the end of the data.
    fn data(&self, offset_bytes: usize) -> &[u8];
}

/// One record.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Record<'a> {
    /// What a program sent, and when in nanoseconds; 0 where time is not asked
    /// for.
    Sample {
        /// The clock that the event was opened with.
        time_ns: u64,
        /// The bytes. The kernel pads them to eight with its header, so up to
        /// seven more than the program gave.
        bytes: &'a [u8],
    },
    /// So many records found no room.
    Lost(u64),
    /// Another type: nothing of a program's.
    Other,
}

/// The record at `tail` of what was written up to `head`, with the position
/// behind it; none where all is read. A record across the end of the data is
/// put together in `scratch`.
///
/// # Errors
/// `Malformed` for sizes and positions that no kernel writes.
pub(super) fn next<'a, M: Memory>(
    memory: &'a M,
    head: u64,
    tail: u64,
    with_time: bool,
    scratch: &'a mut Vec<u8>,
) -> Result<Option<(Record<'a>, u64)>> {
    let size = memory.data_bytes();
    let available = head.wrapping_sub(tail);
    if available == 0 {
        return Ok(None);
    }
    let torn = |what: String| Error::malformed(format!("perf buffer: {what}"));
    if available > size as u64 || available < HEADER_BYTES as u64 || tail % 8 != 0 {
        let what = format!("head at {head}, tail at {tail}, with {size} bytes at most between");
        return Err(torn(what));
    }
    let offset = (tail & (size as u64 - 1)) as usize;
    let first = memory.data(offset);
    // On eight bytes, so the header is never torn.
    let (Some(kind), Some(sizes)) = (word(first, 0), word(first, 1)) else {
        return Err(torn(format!("a record starts at offset {offset}")));
    };
    let bytes = (sizes >> 16) as usize;
    if bytes < HEADER_BYTES || bytes as u64 > available || bytes % 8 != 0 {
        return Err(torn(format!(
            "a record of {bytes} bytes at position {tail}, with {available} bytes written"
        )));
    }
    let record = match first.get(..bytes) {
        Some(record) => record,
        None => {
            scratch.clear();
            scratch.extend_from_slice(first);
            let rest = bytes - first.len();
            scratch.extend_from_slice(memory.data(0).get(..rest).unwrap_or_default());
            scratch
        }
    };
    let record = parse(kind, record, with_time).ok_or_else(|| {
        torn(format!(
            "a record of type {kind} with {bytes} bytes at position {tail} is torn"
        ))
    })?;
    Ok(Some((record, tail.wrapping_add(bytes as u64))))
}

fn parse(kind: u32, record: &[u8], with_time: bool) -> Option<Record<'_>> {
    let long = |at: usize| {
        let bytes = record.get(at..at + 8)?;
        Some(u64::from_ne_bytes(bytes.try_into().ok()?))
    };
    Some(match kind {
        RECORD_LOST => Record::Lost(long(HEADER_BYTES + 8)?),
        RECORD_SAMPLE => {
            let (time_ns, at) = match with_time {
                true => (long(HEADER_BYTES)?, HEADER_BYTES + 8),
                false => (0, HEADER_BYTES),
            };
            let size = record.get(at..at + 4)?;
            let size = u32::from_ne_bytes(size.try_into().ok()?) as usize;
            let bytes = record.get(at + 4..)?.get(..size)?;
            Record::Sample { time_ns, bytes }
        }
        _ => Record::Other,
    })
}

#[cfg(test)]
#[path = "perf_drain_tests.rs"]
mod tests;

//! Walking over the records of a ring buffer: positions, lengths, flags.
//!
//! Knows how the kernel lays records out, not where the memory is, so that the
//! tests can hand it any memory they like.
//!
//! Source: kernel/bpf/ringbuf.c

use crate::error::{Error, Result};

/// Every record starts with eight bytes: a length word and a page offset.
const HEADER_BYTES: usize = 8;
/// The record is reserved and still being written.
const BUSY_BIT: u32 = 1 << 31;
/// The record was given up; skip it.
const DISCARD_BIT: u32 = 1 << 30;

/// The memory of a ring buffer.
pub(super) trait Memory {
    /// Size of the data in bytes, a power of two.
    fn data_bytes(&self) -> usize;
    /// How far this side has read.
    fn consumer_position(&self) -> usize;
    /// How far records have been reserved.
    fn producer_position(&self) -> usize;
    /// Gives everything before `position` back.
    fn release(&self, position: usize);
    /// The length word at an offset into the data.
    fn header(&self, offset_bytes: usize) -> Result<u32>;
    /// A piece of the data, across its end if need be.
    fn data(&self, offset_bytes: usize, bytes: usize) -> Result<&[u8]>;
}

/// What lies at the consumer's position.
enum Next<'a> {
    /// Nothing, or a record that is still being written.
    NotYet,
    /// A finished record, and the position behind it.
    Record(&'a [u8], usize),
    /// A record to skip, and the position behind it.
    Discarded(usize),
}

/// Looks at the record at `consumer`.
fn next<M: Memory>(memory: &M, consumer: usize) -> Result<Next<'_>> {
    let producer = memory.producer_position();
    // Positions count up for ever and wrap with the word.
    let available = producer.wrapping_sub(consumer);
    if available == 0 {
        return Ok(Next::NotYet);
    }
    let size = memory.data_bytes();
    if available > size || available < HEADER_BYTES || consumer % HEADER_BYTES != 0 {
        return Err(Error::malformed(format!(
            "ring buffer: producer at {producer}, consumer at {consumer}, with {size} bytes between them at most"
        )));
    }
    let offset = consumer & (size - 1);
    let word = memory.header(offset)?;
    if word & BUSY_BIT != 0 {
        return Ok(Next::NotYet);
    }
    let body_bytes = (word & !(BUSY_BIT | DISCARD_BIT)) as usize;
    let record_bytes = (body_bytes + HEADER_BYTES).next_multiple_of(HEADER_BYTES);
    if record_bytes > available {
        return Err(Error::malformed(format!(
            "ring buffer: a record of {body_bytes} bytes at position {consumer}, but only {available} bytes are written"
        )));
    }
    let behind = consumer.wrapping_add(record_bytes);
    if word & DISCARD_BIT != 0 {
        return Ok(Next::Discarded(behind));
    }
    let body = memory.data(offset + HEADER_BYTES, body_bytes)?;
    Ok(Next::Record(body, behind))
}

/// What has been drained so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Drained {
    /// Records handed out.
    pub(super) records: u64,
    /// Their bytes.
    pub(super) bytes: u64,
    /// Records that the program reserved and gave up.
    pub(super) discarded: u64,
}

/// Hands every finished record to `each`, oldest first, and gives each back
/// once `each` returns. Adds to `drained` what there was.
///
/// Ends at the first record that is still being written, and after one ring's
/// worth of data: a producer that never rests cannot hold the caller for ever.
///
/// # Errors
/// `Malformed` for lengths and positions that no kernel writes. The position
/// stays where it is, as nobody knows where the next record would begin.
pub(super) fn drain<M: Memory>(
    memory: &M,
    drained: &mut Drained,
    mut each: impl FnMut(&[u8]),
) -> Result<()> {
    let start = memory.consumer_position();
    let mut consumer = start;
    while consumer.wrapping_sub(start) < memory.data_bytes() {
        consumer = match next(memory, consumer)? {
            Next::NotYet => break,
            Next::Discarded(behind) => {
                drained.discarded += 1;
                behind
            }
            Next::Record(body, behind) => {
                each(body);
                drained.records += 1;
                drained.bytes += body.len() as u64;
                behind
            }
        };
        memory.release(consumer);
    }
    Ok(())
}

/// Would [`drain`] make progress right now? An error counts as progress.
pub(super) fn is_ready<M: Memory>(memory: &M) -> bool {
    let consumer = memory.consumer_position();
    !matches!(next(memory, consumer), Ok(Next::NotYet))
}

/// Bytes that are reserved or written and not yet given back.
pub(super) fn pending_bytes<M: Memory>(memory: &M) -> usize {
    let consumer = memory.consumer_position();
    memory.producer_position().wrapping_sub(consumer)
}

#[cfg(test)]
#[path = "drain_tests.rs"]
mod tests;

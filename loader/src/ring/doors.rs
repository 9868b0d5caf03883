//! The walks over records, on bytes instead of a kernel's memory: for fuzzing.

use core::cell::Cell;

use super::{drain, perf_drain};
use crate::bytes::long_at;
use crate::error::{Error, Result};

/// Two positions, then the data: as much of it as is a power of two.
struct Bytes<'b> {
    consumer: Cell<usize>,
    producer: usize,
    data: &'b [u8],
    /// The data twice in a row, as the kernel maps it.
    twice: Vec<u8>,
}

impl<'b> Bytes<'b> {
    fn new(bytes: &'b [u8]) -> Option<Self> {
        let data = bytes.get(16..).filter(|data| data.len() >= 8)?;
        let data = data.get(..1 << data.len().ilog2())?;
        Some(Self {
            consumer: Cell::new(long_at(bytes, 0)? as usize),
            producer: long_at(bytes, 8)? as usize,
            data,
            twice: [data, data].concat(),
        })
    }
}

impl drain::Memory for Bytes<'_> {
    fn data_bytes(&self) -> usize {
        self.data.len()
    }

    fn consumer_position(&self) -> usize {
        self.consumer.get()
    }

    fn producer_position(&self) -> usize {
        self.producer
    }

    fn release(&self, position: usize) {
        self.consumer.set(position);
    }

    fn header(&self, offset_bytes: usize) -> Result<u32> {
        let word = crate::bytes::u32_at(&self.twice, offset_bytes);
        word.ok_or_else(|| Error::malformed("a header outside of the ring"))
    }

    fn data(&self, offset_bytes: usize, bytes: usize) -> Result<&[u8]> {
        let rest = self.twice.get(offset_bytes..);
        let data = rest.and_then(|rest| rest.get(..bytes));
        data.ok_or_else(|| Error::malformed("a record outside of the ring"))
    }
}

impl perf_drain::Memory for Bytes<'_> {
    fn data_bytes(&self) -> usize {
        self.data.len()
    }

    fn data(&self, offset_bytes: usize) -> &[u8] {
        self.data.get(offset_bytes..).unwrap_or_default()
    }
}

/// Drains a ring buffer: consumer and producer position, then the data.
pub fn ring_records(bytes: &[u8]) -> bool {
    let Some(memory) = Bytes::new(bytes) else {
        return false;
    };
    let mut sum = 0u64;
    let drained = drain::drain(&memory, &mut drain::Drained::default(), |record| {
        sum = record
            .iter()
            .fold(sum, |sum, byte| sum.wrapping_add((*byte).into()));
    });
    let _ = (drain::is_ready(&memory), drain::pending_bytes(&memory));
    core::hint::black_box(sum);
    drained.is_ok()
}

/// Drains a processor's perf buffer: tail and head, then the data.
pub fn perf_records(bytes: &[u8]) -> bool {
    let Some(memory) = Bytes::new(bytes) else {
        return false;
    };
    let (mut tail, head) = (memory.consumer.get() as u64, memory.producer as u64);
    let with_time = tail & 8 == 0;
    let mut scratch = Vec::new();
    loop {
        match perf_drain::next(&memory, head, tail, with_time, &mut scratch) {
            Ok(None) => return true,
            Ok(Some((_, behind))) => tail = behind,
            Err(_) => return false,
        }
    }
}

//! The writing end of BPF_MAP_TYPE_USER_RINGBUF: from user space to programs.

use super::open::{Kind, open};
use crate::error::{Error, Result};
use crate::map::Map;
use crate::sys::{self, Errno};
use core::ops::{Deref, DerefMut};
use core::time::Duration;
use std::time::Instant;

const KIND: Kind = Kind {
    map_type: 31,
    what: "user ring buffer",
};
/// Every record starts with eight bytes: a length word and a zero.
const HEADER_BYTES: usize = 8;
/// The record is reserved and still being written.
const BUSY_BIT: u32 = 1 << 31;
/// The record was given up; the kernel skips it.
const DISCARD_BIT: u32 = 1 << 30;

/// The writing end of a user ring buffer: programs read it with
/// `bpf_user_ringbuf_drain`. There must be only one per map.
#[derive(Debug)]
pub struct UserRingBuffer {
    name: String,
    memory: sys::UserRingMapping,
    epoll: sys::Epoll,
}

impl UserRingBuffer {
    /// Opens the writing end of `map`.
    ///
    /// # Errors
    /// `InvalidInput` for a map of another type; what the kernel says when the
    /// memory cannot be mapped.
    ///
    /// Kernel: 6.1
    pub fn new(map: &Map) -> Result<Self> {
        let watch = sys::Epoll::add_for_writing;
        let (memory, epoll) = open(map, &KIND, sys::UserRingMapping::new, watch)?;
        Ok(Self {
            name: map.name().to_owned(),
            memory,
            epoll,
        })
    }

    /// Sends `record`.
    ///
    /// # Errors
    /// As [`UserRingBuffer::reserve`].
    pub fn send(&mut self, record: &[u8]) -> Result<()> {
        let mut reserved = self.reserve(record.len())?;
        reserved.copy_from_slice(record);
        reserved.submit();
        Ok(())
    }

    /// Makes room for a record of `bytes`, all zero, to be written in place.
    ///
    /// # Errors
    /// `System` with ENOSPC while there is no room, with E2BIG where there can
    /// never be any; `Malformed` when the kernel's position makes no sense.
    pub fn reserve(&mut self, bytes: usize) -> Result<Reservation<'_>> {
        match self.try_reserve(bytes) {
            Ok(offset_bytes) => Ok(Reservation {
                ring: self,
                offset_bytes,
                bytes,
                submitted: false,
            }),
            Err(error) => Err(error.context(format!("user ring buffer {}", self.name))),
        }
    }

    /// The same, but waits for room until `timeout` is over; `None` waits for
    /// ever. A program has to drain the buffer meanwhile.
    ///
    /// # Errors
    /// As [`UserRingBuffer::reserve`], with ENOSPC when the time was over.
    pub fn reserve_within(
        &mut self,
        bytes: usize,
        timeout: Option<Duration>,
    ) -> Result<Reservation<'_>> {
        let started = Instant::now();
        while self.room_for(bytes)?.is_none() {
            let left = timeout.map(|timeout| timeout.saturating_sub(started.elapsed()));
            if left.is_some_and(|left| left.is_zero()) {
                break;
            }
            let waited = self.epoll.wait(left);
            waited.map_err(|errno| {
                errno.error(format_args!("user ring buffer {}: epoll_wait", self.name))
            })?;
        }
        self.reserve(bytes)
    }

    /// The size of the buffer in bytes.
    pub fn capacity_bytes(&self) -> usize {
        self.memory.data_bytes()
    }

    /// Bytes that are written and that no program has read yet.
    pub fn pending_bytes(&self) -> usize {
        let memory = &self.memory;
        memory
            .producer_position()
            .wrapping_sub(memory.consumer_position())
    }

    /// Takes the room, and says at which offset into the data the record is.
    fn try_reserve(&mut self, bytes: usize) -> Result<usize> {
        let total = self.room_for(bytes)?;
        let total = total.ok_or_else(|| {
            Errno::NOSPC.error(format_args!(
                "no room for {bytes} bytes until it is drained"
            ))
        })?;
        let producer = self.memory.producer_position();
        let offset = producer & (self.memory.data_bytes() - 1);
        let fault = |errno: Errno| errno.error(format_args!("offset {offset}"));
        let header = bytes as u32 | BUSY_BIT;
        self.memory.set_header(offset, header).map_err(fault)?;
        let body = offset + HEADER_BYTES;
        self.memory.data(body, bytes).map_err(fault)?.fill(0);
        self.memory.publish(producer.wrapping_add(total));
        Ok(offset)
    }

    /// The bytes that a record takes with its header, if they are free.
    fn room_for(&self, bytes: usize) -> Result<Option<usize>> {
        let memory = &self.memory;
        let positions = (memory.consumer_position(), memory.producer_position());
        room(memory.data_bytes(), positions, bytes)
    }

    fn finish(&mut self, offset: usize, word: u32) {
        // The offset was good when the record was reserved.
        let _ = self.memory.set_header(offset, word);
    }
}

/// The bytes that a record of `bytes` takes in a ring of `size`, if they are
/// free between `(consumer, producer)`.
fn room(size: usize, (consumer, producer): (usize, usize), bytes: usize) -> Result<Option<usize>> {
    let taken = producer.wrapping_sub(consumer);
    if taken > size || consumer % HEADER_BYTES != 0 {
        return Err(Error::malformed(format!(
            "consumer at {consumer}, producer at {producer}, with {size} bytes between them at most"
        )));
    }
    let total = bytes
        .checked_add(HEADER_BYTES)
        .and_then(|total| total.checked_next_multiple_of(HEADER_BYTES))
        .filter(|total| *total <= size && bytes < DISCARD_BIT as usize);
    let total = total.ok_or_else(|| {
        Errno::TOO_BIG.error(format_args!("a record of {bytes} bytes in {size} bytes"))
    })?;
    Ok((total <= size - taken).then_some(total))
}

/// Room for one record, to be written to; given up on drop.
#[derive(Debug)]
pub struct Reservation<'a> {
    ring: &'a mut UserRingBuffer,
    offset_bytes: usize,
    bytes: usize,
    submitted: bool,
}

impl Reservation<'_> {
    /// Lets programs see the record.
    pub fn submit(mut self) {
        self.submitted = true;
        self.ring.finish(self.offset_bytes, self.bytes as u32);
    }

    /// Gives the record up; its room comes free when a program drains the
    /// buffer.
    pub fn discard(self) {}
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        if !self.submitted {
            // A record that stayed reserved would hold back all behind it.
            let word = self.bytes as u32 | DISCARD_BIT;
            self.ring.finish(self.offset_bytes, word);
        }
    }
}

impl Deref for Reservation<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        let at = self.offset_bytes + HEADER_BYTES;
        self.ring.memory.written(at, self.bytes).unwrap_or_default()
    }
}

impl DerefMut for Reservation<'_> {
    fn deref_mut(&mut self) -> &mut [u8] {
        let at = self.offset_bytes + HEADER_BYTES;
        self.ring.memory.data(at, self.bytes).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_takes_its_header_and_whole_words() {
        assert_eq!(room(64, (0, 0), 0).unwrap(), Some(8));
        assert_eq!(room(64, (0, 0), 1).unwrap(), Some(16));
        assert_eq!(room(64, (8, 8), 56).unwrap(), Some(64));
    }

    #[test]
    fn a_full_ring_has_no_room_and_a_drained_one_has() {
        assert_eq!(room(64, (0, 48), 16).unwrap(), None);
        assert_eq!(room(64, (0, 48), 8).unwrap(), Some(16));
        assert_eq!(room(64, (48, 48), 16).unwrap(), Some(24));
        assert_eq!(room(64, (usize::MAX - 7, 40), 8).unwrap(), Some(16));
    }

    #[test]
    fn what_can_never_fit_is_another_error_than_what_does_not_fit_now() {
        for bytes in [57, usize::MAX, usize::MAX - 8] {
            let error = room(64, (0, 0), bytes).unwrap_err();
            assert!(error.to_string().contains("E2BIG"), "{error}");
        }
    }

    #[test]
    fn a_consumer_that_makes_no_sense_is_an_error() {
        assert!(room(64, (8, 0), 8).is_err());
        assert!(room(64, (0, 65), 8).is_err());
        assert!(room(64, (4, 8), 8).is_err());
    }
}

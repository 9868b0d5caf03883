//! A ring buffer's memory: the two positions and the data, shared with the
//! kernel.
//!
//! The kernel maps the data twice in a row, so that a record that crosses the
//! end can be read as one piece. Records are looked at only between the two
//! positions, where the kernel no longer writes.
//!
//! Source: kernel/bpf/ringbuf.c

use super::mapping::Mapping;
use super::{Errno, Result, page_bytes};
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::os::fd::BorrowedFd;

/// The mapped memory of one BPF_MAP_TYPE_RINGBUF.
#[derive(Debug)]
pub(crate) struct RingMapping {
    /// One page: the consumer's position. Ours to write.
    consumer: Mapping,
    /// One page with the producer's position, then the data twice. Read-only.
    producer: Mapping,
    page_bytes: usize,
    data_bytes: usize,
}

impl RingMapping {
    /// Maps a ring buffer of `data_bytes` (its `max_entries`).
    ///
    /// # Errors
    /// EINVAL for a size that no ring buffer has; what mmap says otherwise.
    pub(crate) fn new(map: BorrowedFd<'_>, data_bytes: u32) -> Result<Self> {
        let (page_bytes, data_bytes, bytes) = sizes(data_bytes)?;
        let write = libc::PROT_READ | libc::PROT_WRITE;
        let consumer = Mapping::new(map, 0, page_bytes, write, libc::MAP_SHARED)?;
        let producer = Mapping::new(map, page_bytes, bytes, libc::PROT_READ, libc::MAP_SHARED)?;
        Ok(Self {
            consumer,
            producer,
            page_bytes,
            data_bytes,
        })
    }

    /// The size of the data, a power of two.
    pub(crate) fn data_bytes(&self) -> usize {
        self.data_bytes
    }

    fn consumer(&self) -> &AtomicUsize {
        // SAFETY: the page is mapped writable while `self` lives, page-aligned,
        // and begins with an unsigned long that is accessed atomically only.
        unsafe { self.consumer.address().cast().as_ref() }
    }

    /// How far this side has read.
    pub(crate) fn consumer_position(&self) -> usize {
        self.consumer().load(Ordering::Relaxed)
    }

    /// Gives everything before `position` back to the kernel.
    pub(crate) fn release(&self, position: usize) {
        self.consumer().store(position, Ordering::Release);
    }

    /// How far records have been reserved.
    pub(crate) fn producer_position(&self) -> usize {
        // SAFETY: the page is mapped readable while `self` lives, page-aligned,
        // and begins with an unsigned long; only loads go through this
        // reference, as the page is read-only.
        let position: &AtomicUsize = unsafe { self.producer.address().cast().as_ref() };
        position.load(Ordering::Acquire)
    }

    /// The length word of the record at `offset_bytes` into the data.
    ///
    /// # Errors
    /// EINVAL for an offset outside the data or not on eight bytes.
    pub(crate) fn header(&self, offset_bytes: usize) -> Result<u32> {
        if offset_bytes % 8 != 0 || offset_bytes >= self.data_bytes {
            return Err(Errno::INVAL);
        }
        // SAFETY: inside the mapped data and aligned, as just checked; the word
        // is written by the kernel atomically, and only loaded here.
        let word: &AtomicU32 = unsafe {
            let data = self.producer.address().byte_add(self.page_bytes);
            data.byte_add(offset_bytes).cast().as_ref()
        };
        Ok(word.load(Ordering::Acquire))
    }

    /// `bytes` of data from `offset_bytes` on, across the end if need be.
    ///
    /// The caller has seen, through `header`, that the record is committed, and
    /// calls `release` only when it is done with the slice: until then the
    /// kernel does not write there.
    ///
    /// # Errors
    /// EINVAL for a range outside the data.
    pub(crate) fn data(&self, offset_bytes: usize, bytes: usize) -> Result<&[u8]> {
        // A record whose header is the last word of the data begins at its
        // second copy: `data_bytes` itself is a legal offset.
        if offset_bytes > self.data_bytes || bytes > self.data_bytes {
            return Err(Errno::INVAL);
        }
        // SAFETY: offset and length are at most `data_bytes` each and the data
        // is mapped twice, so the range is mapped; committed and unreleased
        // records are not written to by the kernel.
        Ok(unsafe {
            let data = self.producer.address().byte_add(self.page_bytes);
            let first: *const u8 = data.byte_add(offset_bytes).cast().as_ptr();
            core::slice::from_raw_parts(first, bytes)
        })
    }
}

/// The mapped memory of one BPF_MAP_TYPE_USER_RINGBUF.
///
/// Here the first page, with the consumer's position, is the kernel's; ours are
/// the producer's position and the data.
#[derive(Debug)]
pub(crate) struct UserRingMapping {
    /// One page: the consumer's position. Read-only.
    consumer: Mapping,
    /// One page with the producer's position, then the data twice. Writable.
    producer: Mapping,
    page_bytes: usize,
    data_bytes: usize,
}

impl UserRingMapping {
    /// Maps a user ring buffer of `data_bytes` (its `max_entries`).
    ///
    /// # Errors
    /// EINVAL for a size that no ring buffer has; what mmap says otherwise.
    pub(crate) fn new(map: BorrowedFd<'_>, data_bytes: u32) -> Result<Self> {
        let (page_bytes, data_bytes, bytes) = sizes(data_bytes)?;
        let write = libc::PROT_READ | libc::PROT_WRITE;
        let consumer = Mapping::new(map, 0, page_bytes, libc::PROT_READ, libc::MAP_SHARED)?;
        let producer = Mapping::new(map, page_bytes, bytes, write, libc::MAP_SHARED)?;
        Ok(Self {
            consumer,
            producer,
            page_bytes,
            data_bytes,
        })
    }

    /// The size of the data, a power of two.
    pub(crate) fn data_bytes(&self) -> usize {
        self.data_bytes
    }

    /// How far the kernel has read.
    pub(crate) fn consumer_position(&self) -> usize {
        // SAFETY: the page is mapped readable while `self` lives, page-aligned,
        // and begins with an unsigned long; only loads go through this
        // reference, as the page is read-only.
        let position: &AtomicUsize = unsafe { self.consumer.address().cast().as_ref() };
        position.load(Ordering::Acquire)
    }

    fn producer(&self) -> &AtomicUsize {
        // SAFETY: the page is mapped writable while `self` lives, page-aligned,
        // and begins with an unsigned long that is accessed atomically only.
        unsafe { self.producer.address().cast().as_ref() }
    }

    /// How far this side has written.
    pub(crate) fn producer_position(&self) -> usize {
        self.producer().load(Ordering::Relaxed)
    }

    /// Lets the kernel see everything before `position`.
    pub(crate) fn publish(&mut self, position: usize) {
        self.producer().store(position, Ordering::Release);
    }

    /// Writes the length word of the record at `offset_bytes` into the data.
    ///
    /// # Errors
    /// EINVAL for an offset outside the data or not on eight bytes.
    pub(crate) fn set_header(&mut self, offset_bytes: usize, word: u32) -> Result<()> {
        if offset_bytes % 8 != 0 || offset_bytes >= self.data_bytes {
            return Err(Errno::INVAL);
        }
        // SAFETY: inside the mapped data and aligned, as just checked; the
        // kernel reads the word atomically.
        let header: &AtomicU32 = unsafe {
            let data = self.producer.address().byte_add(self.page_bytes);
            data.byte_add(offset_bytes).cast().as_ref()
        };
        header.store(word, Ordering::Release);
        Ok(())
    }

    /// `bytes` of data from `offset_bytes` on, across the end if need be, of a
    /// record that is reserved: the kernel reads it only once its length word
    /// says that it is finished.
    ///
    /// # Errors
    /// EINVAL for a range outside the data.
    pub(crate) fn data(&mut self, offset_bytes: usize, bytes: usize) -> Result<&mut [u8]> {
        let first = self.range(offset_bytes, bytes)?;
        // SAFETY: the range is mapped (see `range`) and, its record being
        // reserved, nobody else looks at it; `self` is borrowed exclusively.
        Ok(unsafe { core::slice::from_raw_parts_mut(first, bytes) })
    }

    /// The same for reading back.
    ///
    /// # Errors
    /// As `data`.
    pub(crate) fn written(&self, offset_bytes: usize, bytes: usize) -> Result<&[u8]> {
        let first = self.range(offset_bytes, bytes)?;
        // SAFETY: the range is mapped (see `range`), and nobody writes to a
        // reserved record but through `data`, which borrows `self` exclusively.
        Ok(unsafe { core::slice::from_raw_parts(first, bytes) })
    }

    fn range(&self, offset_bytes: usize, bytes: usize) -> Result<*mut u8> {
        if offset_bytes > self.data_bytes || bytes > self.data_bytes {
            return Err(Errno::INVAL);
        }
        // SAFETY: offset and length are at most `data_bytes` each and the data
        // is mapped twice, so the range lies in the mapping.
        let data = unsafe { self.producer.address().byte_add(self.page_bytes) };
        // SAFETY: as above.
        Ok(unsafe { data.byte_add(offset_bytes) }.cast().as_ptr())
    }
}

/// The sizes of a page, of a ring's data, and of a page with the data twice.
fn sizes(data_bytes: u32) -> Result<(usize, usize, usize)> {
    let (page_bytes, data_bytes) = (page_bytes(), data_bytes as usize);
    if !data_bytes.is_power_of_two() || data_bytes % page_bytes != 0 {
        return Err(Errno::INVAL);
    }
    let twice = data_bytes.checked_mul(2).ok_or(Errno::TOO_BIG)?;
    let bytes = twice.checked_add(page_bytes).ok_or(Errno::TOO_BIG)?;
    Ok((page_bytes, data_bytes, bytes))
}

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
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::os::fd::BorrowedFd;

const READ: i32 = libc::PROT_READ;
const WRITE: i32 = libc::PROT_WRITE;

/// The pages of either kind.
#[derive(Debug)]
struct Pages {
    /// One page: the consumer's position.
    consumer: Mapping,
    /// One page with the producer's position, then the data twice.
    producer: Mapping,
    page_bytes: usize,
    data_bytes: usize,
}

impl Pages {
    /// Maps a ring of `data_bytes` with these protections.
    fn new(map: BorrowedFd<'_>, data_bytes: u32, consumer: i32, producer: i32) -> Result<Self> {
        let (page_bytes, data_bytes, bytes) = sizes(data_bytes)?;
        let shared = libc::MAP_SHARED;
        Ok(Self {
            consumer: Mapping::new(map, 0, page_bytes, consumer, shared)?,
            producer: Mapping::new(map, page_bytes, bytes, producer, shared)?,
            page_bytes,
            data_bytes,
        })
    }

    /// The position at the beginning of either mapping. Who stores to it has
    /// mapped that page for writing.
    fn position(page: &Mapping) -> &AtomicUsize {
        // SAFETY: the page is mapped readable while the borrow lasts, is
        // page-aligned, and begins with an unsigned long that both sides access
        // atomically only.
        unsafe { page.address().cast().as_ref() }
    }

    /// Where the length word of the record at `offset_bytes` into the data is.
    ///
    /// # Errors
    /// EINVAL for an offset outside the data or not on eight bytes.
    fn header(&self, offset_bytes: usize) -> Result<&AtomicU32> {
        if offset_bytes % 8 != 0 || offset_bytes >= self.data_bytes {
            return Err(Errno::INVAL);
        }
        let word = self.range(offset_bytes, size_of::<u32>())?;
        // SAFETY: inside the mapped data and aligned, as just checked; both
        // sides access the word atomically. Who stores to it has mapped the
        // data for writing.
        Ok(unsafe { word.cast().as_ref() })
    }

    /// Where `bytes` of data from `offset_bytes` on are, across the end if need
    /// be.
    ///
    /// # Errors
    /// EINVAL for a range outside the data.
    fn range(&self, offset_bytes: usize, bytes: usize) -> Result<NonNull<u8>> {
        // A record whose header is the last word of the data begins at its
        // second copy: `data_bytes` itself is a legal offset.
        if offset_bytes > self.data_bytes || bytes > self.data_bytes {
            return Err(Errno::INVAL);
        }
        // SAFETY: offset and length are at most `data_bytes` each and the data
        // is mapped twice behind the first page, so the range is mapped.
        let first = unsafe {
            self.producer
                .address()
                .byte_add(self.page_bytes + offset_bytes)
        };
        Ok(first.cast())
    }
}

/// The mapped memory of one BPF_MAP_TYPE_RINGBUF.
///
/// The consumer's position is ours to write, all else is the kernel's.
#[derive(Debug)]
pub(crate) struct RingMapping(Pages);

impl RingMapping {
    /// Maps a ring buffer of `data_bytes` (its `max_entries`).
    ///
    /// # Errors
    /// EINVAL for a size that no ring buffer has; what mmap says otherwise.
    pub(crate) fn new(map: BorrowedFd<'_>, data_bytes: u32) -> Result<Self> {
        Pages::new(map, data_bytes, READ | WRITE, READ).map(Self)
    }

    /// The size of the data, a power of two.
    pub(crate) fn data_bytes(&self) -> usize {
        self.0.data_bytes
    }

    /// How far this side has read.
    pub(crate) fn consumer_position(&self) -> usize {
        Pages::position(&self.0.consumer).load(Ordering::Relaxed)
    }

    /// Gives everything before `position` back to the kernel.
    pub(crate) fn release(&self, position: usize) {
        Pages::position(&self.0.consumer).store(position, Ordering::Release);
    }

    /// How far records have been reserved.
    pub(crate) fn producer_position(&self) -> usize {
        Pages::position(&self.0.producer).load(Ordering::Acquire)
    }

    /// The length word of the record at `offset_bytes` into the data.
    ///
    /// # Errors
    /// EINVAL for an offset outside the data or not on eight bytes.
    pub(crate) fn header(&self, offset_bytes: usize) -> Result<u32> {
        Ok(self.0.header(offset_bytes)?.load(Ordering::Acquire))
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
        let first = self.0.range(offset_bytes, bytes)?;
        // SAFETY: the range is mapped, and the kernel does not write to records
        // that are committed and not released.
        Ok(unsafe { core::slice::from_raw_parts(first.as_ptr(), bytes) })
    }
}

/// The mapped memory of one BPF_MAP_TYPE_USER_RINGBUF.
///
/// Here the first page, with the consumer's position, is the kernel's; ours are
/// the producer's position and the data.
#[derive(Debug)]
pub(crate) struct UserRingMapping(Pages);

impl UserRingMapping {
    /// Maps a user ring buffer of `data_bytes` (its `max_entries`).
    ///
    /// # Errors
    /// EINVAL for a size that no ring buffer has; what mmap says otherwise.
    pub(crate) fn new(map: BorrowedFd<'_>, data_bytes: u32) -> Result<Self> {
        Pages::new(map, data_bytes, READ, READ | WRITE).map(Self)
    }

    /// The size of the data, a power of two.
    pub(crate) fn data_bytes(&self) -> usize {
        self.0.data_bytes
    }

    /// How far the kernel has read.
    pub(crate) fn consumer_position(&self) -> usize {
        Pages::position(&self.0.consumer).load(Ordering::Acquire)
    }

    /// How far this side has written.
    pub(crate) fn producer_position(&self) -> usize {
        Pages::position(&self.0.producer).load(Ordering::Relaxed)
    }

    /// Lets the kernel see everything before `position`.
    pub(crate) fn publish(&mut self, position: usize) {
        Pages::position(&self.0.producer).store(position, Ordering::Release);
    }

    /// Writes the length word of the record at `offset_bytes` into the data.
    ///
    /// # Errors
    /// EINVAL for an offset outside the data or not on eight bytes.
    pub(crate) fn set_header(&mut self, offset_bytes: usize, word: u32) -> Result<()> {
        self.0.header(offset_bytes)?.store(word, Ordering::Release);
        Ok(())
    }

    /// `bytes` of data from `offset_bytes` on, across the end if need be, of a
    /// record that is reserved: the kernel reads it only once its length word
    /// says that it is finished.
    ///
    /// # Errors
    /// EINVAL for a range outside the data.
    pub(crate) fn data(&mut self, offset_bytes: usize, bytes: usize) -> Result<&mut [u8]> {
        let first = self.0.range(offset_bytes, bytes)?;
        // SAFETY: the range is mapped (see `range`) and, its record being
        // reserved, nobody else looks at it; `self` is borrowed exclusively.
        Ok(unsafe { core::slice::from_raw_parts_mut(first.as_ptr(), bytes) })
    }

    /// The same for reading back.
    ///
    /// # Errors
    /// As `data`.
    pub(crate) fn written(&self, offset_bytes: usize, bytes: usize) -> Result<&[u8]> {
        let first = self.0.range(offset_bytes, bytes)?;
        // SAFETY: the range is mapped (see `range`), and nobody writes to a
        // reserved record but through `data`, which borrows `self` exclusively.
        Ok(unsafe { core::slice::from_raw_parts(first.as_ptr(), bytes) })
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

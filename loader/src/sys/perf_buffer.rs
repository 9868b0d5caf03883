//! Perf events that programs write to, and their memory.
//!
//! The first page holds the two positions, the data follow it once. The kernel
//! writes only outside of what lies between the positions.
//!
//! Source: `struct perf_event_mmap_page`, include/uapi/linux/perf_event.h

use super::attr::PerfEventAttr;
use super::mapping::Mapping;
use super::perf::perf_event_open;
use super::{Errno, Result, page_bytes};
use core::sync::atomic::{AtomicU64, Ordering};
use std::os::fd::{BorrowedFd, OwnedFd};

const PERF_TYPE_SOFTWARE: u32 = 1;
const PERF_COUNT_SW_BPF_OUTPUT: u64 = 10;
const PERF_SAMPLE_TIME: u64 = 1 << 2;
const PERF_SAMPLE_RAW: u64 = 1 << 10;
/// The bit `use_clockid` of the flags.
const USE_CLOCKID: u64 = 1 << 25;

/// Byte offsets in the first page.
const DATA_HEAD: usize = 1024;
const DATA_TAIL: usize = 1032;

/// An event that programs on one processor write to.
pub(crate) struct PerfOutput {
    pub(crate) cpu: u32,
    /// Records after which the reader is woken.
    pub(crate) wakeup_records: u32,
    /// Does each record carry the monotonic time?
    pub(crate) with_time: bool,
}

/// Opens an event for BPF_MAP_TYPE_PERF_EVENT_ARRAY.
///
/// Kernel: 4.4; with time 4.1
pub(crate) fn perf_event_open_output(output: &PerfOutput) -> Result<OwnedFd> {
    let mut attr = PerfEventAttr {
        event_type: PERF_TYPE_SOFTWARE,
        config: PERF_COUNT_SW_BPF_OUTPUT,
        sample_period: 1,
        sample_type: PERF_SAMPLE_RAW,
        wakeup_events: output.wakeup_records,
        ..PerfEventAttr::default()
    };
    if output.with_time {
        attr.sample_type |= PERF_SAMPLE_TIME;
        attr.flags |= USE_CLOCKID;
        attr.clockid = libc::CLOCK_MONOTONIC as u32;
    }
    let cpu = i32::try_from(output.cpu).map_err(|_| Errno::INVAL)?;
    perf_event_open(attr, -1, cpu)
}

/// Nanoseconds of the clock that such events are stamped with.
pub(crate) fn monotonic_ns() -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is written during the call. This clock always exists.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    (time.tv_sec as u64) * 1_000_000_000 + time.tv_nsec as u64
}

/// The mapped memory of one such event.
#[derive(Debug)]
pub(crate) struct PerfMapping {
    mapping: Mapping,
    page_bytes: usize,
    data_bytes: usize,
}

impl PerfMapping {
    /// Maps `pages` of data, a power of two.
    ///
    /// # Errors
    /// EINVAL for another number; what mmap says otherwise.
    pub(crate) fn new(event: BorrowedFd<'_>, pages: usize) -> Result<Self> {
        if !pages.is_power_of_two() {
            return Err(Errno::INVAL);
        }
        let page_bytes = page_bytes();
        let data_bytes = pages.checked_mul(page_bytes).ok_or(Errno::TOO_BIG)?;
        let bytes = data_bytes.checked_add(page_bytes).ok_or(Errno::TOO_BIG)?;
        // Writable, as the kernel overwrites what was not read otherwise.
        let write = libc::PROT_READ | libc::PROT_WRITE;
        let mapping = Mapping::new(event, 0, bytes, write, libc::MAP_SHARED)?;
        Ok(Self {
            mapping,
            page_bytes,
            data_bytes,
        })
    }

    /// The size of the data, a power of two.
    pub(crate) fn data_bytes(&self) -> usize {
        self.data_bytes
    }

    fn position(&self, offset_bytes: usize) -> &AtomicU64 {
        debug_assert!(offset_bytes == DATA_HEAD || offset_bytes == DATA_TAIL);
        // SAFETY: the first page is mapped while `self` lives, both offsets lie
        // in it on eight bytes, and both words are accessed atomically only.
        unsafe {
            let word = self.mapping.address().byte_add(offset_bytes);
            word.cast().as_ref()
        }
    }

    /// How far records have been written.
    pub(crate) fn head(&self) -> u64 {
        self.position(DATA_HEAD).load(Ordering::Acquire)
    }

    /// How far this side has read.
    pub(crate) fn tail(&self) -> u64 {
        self.position(DATA_TAIL).load(Ordering::Relaxed)
    }

    /// Gives everything before `tail` back to the kernel.
    pub(crate) fn release(&self, tail: u64) {
        self.position(DATA_TAIL).store(tail, Ordering::Release);
    }

    /// The data from `offset_bytes` to their end; empty past it.
    ///
    /// The caller looks only at what lies between tail and head, and releases
    /// it when it is done: there the kernel does not write.
    pub(crate) fn data(&self, offset_bytes: usize) -> &[u8] {
        let offset_bytes = offset_bytes.min(self.data_bytes);
        // SAFETY: the data follow the first page and are mapped while `self`
        // lives; what is looked at in them is not written to meanwhile.
        unsafe {
            let data = self.mapping.address().byte_add(self.page_bytes);
            let first: *const u8 = data.byte_add(offset_bytes).cast().as_ptr();
            core::slice::from_raw_parts(first, self.data_bytes - offset_bytes)
        }
    }
}

//! How records come from the kernel: through a ring buffer, or through perf buffers.

use std::time::Duration;

use trapline_loader::Result;
use trapline_loader::map::Map;
use trapline_loader::ring::{PerfBuffer, PerfOptions, RingBuffer};
use trapline_loader::spec::ObjectSpec;

use super::{Options, RingFill};

/// Through what records come. What they are is the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transport {
    /// One buffer for all processors, in the order in which records were sent.
    /// Kernel: 5.8
    #[default]
    RingBuffer,
    /// One buffer of [`Options::ring_bytes`] for each processor that is up, read in the
    /// order of time; one that comes up later loses what happens on it, and says so.
    /// Where a ring buffer is not wanted: the kernels on which the sensors load have
    /// them. Kernel: 4.4
    PerfBuffer,
}

/// BPF_MAP_TYPE_PERF_EVENT_ARRAY.
const MAP_TYPE_PERF_EVENT_ARRAY: u32 = 4;
/// Records after which a perf buffer wakes its reader: few, as it cannot be told to
/// wake when it is nearly full.
const WAKEUP_RECORDS: u32 = 32;
/// The smallest page: a larger one makes larger buffers.
const PAGE_BYTES: u32 = 4096;

impl Transport {
    /// Makes the map `events` what it has to be, and tells the programs.
    pub(crate) fn apply(self, spec: &mut ObjectSpec, options: &Options, cpus: u32) -> Result<()> {
        let events = spec.map_mut("events")?;
        match self {
            Self::RingBuffer => events.max_entries = options.ring_bytes,
            Self::PerfBuffer => {
                events.map_type = MAP_TYPE_PERF_EVENT_ARRAY;
                (events.key_size, events.value_size) = (4, 4);
                events.max_entries = cpus;
            }
        }
        spec.set_global("by_perf", &[u8::from(self == Self::PerfBuffer)])
    }

    /// Opens the reading end.
    pub(super) fn open(self, events: &Map, options: &Options) -> Result<Source> {
        Ok(match self {
            Self::RingBuffer => Source::Ring(RingBuffer::new(events)?),
            Self::PerfBuffer => {
                let perf = PerfOptions {
                    pages_per_cpu: (options.ring_bytes / PAGE_BYTES).max(1) as usize,
                    wakeup_records: WAKEUP_RECORDS,
                    ..PerfOptions::default()
                };
                Source::Perf(PerfBuffer::new(events, &perf)?)
            }
        })
    }
}

/// Where records come from.
#[derive(Debug)]
pub(super) enum Source {
    Ring(RingBuffer),
    Perf(PerfBuffer),
}

impl Source {
    pub(super) fn consume(&mut self, mut each: impl FnMut(&[u8])) -> Result<usize> {
        match self {
            Self::Ring(ring) => ring.consume(each),
            Self::Perf(buffer) => buffer.consume(|padded| each(unpadded(padded))),
        }
    }

    pub(super) fn poll(&mut self, timeout: Option<Duration>) -> Result<bool> {
        match self {
            Self::Ring(ring) => ring.poll(timeout),
            Self::Perf(buffer) => buffer.poll(timeout),
        }
    }

    pub(super) fn fill(&self) -> RingFill {
        let (pending_bytes, capacity_bytes) = match self {
            Self::Ring(ring) => (ring.pending_bytes(), ring.capacity_bytes()),
            Self::Perf(buffer) => (buffer.pending_bytes(), buffer.capacity_bytes()),
        };
        RingFill {
            pending_bytes,
            capacity_bytes,
        }
    }
}

/// Up to so many bytes the kernel adds to what comes through a perf buffer.
const PADDING_MOST: usize = 7;

/// A record as it was sent. What its header cannot be of stays as it is, and is found to
/// be malformed where it is decoded.
fn unpadded(padded: &[u8]) -> &[u8] {
    let header = padded.first_chunk().map(|size| u32::from_ne_bytes(*size));
    let size = header.map_or(usize::MAX, |size| size as usize);
    match padded.len().checked_sub(size) {
        Some(0..=PADDING_MOST) => &padded[..size],
        _ => padded,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_is_left_out_and_what_is_no_record_stays() {
        let len = |first: u8, bytes: usize| {
            let mut record = vec![0; bytes];
            record[0] = first;
            unpadded(&record).len()
        };
        assert_eq!((len(96, 96), len(96, 103)), (96, 96));
        // More than any padding; less than the header says; not even a size.
        assert_eq!((len(96, 104), len(96, 95), len(96, 3)), (104, 95, 3));
    }
}

//! Records between programs and user space: ring buffers, perf buffers, and
//! ring buffers that go the other way.
//!
//! Records are handed out where they lie, in the memory that the kernel wrote
//! them to. Knows nothing of what a record means.
//!
//! | buffer | kernel | lost records are counted by |
//! |---|---|---|
//! | [`RingBuffer`] | 5.8 | the program, in a map: see [`RingBuffer::with_loss_counter`] |
//! | [`PerfBuffer`] | 4.4 | the kernel |
//! | [`UserRingBuffer`] | 6.1 | nobody: a full one refuses |
//!
//! [`Readers`] waits for several buffers at a time:
//!
//! ```no_run
//! # use trapline_loader::{Result, object::Object};
//! use trapline_loader::ring::{PerfBuffer, PerfOptions, Readers, RingBuffer};
//!
//! # fn read(object: &Object) -> Result<()> {
//! let mut readers = Readers::new();
//! let events = readers.add(RingBuffer::new(object.map("events")?)?)?;
//! let perf = PerfBuffer::new(object.map("old_events")?, &PerfOptions::default())?;
//! readers.add(perf)?;
//! while readers.poll(None)? {
//!     readers.consume(|reader, record| {
//!         let from = if reader == events { "ring" } else { "perf" };
//!         println!("{from}: {} bytes", record.len());
//!     })?;
//! }
//! # Ok(()) }
//! ```

pub(crate) mod doors;
mod drain;
mod losses;
mod open;
mod perf;
mod perf_drain;
mod readers;
mod ringbuf;
mod user;
mod wait;

pub use perf::{PerfBuffer, PerfOptions};
pub use readers::Readers;
pub use ringbuf::RingBuffer;
pub use user::{Reservation, UserRingBuffer};

use crate::error::Result;
use std::os::fd::AsFd;

/// What can be read in one way, whatever the kernel calls it: a
/// [`RingBuffer`] or a [`PerfBuffer`].
pub trait Reader: AsFd + sealed::Wake {
    /// The name of its map.
    fn name(&self) -> &str;

    /// Hands every finished record to `each` and returns how many there were.
    /// Never waits, and ends after one buffer's worth of data even if more
    /// keeps coming.
    ///
    /// # Errors
    /// `Malformed` for what no kernel writes; the buffer cannot be read any
    /// further then.
    fn consume(&mut self, each: &mut dyn FnMut(&[u8])) -> Result<usize>;

    /// Would [`consume`](Reader::consume) hand out something right now?
    fn is_ready(&self) -> bool;

    /// What came, what waits, and what was lost.
    ///
    /// # Errors
    /// Those of the map in which a program counts losses.
    fn counts(&self) -> Result<Counts>;
}

/// What a reader does for [`Readers`] only.
mod sealed {
    pub trait Wake {
        /// Takes back the wake-up that is waiting in the reader's descriptor, if
        /// there is one.
        fn take_wakeup(&self) -> crate::Result<()>;
    }
}

/// The account of a buffer, since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Records that were handed out.
    pub received_records: u64,
    /// Their bytes.
    pub received_bytes: u64,
    /// Records that a program had reserved and given up: neither received nor
    /// lost.
    pub discarded_records: u64,
    /// Bytes that are reserved or written and not yet consumed.
    pub pending_bytes: u64,
    /// Records that found no room; `None` where nobody counts them.
    pub lost_records: Option<u64>,
    /// Records that were handed out after a later one: see
    /// [`PerfOptions::ordered`].
    pub late_records: u64,
}

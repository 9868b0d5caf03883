//! The reading end of BPF_MAP_TYPE_RINGBUF.

use super::drain::{self, Memory};
use super::losses::Losses;
use super::open::{Kind, open};
use super::sealed::Wake;
use super::{Counts, Reader, wait};
use crate::error::{Error, Result, ResultExt};
use crate::map::Map;
use crate::sys;
use core::sync::atomic::{Ordering, fence};
use core::time::Duration;
use std::os::fd::{AsFd, BorrowedFd};

const KIND: Kind = Kind {
    map_type: 27,
    what: "ring buffer",
};

/// The reading end of a ring buffer map. There must be only one per map: two
/// would give back each other's records.
#[derive(Debug)]
pub struct RingBuffer {
    name: String,
    memory: sys::RingMapping,
    epoll: sys::Epoll,
    received: drain::Drained,
    losses: Option<Losses>,
}

impl RingBuffer {
    /// Opens the reading end of `map`, which stays usable for other things.
    ///
    /// # Errors
    /// `InvalidInput` for a map of another type; `System` with the errno of mmap(2) when
    /// the memory cannot be mapped.
    ///
    /// Kernel: 5.8
    pub fn new(map: &Map) -> Result<Self> {
        let watch = sys::Epoll::add_edge_triggered;
        let (memory, epoll) = open(map, &KIND, sys::RingMapping::new, watch)?;
        Ok(Self {
            name: map.name().to_owned(),
            memory,
            epoll,
            received: drain::Drained::default(),
            losses: None,
        })
    }

    /// Has [`Reader::counts`] tell losses, too: the kernel counts none for a
    /// ring buffer, but a program whose reservation fails can do so.
    ///
    /// `counter` is a map of 64-bit values, an array or a per-CPU one, of which
    /// the program adds one to some element for each record it could not send.
    ///
    /// # Errors
    /// `InvalidInput` for a map whose values are not of eight bytes; what the
    /// kernel says otherwise.
    pub fn with_loss_counter(mut self, counter: &Map) -> Result<Self> {
        let losses = Losses::new(counter);
        self.losses = Some(losses.with_context(|| format!("ring buffer {}", self.name))?);
        Ok(self)
    }

    /// Hands every finished record to `each`, oldest first, and returns how
    /// many there were. Never waits, and returns after one ring's worth of data
    /// even if more keeps coming.
    ///
    /// A record's memory is given back when `each` returns from it.
    ///
    /// # Errors
    /// `Malformed` when lengths or positions are not such as a kernel writes;
    /// the buffer cannot be read any further then.
    pub fn consume(&mut self, each: impl FnMut(&[u8])) -> Result<usize> {
        let before = self.received.records;
        drain::drain(&self.memory, &mut self.received, each)
            .with_context(|| format!("ring buffer {}", self.name))?;
        Ok((self.received.records - before) as usize)
    }

    /// Waits until there is a finished record: `false` when `timeout` was over
    /// first. `None` waits for ever; zero only looks.
    ///
    /// The kernel wakes a reader only for a record at the very position that
    /// the reader has given back last, and it looks at that position once. So
    /// before sleeping the position is made visible and the data looked at
    /// again; a record that is committed after that look wakes us.
    ///
    /// # Errors
    /// `System` with the errno of epoll_wait; a signal is no error.
    pub fn poll(&mut self, timeout: Option<Duration>) -> Result<bool> {
        wait::poll(&self.epoll, timeout, || self.is_ready())
            .with_context(|| format!("ring buffer {}", self.name))
    }

    /// Is there a finished record? Call it before waiting for
    /// [`as_fd`](AsFd::as_fd) in a loop of your own: what came before that wait
    /// does not make the descriptor readable again.
    pub fn is_ready(&self) -> bool {
        // Orders the store of the consumer's position before the load of the
        // producer's and of the record's length word, which acquire and release
        // alone do not. The kernel's side is the exchange of the length word
        // followed by a load of our position.
        fence(Ordering::SeqCst);
        drain::is_ready(&self.memory)
    }

    /// Bytes that are reserved or written and not yet consumed.
    pub fn pending_bytes(&self) -> usize {
        drain::pending_bytes(&self.memory)
    }

    /// The size of the buffer in bytes.
    pub fn capacity_bytes(&self) -> usize {
        self.memory.data_bytes()
    }
}

/// Readable when records may have come: for an event loop of the caller's. It
/// is an epoll descriptor of its own, so a wake-up is seen here or in
/// [`RingBuffer::poll`], not in both.
impl AsFd for RingBuffer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.epoll.as_fd()
    }
}

impl Reader for RingBuffer {
    fn name(&self) -> &str {
        &self.name
    }

    fn consume(&mut self, each: &mut dyn FnMut(&[u8])) -> Result<usize> {
        self.consume(each)
    }

    fn is_ready(&self) -> bool {
        self.is_ready()
    }

    fn counts(&self) -> Result<Counts> {
        let losses = self.losses.as_ref().map(Losses::read).transpose();
        Ok(Counts {
            received_records: self.received.records,
            received_bytes: self.received.bytes,
            discarded_records: self.received.discarded,
            pending_bytes: self.pending_bytes() as u64,
            lost_records: losses.with_context(|| format!("ring buffer {}", self.name))?,
            late_records: 0,
        })
    }
}

impl Wake for RingBuffer {
    fn take_wakeup(&self) -> Result<()> {
        wait::take_wakeup(&self.epoll, &self.name)
    }
}

impl Memory for sys::RingMapping {
    fn data_bytes(&self) -> usize {
        self.data_bytes()
    }

    fn consumer_position(&self) -> usize {
        self.consumer_position()
    }

    fn producer_position(&self) -> usize {
        self.producer_position()
    }

    fn release(&self, position: usize) {
        self.release(position);
    }

    fn header(&self, offset_bytes: usize) -> Result<u32> {
        let header = self.header(offset_bytes);
        header.map_err(|_| Error::malformed(format!("a record starts at offset {offset_bytes}")))
    }

    fn data(&self, offset_bytes: usize, bytes: usize) -> Result<&[u8]> {
        let data = self.data(offset_bytes, bytes);
        data.map_err(|_| Error::malformed(format!("{bytes} bytes at offset {offset_bytes}")))
    }
}

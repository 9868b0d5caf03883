//! Several buffers, one wait.

use super::{Counts, Reader};
use crate::error::{Result, ResultExt};
use crate::sys;
use core::time::Duration;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Instant;

/// Several buffers that are waited for together, through one epoll descriptor.
#[derive(Default)]
pub struct Readers<'a> {
    epoll: Option<sys::Epoll>,
    readers: Vec<Box<dyn Reader + 'a>>,
}

impl core::fmt::Debug for Readers<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let names = self.readers.iter().map(|reader| reader.name());
        f.debug_list().entries(names).finish()
    }
}

impl<'a> Readers<'a> {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a buffer; it is known by its place, counted from 0, which is
    /// returned.
    ///
    /// # Errors
    /// `System` with the errno of epoll_create1 or epoll_ctl: EMFILE, for example.
    pub fn add(&mut self, reader: impl Reader + 'a) -> Result<usize> {
        let added = (|| {
            let epoll = match self.epoll.take() {
                Some(epoll) => epoll,
                None => sys::Epoll::new()?,
            };
            let epoll = self.epoll.insert(epoll);
            epoll.add_level_triggered(reader.as_fd())
        })();
        added
            .map_err(|errno| errno.error("epoll"))
            .with_context(|| format!("buffer {}", reader.name()))?;
        self.readers.push(Box::new(reader));
        Ok(self.readers.len() - 1)
    }

    /// Waits until one of them has a finished record: `false` when `timeout`
    /// was over first. `None` waits for ever; zero only looks.
    ///
    /// # Errors
    /// `System` with the errno of epoll_wait; a signal is no error.
    pub fn poll(&mut self, timeout: Option<Duration>) -> Result<bool> {
        let started = Instant::now();
        loop {
            // Takes each buffer's own wake-up back before looking at it: one
            // that comes after that look ends the wait below.
            let mut ready = false;
            for reader in &self.readers {
                reader.take_wakeup()?;
                ready |= reader.is_ready();
            }
            if ready {
                return Ok(true);
            }
            let left = timeout.map(|timeout| timeout.saturating_sub(started.elapsed()));
            let over = left.is_some_and(|left| left.is_zero());
            let Some(epoll) = self.epoll.as_ref().filter(|_| !over) else {
                return Ok(false);
            };
            let waited = epoll.wait(left);
            waited.map_err(|errno| errno.error("epoll_wait"))?;
        }
    }

    /// Hands every finished record of every buffer to `each`, with the place
    /// of its buffer, and returns how many there were.
    ///
    /// # Errors
    /// The first buffer's error; those behind it are left for the next call.
    pub fn consume(&mut self, mut each: impl FnMut(usize, &[u8])) -> Result<usize> {
        let mut count = 0;
        for (place, reader) in self.readers.iter_mut().enumerate() {
            count += reader.consume(&mut |record| each(place, record))?;
        }
        Ok(count)
    }

    /// The account of each, by place.
    ///
    /// # Errors
    /// As [`Reader::counts`].
    pub fn counts(&self) -> Result<Vec<Counts>> {
        self.readers.iter().map(|reader| reader.counts()).collect()
    }
}

impl Readers<'_> {
    /// Readable when records may have come to any of them, for an event loop of
    /// the caller's; `None` while there is none. What came before the wait for
    /// it does not make it readable: call [`Readers::poll`] with a zero time-out
    /// first.
    pub fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        self.epoll.as_ref().map(AsFd::as_fd)
    }
}

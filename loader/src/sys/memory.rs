//! The memory of a map, shared with the kernel and with running programs.
//!
//! Others write to it at any time, so nobody ever gets a reference into it:
//! bytes are copied in and out, a naturally aligned integer in one piece.

use super::mapping::Mapping;
use super::{Errno, Result};
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering};
use std::os::fd::BorrowedFd;

/// The mapped memory of a map.
#[derive(Debug)]
pub(crate) struct MapMemory {
    mapping: Mapping,
    writable: bool,
}

impl MapMemory {
    /// Maps the first `bytes` of a map: at `address`, or anywhere for 0.
    ///
    /// # Errors
    /// EPERM for writing to a frozen map; EINVAL for a map without memory to
    /// be mapped; EEXIST where something else is at `address`.
    ///
    /// Kernel: 5.5 for arrays with BPF_F_MMAPABLE, 6.9 for arenas
    pub(crate) fn of_map(
        map: BorrowedFd<'_>,
        address: u64,
        bytes: usize,
        writable: bool,
    ) -> Result<Self> {
        let write = if writable { libc::PROT_WRITE } else { 0 };
        let protection = libc::PROT_READ | write;
        let address = usize::try_from(address).map_err(|_| Errno::INVAL)?;
        let mapping = Mapping::at(map, address, bytes, protection)?;
        Ok(Self { mapping, writable })
    }

    /// How much is mapped.
    pub(crate) fn bytes(&self) -> usize {
        self.mapping.bytes()
    }

    /// Where it is mapped.
    pub(crate) fn address(&self) -> u64 {
        self.mapping.address().as_ptr().expose_provenance() as u64
    }

    /// Copies bytes from `offset` on.
    ///
    /// # Errors
    /// EINVAL for a range outside the mapping.
    pub(crate) fn read(&self, offset: usize, out: &mut [u8]) -> Result<()> {
        let mut place = self.place(offset, out.len())?;
        let mut rest = out;
        while !rest.is_empty() {
            let width = width(place, rest.len());
            let (now, later) = rest.split_at_mut(width);
            // SAFETY: `place` and the `width` bytes from it on are inside the
            // mapping (`place`), which lives as long as `self`; `place` is a
            // multiple of `width`. Loads alone go to memory that may be
            // read-only, and all of at most eight bytes.
            unsafe {
                match width {
                    8 => {
                        let word = place.cast::<AtomicU64>().as_ref();
                        now.copy_from_slice(&word.load(Ordering::Relaxed).to_ne_bytes());
                    }
                    4 => {
                        let word = place.cast::<AtomicU32>().as_ref();
                        now.copy_from_slice(&word.load(Ordering::Relaxed).to_ne_bytes());
                    }
                    2 => {
                        let word = place.cast::<AtomicU16>().as_ref();
                        now.copy_from_slice(&word.load(Ordering::Relaxed).to_ne_bytes());
                    }
                    _ => now.fill(place.cast::<AtomicU8>().as_ref().load(Ordering::Relaxed)),
                }
                place = place.add(width);
            }
            rest = later;
        }
        Ok(())
    }

    /// Copies bytes to `offset` and on.
    ///
    /// # Errors
    /// EACCES where it is mapped for reading; EINVAL for a range outside.
    pub(crate) fn write(&self, offset: usize, bytes: &[u8]) -> Result<()> {
        if !self.writable {
            return Err(Errno::ACCES);
        }
        let mut place = self.place(offset, bytes.len())?;
        let mut rest = bytes;
        while let Some(&first) = rest.first() {
            let width = width(place, rest.len());
            let (now, later) = rest.split_at(width);
            // SAFETY: as in `read`, and the mapping is writable.
            unsafe {
                match width {
                    8 => place
                        .cast::<AtomicU64>()
                        .as_ref()
                        .store(u64::from_ne_bytes(array(now)), Ordering::Relaxed),
                    4 => place
                        .cast::<AtomicU32>()
                        .as_ref()
                        .store(u32::from_ne_bytes(array(now)), Ordering::Relaxed),
                    2 => place
                        .cast::<AtomicU16>()
                        .as_ref()
                        .store(u16::from_ne_bytes(array(now)), Ordering::Relaxed),
                    _ => place
                        .cast::<AtomicU8>()
                        .as_ref()
                        .store(first, Ordering::Relaxed),
                }
                place = place.add(width);
            }
            rest = later;
        }
        Ok(())
    }

    /// The address of a byte that `bytes` bytes of the mapping start at.
    fn place(&self, offset: usize, bytes: usize) -> Result<NonNull<u8>> {
        let end = offset.checked_add(bytes).ok_or(Errno::INVAL)?;
        if end > self.mapping.bytes() {
            return Err(Errno::INVAL);
        }
        // SAFETY: at most one past the last mapped byte, as just checked.
        Ok(unsafe { self.mapping.address().cast::<u8>().add(offset) })
    }
}

/// The widest integer that may be accessed at a place with so many bytes left.
fn width(place: NonNull<u8>, left: usize) -> usize {
    let fits = |width: &usize| place.addr().get() % width == 0 && left >= *width;
    [8, 4, 2].into_iter().find(fits).unwrap_or(1)
}

/// The first N bytes, of which there are enough.
fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.first_chunk().copied().unwrap_or([0; N])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::{AsFd, FromRawFd, OwnedFd};

    /// A page of memory behind a descriptor, as a map is.
    fn page() -> OwnedFd {
        // SAFETY: a new descriptor that nobody else knows.
        let fd = unsafe { OwnedFd::from_raw_fd(libc::memfd_create(c"map".as_ptr(), 0)) };
        std::fs::File::from(fd.try_clone().unwrap())
            .set_len(4096)
            .unwrap();
        fd
    }

    #[test]
    fn bytes_come_back_from_every_offset_in_every_length() {
        let memory = MapMemory::of_map(page().as_fd(), 0, 4096, true).unwrap();
        for offset in 0..9 {
            for length in 0..20 {
                let bytes: Vec<u8> = (1..=length as u8).collect();
                memory.write(offset, &bytes).unwrap();
                let mut read = vec![0; length];
                memory.read(offset, &mut read).unwrap();
                assert_eq!(read, bytes, "{length} bytes at {offset}");
            }
        }
    }

    #[test]
    fn nothing_outside_of_the_mapping_is_touched() {
        let memory = MapMemory::of_map(page().as_fd(), 0, 4096, true).unwrap();
        assert_eq!(memory.read(4090, &mut [0; 7]), Err(Errno::INVAL));
        assert_eq!(memory.write(usize::MAX, &[0; 7]), Err(Errno::INVAL));
        assert_eq!(memory.write(4089, &[0; 7]), Ok(()));
    }

    #[test]
    fn memory_mapped_for_reading_is_not_written_to() {
        let memory = MapMemory::of_map(page().as_fd(), 0, 4096, false).unwrap();
        assert_eq!(memory.write(0, &[1]), Err(Errno::ACCES));
    }

    #[test]
    fn an_address_that_is_taken_is_refused() {
        let fd = page();
        let memory = MapMemory::of_map(fd.as_fd(), 0, 4096, true).unwrap();
        let again = MapMemory::of_map(fd.as_fd(), memory.address(), 4096, true);
        assert_eq!(again.err(), Some(Errno::EXIST));
    }
}

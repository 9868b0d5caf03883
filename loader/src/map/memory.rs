//! The memory of a map, read and written without a system call.

use super::Map;
use crate::error::Result;
use crate::sys;
use std::os::fd::AsFd;

/// BPF_F_RDONLY_PROG: what holds constants.
const RDONLY_PROG: u32 = 1 << 7;
/// BPF_F_MMAPABLE.
const MMAPABLE: u32 = 1 << 10;
/// BPF_F_SEGV_ON_FAULT: user space gets a signal where nothing is allocated.
const SEGV_ON_FAULT: u32 = 1 << 17;
/// BPF_MAP_TYPE_ARENA.
const ARENA: u32 = 33;

/// The memory of a map: its values in a row, each rounded up to eight bytes,
/// or an arena's pages.
///
/// Programs run on it at the same time. Integers that lie on a multiple of
/// their size are read and written in one piece, all else is not.
#[derive(Debug)]
pub struct Memory<'m> {
    map: &'m Map,
    place: Place<'m>,
}

#[derive(Debug)]
enum Place<'m> {
    Own(sys::MapMemory),
    /// An arena's, which is mapped for as long as the map is there.
    Arena(&'m sys::MapMemory),
}

impl Map {
    /// Maps the map's memory: for reading where it is read-only for programs,
    /// else for reading and writing.
    ///
    /// # Errors
    /// `InvalidInput` for a map that has no memory to be mapped: neither an
    /// array with BPF_F_MMAPABLE, nor an arena without BPF_F_SEGV_ON_FAULT;
    /// what the kernel says otherwise.
    ///
    /// Kernel: 5.5 for arrays, 6.9 for arenas
    pub fn memory(&self) -> Result<Memory<'_>> {
        if let Some((memory, _)) = &self.arena {
            let place = Place::Arena(memory);
            self.check_arena()?;
            return Ok(Memory { map: self, place });
        }
        let is_arena = self.map_type == ARENA;
        if is_arena {
            self.check_arena()?;
        }
        if !is_arena && !self.is_mmapable() {
            return Err(self.invalid("its memory cannot be mapped".to_owned()));
        }
        let writable = self.flags & RDONLY_PROG == 0;
        let address = if is_arena { self.map_extra } else { 0 };
        let bytes = self.memory_bytes().ok_or_else(|| {
            let cause = "it is larger than this machine's memory can be";
            self.invalid(cause.to_owned())
        })?;
        let mapped = sys::MapMemory::of_map(self.fd.as_fd(), address, bytes, writable);
        let mapped = mapped.map_err(|errno| self.error("mmap", errno))?;
        let place = Place::Own(mapped);
        Ok(Memory { map: self, place })
    }

    /// Can [`Map::memory`] be had?
    pub(super) fn is_mmapable(&self) -> bool {
        self.flags & MMAPABLE != 0
    }

    fn check_arena(&self) -> Result<()> {
        if self.flags & SEGV_ON_FAULT != 0 {
            let cause =
                "an arena with BPF_F_SEGV_ON_FAULT kills who reads a page that is not there";
            return Err(self.invalid(cause.to_owned()));
        }
        Ok(())
    }

    /// Bytes of all values, or of an arena's pages.
    fn memory_bytes(&self) -> Option<usize> {
        let one = match self.map_type {
            ARENA => sys::page_bytes(),
            _ => self.value_bytes.checked_next_multiple_of(8)?,
        };
        one.checked_mul(self.max_entries as usize)
    }

    /// Maps an arena, for good, as its programs cannot be loaded before; its
    /// first `content` bytes of globals go to the place that is returned.
    pub(crate) fn map_arena(&mut self, content: &[u8], base: usize) -> Result<()> {
        let bytes = self.memory_bytes();
        let bytes = bytes.ok_or_else(|| self.invalid("an arena of that size".to_owned()))?;
        let memory = sys::MapMemory::of_map(self.fd.as_fd(), self.map_extra, bytes, true)
            .map_err(|errno| self.error("mmap", errno))?;
        if content.iter().any(|byte| *byte != 0) {
            self.check_arena()?;
            let written = memory.write(base, content);
            written.map_err(|errno| self.error("writing globals", errno))?;
        }
        self.arena = Some((memory, base));
        Ok(())
    }
}

impl Memory<'_> {
    fn sys(&self) -> &sys::MapMemory {
        match &self.place {
            Place::Own(memory) => memory,
            Place::Arena(memory) => memory,
        }
    }

    /// How many bytes there are.
    pub fn bytes(&self) -> usize {
        self.sys().bytes()
    }

    /// Where it is mapped: for an arena the address that its pointers have.
    pub fn address(&self) -> u64 {
        self.sys().address()
    }

    /// Copies bytes from `offset` on.
    ///
    /// # Errors
    /// `System` with EINVAL for a range outside.
    pub fn read(&self, offset: usize, out: &mut [u8]) -> Result<()> {
        let read = self.sys().read(offset, out);
        read.map_err(|errno| self.map.error("reading memory", errno))
    }

    /// Copies bytes to `offset` and on.
    ///
    /// # Errors
    /// `PermissionDenied` for constants; EINVAL for a range outside.
    pub fn write(&self, offset: usize, bytes: &[u8]) -> Result<()> {
        let written = self.sys().write(offset, bytes);
        written.map_err(|errno| self.map.error("writing memory", errno))
    }
}

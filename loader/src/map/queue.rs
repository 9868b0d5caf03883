//! Maps without keys: queues, stacks and bloom filters.

use super::{Map, UpdateFlag};
use crate::error::Result;
use crate::sys::{self, Errno};

impl Map {
    /// Adds a value to a queue, a stack or a bloom filter.
    ///
    /// In a full queue or stack [`UpdateFlag::Exist`] pushes out the oldest
    /// value.
    ///
    /// # Errors
    /// `InvalidInput` for a value of another size or a map with keys; E2BIG for
    /// a full queue or stack.
    ///
    /// Kernel: 4.20; 5.16 for bloom filters
    pub fn push(&self, value: &[u8], flag: UpdateFlag) -> Result<()> {
        self.update(&[], value, flag)
    }

    /// Takes the next value out of a queue or stack; `None` when it is empty.
    ///
    /// # Errors
    /// `InvalidInput` for a map with keys; what the kernel says otherwise.
    ///
    /// Kernel: 4.20
    pub fn pop(&self) -> Result<Option<Vec<u8>>> {
        self.check_size("key", &[], self.key_bytes)?;
        let mut value = vec![0; self.fd.value_bytes()];
        match sys::map_lookup_and_delete_elem(&self.fd, &[], &mut value, 0) {
            Ok(()) => Ok(Some(value)),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(self.error("pop", errno)),
        }
    }

    /// The next value of a queue or stack, left where it is.
    ///
    /// # Errors
    /// As [`Map::pop`].
    ///
    /// Kernel: 4.20
    pub fn peek(&self) -> Result<Option<Vec<u8>>> {
        self.lookup(&[])
    }

    /// May a bloom filter hold this value? `false` is certain.
    ///
    /// # Errors
    /// `InvalidInput` for a value of another size or a map with keys.
    ///
    /// Kernel: 5.16
    pub fn may_contain(&self, value: &[u8]) -> Result<bool> {
        self.check_size("key", &[], self.key_bytes)?;
        self.check_size("value", value, self.value_bytes)?;
        let mut value = value.to_vec();
        match sys::map_lookup_elem(&self.fd, &[], &mut value, 0) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(errno) => Err(self.error("lookup", errno)),
        }
    }
}

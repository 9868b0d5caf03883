//! Losses that a program counts in a map.

use crate::error::{Error, Result, ResultExt};
use crate::map::Map;

/// Bytes of one counter.
const COUNTER_BYTES: usize = 8;

/// A map of 64-bit counters, kept open.
#[derive(Debug)]
pub(super) struct Losses {
    map: Map,
}

impl Losses {
    pub(super) fn new(map: &Map) -> Result<Self> {
        if map.value_bytes() != COUNTER_BYTES {
            let cause = format!("values of {} bytes are no counters", map.value_bytes());
            return Err(Error::invalid_input(cause)).with_context(|| format!("map {}", map.name()));
        }
        Ok(Self {
            map: map.try_clone()?,
        })
    }

    /// The sum of all elements, over all processors.
    pub(super) fn read(&self) -> Result<u64> {
        let mut sum = 0u64;
        for key in self.map.keys() {
            for value in self.map.lookup_per_cpu(&key?)?.unwrap_or_default() {
                if let Ok(value) = <[u8; COUNTER_BYTES]>::try_from(&*value) {
                    sum = sum.wrapping_add(u64::from_ne_bytes(value));
                }
            }
        }
        Ok(sum)
    }
}

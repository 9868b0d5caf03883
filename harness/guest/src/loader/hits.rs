//! The count that objects keep.

use trapline_loader::map::Map;
use trapline_loader::spec::ObjectSpec;

use super::stage::Failure;

/// The global that programs count in.
const HITS: &str = "hits";

/// Where an object keeps its count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hits {
    /// The map of its section: `.bss`.
    pub map: String,
    offset: usize,
    size: usize,
}

impl Hits {
    /// The place in an object that counts.
    #[must_use]
    pub fn of(spec: &ObjectSpec) -> Option<Self> {
        let places = spec.maps.iter().flat_map(|map| {
            let hits = map
                .variables
                .iter()
                .filter(|variable| variable.name == HITS);
            hits.map(|hits| Self {
                map: map.name.clone(),
                offset: hits.offset as usize,
                size: hits.size as usize,
            })
        });
        places.last()
    }

    /// The count in that map.
    ///
    /// # Errors
    /// When the map cannot be read, or is another.
    pub fn read(&self, map: &Map) -> Result<u64, Failure> {
        let value = map.lookup(&[0; 4])?.unwrap_or_default();
        let bytes = value.get(self.offset..self.offset + self.size);
        let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
        let other = || Failure::Other(format!("{HITS} is not in map {}", map.name()));
        bytes.map(u64::from_le_bytes).ok_or_else(other)
    }
}

//! Which map a place in an object stands for.

use super::types::MapKind;
use crate::order::{self, Key};

/// Which map a section and an offset stand for, or why there is none.
#[derive(Debug, Default)]
pub(super) struct MapPlaces {
    /// Maps of `.maps`, by section and byte offset.
    defined: Vec<Defined>,
    /// Data maps with their size in bytes, by section.
    data: Vec<Option<DataMap>>,
}

/// A data map with its size in bytes, or why there is none.
pub(super) type DataMap = Result<(usize, u32, MapKind), String>;

/// A map that a variable defines.
#[derive(Debug)]
struct Defined {
    section: usize,
    offset: u64,
    /// Its index, or why it cannot be used.
    map: Result<usize, String>,
}

impl MapPlaces {
    /// Notes the maps that the variables of a section define, each with its
    /// byte offset; of those at the same place the last counts.
    pub fn define(&mut self, section: usize, maps: Vec<(u64, Result<usize, String>)>) {
        let defined = maps.into_iter().map(|(offset, map)| Defined {
            section,
            offset,
            map,
        });
        self.defined.extend(defined);
        order::sort(&mut self.defined, |defined| Key::number(defined.offset));
        order::sort(&mut self.defined, |defined| {
            Key::number(defined.section as u64)
        });
    }

    /// The map that the variable at a byte offset of a section defines.
    pub fn defined(&self, section: usize, offset: u64) -> Option<&Result<usize, String>> {
        let place = |defined: &Defined| (defined.section, defined.offset);
        let after = self
            .defined
            .partition_point(|defined| place(defined) <= (section, offset));
        let last = self.defined.get(after.checked_sub(1)?)?;
        (place(last) == (section, offset)).then_some(&last.map)
    }

    /// Notes the data map of a section.
    pub fn set_data(&mut self, section: usize, map: DataMap) {
        if self.data.len() <= section {
            self.data.resize_with(section + 1, || None);
        }
        self.data[section] = Some(map);
    }

    /// The data map of a section.
    pub fn data(&self, section: usize) -> Option<&DataMap> {
        self.data.get(section)?.as_ref()
    }
}

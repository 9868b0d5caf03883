//! Global variables of a loaded object.

use super::Object;
use crate::error::{Error, Result};
use crate::map::{Data, Map};

impl Object {
    /// The global variables of a section: `.bss`, `.data.custom`, or those in
    /// the arena under the arena's name.
    ///
    /// # Errors
    /// `NotFound`, with the names that exist; as [`Map::data`].
    pub fn data(&self, section: &str) -> Result<Data<'_>> {
        self.map(section)?.data()
    }

    /// The global variables among which is the one of this name.
    ///
    /// # Errors
    /// `NotFound` where the object has no such variable; as [`Map::data`].
    pub fn data_with(&self, variable: &str) -> Result<Data<'_>> {
        let has = |map: &&Map| map.variables().iter().any(|found| found.name == variable);
        let map = self.maps().iter().find(has).ok_or_else(|| {
            Error::not_found(format!("no variable {variable}"))
                .context(format!("object {}", self.name()))
        })?;
        map.data()
    }
}

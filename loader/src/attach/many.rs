//! What links to many places at once have in common.

use crate::error::{Error, Result};
use crate::program::Program;

/// A kind of such links whose programs may be on entry, on return, or on both.
pub(super) struct Many {
    /// `enum bpf_attach_type`, of one end and of both.
    pub(super) attach_type: u32,
    pub(super) session: u32,
    /// What it is called on entry, on return, and on both.
    pub(super) names: [&'static str; 3],
}

impl Many {
    /// The attach type and the name for a program, which says itself whether it is
    /// on both ends.
    pub(super) fn of(&self, program: &Program, on_return: bool) -> (u32, &'static str) {
        let [entry, exit, both] = self.names;
        match (program.expected_attach_type() == self.session, on_return) {
            (true, _) => (self.session, both),
            (false, false) => (self.attach_type, entry),
            (false, true) => (self.attach_type, exit),
        }
    }
}

/// Is there one of these for each place, or none at all?
///
/// # Errors
/// `InvalidInput` for another number.
pub(super) fn one_each<T>(list: &[T], what: &str, places: usize) -> Result<()> {
    match list.len() {
        count if count == 0 || count == places => Ok(()),
        count => Err(Error::invalid_input(format!(
            "{count} {what} for {places} places"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_as_many_as_places_or_none() {
        assert!(one_each::<u64>(&[], "cookies", 2).is_ok());
        assert!(one_each(&[1, 2], "cookies", 2).is_ok());
        let error = one_each(&[1], "cookies", 2).unwrap_err();
        assert_eq!(format!("{error}"), "1 cookies for 2 places");
    }
}

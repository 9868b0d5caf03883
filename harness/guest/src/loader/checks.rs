//! What a case without an attachment looked at.

use core::fmt::Debug;

use super::Report;
use super::stage::Failure;

/// Counts what was right; the first that is wrong ends the case.
#[derive(Debug, Default)]
pub struct Checks {
    right: u64,
}

impl Checks {
    /// `what` has to be as it should.
    ///
    /// # Errors
    /// When it is not, with both values.
    pub fn equal<T: PartialEq + Debug>(
        &mut self,
        what: &str,
        is: &T,
        should: &T,
    ) -> Result<(), Failure> {
        if is != should {
            let cause = format!("{is:?}, and should be {should:?}");
            return Err(Failure::other(what, cause));
        }
        self.right += 1;
        Ok(())
    }

    /// `what` has to be so.
    ///
    /// # Errors
    /// When it is not.
    pub fn holds(&mut self, what: &str, is_so: bool) -> Result<(), Failure> {
        self.equal(what, &is_so, &true)
    }

    /// `what` must not be so.
    ///
    /// # Errors
    /// When it is.
    pub fn holds_not(&mut self, what: &str, is_so: bool) -> Result<(), Failure> {
        self.equal(what, &is_so, &false)
    }

    /// `what` has to be refused.
    ///
    /// # Errors
    /// When it is not.
    pub fn refused<T, E>(&mut self, what: &str, done: Result<T, E>) -> Result<(), Failure> {
        self.holds(what, done.is_err())
    }

    /// The report of a case where all was right.
    #[must_use]
    pub fn report(self, how: &str) -> Report {
        Report::checked(how, self.right, self.right)
    }
}

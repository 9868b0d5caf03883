//! Why a workload could not do what it is for.

use std::fmt;
use std::io;

/// What was tried and why it did not work, as one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure(pub String);

/// The result of a step of a workload.
pub type Outcome<T = ()> = Result<T, Failure>;

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<std::ffi::NulError> for Failure {
    fn from(error: std::ffi::NulError) -> Self {
        Self(error.to_string())
    }
}

/// Names the step in an error.
pub trait Tried<T> {
    /// Puts `what: ` before the error's text.
    ///
    /// # Errors
    /// The error itself, with the step's name.
    fn tried(self, what: impl fmt::Display) -> Outcome<T>;
}

impl<T, E: fmt::Display> Tried<T> for Result<T, E> {
    fn tried(self, what: impl fmt::Display) -> Outcome<T> {
        self.map_err(|error| Failure(format!("{what}: {error}")))
    }
}

/// Fails with this text unless it holds.
///
/// # Errors
/// The text, as a [`Failure`].
pub fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Outcome {
    if holds {
        Ok(())
    } else {
        Err(Failure(otherwise()))
    }
}

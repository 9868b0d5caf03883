//! What makes a hook be reached, once per call, by this process alone.

use super::stage::{Failure, Tried};
use crate::sys::touch;

/// Calls setdomainname(2), with the name that there is: nobody else does.
///
/// # Errors
/// What the call says.
pub fn set_domain_name() -> Result<(), Failure> {
    touch::set_domain_name(b"(none)").tried("setdomainname")
}

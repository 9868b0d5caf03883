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

/// The cookie that programs look for.
pub const COOKIE: u64 = 0x1122_3344_5566_7788;

/// Asks for the process group of this process, which security modules decide on.
///
/// # Errors
/// What getpgid(2) says.
pub fn own_process_group() -> Result<(), Failure> {
    touch::getpgid().tried("getpgid")
}

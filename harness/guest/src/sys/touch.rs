//! Calls that are made only so that a program which is attached to them runs.

use std::io;

use super::process::check;

/// setdomainname(2), the NIS domain: a call that nothing makes by itself.
///
/// # Errors
/// What setdomainname(2) says.
pub fn set_domain_name(name: &[u8]) -> io::Result<()> {
    // SAFETY: the slice is valid for its length, and the kernel copies it.
    check(unsafe { libc::setdomainname(name.as_ptr().cast(), name.len()) }).map(drop)
}

//! Giving the object's own BTF to the kernel.

use super::sanitize::sanitize;
use super::with_memlock;
use crate::btf::ObjectBtf;
use crate::error::Result;
use crate::{sys, verifier};
use std::os::fd::OwnedFd;

/// Whether the kernel took the object's BTF: without it maps and programs work,
/// but lose their types, source lines and callbacks.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BtfUse {
    /// The object has none.
    None,
    /// As it is.
    Whole,
    /// With the kinds of type replaced that the kernel does not know.
    Sanitized {
        /// What the kernel said to the original.
        refusal: String,
    },
    /// Not at all.
    Refused {
        /// What the kernel said.
        refusal: String,
    },
}

/// Loads the BTF in the best form that the kernel takes.
///
/// A kernel that takes none is no error, lack of permission is.
pub(super) fn load(btf: Option<&ObjectBtf>) -> Result<(Option<OwnedFd>, BtfUse)> {
    let Some(btf) = btf else {
        return Ok((None, BtfUse::None));
    };
    let errno = match with_memlock(|| sys::btf_load(btf.raw(), None)) {
        Ok(fd) => return Ok((Some(fd), BtfUse::Whole)),
        Err(errno @ sys::Errno::PERM) => return Err(errno.error("BPF_BTF_LOAD")),
        Err(errno) => errno,
    };
    let refusal = refusal(btf.raw(), errno);
    let older = sanitize(btf.raw());
    match older.map(|older| with_memlock(|| sys::btf_load(&older, None))) {
        Some(Ok(fd)) => Ok((Some(fd), BtfUse::Sanitized { refusal })),
        _ => Ok((None, BtfUse::Refused { refusal })),
    }
}

/// What the kernel has against a BTF, in its own words.
fn refusal(raw: &[u8], errno: sys::Errno) -> String {
    let mut log = vec![0; 64 << 10];
    let _ = sys::btf_load(raw, Some(&mut log));
    let log = verifier::text(&log);
    match log.lines().rev().find(|line| !line.trim().is_empty()) {
        Some(line) => format!("{errno}: {}", line.trim()),
        None => errno.to_string(),
    }
}

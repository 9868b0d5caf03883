//! Giving the object's own BTF to the kernel.

use super::sanitize::{Step, sanitize};
use crate::error::Result;
use crate::ext_info::Records;
use crate::memlock::with_memlock;
use crate::spec::ObjectSpec;
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

/// Loads the BTF in the best form that the kernel takes. Programs keep their
/// records of functions and lines only where it still speaks of functions.
///
/// A kernel that takes none is no error, lack of permission is.
pub(super) fn load(spec: &mut ObjectSpec) -> Result<(Option<OwnedFd>, BtfUse)> {
    let Some(btf) = &spec.btf else {
        return Ok((None, BtfUse::None));
    };
    let errno = match with_memlock(|| sys::btf_load(btf.raw(), None)) {
        Ok(fd) => return Ok((Some(fd), BtfUse::Whole)),
        Err(errno @ sys::Errno::PERM) => return Err(errno.error("BPF_BTF_LOAD")),
        Err(errno) => errno,
    };
    let refusal = refusal(btf.raw(), errno);
    let Some((fd, step)) = load_older(btf.raw()) else {
        return Ok((None, BtfUse::Refused { refusal }));
    };
    if step == Step::Functions {
        for program in &mut spec.programs {
            program.func_info = Records::default();
            program.line_info = Records::default();
        }
    }
    Ok((Some(fd), BtfUse::Sanitized { refusal }))
}

/// Loads BTF with no more kinds of type replaced than the kernel demands.
fn load_older(raw: &[u8]) -> Option<(OwnedFd, Step)> {
    let mut last = None;
    for step in Step::ALL {
        let older = sanitize(raw, step);
        if older.is_none() || older == last {
            continue;
        }
        let loaded = with_memlock(|| sys::btf_load(older.as_deref().unwrap_or_default(), None));
        if let Ok(fd) = loaded {
            return Some((fd, step));
        }
        last = older;
    }
    None
}

/// Loads another form of an object's BTF, if the kernel takes one that still
/// speaks of functions.
pub(super) fn load_variant(raw: &[u8]) -> Option<OwnedFd> {
    if let Ok(fd) = with_memlock(|| sys::btf_load(raw, None)) {
        return Some(fd);
    }
    let older = load_older(raw).filter(|(_, step)| *step != Step::Functions);
    older.map(|(fd, _)| fd)
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

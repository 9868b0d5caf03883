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

/// An object's BTF in the kernel.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) fd: Option<OwnedFd>,
    pub(super) btf_use: BtfUse,
    /// Whether records of functions and lines can be given with programs.
    has_functions: bool,
}

impl Loaded {
    fn new(fd: Option<OwnedFd>, btf_use: BtfUse) -> Self {
        Self {
            fd,
            btf_use,
            has_functions: true,
        }
    }

    /// Leaves the programs of `spec` the records that the kernel takes with it.
    pub(super) fn suit(&self, spec: &mut ObjectSpec) {
        if self.has_functions {
            return;
        }
        for program in &mut spec.programs {
            program.func_info = Records::default();
            program.line_info = Records::default();
        }
    }
}

/// Loads the BTF in the best form that the kernel takes.
///
/// A kernel that takes none is no error, lack of permission is.
pub(super) fn load(spec: &ObjectSpec) -> Result<Loaded> {
    let Some(btf) = &spec.btf else {
        return Ok(Loaded::new(None, BtfUse::None));
    };
    let errno = match with_memlock(|| sys::btf_load(btf.raw(), None)) {
        Ok(fd) => return Ok(Loaded::new(Some(fd), BtfUse::Whole)),
        Err(errno @ sys::Errno::PERM) => return Err(errno.error("BPF_BTF_LOAD")),
        Err(errno) => errno,
    };
    let refusal = refusal(btf.raw(), errno);
    let Some((fd, step)) = load_older(btf.raw()) else {
        return Ok(Loaded::new(None, BtfUse::Refused { refusal }));
    };
    Ok(Loaded {
        has_functions: step != Step::Functions,
        ..Loaded::new(Some(fd), BtfUse::Sanitized { refusal })
    })
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

//! What there is in the kernel, whoever made it: by the kernel's numbers.
//!
//! All of it needs CAP_SYS_ADMIN.

use crate::error::Result;
use crate::sys;

/// Every program.
///
/// # Errors
/// `PermissionDenied` without CAP_SYS_ADMIN; `System` with the errno of BPF_PROG_GET_NEXT_ID.
///
/// Kernel: 4.13
pub fn programs() -> Result<Vec<u32>> {
    all("BPF_PROG_GET_NEXT_ID", sys::prog_get_next_id)
}

/// Every map.
///
/// # Errors
/// `PermissionDenied` without CAP_SYS_ADMIN; `System` with the errno of BPF_MAP_GET_NEXT_ID.
///
/// Kernel: 4.13
pub fn maps() -> Result<Vec<u32>> {
    all("BPF_MAP_GET_NEXT_ID", sys::map_get_next_id)
}

/// Every link; what is attached without one is not among them.
///
/// # Errors
/// `PermissionDenied` without CAP_SYS_ADMIN; `System` with the errno of BPF_LINK_GET_NEXT_ID.
///
/// Kernel: 5.8
pub fn links() -> Result<Vec<u32>> {
    all("BPF_LINK_GET_NEXT_ID", sys::link_get_next_id)
}

fn all(command: &str, next: fn(u32) -> sys::Result<u32>) -> Result<Vec<u32>> {
    let mut ids = Vec::new();
    loop {
        match next(ids.last().copied().unwrap_or(0)) {
            Ok(id) => ids.push(id),
            Err(sys::Errno::NOENT) => return Ok(ids),
            Err(errno) => return Err(errno.error(command)),
        }
    }
}

//! Which security modules are active.

use super::{Errno, Result, check, read_small};
use std::path::Path;

/// `LSM_ID_BPF` of include/uapi/linux/lsm.h.
pub(crate) const LSM_ID_BPF: u64 = 110;
/// The same on every architecture.
const SYS_LSM_LIST_MODULES: libc::c_long = 461;
/// More modules than any kernel has.
const MOST_MODULES: usize = 64;

/// Is a security module active? Asked by number since 6.8; before, by name in
/// securityfs.
///
/// # Errors
/// ENOENT before 6.8 where securityfs is not mounted.
pub(crate) fn is_lsm_active(id: u64, name: &str) -> Result<bool> {
    match lsm_list_modules() {
        Ok(ids) => Ok(ids.contains(&id)),
        Err(_) => {
            let names = read_small(Path::new("/sys/kernel/security/lsm"), 4096)?;
            Ok(names.trim().split(',').any(|active| active == name))
        }
    }
}

/// The numbers of the active modules.
///
/// Kernel: 6.8
fn lsm_list_modules() -> Result<Vec<u64>> {
    let mut ids = vec![0u64; MOST_MODULES];
    let mut bytes = super::length(size_of_val(ids.as_slice()))?;
    // SAFETY: the kernel writes at most `bytes` bytes to `ids`, which has as
    // many, and then their number to `bytes`; both outlive the call.
    let ret =
        unsafe { libc::syscall(SYS_LSM_LIST_MODULES, ids.as_mut_ptr(), &raw mut bytes, 0u32) };
    let count = usize::try_from(check(ret)?).map_err(|_| Errno::INVAL)?;
    ids.truncate(count);
    Ok(ids)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_that_nobody_has_is_not_active() {
        // Neither way may be there, but neither may say yes.
        assert_ne!(is_lsm_active(u64::MAX, "no such module"), Ok(true));
    }
}

//! Facts about this process and machine, and the locked-memory limit.

use super::{Errno, Result};
use core::ffi::CStr;

/// The size of a page.
pub(crate) fn page_bytes() -> usize {
    // SAFETY: a question without arguments in memory.
    let bytes = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(bytes).unwrap_or(4096)
}

/// The kernel's release: `6.12.117+deb12-cloud-amd64`.
pub(crate) fn release() -> Result<String> {
    uname().map(|(release, _)| release)
}

/// The kernel's version: `#1 SMP Debian 6.12.117-1 (2026-11-01)`.
pub(crate) fn kernel_version() -> Result<String> {
    uname().map(|(_, version)| version)
}

/// Release and version.
fn uname() -> Result<(String, String)> {
    let mut names = core::mem::MaybeUninit::<libc::utsname>::zeroed();
    // SAFETY: `names` has room for the structure that the call fills.
    if unsafe { libc::uname(names.as_mut_ptr()) } < 0 {
        return Err(Errno::last());
    }
    // SAFETY: character arrays only, all zeroed and then filled.
    let names = unsafe { names.assume_init() };
    // SAFETY: the kernel ends each array of the structure with a NUL.
    let release = unsafe { CStr::from_ptr(names.release.as_ptr()) };
    // SAFETY: as above.
    let version = unsafe { CStr::from_ptr(names.version.as_ptr()) };
    Ok((
        release.to_string_lossy().into_owned(),
        version.to_string_lossy().into_owned(),
    ))
}

/// Lifts the limit of locked memory, which counted BPF memory before 5.11;
/// `false` where there was none.
///
/// # Errors
/// EPERM without CAP_SYS_RESOURCE.
pub(crate) fn raise_memlock_limit() -> Result<bool> {
    let limit = libc::rlimit {
        rlim_cur: libc::RLIM_INFINITY,
        rlim_max: libc::RLIM_INFINITY,
    };
    let mut before = limit;
    let both = (&raw const limit, &raw mut before);
    // SAFETY: both structures are looked at during the call only.
    if unsafe { libc::prlimit(0, libc::RLIMIT_MEMLOCK, both.0, both.1) } < 0 {
        return Err(Errno::last());
    }
    Ok(before.rlim_cur != libc::RLIM_INFINITY)
}

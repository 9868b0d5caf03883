//! The kernels of the matrix: locked, fetched, unpacked, cached.
//!
//! [`Lock`] says which kernels there are, [`Store`] hands out the files of one,
//! fetching it when the cache does not have it. Knows nothing of VMs.

use std::path::PathBuf;

pub mod apt;
pub mod archive;
pub mod bzimage;
pub mod deb;
pub mod debversion;
pub mod extract;
pub mod index;
mod lock;
mod lockfile;
pub mod manifest;
mod mirror;
pub mod modules;
mod replaced;
mod series;
mod store;
#[cfg(test)]
pub(crate) mod testing;
pub mod update;

pub use lock::{Arch, Entry, LOCK_PATH, Lock, Pin};
pub use mirror::{MIRROR_VARIABLE, Mirror};
pub use series::Series;
pub use store::{State, Store, cache_folder};

/// One kernel, unpacked and verified, ready to boot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kernel {
    /// The series it stands for.
    pub series: Series,
    /// `uname -r`.
    pub release: String,
    /// Debian version of the package.
    pub version: String,
    /// The uncompressed kernel, an ELF file.
    pub vmlinux: PathBuf,
    /// The modules needed to boot, uncompressed, in load order.
    pub modules: Vec<PathBuf>,
    /// Modules that only some workloads need, uncompressed, in load order, after the others.
    pub spare_modules: Vec<PathBuf>,
    /// The kernel's configuration, where the package has it: up to 6.18. From
    /// 6.19 on it is in a package of its own, which soon leaves the archive.
    pub config: Option<PathBuf>,
    /// The kernel's raw BTF, where it has any.
    pub btf: Option<PathBuf>,
    /// sha256 of the package that all this comes from.
    pub sha256: String,
}

//! The kernels of the matrix: locked, fetched, unpacked, cached.
//!
//! [`Lock`] says which kernels there are, [`Store`] hands out the files of one,
//! fetching it when the cache has it not. Knows nothing of VMs.

pub mod bzimage;
pub mod deb;
pub mod debversion;
pub mod extract;
mod lock;
pub mod modules;
mod series;
#[cfg(test)]
pub(crate) mod testing;

pub use lock::{Arch, Entry, LOCK_PATH, Lock, Pin};
pub use series::Series;

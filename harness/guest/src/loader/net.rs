//! Cases that attach to network devices, sockets and cgroups, and cases on
//! links in general.

pub(super) mod cgroups;
pub(super) mod devices;
pub(super) mod links;
pub(super) mod sockets;
mod traffic;

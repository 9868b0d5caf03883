//! Cases that attach to network devices, sockets and cgroups.

use super::Case;

pub(super) const CASES: &[Case] = &[];

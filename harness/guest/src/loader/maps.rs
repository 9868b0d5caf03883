//! Cases about maps: types, access, pinning.

use super::Case;

pub(super) const CASES: &[Case] = &[];

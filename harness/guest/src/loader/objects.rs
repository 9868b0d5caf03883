//! Cases about what objects ask of the loader: externs, kfuncs, struct_ops.

use super::Case;

pub(super) const CASES: &[Case] = &[];

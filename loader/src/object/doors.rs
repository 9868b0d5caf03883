//! What is done with an object's BTF and the kernel's configuration: for
//! fuzzing.

use super::kconfig;
use super::sanitize::{self, Step};
use crate::kernel_config;
use crate::spec::{KconfigExtern, KconfigType};

/// Rewrites raw BTF for kernels that do not know all its kinds.
pub fn sanitize(raw: &[u8]) -> bool {
    use Step::{Data, Functions, Kinds, Linkage};
    let steps = [Kinds, Linkage, Data, Functions].into_iter();
    steps
        .filter(|step| sanitize::sanitize(raw, *step).is_some())
        .count()
        > 0
}

/// Reads a configuration into externs of every type.
pub fn kconfig(text: &[u8]) -> bool {
    use KconfigType::{Bool, Char, Chars, Int, Tristate};
    let types = [
        (Bool, 1),
        (Char, 1),
        (Tristate, 4),
        (Int, 2),
        (Int, 8),
        (Chars, 9),
    ];
    let mut accepted = false;
    for (_, value) in kernel_config::options(text) {
        for (kind, size) in types {
            for is_signed in [false, true] {
                let kconfig = KconfigExtern {
                    value: kind,
                    is_signed,
                    size,
                    offset: 0,
                };
                let mut place = [0; 16];
                let place = place.get_mut(..size as usize).unwrap_or_default();
                accepted |= kconfig::write(place, &kconfig, value).is_ok();
            }
        }
    }
    accepted
}

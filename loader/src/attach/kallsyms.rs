//! Why a function is not there: looked up only after a failure.

use crate::error::Error;
use crate::sys;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// More symbols than any kernel has; the file is not trusted to end.
const KALLSYMS_LIMIT_BYTES: u64 = 256 << 20;

/// The error for a function that cannot be hooked by its name.
pub(crate) fn missing_function(function: &str) -> Error {
    let clones = sys::open_read(Path::new("/proc/kallsyms"))
        .map(|file| clones_of(function, BufReader::new(file.take(KALLSYMS_LIMIT_BYTES))))
        .unwrap_or_default();
    Error::not_found(match clones.as_slice() {
        [] => format!(
            "the kernel has no function {function} (never had, inlined, or in a module that is not loaded)"
        ),
        clones => format!(
            "the kernel has no function {function}: the compiler made {} of it, whose arguments differ",
            clones.join(", ")
        ),
    })
}

/// The symbols that the compiler derived from `function`: `function.isra.0`.
fn clones_of(function: &str, symbols: impl BufRead) -> Vec<String> {
    const SHOWN: usize = 4;
    let mut clones = Vec::new();
    for line in symbols.split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line);
        let symbol = line.split_ascii_whitespace().nth(2).unwrap_or_default();
        let suffix = symbol
            .strip_prefix(function)
            .and_then(|rest| rest.strip_prefix('.'));
        if suffix.is_some_and(|suffix| !suffix.is_empty()) && clones.len() < SHOWN {
            clones.push(symbol.to_owned());
        }
    }
    clones
}

#[cfg(test)]
mod tests {
    use super::*;

    const SYMBOLS: &[u8] = b"0 T vfs_read\n0 t do_exit.isra.0\n0 t do_exit.constprop.0\t[m]\n0 t do_exit_x\n0 t do_exit.\n\xff\n0 t\n";

    #[test]
    fn clones_are_found_by_their_suffix() {
        assert_eq!(
            clones_of("do_exit", SYMBOLS),
            ["do_exit.isra.0", "do_exit.constprop.0"]
        );
    }

    #[test]
    fn a_longer_name_is_no_clone() {
        assert!(clones_of("do", SYMBOLS).is_empty());
    }
}

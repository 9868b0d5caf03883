//! The kernel's symbols, read only when something else has failed or needs
//! their addresses.

use crate::error::Error;
use crate::feature;
use crate::sys;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// More symbols than any kernel has; the file is not trusted to end.
pub(super) const KALLSYMS_LIMIT_BYTES: u64 = 256 << 20;

/// The error for a function that cannot be hooked by its name.
pub(crate) fn missing_function(function: &str) -> Error {
    let found = sys::open_read(Path::new("/proc/kallsyms"))
        .map(|file| look_for(function, BufReader::new(file.take(KALLSYMS_LIMIT_BYTES))))
        .unwrap_or_default();
    if let Some(module) = found.module {
        return without_types(function, &module);
    }
    Error::not_found(match found.clones.as_slice() {
        [] => format!(
            "the kernel has no function {function} (never had, inlined, or in a module that is not loaded)"
        ),
        clones => format!(
            "the kernel has no function {function}: the compiler made {} of it, whose arguments differ",
            clones.join(", ")
        ),
    })
}

/// The error for a function that is there, in a module that has no types.
fn without_types(function: &str, module: &str) -> Error {
    /// KERNEL_VERSION(5, 11, 0)
    const SINCE: u32 = 5 << 16 | 11 << 8;
    let is_old = feature::kernel_version_code().is_some_and(|version| version < SINCE);
    let since = is_old.then_some("5.11");
    Error::unsupported("BTF of modules", since)
        .context(format!("function {function} is in module {module}"))
}

/// What kallsyms says of a function that types do not describe.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    /// The symbols that the compiler derived from it: `function.isra.0`.
    clones: Vec<String>,
    /// The module that has it under its own name.
    module: Option<String>,
}

fn look_for(function: &str, symbols: impl BufRead) -> Found {
    const SHOWN: usize = 4;
    let mut found = Found::default();
    for line in symbols.split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line);
        let mut fields = line.split_ascii_whitespace().skip(2);
        let symbol = fields.next().unwrap_or_default();
        let Some(rest) = symbol.strip_prefix(function) else {
            continue;
        };
        if rest.is_empty() {
            let module = fields.next().map(|module| module.trim_matches(['[', ']']));
            found.module = found.module.or_else(|| module.map(str::to_owned));
        } else if rest.len() > 1 && rest.starts_with('.') && found.clones.len() < SHOWN {
            found.clones.push(symbol.to_owned());
        }
    }
    found
}

/// Calls `each` with every symbol: address (0 for who may not see it), kind as
/// nm writes it, name.
pub(super) fn symbols(mut lines: impl BufRead, mut each: impl FnMut(u64, u8, &[u8])) {
    let mut line = Vec::new();
    loop {
        line.clear();
        match lines.read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let mut words = line
            .split(u8::is_ascii_whitespace)
            .filter(|word| !word.is_empty());
        let (Some(address), Some(&[kind]), Some(name)) = (words.next(), words.next(), words.next())
        else {
            continue;
        };
        let address = core::str::from_utf8(address);
        if let Some(address) = address.ok().and_then(|a| u64::from_str_radix(a, 16).ok()) {
            each(address, kind, name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SYMBOLS: &[u8] = b"0 T vfs_read\n0 t do_exit.isra.0\n0 t do_exit.constprop.0\t[m]\n0 t do_exit_x\n0 t do_exit.\n\xff\n0 t\n";

    #[test]
    fn clones_are_found_by_their_suffix() {
        assert_eq!(
            look_for("do_exit", SYMBOLS).clones,
            ["do_exit.isra.0", "do_exit.constprop.0"]
        );
    }

    #[test]
    fn a_function_of_a_module_is_told_with_its_module() {
        let symbols = &b"0 t port_open\t[console]\n0 t port_open_x\t[other]\n"[..];
        let found = look_for("port_open", symbols);
        assert_eq!(found.module.as_deref(), Some("console"));
        assert_eq!(look_for("vfs_read", SYMBOLS).module, None);
    }

    #[test]
    fn a_longer_name_is_no_clone() {
        assert!(look_for("do", SYMBOLS) == Found::default());
    }
}

//! What the kernel's symbols tell of a function that cannot be hooked; read only
//! when something else has failed.

use crate::error::Error;
use crate::feature;
use crate::kallsyms::{self, each_symbol};
use std::io::BufRead;

/// The error for a function that cannot be hooked by its name.
pub(crate) fn missing_function(function: &str) -> Error {
    let found = kallsyms::open().map(|lines| look_for(function, lines));
    let found = found.unwrap_or_default();
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
    each_symbol(symbols, |symbol| {
        let Some(rest) = symbol.name.strip_prefix(function.as_bytes()) else {
            return;
        };
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        if rest.is_empty() {
            found.module = found.module.take().or(symbol.module.map(text));
        } else if rest.len() > 1 && rest.starts_with(b".") && found.clones.len() < SHOWN {
            found.clones.push(text(symbol.name));
        }
    });
    found
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

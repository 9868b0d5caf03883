//! Symbols of the running kernel, out of /proc/kallsyms.
//!
//! The kernel makes up each line as it is read, of some two hundred thousand: no
//! other question takes it as long. So there is one reader, it looks at a line
//! no closer than it must, and [`Symbols`] asks once for all names and remembers
//! the answers, and nothing else.

use crate::error::{Error, ErrorKind, Result};
use crate::order::{self, Key, Names};
use crate::sys;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

const PATH: &str = "/proc/kallsyms";
/// More than any kernel's list of functions or symbols has; such files are not
/// trusted to end.
pub(crate) const LIMIT_BYTES: u64 = 256 << 20;

/// One line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Symbol<'l> {
    address: &'l [u8],
    /// As nm writes it.
    pub(crate) kind: u8,
    /// As the kernel has it, with the suffixes that the compiler made.
    pub(crate) name: &'l [u8],
    /// The module that it is in.
    pub(crate) module: Option<&'l [u8]>,
}

impl<'l> Symbol<'l> {
    /// Takes a line such as `ffffffff81000000 T _text` or `… t open\t[console]`
    /// apart, but for the address: hardly any is asked for.
    fn parse(line: &'l [u8]) -> Option<Self> {
        let space = line.iter().position(|byte| *byte == b' ')?;
        let (address, rest) = (line.get(..space)?, line.get(space + 1..)?);
        let (&kind, rest) = rest.split_first()?;
        let mut name = rest.strip_prefix(b" ")?;
        let mut module = None;
        if name.ends_with(b"]") {
            let tab = name.iter().position(|byte| *byte == b'\t')?;
            module = name.get(tab + 2..name.len() - 1);
            name = name.get(..tab)?;
        }
        let symbol = Self {
            address,
            kind,
            name,
            module,
        };
        (!name.is_empty()).then_some(symbol)
    }

    /// Where it is; 0 for who may not see it.
    pub(crate) fn address(&self) -> Option<u64> {
        u64::from_str_radix(core::str::from_utf8(self.address).ok()?, 16).ok()
    }

    /// The name in the source. A static variable that the compiler gave a suffix
    /// to still has its own name.
    fn source_name(&self) -> &'l [u8] {
        const SUFFIX: &[u8] = b".llvm.";
        let mut suffix = None;
        if self.kind == b'd' {
            let mut windows = self.name.windows(SUFFIX.len());
            suffix = windows.position(|window| window == SUFFIX);
        }
        suffix
            .and_then(|at| self.name.get(..at))
            .unwrap_or(self.name)
    }
}

/// All lines, to be read once.
///
/// # Errors
/// What the kernel says.
pub(crate) fn open() -> Result<impl BufRead> {
    let file = sys::open_read(Path::new(PATH)).map_err(|errno| errno.error(PATH))?;
    Ok(BufReader::new(file.take(LIMIT_BYTES)))
}

/// Calls `each` with every symbol; what is none is passed over.
pub(crate) fn each_symbol(lines: impl BufRead, mut each: impl FnMut(&Symbol<'_>)) {
    each_line(lines, |line| {
        if let Some(symbol) = Symbol::parse(line) {
            each(&symbol);
        }
    });
}

/// Calls `each` with every line, without its end.
pub(crate) fn each_line(mut lines: impl BufRead, mut each: impl FnMut(&[u8])) {
    let mut line = Vec::new();
    loop {
        line.clear();
        match lines.read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => each(line.strip_suffix(b"\n").unwrap_or(&line)),
        }
    }
}

/// What kallsyms says of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    Nowhere,
    At(u64),
    Twice(u64, u64),
    /// The kernel shows addresses to nobody.
    Hidden,
}

/// The addresses of symbols, sorted by name, as far as they were asked for.
#[derive(Debug, Default)]
pub(crate) struct Symbols {
    known: Vec<(Box<[u8]>, Found)>,
}

impl Symbols {
    fn get(&self, name: &str) -> Option<Found> {
        let name = name.as_bytes();
        let at = self.known.partition_point(|(known, _)| **known < *name);
        let (known, found) = self.known.get(at)?;
        (**known == *name).then_some(*found)
    }

    /// Asks for all these names at once, if there is one that was never asked for.
    ///
    /// # Errors
    /// What the kernel says.
    pub(crate) fn prepare(&mut self, names: &[&str]) -> Result<()> {
        if names.iter().all(|name| self.get(name).is_some()) {
            return Ok(());
        }
        self.look_for(names, open()?);
        Ok(())
    }

    /// Addresses by name: nothing for one that is not there, an error for one
    /// that is there twice or whose address is hidden.
    ///
    /// # Errors
    /// What the kernel says.
    pub(crate) fn addresses(&mut self, names: &[&str]) -> Result<Vec<Result<Option<u64>>>> {
        self.prepare(names)?;
        let answer = |name: &&str| match self.get(name) {
            None | Some(Found::Nowhere) => Ok(None),
            Some(Found::At(address)) => Ok(Some(address)),
            Some(Found::Twice(first, second)) => Err(Error::invalid_input(format!(
                "ambiguous: it is at {first:#x} and at {second:#x}"
            ))),
            Some(Found::Hidden) => Err(Error::new(
                ErrorKind::PermissionDenied,
                "the kernel hides its addresses: see kernel.kptr_restrict",
            )),
        };
        Ok(names.iter().map(answer).collect())
    }

    fn look_for(&mut self, names: &[&str], lines: impl BufRead) {
        let wanted = Names::new(names.iter().map(|name| name.as_bytes()));
        let mut found = vec![Found::Nowhere; names.len()];
        let mut any_address = false;
        each_symbol(lines, |symbol| {
            any_address = any_address || symbol.address().is_some_and(|address| address != 0);
            let at = wanted.find(symbol.source_name());
            let Some(found) = at.and_then(|at| found.get_mut(at)) else {
                return;
            };
            *found = match (*found, symbol.address()) {
                (Found::Nowhere, Some(address)) => Found::At(address),
                (Found::At(first), Some(other)) if first != other => Found::Twice(first, other),
                (known, _) => known,
            };
        });
        self.known.retain(|(name, _)| wanted.find(name).is_none());
        for (at, (name, mut found)) in names.iter().zip(found).enumerate() {
            // Some symbols are at 0, but not all.
            if !any_address && matches!(found, Found::At(_)) {
                found = Found::Hidden;
            }
            // What is asked for twice is answered at its first place.
            if wanted.find(name.as_bytes()) == Some(at) {
                self.known.push((Box::from(name.as_bytes()), found));
            }
        }
        order::sort(&mut self.known, |(name, _)| Key::text(name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SYMBOLS: &[u8] = b"ffffffff81000000 T _text\nffffffff82000000 D jiffies\n\
        ffffffff82000010 d hidden.llvm.123\nffffffff82000020 t twice\nffffffff82000030 t twice\n\
        ffffffff82000040 t same\nffffffff82000040 t same\t[module]\n\xff\xff\n0 A\n0 t\n0 t \n\
        ffffffff82000050 t kept.llvm.123";

    fn found(names: &[&str], lines: &[u8]) -> Vec<Result<Option<u64>>> {
        let mut symbols = Symbols::default();
        symbols.look_for(names, lines);
        symbols.addresses(names).unwrap()
    }

    #[test]
    fn a_line_is_taken_apart() {
        let symbol = Symbol::parse(b"0010 t port_open\t[console]").unwrap();
        assert_eq!((symbol.address(), symbol.kind), (Some(16), b't'));
        assert_eq!(
            (symbol.name, symbol.module),
            (b"port_open".as_slice(), Some(b"console".as_slice()))
        );
        assert_eq!(Symbol::parse(b"0 T _text").unwrap().module, None);
        for line in [
            "", " ", "0", "0 ", "0 t", "0 t ", "0 tt x", "0 t x]", "0 t \t]",
        ] {
            assert_eq!(Symbol::parse(line.as_bytes()), None, "{line:?}");
        }
        assert_eq!(Symbol::parse(b"x t y").unwrap().address(), None);
    }

    #[test]
    fn symbols_have_their_addresses() {
        let names = [
            "jiffies",
            "hidden",
            "same",
            "absent",
            "kept",
            "kept.llvm.123",
        ];
        let found: Vec<_> = found(&names, SYMBOLS).into_iter().flatten().collect();
        assert_eq!(
            found,
            [
                Some(0xffff_ffff_8200_0000),
                Some(0xffff_ffff_8200_0010),
                Some(0xffff_ffff_8200_0040),
                None,
                None,
                Some(0xffff_ffff_8200_0050),
            ]
        );
    }

    #[test]
    fn a_symbol_at_two_addresses_is_ambiguous() {
        let found = found(&["twice"], SYMBOLS);
        let error = found[0].as_ref().unwrap_err();
        assert!(error.to_string().starts_with("ambiguous"), "{error}");
    }

    #[test]
    fn hidden_addresses_are_an_error_not_zero() {
        let symbols = &b"0000000000000000 T _text\n0000000000000000 D jiffies\n"[..];
        let found = found(&["jiffies", "absent"], symbols);
        let error = found[0].as_ref().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        assert!(matches!(found[1], Ok(None)));
    }

    #[test]
    fn what_was_asked_for_is_not_asked_again_and_nothing_else_is_kept() {
        let mut symbols = Symbols::default();
        symbols.look_for(&["jiffies", "absent"], SYMBOLS);
        assert_eq!(symbols.known.len(), 2);
        // No running kernel has the one at this address and lacks the other.
        let again = symbols.addresses(&["absent", "jiffies"]).unwrap();
        assert!(matches!(again[0], Ok(None)));
        assert!(matches!(again[1], Ok(Some(0xffff_ffff_8200_0000))));
    }
}

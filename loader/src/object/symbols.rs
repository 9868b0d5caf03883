//! Addresses of kernel symbols, out of /proc/kallsyms.

use crate::error::{Error, ErrorKind, Result};
use crate::sys;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// More symbols than any kernel has; the file is not trusted to end.
const LIMIT_BYTES: u64 = 256 << 20;

/// The addresses of symbols, by name: nothing for one that is not there, an
/// error for one that is there twice or whose address is hidden.
///
/// # Errors
/// What the kernel says.
pub(super) fn addresses(names: &[&str]) -> Result<Vec<Result<Option<u64>>>> {
    let file = sys::open_read(Path::new("/proc/kallsyms"));
    let file = file.map_err(|errno| errno.error("/proc/kallsyms"))?;
    Ok(find(names, BufReader::new(file.take(LIMIT_BYTES))))
}

fn find(names: &[&str], mut symbols: impl BufRead) -> Vec<Result<Option<u64>>> {
    let mut found: Vec<Result<Option<u64>>> = names.iter().map(|_| Ok(None)).collect();
    let mut any_address = false;
    let mut line = Vec::new();
    loop {
        line.clear();
        if !matches!(symbols.read_until(b'\n', &mut line), Ok(1..)) {
            break;
        }
        let Some((address, name)) = parse(&line) else {
            continue;
        };
        any_address |= address != 0;
        let Some(at) = names.iter().position(|wanted| wanted.as_bytes() == name) else {
            continue;
        };
        match &found[at] {
            Ok(None) => found[at] = Ok(Some(address)),
            Ok(Some(first)) if *first != address => {
                let text = format!("ambiguous: it is at {first:#x} and at {address:#x}");
                found[at] = Err(Error::invalid_input(text));
            }
            _ => {}
        }
    }
    if !any_address {
        // Some symbols are at 0, but not all.
        for found in found
            .iter_mut()
            .filter(|found| matches!(found, Ok(Some(_))))
        {
            *found = Err(Error::new(
                ErrorKind::PermissionDenied,
                "the kernel hides its addresses: see kernel.kptr_restrict",
            ));
        }
    }
    found
}

/// Address and name of a line such as `ffffffff81000000 T _text`. A static
/// variable that the compiler gave a suffix to still has its own name.
fn parse(line: &[u8]) -> Option<(u64, &[u8])> {
    let mut fields = line.split(u8::is_ascii_whitespace);
    let (address, kind, name) = (fields.next()?, fields.next()?, fields.next()?);
    let address = u64::from_str_radix(core::str::from_utf8(address).ok()?, 16).ok()?;
    let suffix = name.windows(6).position(|window| window == b".llvm.");
    let length = suffix.filter(|_| kind == b"d").unwrap_or(name.len());
    Some((address, name.get(..length)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SYMBOLS: &[u8] = b"ffffffff81000000 T _text\nffffffff82000000 D jiffies\n\
        ffffffff82000010 d hidden.llvm.123\nffffffff82000020 t twice\nffffffff82000030 t twice\n\
        ffffffff82000040 t same\nffffffff82000040 t same\t[module]\n\xff\xff\n0 A\n";

    #[test]
    fn symbols_have_their_addresses() {
        let found = find(&["jiffies", "hidden", "same", "absent"], SYMBOLS);
        let found: Vec<_> = found.into_iter().map(Result::unwrap).collect();
        assert_eq!(
            found,
            [
                Some(0xffff_ffff_8200_0000),
                Some(0xffff_ffff_8200_0010),
                Some(0xffff_ffff_8200_0040),
                None
            ]
        );
    }

    #[test]
    fn a_symbol_at_two_addresses_is_ambiguous() {
        let found = find(&["twice"], SYMBOLS);
        let error = found[0].as_ref().unwrap_err();
        assert!(error.to_string().starts_with("ambiguous"), "{error}");
    }

    #[test]
    fn hidden_addresses_are_an_error_not_zero() {
        let symbols = &b"0000000000000000 T _text\n0000000000000000 D jiffies\n"[..];
        let found = find(&["jiffies", "absent"], symbols);
        let error = found[0].as_ref().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        assert!(matches!(found[1], Ok(None)));
    }
}

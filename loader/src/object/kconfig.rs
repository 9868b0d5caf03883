//! The kernel's configuration as an object's `.kconfig` externs see it.
//!
//! Source: `bpf_object__process_kconfig_line`, tools/lib/bpf/libbpf.c.

use crate::error::{Error, Result};
use crate::spec::{KconfigExtern, KconfigType};

/// Writes an option's value to the extern's place.
///
/// # Errors
/// `InvalidInput` for a value that the extern's type cannot hold.
pub(super) fn write(place: &mut [u8], kconfig: &KconfigExtern, value: &[u8]) -> Result<()> {
    let written = match value {
        [b'y' | b'n' | b'm', ..] => write_letter(place, kconfig, value[0]),
        [b'"', ..] => write_string(place, kconfig, value),
        _ => number(value).and_then(|number| match kconfig.value {
            KconfigType::Int | KconfigType::Char => write_number(place, kconfig, number),
            _ => None,
        }),
    };
    written.ok_or_else(|| {
        let shown = String::from_utf8_lossy(value.get(..64).unwrap_or(value));
        Error::invalid_input(format!(
            "the kernel has {shown}, which {} cannot hold",
            type_text(kconfig)
        ))
    })
}

fn type_text(kconfig: &KconfigExtern) -> String {
    let sign = if kconfig.is_signed { "" } else { "un" };
    match kconfig.value {
        KconfigType::Bool => "a bool".to_owned(),
        KconfigType::Tristate => "a tristate".to_owned(),
        KconfigType::Char => format!("a {sign}signed char"),
        KconfigType::Int => format!("a {sign}signed integer of {} bytes", kconfig.size),
        KconfigType::Chars => format!("an array of {} characters", kconfig.size),
    }
}

fn write_letter(place: &mut [u8], kconfig: &KconfigExtern, letter: u8) -> Option<()> {
    let number = match (kconfig.value, letter) {
        (KconfigType::Char, letter) => letter,
        (KconfigType::Bool, b'm') => return None,
        (KconfigType::Bool | KconfigType::Tristate, b'n') => 0,
        (KconfigType::Bool | KconfigType::Tristate, b'y') => 1,
        (KconfigType::Tristate, _) => 2,
        _ => return None,
    };
    put(place, number.into())
}

/// A string that is too long is cut, so that a NUL stays at the end.
fn write_string(place: &mut [u8], kconfig: &KconfigExtern, value: &[u8]) -> Option<()> {
    let text = value.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    if kconfig.value != KconfigType::Chars {
        return None;
    }
    let room = place.len().checked_sub(1)?;
    let text = text.get(..room).unwrap_or(text);
    place.fill(0);
    place.get_mut(..text.len())?.copy_from_slice(text);
    Some(())
}

/// Writes a number, if it fits.
pub(super) fn write_number(place: &mut [u8], kconfig: &KconfigExtern, number: u64) -> Option<()> {
    let bits = kconfig.size.checked_mul(8).filter(|&bits| bits <= 64)?;
    let fits = match kconfig.value {
        KconfigType::Bool => number <= 1,
        KconfigType::Char | KconfigType::Int if bits == 64 => true,
        // A negative number comes sign-extended to 64 bits.
        KconfigType::Char | KconfigType::Int if kconfig.is_signed => {
            number.wrapping_add(1 << (bits - 1)) >> bits == 0
        }
        KconfigType::Char | KconfigType::Int => number >> bits == 0,
        _ => false,
    };
    fits.then(|| put(place, number)).flatten()
}

fn put(place: &mut [u8], number: u64) -> Option<()> {
    let bytes = number.to_le_bytes();
    place.copy_from_slice(bytes.get(..place.len())?);
    Some(())
}

/// A number as C writes it: decimal, hexadecimal or octal, maybe negative.
fn number(text: &[u8]) -> Option<u64> {
    let text = core::str::from_utf8(text).ok()?;
    let (text, is_negative) = match text.strip_prefix('-') {
        Some(rest) => (rest, true),
        None => (text, false),
    };
    let number = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => from_digits(digits, 16),
        None if text.len() > 1 && text.starts_with('0') => from_digits(text, 8),
        None => from_digits(text, 10),
    }?;
    Some(if is_negative {
        number.wrapping_neg()
    } else {
        number
    })
}

/// Rust would take a sign here, too.
fn from_digits(digits: &str, radix: u32) -> Option<u64> {
    let starts_right = digits.starts_with(|first: char| first.is_digit(radix));
    let number = starts_right.then(|| u64::from_str_radix(digits, radix));
    number?.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn kconfig(value: KconfigType, size: u32, is_signed: bool) -> KconfigExtern {
        KconfigExtern {
            value,
            is_signed,
            size,
            offset: 0,
        }
    }

    /// What a value becomes, or nothing where it does not fit.
    fn written(kconfig: &KconfigExtern, value: &str) -> Option<Vec<u8>> {
        let mut place = vec![0xee; kconfig.size as usize];
        write(&mut place, kconfig, value.as_bytes()).ok()?;
        Some(place)
    }

    #[test]
    fn letters_become_bools_tristates_and_characters() {
        let bool = kconfig(KconfigType::Bool, 1, false);
        let tristate = kconfig(KconfigType::Tristate, 4, false);
        let char = kconfig(KconfigType::Char, 1, true);
        assert_eq!(written(&bool, "y"), Some(vec![1]));
        assert_eq!(written(&bool, "n"), Some(vec![0]));
        assert_eq!(written(&bool, "m"), None);
        assert_eq!(written(&tristate, "m"), Some(vec![2, 0, 0, 0]));
        assert_eq!(written(&tristate, "y"), Some(vec![1, 0, 0, 0]));
        assert_eq!(written(&char, "m"), Some(vec![b'm']));
        assert_eq!(written(&kconfig(KconfigType::Int, 4, false), "y"), None);
    }

    #[test]
    fn numbers_of_every_base_and_sign_are_checked_against_their_room() {
        let signed = kconfig(KconfigType::Int, 2, true);
        let unsigned = kconfig(KconfigType::Int, 2, false);
        assert_eq!(written(&signed, "-32768"), Some(vec![0, 0x80]));
        assert_eq!(written(&signed, "32768"), None);
        assert_eq!(written(&unsigned, "0xffff"), Some(vec![0xff, 0xff]));
        assert_eq!(written(&unsigned, "65536"), None);
        assert_eq!(written(&unsigned, "-1"), None);
        assert_eq!(written(&unsigned, "010"), Some(vec![8, 0]));
        let wide = kconfig(KconfigType::Int, 8, false);
        assert_eq!(written(&wide, "0xffffffffffffffff"), Some(vec![0xff; 8]));
        assert_eq!(written(&wide, "0x10000000000000000"), None);
        assert_eq!(written(&kconfig(KconfigType::Bool, 1, false), "1"), None);
        for nonsense in ["", "-", "+5", "0x", "--1", "5 ", "0x-1", "08"] {
            assert_eq!(written(&wide, nonsense), None, "{nonsense:?}");
        }
    }

    #[test]
    fn strings_lose_their_quotes_and_keep_their_nul() {
        let chars = kconfig(KconfigType::Chars, 4, false);
        assert_eq!(written(&chars, "\"ab\""), Some(b"ab\0\0".to_vec()));
        assert_eq!(written(&chars, "\"abcdef\""), Some(b"abc\0".to_vec()));
        assert_eq!(written(&chars, "\""), None);
        assert_eq!(written(&chars, "\"ab"), None);
        assert_eq!(written(&kconfig(KconfigType::Int, 4, true), "\"1\""), None);
    }

    #[test]
    fn a_misfit_says_what_the_kernel_has() {
        let error = write(&mut [0; 1], &kconfig(KconfigType::Bool, 1, false), b"m").unwrap_err();
        assert_eq!(
            error.to_string(),
            "the kernel has m, which a bool cannot hold"
        );
    }
}

//! Values from the command line, as the object's types have them.

use std::str::FromStr;

use trapline_loader::btf::{Int, Kind, ObjectBtf, Types as _};
use trapline_loader::error::ResultExt;
use trapline_loader::spec::{ObjectSpec, Variable};
use trapline_loader::{Error, Result};

/// `NAME=VALUE`.
#[derive(Clone, Debug)]
pub struct Assignment {
    name: String,
    value: String,
}

impl FromStr for Assignment {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            Some((name, value)) if !name.is_empty() => Ok(Self {
                name: name.to_owned(),
                value: value.to_owned(),
            }),
            _ => Err("not of the form NAME=VALUE"),
        }
    }
}

/// `NAME:entries=N`.
///
/// # Errors
/// What is wrong with it.
pub fn entries(text: &str) -> Result<(String, u32), String> {
    let form = || "not of the form NAME:entries=N".to_owned();
    let (name, setting) = text.split_once(':').ok_or_else(form)?;
    let number = setting.strip_prefix("entries=").ok_or_else(form)?;
    let number = integer(number).and_then(|number| u32::try_from(number).ok());
    match number {
        Some(number) if !name.is_empty() => Ok((name.to_owned(), number)),
        _ => Err(form()),
    }
}

/// Sets a variable in each object that has it.
///
/// # Errors
/// `NotFound` where none has it, `InvalidInput` for a value that it cannot hold.
pub fn variable(specs: &mut [ObjectSpec], assignment: &Assignment) -> Result<()> {
    let Assignment { name, value } = assignment;
    let mut first_error = None;
    let mut found = false;
    for spec in specs {
        let variables = spec.maps.iter().flat_map(|map| &map.variables);
        let Some(variable) = variables.into_iter().find(|v| v.name == *name).cloned() else {
            first_error = first_error.or(spec.global(name).err());
            continue;
        };
        found = true;
        let bytes = bytes(spec.btf.as_ref(), &variable, value)
            .with_context(|| format!("object {}, variable {name}", spec.name))?;
        spec.set_global(name, &bytes)?;
    }
    match first_error {
        Some(error) if !found => Err(error),
        _ => Ok(()),
    }
}

/// Gives a map another size in each object that has it.
///
/// # Errors
/// `NotFound` where none has it.
pub fn map(specs: &mut [ObjectSpec], name: &str, entries: u32) -> Result<()> {
    let mut first_error = None;
    let mut found = false;
    for spec in specs {
        match spec.map_mut(name) {
            Ok(map) => {
                map.max_entries = entries;
                found = true;
            }
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    match first_error {
        Some(error) if !found => Err(error),
        _ => Ok(()),
    }
}

/// The bytes of a value, as long as the variable.
fn bytes(btf: Option<&ObjectBtf>, variable: &Variable, text: &str) -> Result<Vec<u8>> {
    let size = variable.size as usize;
    let (Some(btf), true) = (btf, variable.type_id != 0) else {
        // Without types its size is all that is known.
        return match size {
            1 | 2 | 4 | 8 => number(text, size, None),
            _ => raw(text, size),
        };
    };
    let ty = btf.strip_modifiers(variable.type_id)?;
    match ty.kind() {
        Kind::Int => number(text, size, ty.int()),
        Kind::Enum | Kind::Enum64 => {
            for enumerator in ty.enumerators() {
                if btf.string_is(enumerator.name_off, text.as_bytes())? {
                    let bytes = enumerator.value.to_le_bytes();
                    return Ok(bytes.get(..size).unwrap_or(&bytes).to_vec());
                }
            }
            number(text, size, None)
        }
        Kind::Float => {
            let wrong = |_| Error::invalid_input(format!("{text} is no number"));
            match size {
                4 => Ok(text.parse::<f32>().map_err(wrong)?.to_le_bytes().to_vec()),
                8 => Ok(text.parse::<f64>().map_err(wrong)?.to_le_bytes().to_vec()),
                _ => raw(text, size),
            }
        }
        Kind::Array if !text.starts_with("0x") => {
            let element = btf.strip_modifiers(ty.array()?.element_type)?;
            match (element.kind(), element.size_or_type) {
                (Kind::Int, 1) => string(text, size),
                _ => raw(text, size),
            }
        }
        _ => raw(text, size),
    }
}

/// Text, filled up with zeros; at least one ends it.
fn string(text: &str, size: usize) -> Result<Vec<u8>> {
    if text.len() >= size {
        return Err(Error::invalid_input(format!(
            "{} bytes of text and a NUL do not fit {size}",
            text.len()
        )));
    }
    let mut bytes = text.as_bytes().to_vec();
    bytes.resize(size, 0);
    Ok(bytes)
}

/// Every byte in hexadecimal, as they lie in memory.
fn raw(text: &str, size: usize) -> Result<Vec<u8>> {
    let digits = text.strip_prefix("0x").unwrap_or_default().as_bytes();
    let byte = |pair: &[u8]| {
        if !pair.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        let pair = core::str::from_utf8(pair).ok()?;
        u8::from_str_radix(pair, 16).ok()
    };
    let bytes: Option<Vec<u8>> = digits.chunks(2).map(byte).collect();
    bytes
        .filter(|bytes| bytes.len() == size && digits.len() == 2 * size)
        .ok_or_else(|| {
            Error::invalid_input(format!(
                "{text} is not 0x and {} hexadecimal digits, two for each byte",
                2 * size
            ))
        })
}

/// An integer of a size and sign; without a type, of either sign.
fn number(text: &str, size: usize, int: Option<Int>) -> Result<Vec<u8>> {
    /// The encoding of `_Bool`.
    const BOOL: u32 = 4;
    let is_bool = int.is_some_and(|int| int.encoding & BOOL != 0);
    let value = match text {
        "true" if is_bool => Some(1),
        "false" if is_bool => Some(0),
        _ => integer(text),
    };
    let value = value.ok_or_else(|| Error::invalid_input(format!("{text} is no number")))?;
    let bits = 8 * size.min(16) as u32;
    let (low, high) = match int {
        _ if is_bool => (0, 1),
        Some(int) if int.is_signed() => (-(1i128 << (bits - 1)), (1i128 << (bits - 1)) - 1),
        Some(_) => (0, (1i128 << bits.min(127)) - 1),
        None => (-(1i128 << (bits - 1)), (1i128 << bits.min(127)) - 1),
    };
    if value < low || value > high {
        return Err(Error::invalid_input(format!(
            "{text} is not from {low} to {high}"
        )));
    }
    let bytes = value.to_le_bytes();
    Ok(bytes.get(..size).unwrap_or(&bytes).to_vec())
}

/// A decimal or hexadecimal integer, with or without a minus.
fn integer(text: &str) -> Option<i128> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text),
    };
    let value: u64 = match digits.strip_prefix("0x") {
        Some(digits) if !digits.starts_with('+') => u64::from_str_radix(digits, 16).ok()?,
        None if !digits.starts_with('+') => digits.parse().ok()?,
        _ => return None,
    };
    Some(sign * i128::from(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGNED: Option<Int> = Some(Int {
        encoding: 1,
        offset_bits: 0,
        width_bits: 0,
    });
    const UNSIGNED: Option<Int> = Some(Int {
        encoding: 0,
        offset_bits: 0,
        width_bits: 0,
    });
    const BOOL: Option<Int> = Some(Int {
        encoding: 4,
        offset_bits: 0,
        width_bits: 0,
    });

    #[test]
    fn integers_have_the_size_and_sign_of_the_variable() {
        assert_eq!(number("-1", 2, SIGNED).unwrap(), [0xff, 0xff]);
        assert_eq!(number("0x1234", 4, UNSIGNED).unwrap(), [0x34, 0x12, 0, 0]);
        assert_eq!(
            number("18446744073709551615", 8, UNSIGNED).unwrap(),
            [0xff; 8]
        );
        assert_eq!(number("true", 1, BOOL).unwrap(), [1]);
        for (text, size, int) in [
            ("-1", 4, UNSIGNED),
            ("256", 1, UNSIGNED),
            ("128", 1, SIGNED),
            ("-129", 1, SIGNED),
            ("2", 1, BOOL),
            ("true", 4, UNSIGNED),
            ("", 4, SIGNED),
            ("0x", 4, SIGNED),
            ("+1", 4, SIGNED),
            ("1e3", 4, SIGNED),
        ] {
            assert!(number(text, size, int).is_err(), "{text}");
        }
    }

    #[test]
    fn text_leaves_room_for_its_end() {
        assert_eq!(string("abc", 4).unwrap(), b"abc\0");
        assert!(string("abcd", 4).is_err());
    }

    #[test]
    fn raw_bytes_are_complete() {
        assert_eq!(raw("0x010aff", 3).unwrap(), [1, 10, 255]);
        for text in [
            "010aff",
            "0x010a",
            "0x010aff00",
            "0x010af",
            "0x01zzff",
            "0x+1+2+3",
        ] {
            assert!(raw(text, 3).is_err(), "{text}");
        }
    }

    #[test]
    fn map_sizes_are_read_or_refused() {
        assert_eq!(
            entries("events:entries=0x1000"),
            Ok(("events".to_owned(), 4096))
        );
        for text in [
            "events",
            "events:4096",
            ":entries=1",
            "a:entries=-1",
            "a:entries=4294967296",
        ] {
            assert!(entries(text).is_err(), "{text}");
        }
    }
}

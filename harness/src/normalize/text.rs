//! Texts of events on one line: escaped, and shortened without losing who they are.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};
use trapline_sensors::abi;
use trapline_sensors::event::{Strings, Text, TextFlags};

/// A single text is shown whole up to here.
const WHOLE_BYTES: usize = 160;
/// A list is shown whole up to here.
const WHOLE_STRINGS: usize = 12;
const WHOLE_LIST_BYTES: usize = 480;
const HEAD_BYTES: usize = 48;
const TAIL_BYTES: usize = 24;

/// `/bin/x [deleted]`; `-` for what is not there; quoted where it is not plain.
pub fn text(text: &Text) -> String {
    let absent = text.flags.has(abi::TEXT_NONE) && text.bytes.is_empty();
    let (value, told) = if absent {
        ("-".to_owned(), abi::TEXT_NONE)
    } else {
        (shortened(&text.bytes, plain_or_quoted), 0)
    };
    format!("{value}{}", flags(text.flags, told))
}

/// A path that a workload names.
pub fn text_of(path: impl AsRef<[u8]>) -> String {
    shortened(path.as_ref(), plain_or_quoted)
}

/// `2: "a" "b"`, or count, size, hash, first and last of a long list.
pub fn strings(strings: &Strings) -> String {
    let cut = strings.flags.has(abi::TEXT_CUT_END);
    let nuls = strings.list.len() - usize::from(cut && !strings.list.is_empty());
    let bytes = strings.list.iter().map(Vec::len).sum::<usize>() + nuls;
    let count = strings.list.len();
    let shown = if count <= WHOLE_STRINGS && bytes <= WHOLE_LIST_BYTES {
        let mut line = format!("{count}:");
        for string in &strings.list {
            let _ = write!(line, " {}", quoted(string));
        }
        line
    } else {
        let hash = short_hash(&strings.list.join(&0));
        let end = |string: Option<&Vec<u8>>| {
            string.map_or_else(String::new, |string| shortened(string, quoted))
        };
        format!(
            "{count}: {bytes} bytes, sha256 {hash}, first {}, last {}",
            end(strings.list.first()),
            end(strings.list.last())
        )
    };
    format!("{shown}{}", flags(strings.flags, 0))
}

/// The text in double quotes, with escapes for what has no look of its own.
pub fn quoted(bytes: &[u8]) -> String {
    let mut line = String::from("\"");
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '"' | '\\' => {
                    line.push('\\');
                    line.push(character);
                }
                '\n' => line.push_str("\\n"),
                '\t' => line.push_str("\\t"),
                ' '..='~' => line.push(character),
                other if other.is_alphanumeric() => line.push(other),
                other => {
                    let _ = write!(line, "\\u{{{:x}}}", u32::from(other));
                }
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(line, "\\x{byte:02x}");
        }
    }
    line.push('"');
    line
}

/// A path as it is, unless a reader could mistake it for something else.
pub fn plain_or_quoted(bytes: &[u8]) -> String {
    let plain = |byte: &u8| byte.is_ascii_graphic() && !b"\"\\[]()".contains(byte);
    match std::str::from_utf8(bytes) {
        Ok(path) if !path.is_empty() && path != "-" && bytes.iter().all(plain) => path.to_owned(),
        _ => quoted(bytes),
    }
}

fn shortened(bytes: &[u8], show: fn(&[u8]) -> String) -> String {
    if bytes.len() <= WHOLE_BYTES {
        return show(bytes);
    }
    format!(
        "{}...{} ({} bytes, sha256 {})",
        show(&bytes[..HEAD_BYTES]),
        show(&bytes[bytes.len() - TAIL_BYTES..]),
        bytes.len(),
        short_hash(bytes)
    )
}

/// The first twelve hexadecimal digits of the sha256: enough to notice any change.
fn short_hash(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest[..6].iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// ` [cut_end]`, without the bits that the value itself has told.
pub fn flags(flags: TextFlags, told: u16) -> String {
    let mut names: Vec<String> = TextFlags(flags.0 & !told)
        .names()
        .map(str::to_owned)
        .collect();
    if let Some(reserved) = names.iter_mut().find(|name| *name == "reserved") {
        *reserved = format!("{:#x}", flags.0);
    }
    if names.is_empty() {
        String::new()
    } else {
        format!(" [{}]", names.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(bytes: &[u8], flags: u16) -> String {
        text(&Text {
            bytes: bytes.to_vec(),
            flags: TextFlags(flags),
        })
    }

    #[test]
    fn a_text_shows_its_flags() {
        assert_eq!(path(b"/bin/x", abi::TEXT_DELETED), "/bin/x [deleted]");
        assert_eq!(path(b"", abi::TEXT_NONE), "-");
        assert_eq!(path(b"", 0), "\"\"");
        assert_eq!(path(b"-", 0), "\"-\"");
        assert_eq!(path(b"", abi::TEXT_NONE | abi::TEXT_FAULT), "- [fault]");
        assert_eq!(path(b"x", abi::TEXT_NONE), "x [none]");
        assert_ne!(path(b"x", 0x100), path(b"x", 0x200));
    }

    #[test]
    fn what_could_be_mistaken_is_quoted_and_escaped() {
        assert_eq!(path(b"a b", 0), "\"a b\"");
        assert_eq!(path(b"/x [deleted]", 0), "\"/x [deleted]\"");
        assert_eq!(quoted(b"\xffa\n\x01\"\\"), "\"\\xffa\\n\\u{1}\\\"\\\\\"");
        assert_eq!(quoted("grüße".as_bytes()), "\"grüße\"");
    }

    #[test]
    fn long_texts_differ_wherever_they_differ() {
        let long = vec![b'x'; 5000];
        let mut other = long.clone();
        other[2500] = b'y';
        assert_ne!(path(&long, 0), path(&other, 0));
        assert!(path(&long, 0).len() < 200);
        let list = |long: &[u8]| {
            strings(&Strings {
                list: vec![long.to_vec(); 3],
                flags: TextFlags(0),
            })
        };
        assert_ne!(list(&long), list(&other));
        assert!(list(&long).len() < 400, "{}", list(&long));
    }

    #[test]
    fn empty_strings_count() {
        let list = |list: &[&[u8]]| {
            strings(&Strings {
                list: list.iter().map(|string| string.to_vec()).collect(),
                flags: TextFlags(abi::TEXT_CUT_END),
            })
        };
        assert_eq!(list(&[]), "0: [cut_end]");
        assert_eq!(list(&[b"", b"a"]), "2: \"\" \"a\" [cut_end]");
    }
}

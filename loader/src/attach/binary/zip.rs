//! A member of a zip archive: a library that is run out of a package.
//!
//! Probes go to the bytes of the archive that the member is, so it has to be
//! stored as it is. The archive belongs to somebody else, as all binaries do:
//! one entry of its directory is read at a time.
//!
//! Source: PKWARE's APPNOTE.TXT 6.3, sections 4.3.7, 4.3.12 and 4.3.16

use crate::btf::ReadAt;
use crate::bytes::{u16_at, u32_at};
use crate::error::{Error, Result, ResultExt};
use core::ops::Range;

/// A record of the archive: its signature, and its bytes before the names.
struct Record {
    name: &'static str,
    signature: u32,
    bytes: usize,
}

const END: Record = Record {
    name: "end of the directory",
    signature: 0x0605_4b50,
    bytes: 22,
};
const ENTRY: Record = Record {
    name: "directory entry",
    signature: 0x0201_4b50,
    bytes: 46,
};
const LOCAL: Record = Record {
    name: "header of the member",
    signature: 0x0403_4b50,
    bytes: 30,
};

/// The longest comment behind the directory's end, in bytes.
const MAX_COMMENT_BYTES: usize = 0xffff;
/// What stands where a number is too large: the real one is in a record of zip64.
const ELSEWHERE_16: u16 = 0xffff;
const ELSEWHERE_32: u32 = 0xffff_ffff;
/// Flag of a member: encrypted.
const ENCRYPTED: u16 = 1;

/// The bytes of an archive that a member is.
///
/// # Errors
/// `NotFound` for a member that is not there; `InvalidInput` for one that is
/// compressed or encrypted; `Unsupported` for archives of many parts or over
/// 4 GiB; `Malformed` for what is no archive.
pub(in super::super) fn member<R: ReadAt>(
    reader: &R,
    len_bytes: u64,
    name: &str,
) -> Result<Range<u64>> {
    let found = find(reader, len_bytes, name.as_bytes());
    found.with_context(|| format!("member {name} of the archive"))
}

fn find<R: ReadAt>(reader: &R, len_bytes: u64, name: &[u8]) -> Result<Range<u64>> {
    let end = end(reader, len_bytes)?;
    let (count, start) = (half(&end, 10), word(&end, 16));
    let is_in_parts = half(&end, 4) != 0 || half(&end, 6) != 0 || half(&end, 8) != count;
    if is_in_parts || count == ELSEWHERE_16 || start == ELSEWHERE_32 {
        let feature = "a zip archive of several parts, over 4 GiB or of over 65534 members";
        return Err(Error::unsupported(feature, None));
    }
    let mut at = u64::from(start);
    for _ in 0..count {
        let entry = record(reader, at, &ENTRY)?;
        let lengths = [28, 30, 32].map(|place| u64::from(half(&entry, place)));
        let name_at = at + ENTRY.bytes as u64;
        if lengths[0] == name.len() as u64 && bytes(reader, name_at, name.len())? == name {
            return place(reader, len_bytes, &entry);
        }
        at = name_at + lengths.iter().sum::<u64>();
    }
    Err(Error::not_found("there is none of this name"))
}

/// Where the member of an entry lies.
fn place<R: ReadAt>(reader: &R, len_bytes: u64, entry: &[u8]) -> Result<Range<u64>> {
    if half(entry, 8) & ENCRYPTED != 0 || half(entry, 10) != 0 {
        return Err(Error::invalid_input(
            "it is compressed or encrypted: only what is stored as it is (zip -0) can be probed",
        ));
    }
    let (size, header_at) = (word(entry, 20), word(entry, 42));
    if size == ELSEWHERE_32 || header_at == ELSEWHERE_32 {
        return Err(Error::unsupported("a zip archive of over 4 GiB", None));
    }
    let header_at = u64::from(header_at);
    let header = record(reader, header_at, &LOCAL)?;
    let names: u64 = [26, 28]
        .map(|place| u64::from(half(&header, place)))
        .iter()
        .sum();
    let start = header_at + LOCAL.bytes as u64 + names;
    let end = start + u64::from(size);
    if end > len_bytes {
        let cause = format!("it would end at byte {end} of {len_bytes}");
        return Err(Error::malformed(cause));
    }
    Ok(start..end)
}

/// The end of the directory: the last place that looks like it and whose comment
/// ends with the file.
fn end<R: ReadAt>(reader: &R, len_bytes: u64) -> Result<Vec<u8>> {
    let searched = len_bytes.min((END.bytes + MAX_COMMENT_BYTES) as u64);
    let tail = bytes(reader, len_bytes - searched, searched as usize)?;
    let last = tail.len().checked_sub(END.bytes);
    let mut places = (0..=last.ok_or_else(no_archive)?).rev();
    let found = places.find(|&at| {
        let comment_bytes = tail.len() - at - END.bytes;
        let is_end = u32_at(&tail, at) == Some(END.signature);
        is_end && u16_at(&tail, at + 20).map(usize::from) == Some(comment_bytes)
    });
    let at = found.ok_or_else(no_archive)?;
    Ok(tail[at..at + END.bytes].to_vec())
}

fn no_archive() -> Error {
    Error::malformed("no zip archive")
}

/// The fixed bytes of a record.
fn record<R: ReadAt>(reader: &R, at: u64, record: &Record) -> Result<Vec<u8>> {
    let found = bytes(reader, at, record.bytes)?;
    if u32_at(&found, 0) == Some(record.signature) {
        return Ok(found);
    }
    let name = record.name;
    Err(Error::malformed(format!("at byte {at} is no {name}")))
}

/// So many bytes, no fewer.
fn bytes<R: ReadAt>(reader: &R, at: u64, count: usize) -> Result<Vec<u8>> {
    let mut bytes = vec![0; count];
    match reader.read_at(at, &mut bytes)? {
        read if read == count => Ok(bytes),
        read => Err(Error::malformed(format!(
            "the archive has {read} of {count} bytes at byte {at}"
        ))),
    }
}

/// Numbers of a record, which has been read whole.
fn half(record: &[u8], at: usize) -> u16 {
    u16_at(record, at).unwrap_or_default()
}

fn word(record: &[u8], at: usize) -> u32 {
    u32_at(record, at).unwrap_or_default()
}

#[cfg(test)]
#[path = "../../../tests/inputs/archive.rs"]
mod archive;

#[cfg(test)]
pub(super) mod tests {
    use super::archive::{Member, archive};
    use super::*;
    use crate::error::ErrorKind;
    use proptest::prelude::*;

    /// An archive with one stored member, that many bytes behind its header.
    pub fn stored(name: &str, extra: usize, content: &[u8]) -> Vec<u8> {
        archive(&[(name, 0, 0, extra, content)], b"").0
    }

    fn sample(comment: &[u8]) -> (Vec<u8>, Vec<u64>) {
        let members: &[Member<'_>] = &[
            ("lib/a.so", 0, 0, 0, b"first"),
            ("lib/b.so", 8, 0, 7, b"packed"),
            ("lib/c.so", 0, 0, 4000, b"the third"),
            ("lib/d.so", 0, ENCRYPTED, 0, b"secret"),
        ];
        archive(members, comment)
    }

    fn find_in(file: &[u8], name: &str) -> Result<Range<u64>> {
        member(&file.to_vec(), file.len() as u64, name)
    }

    #[test]
    fn a_stored_member_is_found_where_its_bytes_are() {
        // The comment holds what looks like an end.
        for comment in [&b""[..], b"PK\x05\x06 and some more than twenty-two bytes"] {
            let (file, offsets) = sample(comment);
            let first = find_in(&file, "lib/a.so").unwrap();
            assert_eq!(first, offsets[0]..offsets[0] + 5);
            let third = find_in(&file, "lib/c.so").unwrap();
            assert_eq!(
                &file[third.start as usize..third.end as usize],
                b"the third"
            );
        }
    }

    #[test]
    fn what_is_not_stored_as_it_is_cannot_be_probed() {
        let (file, _) = sample(b"");
        for name in ["lib/b.so", "lib/d.so"] {
            let error = find_in(&file, name).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert_eq!(error.to_string(), format!("member {name} of the archive"));
        }
        let error = find_in(&file, "lib/e.so").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        let error = find_in(b"no archive at all, and long enough", "x").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed);
    }

    #[test]
    fn large_archives_are_told_from_broken_ones() {
        let (mut file, _) = sample(b"");
        let end = file.len() - END.bytes;
        file[end + 16..end + 20].fill(0xff);
        let error = find_in(&file, "lib/a.so").unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Unsupported { .. }));
    }

    #[test]
    fn a_member_past_the_end_is_an_error() {
        let (mut file, _) = sample(b"");
        let at = file
            .windows(4)
            .position(|at| at == ENTRY.signature.to_le_bytes());
        let size = at.unwrap() + 20;
        file[size..size + 4].copy_from_slice(&9999u32.to_le_bytes());
        let error = find_in(&file, "lib/a.so").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed);
    }

    proptest! {
        #[test]
        fn damage_is_an_error_or_another_place(at in 0..5000usize, byte: u8, cut in 0..5000usize) {
            let (mut file, _) = sample(b"comment");
            let at = at % file.len();
            file[at] = byte;
            file.truncate(file.len().saturating_sub(cut % 200));
            for name in ["lib/a.so", "lib/c.so", ""] {
                if let Ok(range) = find_in(&file, name) {
                    prop_assert!(range.start <= range.end && range.end <= file.len() as u64);
                }
            }
        }
    }
}

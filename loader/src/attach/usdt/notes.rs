//! Static probes as the compiler left them: notes of `.note.stapsdt`.
//!
//! Source: <https://sourceware.org/systemtap/wiki/UserSpaceProbeImplementation>

use super::super::binary::Binary;
use crate::btf::ReadAt;
use crate::bytes::u32_at;
use crate::error::{Error, Result, ResultExt};

/// All notes of a binary, in bytes; large programs have some hundred
/// kilobytes.
const NOTES_LIMIT_BYTES: u64 = 16 << 20;
const OWNER: &[u8] = b"stapsdt\0";
const KIND: u32 = 3;

/// One note: addresses as they were linked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Note<'d> {
    location: u64,
    base: u64,
    semaphore: u64,
    provider: &'d [u8],
    name: &'d [u8],
    args: &'d [u8],
}

/// One place of a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Site {
    /// Address as linked.
    pub(super) addr: u64,
    /// Byte in the file.
    pub(super) offset: u64,
    /// Byte in the file of the counter that switches the probe on; 0 for none.
    pub(super) semaphore_offset: u64,
    /// Where the arguments are, as the compiler wrote it.
    pub(super) args: String,
}

/// Every place of a probe in a binary, in its order.
///
/// # Errors
/// `NotFound` where there is none; `Malformed` for notes that do not fit the
/// binary.
pub(super) fn sites<R: ReadAt>(
    binary: &Binary<R>,
    provider: &str,
    name: &str,
) -> Result<Vec<Site>> {
    let no_probe = || Error::not_found(format!("the binary has no static probe {provider}:{name}"));
    let section = binary.section(".note.stapsdt")?.ok_or_else(no_probe)?;
    let bytes = binary.content(&section, NOTES_LIMIT_BYTES);
    let bytes = bytes.with_context(|| ".note.stapsdt")?;
    let base = binary.section(".stapsdt.base")?.map(|base| base.addr);
    let of_probe = notes(&bytes)
        .filter(|note| note.provider == provider.as_bytes() && note.name == name.as_bytes());
    let sites = of_probe.map(|note| site(binary, &note, base));
    let sites = sites.collect::<Result<Vec<_>>>();
    let sites = sites.with_context(|| format!("static probe {provider}:{name}"))?;
    if sites.is_empty() {
        return Err(no_probe());
    }
    Ok(sites)
}

/// Where a note's probe is in the file. A binary that was moved after it was
/// linked (prelink) has its notes' base elsewhere than they say.
fn site<R: ReadAt>(binary: &Binary<R>, note: &Note<'_>, base: Option<u64>) -> Result<Site> {
    let moved = base.map_or(0, |base| base.wrapping_sub(note.base));
    let addr = note.location.wrapping_add(moved);
    let code = binary.segment_at(addr).filter(|segment| segment.is_code);
    let offset = code.and_then(|_| binary.file_offset(addr));
    let offset = offset
        .ok_or_else(|| Error::malformed(format!("its address {addr:#x} is not in the code")))?;
    let semaphore_offset = match note.semaphore {
        0 => 0,
        semaphore => {
            let addr = semaphore.wrapping_add(moved);
            binary.file_offset(addr).ok_or_else(|| {
                Error::malformed(format!("its semaphore {addr:#x} is not in the file"))
            })?
        }
    };
    Ok(Site {
        addr,
        offset,
        semaphore_offset,
        args: String::from_utf8_lossy(note.args).into_owned(),
    })
}

/// The static probes among some notes; what is torn ends them.
fn notes(bytes: &[u8]) -> impl Iterator<Item = Note<'_>> {
    let mut rest = bytes;
    core::iter::from_fn(move || {
        loop {
            let (note, after) = one(rest)?;
            rest = after;
            if note.is_some() {
                return note;
            }
        }
    })
}

/// The first note, if it is one of ours, and what comes after it.
fn one(bytes: &[u8]) -> Option<(Option<Note<'_>>, &[u8])> {
    let (name_bytes, desc_bytes) = (u32_at(bytes, 0)? as usize, u32_at(bytes, 4)? as usize);
    let kind = u32_at(bytes, 8)?;
    let rest = bytes.get(12..)?;
    let owner = rest.get(..name_bytes)?;
    let rest = rest.get(name_bytes.checked_next_multiple_of(4)?..)?;
    let desc = rest.get(..desc_bytes)?;
    // The last one need not be filled up.
    let next = rest.get(desc_bytes.checked_next_multiple_of(4)?..);
    let note = (kind == KIND && owner == OWNER)
        .then(|| read(desc))
        .flatten();
    Some((note, next.unwrap_or_default()))
}

fn read(desc: &[u8]) -> Option<Note<'_>> {
    let word = |index: usize| {
        let bytes = desc.get(index * 8..)?.first_chunk()?;
        Some(u64::from_le_bytes(*bytes))
    };
    let mut texts = desc.get(24..)?.split(|&byte| byte == 0);
    Some(Note {
        location: word(0)?,
        base: word(1)?,
        semaphore: word(2)?,
        provider: texts.next()?,
        name: texts.next()?,
        args: texts.next()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A note as the assembler lays it down.
    fn note(owner: &[u8], kind: u32, location: u64, texts: &[u8]) -> Vec<u8> {
        let mut desc: Vec<u8> = [location, 0x2000, 0]
            .iter()
            .flat_map(|w| w.to_le_bytes())
            .collect();
        desc.extend_from_slice(texts);
        let head = [owner.len() as u32, desc.len() as u32, kind];
        let mut bytes: Vec<u8> = head.iter().flat_map(|word| word.to_le_bytes()).collect();
        for part in [owner, &desc] {
            bytes.extend_from_slice(part);
            bytes.resize(bytes.len().next_multiple_of(4), 0);
        }
        bytes
    }

    #[test]
    fn notes_are_read_and_foreign_ones_passed_over() {
        let mut bytes = note(b"GNU\0", 3, 1, b"a\0b\0c\0");
        bytes.extend(note(OWNER, 3, 0x1234, b"libc\0setjmp\08@%rdi -4@%esi\0"));
        bytes.extend(note(OWNER, 4, 1, b"a\0b\0c\0"));
        let found: Vec<_> = notes(&bytes).collect();
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].location, found[0].base), (0x1234, 0x2000));
        assert_eq!(found[0].provider, b"libc");
        assert_eq!(found[0].name, b"setjmp");
        assert_eq!(found[0].args, b"8@%rdi -4@%esi");
    }

    #[test]
    fn a_torn_note_ends_the_list() {
        let bytes = note(OWNER, 3, 1, b"a\0b\0\0");
        for cut in 0..bytes.len() - 4 {
            assert_eq!(notes(&bytes[..cut]).count(), 0, "{cut}");
        }
        assert_eq!(notes(&bytes).count(), 1);
    }

    #[test]
    fn lengths_that_overflow_are_no_note() {
        let head = [u32::MAX, u32::MAX, 3];
        let bytes: Vec<u8> = head.iter().flat_map(|word| word.to_le_bytes()).collect();
        assert_eq!(notes(&bytes).count(), 0);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
            let _ = notes(&bytes).count();
        }
    }
}

//! Maps of a `maps` section: C structs, filled in, without types.
//!
//! The first five words are type, key size, value size, entries and flags.
//! What else a tool once put behind them means something to that tool alone,
//! so it has to be zero.
//!
//! Source: `struct bpf_map_def`, tools/lib/bpf/libbpf.h before libbpf 1.0.

use super::types::MapSpec;
use crate::bytes::word;
use crate::elf::{Elf, Section, Symbol};
use crate::error::{Error, Result, ResultExt};

/// Words up to the number of entries; flags came later.
const MIN_WORDS: u64 = 4;

/// Is this a section of such definitions?
pub(super) fn is_section(name: &str) -> bool {
    name == "maps" || name.starts_with("maps/")
}

/// The variables of a section, in order, each with its byte offset there.
pub(super) fn variables<'d>(elf: &Elf<'d>, section: usize) -> Vec<Symbol<'d>> {
    let in_section = |symbol: &Symbol<'_>| symbol.section == Some(section) && symbol.is_object();
    let mut symbols: Vec<_> = elf.symbols().filter(in_section).collect();
    symbols.sort_by_key(|symbol| symbol.value);
    symbols
}

/// The map that a variable defines.
pub(super) fn parse(section: &Section<'_>, symbol: &Symbol<'_>) -> Result<MapSpec> {
    let parsed = parse_words(section, symbol);
    parsed.with_context(|| format!("map {}", symbol.name))
}

fn parse_words(section: &Section<'_>, symbol: &Symbol<'_>) -> Result<MapSpec> {
    let end = symbol.value.checked_add(symbol.size);
    let range = end.and_then(|end| {
        Some((
            usize::try_from(symbol.value).ok()?,
            usize::try_from(end).ok()?,
        ))
    });
    let bytes = range.and_then(|(start, end)| section.data.get(start..end));
    let bytes = bytes.filter(|bytes| {
        let whole = bytes.len() % 4 == 0 && bytes.len() as u64 >= MIN_WORDS * 4;
        whole && !symbol.name.is_empty()
    });
    let bytes = bytes.ok_or_else(|| {
        Error::malformed(format!(
            "{} bytes at byte {} are no map definition",
            symbol.size, symbol.value
        ))
    })?;
    let at = |index| word(bytes, index).unwrap_or(0);
    let known = bytes.len().min(5 * 4);
    if bytes
        .get(known..)
        .unwrap_or_default()
        .iter()
        .any(|byte| *byte != 0)
    {
        let feature = "a map definition with more than type, sizes, entries and flags";
        return Err(Error::unsupported(feature, None));
    }
    if at(0) == 0 {
        return Err(Error::invalid_input("no type"));
    }
    Ok(MapSpec {
        name: symbol.name.to_owned(),
        map_type: at(0),
        key_size: at(1),
        value_size: at(2),
        max_entries: at(3),
        flags: at(4),
        ..MapSpec::default()
    })
}

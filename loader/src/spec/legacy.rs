//! Maps of a `maps` section: C structs, filled in, without types. A struct
//! `____btf_map_NAME` of a key and a value may give a map its types
//! (`BPF_ANNOTATE_KV_PAIR`).
//!
//! The first five words are type, key size, value size, entries and flags.
//! What else a tool once put behind them means something to that tool alone,
//! so it has to be zero.
//!
//! Source: `struct bpf_map_def` and `btf__get_map_kv_tids`, tools/lib/bpf before
//! libbpf 1.0.

use super::types::MapSpec;
use crate::btf::{Kind, ObjectBtf, Types};
use crate::bytes::word;
use crate::elf::{Elf, Section, Symbol};
use crate::error::{Error, Result, ResultExt};
use crate::order::{self, Key};

/// Words up to the number of entries; flags came later.
const MIN_WORDS: u64 = 4;

/// What stands before a map's name in the name of the struct with its types.
const TYPES_OF: &str = "____btf_map_";

/// Is this a section of such definitions?
pub(super) fn is_section(name: &str) -> bool {
    name == "maps" || name.starts_with("maps/")
}

/// The variables of a section, in order, each with its byte offset there.
pub(super) fn variables<'d>(elf: &Elf<'d>, section: usize) -> Vec<Symbol<'d>> {
    let in_section = |symbol: &Symbol<'_>| symbol.section == Some(section) && symbol.is_object();
    let mut symbols: Vec<_> = elf.symbols().filter(in_section).collect();
    order::sort(&mut symbols, |symbol| Key::number(symbol.value));
    symbols
}

/// The map that a variable defines.
pub(super) fn parse(
    section: &Section<'_>,
    symbol: &Symbol<'_>,
    btf: Option<&ObjectBtf>,
) -> Result<MapSpec> {
    let parsed = parse_words(section, symbol);
    let parsed = parsed.and_then(|mut map| {
        if let Some(btf) = btf {
            add_types(btf, &mut map)?;
        }
        Ok(map)
    });
    parsed.with_context(|| format!("map {}", symbol.name))
}

/// Gives a map the types that a struct has for it. Types of other sizes are not
/// the map's: it is left without, as every map was before there were types.
fn add_types(btf: &ObjectBtf, map: &mut MapSpec) -> Result<()> {
    let name = format!("{TYPES_OF}{}", map.name);
    let Some(id) = btf.find(Kind::Struct, &name) else {
        return Ok(());
    };
    let pair = btf.type_by_id(id)?;
    let (Some(key), Some(value)) = (pair.member(0), pair.member(1)) else {
        return Ok(());
    };
    let sizes = (btf.size_of(key.type_id), btf.size_of(value.type_id));
    if matches!(sizes, (Ok(key), Ok(value)) if (key, value) == (map.key_size, map.value_size)) {
        (map.key_type_id, map.value_type_id) = (key.type_id, value.type_id);
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    /// `struct ____btf_map_m { int key; struct { int; int; } value; }`
    fn btf() -> ObjectBtf {
        let strings = b"\0____btf_map_m\0key\0value\0";
        let structure = |count: u32| 4 << 24 | count;
        let types = [
            [0, 1 << 24, 4, 32].as_slice(),
            &[0, structure(2), 8, 15, 1, 0, 19, 1, 32],
            &[1, structure(2), 12, 15, 1, 0, 19, 2, 32],
        ]
        .concat();
        let types_bytes = types.len() as u32 * 4;
        let sizes = [24, 0, types_bytes, types_bytes, strings.len() as u32];
        let words = [0x0001_eb9f].into_iter().chain(sizes).chain(types);
        let bytes: Vec<u8> = words.flat_map(u32::to_le_bytes).collect();
        ObjectBtf::parse(&[&bytes[..], strings].concat()).unwrap()
    }

    fn types(name: &str, key_size: u32, value_size: u32) -> (u32, u32) {
        let mut map = MapSpec {
            name: name.to_owned(),
            key_size,
            value_size,
            ..MapSpec::default()
        };
        add_types(&btf(), &mut map).unwrap();
        (map.key_type_id, map.value_type_id)
    }

    #[test]
    fn a_struct_of_the_maps_name_gives_it_types() {
        assert_eq!(types("m", 4, 8), (1, 2));
    }

    #[test]
    fn types_of_another_map_or_size_are_not_taken() {
        assert_eq!(types("n", 4, 8), (0, 0));
        assert_eq!(types("m", 8, 8), (0, 0));
        assert_eq!(types("m", 4, 12), (0, 0));
    }
}

//! Functions of a binary, by name.

use super::super::pattern;
use super::{Binary, Section, Strings, missing};
use crate::btf::ReadAt;
use crate::bytes::u32_at;
use crate::error::{Error, Result};
use object::LittleEndian as LE;
use object::elf::{self, Sym64};
use object::pod;
use std::collections::{BTreeMap, BTreeSet};

/// Symbols that are looked at in one go.
const CHUNK: usize = 4096;
const SYMBOL_BYTES: usize = size_of::<Sym64<LE>>();
/// Versions of a library that are looked at, in bytes of their table.
const VERSIONS_LIMIT_BYTES: u64 = 128 << 10;
/// The longest name of a version, in bytes.
const VERSION_NAME_BYTES: usize = 256;
/// Places that the kernel takes at once (MAX_UPROBE_MULTI_CNT).
const MOST_PLACES: usize = 1 << 20;
/// The bit of a version that another is the default of.
const VERSYM_HIDDEN: u16 = 0x8000;

/// One function of a symbol table.
struct Function {
    name_off: u32,
    /// Global 2, weak 1, local 0: the better one counts.
    rank: u8,
    addr: u64,
    /// Number of its version with the hidden bit; 0 where it has none.
    version: u16,
}

/// A function that is looked for: `name`, `name@VERSION` or `name@@VERSION`.
struct Wanted<'n> {
    text: &'n str,
    version: Option<&'n str>,
    /// The best found so far: its rank and place.
    found: Option<(u8, u64)>,
    /// Another place of the same rank.
    rival: Option<u64>,
}

impl<R: ReadAt> Binary<R> {
    /// The byte in the file at which each of some functions begins. Names may
    /// carry a version, as in `memcpy@GLIBC_2.14`; without one the default is
    /// meant.
    ///
    /// # Errors
    /// `NotFound` for a function that is not there, `InvalidInput` for one that
    /// is there several times; `Malformed` for torn tables.
    pub(in super::super) fn functions(&self, names: &[&str]) -> Result<Vec<u64>> {
        let mut wanted: Vec<Wanted<'_>> = names.iter().map(|name| Wanted::new(name)).collect();
        let mut by_name: BTreeMap<&[u8], Vec<usize>> = BTreeMap::new();
        for (index, name) in names.iter().enumerate() {
            let base = name.split_once('@').map_or(*name, |(base, _)| base);
            by_name.entry(base.as_bytes()).or_default().push(index);
        }
        for kind in [elf::SHT_DYNSYM.0, elf::SHT_SYMTAB.0] {
            if wanted.iter().all(|wanted| wanted.found.is_some()) {
                break;
            }
            // What the first table has, the second need not say again.
            let open: Vec<bool> = wanted.iter().map(|wanted| wanted.found.is_none()).collect();
            let Some(table) = self.table(kind) else {
                continue;
            };
            let versions = Versions::read(self, kind)?;
            self.each_function(&table, &versions, |name, function| {
                // The static table has the version in the name.
                let (base, in_name) = split_version(name);
                for &index in by_name.get(base).into_iter().flatten() {
                    if let (Some(wanted), Some(true)) = (wanted.get_mut(index), open.get(index)) {
                        if versions.fit(wanted.version, in_name, function.version) {
                            wanted.take(function.rank, self.file_offset(function.addr));
                        }
                    }
                }
            })?;
        }
        wanted.iter().map(Wanted::place).collect()
    }

    /// The bytes in the file at which the functions that fit begin, in order.
    ///
    /// # Errors
    /// `NotFound` where none fits; `Malformed` for torn tables.
    pub(in super::super) fn functions_like(&self, text: &str) -> Result<Vec<u64>> {
        for kind in [elf::SHT_SYMTAB.0, elf::SHT_DYNSYM.0] {
            let Some(table) = self.table(kind) else {
                continue;
            };
            let mut places = BTreeSet::new();
            let versions = Versions::default();
            self.each_function(&table, &versions, |name, function| {
                if pattern::matches(text.as_bytes(), split_version(name).0) {
                    let place = self.file_offset(function.addr);
                    places.extend(place.filter(|_| places.len() < MOST_PLACES));
                }
            })?;
            if !places.is_empty() {
                return Ok(places.into_iter().collect());
            }
        }
        Err(missing(&format!("function like {text}")))
    }

    fn table(&self, kind: u32) -> Option<Section> {
        let mut tables = self.sections.iter();
        tables.find(|section| section.kind == kind).copied()
    }

    /// Visits every function that a table defines. Within a piece of the table
    /// they come in the order of their names' places, so that the names are
    /// read once as well.
    fn each_function(
        &self,
        table: &Section,
        versions: &Versions,
        mut visit: impl FnMut(&[u8], &Function),
    ) -> Result<()> {
        let no_names = || Error::malformed("a symbol table without names");
        let names = self.sections.get(table.link as usize);
        let mut names = Strings::new(self, names.ok_or_else(no_names)?);
        let count = table.size / SYMBOL_BYTES as u64;
        let mut first = 0;
        while first < count {
            let some = (count - first).min(CHUNK as u64);
            let at = table.offset.saturating_add(first * SYMBOL_BYTES as u64);
            let bytes = self.bytes(at, some * SYMBOL_BYTES as u64, u64::MAX)?;
            let (symbols, _) = pod::slice_from_bytes::<Sym64<LE>>(&bytes, some as usize)
                .map_err(|()| Error::malformed("symbol table is torn"))?;
            let of_versions = versions.numbers(self, first, some)?;
            let number = |index: usize| {
                let bytes = of_versions.get(index * 2..index * 2 + 2);
                bytes.map_or(0, |bytes| u16::from_le_bytes([bytes[0], bytes[1]]))
            };
            let mut functions: Vec<Function> = symbols
                .iter()
                .enumerate()
                .filter_map(|(index, symbol)| Function::new(symbol, number(index)))
                .collect();
            functions.sort_unstable_by_key(|function| function.name_off);
            for function in &functions {
                let name = names.get(function.name_off.into())?;
                if !name.is_empty() {
                    visit(name, function);
                }
            }
            first += some;
        }
        Ok(())
    }
}

impl Function {
    fn new(symbol: &Sym64<LE>, version: u16) -> Option<Self> {
        let is_function = symbol.st_type() == elf::STT_FUNC;
        let is_here = symbol.st_shndx.get(LE) != elf::SHN_UNDEF;
        (is_function && is_here).then(|| Self {
            name_off: symbol.st_name.get(LE),
            rank: match symbol.st_bind() {
                elf::STB_GLOBAL => 2,
                elf::STB_WEAK => 1,
                _ => 0,
            },
            addr: symbol.st_value.get(LE),
            version,
        })
    }
}

impl<'n> Wanted<'n> {
    fn new(text: &'n str) -> Self {
        let version = text.split_once('@').map(|(_, version)| version);
        Self {
            text,
            version: version.map(|version| version.strip_prefix('@').unwrap_or(version)),
            found: None,
            rival: None,
        }
    }

    fn take(&mut self, rank: u8, place: Option<u64>) {
        let Some(place) = place else {
            return;
        };
        match self.found {
            Some((best, _)) if best > rank => {}
            Some((best, at)) if best == rank => {
                if at != place {
                    self.rival = Some(place);
                }
            }
            _ => {
                self.found = Some((rank, place));
                self.rival = None;
            }
        }
    }

    fn place(&self) -> Result<u64> {
        match (self.found, self.rival) {
            (None, _) => Err(missing(&format!("function {}", self.text))),
            (Some((_, place)), None) => Ok(place),
            (Some((_, place)), Some(rival)) => Err(Error::invalid_input(format!(
                "the binary has several functions {}, at bytes {place:#x} and {rival:#x} of the file: name the byte",
                self.text
            ))),
        }
    }
}

/// `name`, and its version where it carries one: `name@@VERSION`.
fn split_version(name: &[u8]) -> (&[u8], Option<&[u8]>) {
    match name.iter().position(|&byte| byte == b'@') {
        Some(at) => {
            let version = name.get(at + 1..).unwrap_or_default();
            (name.get(..at).unwrap_or_default(), Some(version))
        }
        None => (name, None),
    }
}

/// The versions that a library defines, and which symbol is of which.
#[derive(Default)]
struct Versions {
    /// `.gnu.version`: one number for each symbol.
    numbers: Option<Section>,
    /// Names by number.
    names: BTreeMap<u16, Vec<u8>>,
}

impl Versions {
    fn read<R: ReadAt>(binary: &Binary<R>, table: u32) -> Result<Self> {
        if table != elf::SHT_DYNSYM.0 {
            return Ok(Self::default());
        }
        let numbers = binary.table(elf::SHT_GNU_VERSYM.0);
        let mut names = BTreeMap::new();
        if let Some(defined) = binary.table(elf::SHT_GNU_VERDEF.0) {
            let bytes = binary.content(&defined, VERSIONS_LIMIT_BYTES)?;
            let strings = binary.sections.get(defined.link as usize);
            if let Some(strings) = strings {
                let mut strings = Strings::new(binary, strings);
                for (number, name_off) in definitions(&bytes) {
                    let name = strings.get(name_off.into())?;
                    let name = name.get(..VERSION_NAME_BYTES).unwrap_or(name);
                    names.insert(number, name.to_vec());
                }
            }
        }
        Ok(Self { numbers, names })
    }

    /// The numbers of some symbols, two bytes each; nothing where there are
    /// none.
    fn numbers<R: ReadAt>(&self, binary: &Binary<R>, first: u64, count: u64) -> Result<Vec<u8>> {
        match &self.numbers {
            Some(section) if (first + count) * 2 <= section.size => {
                let at = section.offset.saturating_add(first * 2);
                binary.bytes(at, count * 2, u64::MAX)
            }
            _ => Ok(Vec::new()),
        }
    }

    /// Is a symbol of the version that is wanted? Without one, it is if it is
    /// the default.
    fn fit(&self, wanted: Option<&str>, in_name: Option<&[u8]>, number: u16) -> bool {
        let own = self.names.get(&(number & !VERSYM_HIDDEN));
        match (wanted, in_name) {
            // `@@` marks the default.
            (None, Some(version)) => version.starts_with(b"@"),
            (None, None) => number & VERSYM_HIDDEN == 0,
            (Some(wanted), Some(version)) => {
                version.strip_prefix(b"@").unwrap_or(version) == wanted.as_bytes()
            }
            (Some(wanted), None) => own.is_some_and(|own| own == wanted.as_bytes()),
        }
    }
}

/// Numbers and names' places of `.gnu.version_d`: each definition says how far
/// the next is, and where its first name is.
fn definitions(bytes: &[u8]) -> Vec<(u16, u32)> {
    let mut found = Vec::new();
    let mut at = 0usize;
    // Each has 20 bytes, so a chain that goes in circles ends as well.
    for _ in 0..bytes.len() / 20 {
        let number = u32_at(bytes, at + 4).map(|word| word as u16);
        let first_name = u32_at(bytes, at + 12);
        let next = u32_at(bytes, at + 16);
        let (Some(number), Some(first_name), Some(next)) = (number, first_name, next) else {
            break;
        };
        let name = at.checked_add(first_name as usize);
        if let Some(name_off) = name.and_then(|at| u32_at(bytes, at)) {
            found.push((number & !VERSYM_HIDDEN, name_off));
        }
        at = match at.checked_add(next as usize) {
            Some(after) if next != 0 && after < bytes.len() => after,
            _ => break,
        };
    }
    found
}

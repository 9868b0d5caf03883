//! Binaries that are put together by hand, byte by byte.

use super::*;
use proptest::prelude::*;

const SECTION: usize = size_of::<SectionHeader64<LE>>();

impl ReadAt for Vec<u8> {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize> {
        let tail = self.get(offset as usize..).unwrap_or_default();
        let count = tail.len().min(buffer.len());
        buffer[..count].copy_from_slice(&tail[..count]);
        Ok(count)
    }
}

/// A symbol: name, binding and type, section, address, version.
type Sym<'a> = (&'a str, u8, u16, u64, u16);

const GLOBAL_FUNC: u8 = 1 << 4 | 2;
const WEAK_FUNC: u8 = 2 << 4 | 2;
const LOCAL_FUNC: u8 = 2;
const GLOBAL_OBJECT: u8 = 1 << 4 | 1;

/// One section: name, type, link, address, bytes.
struct Part {
    name: &'static str,
    kind: u32,
    link: u32,
    addr: u64,
    bytes: Vec<u8>,
}

fn part(name: &'static str, kind: u32, link: u32, bytes: Vec<u8>) -> Part {
    let addr = 0;
    Part {
        name,
        kind,
        link,
        addr,
        bytes,
    }
}

/// A library whose code of 0x1000 bytes lies at address 0x401000 and at byte
/// 0x1000 of the file.
fn elf(mut parts: Vec<Part>) -> Vec<u8> {
    parts.insert(0, part("", 0, 0, Vec::new()));
    let mut names = vec![0u8];
    let mut name_offs = Vec::new();
    let last = parts.len() as u16;
    parts.push(part(".shstrtab", 3, 0, Vec::new()));
    for part in &parts {
        name_offs.push(names.len() as u32);
        names.extend_from_slice(part.name.as_bytes());
        names.push(0);
    }
    parts[usize::from(last)].bytes = names;
    let mut file = vec![0u8; 64 + 56];
    file.resize(0x2000, 0x90);
    let mut headers = Vec::new();
    for (part, name_off) in parts.iter().zip(name_offs) {
        let words = [name_off, part.kind].map(u32::to_le_bytes).concat();
        headers.extend(words);
        let places = [0, part.addr, file.len() as u64, part.bytes.len() as u64];
        headers.extend(places.map(u64::to_le_bytes).concat());
        headers.extend([part.link, 0].map(u32::to_le_bytes).concat());
        headers.extend([1u64, 0].map(u64::to_le_bytes).concat());
        file.extend_from_slice(&part.bytes);
    }
    let table_at = file.len() as u64;
    file.extend(headers);
    file[..16].copy_from_slice(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
    file[16..18].copy_from_slice(&3u16.to_le_bytes());
    file[18..20].copy_from_slice(&62u16.to_le_bytes());
    file[32..40].copy_from_slice(&64u64.to_le_bytes());
    file[40..48].copy_from_slice(&table_at.to_le_bytes());
    let counts = [64u16, 56, 1, SECTION as u16, last + 1, last];
    file[52..64].copy_from_slice(&counts.map(u16::to_le_bytes).concat());
    let segment = [1u32, 5].map(u32::to_le_bytes).concat();
    file[64..72].copy_from_slice(&segment);
    let places = [0x1000u64, 0x40_1000, 0x40_1000, 0x1000, 0x1000, 0x1000];
    file[72..120].copy_from_slice(&places.map(u64::to_le_bytes).concat());
    file
}

/// The sections of a symbol table; they begin at section `first`.
fn symbols(first: u32, kind: u32, symbols: &[Sym<'_>]) -> Vec<Part> {
    let (mut names, mut table, mut versions) = (vec![0u8], vec![0u8; 24], vec![0u8; 2]);
    for (name, info, section, addr, version) in symbols {
        table.extend((names.len() as u32).to_le_bytes());
        table.extend([*info, 0]);
        table.extend(section.to_le_bytes());
        table.extend([*addr, 16].map(u64::to_le_bytes).concat());
        names.extend_from_slice(name.as_bytes());
        names.push(0);
        versions.extend(version.to_le_bytes());
    }
    let mut parts = vec![
        part(".table", kind, first + 1, table),
        part(".names", 3, 0, names),
    ];
    if kind == elf::SHT_DYNSYM.0 {
        let kind = elf::SHT_GNU_VERSYM.0;
        parts.push(part(".gnu.version", kind, first, versions));
    }
    parts
}

/// `.gnu.version_d` with `VERS_1` as 2 and `VERS_2` as 3, and its names.
fn version_names(first: u32) -> Vec<Part> {
    let names = b"\0VERS_1\0VERS_2\0".to_vec();
    let mut table = Vec::new();
    for (number, name_off, next) in [(2u16, 1u32, 28u32), (3, 8, 0)] {
        table.extend([1, 0, number, 1].map(u16::to_le_bytes).concat());
        table.extend([0, 20, next, name_off, 0].map(u32::to_le_bytes).concat());
    }
    vec![
        part(".gnu.version_d", elf::SHT_GNU_VERDEF.0, first + 1, table),
        part(".version_names", 3, 0, names),
    ]
}

fn binary(file: Vec<u8>) -> Binary<Vec<u8>> {
    let len = file.len() as u64;
    Binary::read(file, len).unwrap()
}

fn sample() -> Vec<u8> {
    let dynamic: &[Sym<'_>] = &[
        ("open", GLOBAL_FUNC, 1, 0x40_1010, 1),
        ("copy", GLOBAL_FUNC, 1, 0x40_1020, 0x8002),
        ("copy", GLOBAL_FUNC, 1, 0x40_1030, 3),
        ("imported", GLOBAL_FUNC, 0, 0, 0),
        ("data", GLOBAL_OBJECT, 1, 0x40_1040, 1),
    ];
    let fixed: &[Sym<'_>] = &[
        ("open", GLOBAL_FUNC, 1, 0x40_1010, 0),
        ("copy@VERS_1", GLOBAL_FUNC, 1, 0x40_1020, 0),
        ("copy@@VERS_2", GLOBAL_FUNC, 1, 0x40_1030, 0),
        ("helper", LOCAL_FUNC, 1, 0x40_1050, 0),
        ("twice", LOCAL_FUNC, 1, 0x40_1060, 0),
        ("twice", LOCAL_FUNC, 1, 0x40_1070, 0),
        ("weak", WEAK_FUNC, 1, 0x40_1080, 0),
        ("weak", GLOBAL_FUNC, 1, 0x40_1090, 0),
        ("elsewhere", GLOBAL_FUNC, 1, 0x99_0000, 0),
    ];
    let mut parts = symbols(1, elf::SHT_DYNSYM.0, dynamic);
    parts.extend(version_names(4));
    parts.extend(symbols(6, elf::SHT_SYMTAB.0, fixed));
    elf(parts)
}

fn one(name: &str) -> Result<u64> {
    Ok(binary(sample()).functions(&[name])?[0])
}

#[test]
fn functions_are_found_in_both_tables() {
    assert_eq!(one("open").unwrap(), 0x1010);
    assert_eq!(one("helper").unwrap(), 0x1050);
    let several = binary(sample()).functions(&["helper", "open"]).unwrap();
    assert_eq!(several, [0x1050, 0x1010]);
}

#[test]
fn a_version_chooses_among_functions_of_one_name() {
    assert_eq!(one("copy").unwrap(), 0x1030);
    assert_eq!(one("copy@VERS_1").unwrap(), 0x1020);
    assert_eq!(one("copy@@VERS_2").unwrap(), 0x1030);
    assert!(one("copy@VERS_3").is_err());
}

#[test]
fn what_is_no_function_here_is_not_found() {
    for name in ["imported", "data", "elsewhere", "ope", ""] {
        let error = one(name).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{name}");
        assert_eq!(
            error.to_string(),
            format!("the binary has no function {name}")
        );
    }
}

#[test]
fn a_function_that_is_there_twice_is_refused() {
    let error = one("twice").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("0x1060 and 0x1070"), "{error}");
}

#[test]
fn a_global_function_goes_before_a_weak_one() {
    assert_eq!(one("weak").unwrap(), 0x1090);
}

#[test]
fn a_pattern_finds_each_place_once() {
    let binary = binary(sample());
    assert_eq!(binary.functions_like("co*").unwrap(), [0x1020, 0x1030]);
    assert_eq!(binary.functions_like("tw?ce").unwrap(), [0x1060, 0x1070]);
    assert!(binary.functions_like("x*").is_err());
}

#[test]
fn a_stripped_library_has_its_dynamic_functions() {
    let symbols = symbols(1, elf::SHT_DYNSYM.0, &[("f", GLOBAL_FUNC, 1, 0x40_1000, 1)]);
    let binary = binary(elf(symbols));
    assert_eq!(binary.functions(&["f"]).unwrap(), [0x1000]);
    assert_eq!(binary.functions_like("*").unwrap(), [0x1000]);
}

#[test]
fn addresses_are_looked_up_by_the_program_headers() {
    let binary = binary(sample());
    assert_eq!(binary.file_offset(0x40_1000), Some(0x1000));
    assert_eq!(binary.file_offset(0x40_1fff), Some(0x1fff));
    assert_eq!(binary.file_offset(0x40_2000), None);
    assert_eq!(binary.file_offset(0x40_0fff), None);
}

#[test]
fn names_across_two_windows_are_read() {
    let long = "x".repeat(MAX_NAME_BYTES - 1);
    let names: Vec<String> = (0..12).map(|n| format!("{long}{n:x}")).collect();
    let table: Vec<Sym<'_>> = names
        .iter()
        .enumerate()
        .map(|(n, name)| (&name[n..], GLOBAL_FUNC, 1, 0x40_1000 + n as u64, 0))
        .collect();
    let binary = binary(elf(symbols(1, elf::SHT_SYMTAB.0, &table)));
    // The first is a byte too long to be a name.
    for n in 1..12 {
        let found = binary.functions(&[&names[n][n..]]).unwrap();
        assert_eq!(found, [0x1000 + n as u64]);
    }
    assert!(binary.functions(&[&names[0]]).is_err());
}

#[test]
fn the_own_program_has_its_functions() {
    let own = Binary::open(&find_file("/proc/self/exe").unwrap()).unwrap();
    assert!(!own.functions_like("*names_across_two*").unwrap().is_empty());
    assert!(own.section(".text").unwrap().is_some());
    assert!(own.section(".no such").unwrap().is_none());
}

#[test]
fn what_is_no_binary_is_said_to_be_none() {
    let error = Binary::open(&find_file(env!("CARGO_MANIFEST_PATH")).unwrap());
    let text = format!("{:#}", error.err().unwrap());
    assert!(text.ends_with("no ELF file"), "{text}");
    assert!(Binary::read(Vec::new(), 0).is_err());
}

/// Everything that is done to a binary.
fn use_all(file: Vec<u8>) {
    let len = file.len() as u64;
    if let Ok(binary) = Binary::read(file, len) {
        let _ = binary.functions(&["open", "copy", "copy@VERS_1", "twice"]);
        let _ = binary.functions_like("*");
        let _ = binary.section(".note.stapsdt");
        let _ = binary.file_offset(0x40_1234);
    }
}

#[test]
fn a_file_that_is_cut_off_anywhere_does_no_harm() {
    let file = sample();
    for end in (0..file.len()).filter(|end| *end < 200 || *end > 0x1ff0) {
        use_all(file[..end].to_vec());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn changed_bytes_do_no_harm(changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let mut file = sample();
        // The code in between is never looked at.
        let interesting = 120 + file.len() - 0x2000;
        for (at, value) in changes {
            let at = at.index(interesting);
            let at = if at < 120 { at } else { at - 120 + 0x2000 };
            file[at] = value;
        }
        use_all(file);
    }
}

#[test]
fn a_function_of_a_member_is_where_it_lies_in_the_archive() {
    let outer = std::env::temp_dir().join(format!("trapline-{}.zip", std::process::id()));
    let content = sample();
    let archive = zip::tests::stored("lib/sample.so", 100, &content);
    std::fs::write(&outer, archive).unwrap();
    let place = format!("{}!/lib/sample.so", outer.display());
    let opened = Binary::open(&find_file(&place).unwrap());
    let found = opened.and_then(|binary| binary.functions(&["helper"]));
    std::fs::remove_file(&outer).unwrap();
    let alone = binary(sample()).functions(&["helper"]).unwrap();
    let before = 30 + "lib/sample.so".len() as u64 + 100;
    assert_eq!(found.unwrap(), [alone[0] + before]);
}

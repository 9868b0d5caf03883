//! A small library with two functions, one of them with a version, and a static
//! probe, written byte by byte.

/// Where its code is mapped, and where that is in the file.
const ADDRESS: u64 = 0x40_0100;
const OFFSET: u64 = 0x100;
const CODE_BYTES: u64 = 0x40;

const STRINGS: &[u8] = b"\0probed_one\0probed_two\0VERS_1\0";
const NAMES: &[u8] = b"\0.symtab\0.strtab\0.note.stapsdt\0.stapsdt.base\0.dynsym\0.gnu.version\0\
    .gnu.version_d\0.shstrtab\0";

/// The library; its functions are `probed_one` and `probed_two@VERS_1`, its probe
/// is `trapline:site`.
pub fn library() -> Vec<u8> {
    let symbols = symbols();
    let versions = [0u16, 1, 2].map(u16::to_le_bytes).concat();
    // Name, kind, link, address, bytes.
    let sections: &[(&str, u32, u32, u64, &[u8])] = &[
        ("", 0, 0, 0, &[]),
        (".symtab", 2, 2, 0, &symbols),
        (".strtab", 3, 0, 0, STRINGS),
        (".note.stapsdt", 7, 0, 0, &note()),
        (".stapsdt.base", 1, 0, 0x1000, b"x"),
        (".dynsym", 11, 2, 0, &symbols),
        (".gnu.version", 0x6fff_ffff, 5, 0, &versions),
        (".gnu.version_d", 0x6fff_fffd, 2, 0, &definitions()),
        (".shstrtab", 3, 0, 0, NAMES),
    ];
    let mut file = vec![0; (OFFSET + CODE_BYTES) as usize];
    let mut headers = Vec::new();
    for (name, kind, link, address, bytes) in sections {
        let name = place(NAMES, name);
        headers.extend([name, *kind].map(u32::to_le_bytes).concat());
        let places = [0, *address, file.len() as u64, bytes.len() as u64];
        headers.extend(places.map(u64::to_le_bytes).concat());
        headers.extend([*link, 0].map(u32::to_le_bytes).concat());
        headers.extend([1u64, 0].map(u64::to_le_bytes).concat());
        file.extend(*bytes);
    }
    let table_at = file.len() as u64;
    file.extend(headers);
    let head = header(table_at, sections.len() as u16);
    file[..head.len()].copy_from_slice(&head);
    file
}

/// The file header, and that of the one part that is mapped.
fn header(table_at: u64, sections: u16) -> Vec<u8> {
    let mut bytes = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    // A library for x86-64.
    bytes.extend([3u16, 62].map(u16::to_le_bytes).concat());
    bytes.extend(1u32.to_le_bytes());
    bytes.extend([0, 64, table_at].map(u64::to_le_bytes).concat());
    bytes.extend(0u32.to_le_bytes());
    let sizes = [64, 56, 1, 64, sections, sections - 1];
    bytes.extend(sizes.map(u16::to_le_bytes).concat());
    // To be loaded, read and run.
    bytes.extend([1u32, 5].map(u32::to_le_bytes).concat());
    let places = [OFFSET, ADDRESS, ADDRESS, CODE_BYTES, CODE_BYTES, 4096];
    bytes.extend(places.map(u64::to_le_bytes).concat());
    bytes
}

fn symbols() -> Vec<u8> {
    const GLOBAL_FUNC: u8 = 1 << 4 | 2;
    let mut bytes = vec![0; 24];
    for (name, inside) in [("probed_one", 0), ("probed_two", 0x10)] {
        bytes.extend(place(STRINGS, name).to_le_bytes());
        bytes.extend([GLOBAL_FUNC, 0, 1, 0]);
        bytes.extend([ADDRESS + inside, 0x10].map(u64::to_le_bytes).concat());
    }
    bytes
}

/// `VERS_1` is version 2.
fn definitions() -> Vec<u8> {
    let mut bytes = [1u16, 0, 2, 1].map(u16::to_le_bytes).concat();
    let rest = [0, 20, 0, place(STRINGS, "VERS_1"), 0];
    bytes.extend(rest.map(u32::to_le_bytes).concat());
    bytes
}

fn note() -> Vec<u8> {
    let mut desc = [ADDRESS + 0x20, 0x1000, 0].map(u64::to_le_bytes).concat();
    desc.extend(b"trapline\0site\0-4@%edi 8@$-7 8@-16(%rbp) 4@8(%rax,%rcx,4)\0");
    let mut bytes = [8, desc.len() as u32, 3].map(u32::to_le_bytes).concat();
    bytes.extend(b"stapsdt\0");
    bytes.extend(desc);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// The offset of a name in a table of them.
fn place(table: &[u8], name: &str) -> u32 {
    let name = [name.as_bytes(), &[0]].concat();
    let mut windows = table.windows(name.len());
    let found = windows.position(|window| window == name);
    found.expect("a name of the table") as u32
}

//! A small program with probes in it, made byte by byte: two functions that it
//! calls once each, and a static probe that is behind its semaphore.
//!
//! The cases of uprobes run it: what happens in it, and how often, is known to
//! the last instruction. All that depends on the architecture is the machine's
//! number, the instructions, and how the probe writes its arguments.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::stage::{Failure, Tried};
use crate::sys::touch;

/// Where the program is: the objects' sections name it.
pub const PATH: &str = "/tmp/trapline-probed";

const BASE: u64 = 0x40_0000;
const EHDR_BYTES: u64 = 64;
const PHDR_BYTES: u64 = 56;
const SHDR_BYTES: u64 = 64;
const PHDRS: u64 = 3;
const CODE_OFFSET: u64 = EHDR_BYTES + PHDRS * PHDR_BYTES;
/// The semaphore has a page of its own, which can be written to.
const DATA_OFFSET: u64 = 0x1000;
const SECTIONS_OFFSET: u64 = DATA_OFFSET + 8;

#[cfg(target_arch = "x86_64")]
mod code {
    pub const MACHINE: u16 = 62;
    pub const CODE: &[u8] = &[
        0xe8, 0x1f, 0, 0, 0, // call probed_one
        0xe8, 0x1d, 0, 0, 0, // call probed_two
        0xbf, 42, 0, 0, 0, // mov edi, 42
        0x66, 0x83, 0x3c, 0x25, 0x00, 0x10, 0x40, 0x00, 0, // cmp word [semaphore], 0
        0x74, 0x01, // je over the probe
        0x90, // nop: the probe
        0x31, 0xff, // xor edi, edi
        0xb8, 231, 0, 0, 0, // mov eax, SYS_exit_group
        0x0f, 0x05, // syscall
        0x55, 0x5d, 0xc3, // probed_one: push rbp; pop rbp; ret
        0x55, 0x5d, 0xc3, // probed_two: push rbp; pop rbp; ret
    ];
    pub const SITE: u64 = 0x1a;
    pub const ONE: u64 = 0x24;
    pub const TWO: u64 = 0x27;
    pub const ARGUMENTS: &str = "-4@%edi 8@$-7";
}

#[cfg(target_arch = "aarch64")]
mod code {
    pub const MACHINE: u16 = 183;
    pub const CODE: &[u8] = &[
        0x0b, 0x00, 0x00, 0x94, // bl probed_one
        0x0d, 0x00, 0x00, 0x94, // bl probed_two
        0x01, 0x00, 0x82, 0xd2, // mov x1, #0x1000
        0x01, 0x08, 0xa0, 0xf2, // movk x1, #0x40, lsl #16: the semaphore
        0x21, 0x00, 0x40, 0x79, // ldrh w1, [x1]
        0x40, 0x05, 0x80, 0xd2, // mov x0, #42
        0x41, 0x00, 0x00, 0x34, // cbz w1, over the probe
        0x1f, 0x20, 0x03, 0xd5, // nop: the probe
        0x00, 0x00, 0x80, 0xd2, // mov x0, #0
        0xc8, 0x0b, 0x80, 0xd2, // mov x8, SYS_exit_group
        0x01, 0x00, 0x00, 0xd4, // svc #0
        0xfd, 0x7b, 0xbf, 0xa9, // probed_one: stp x29, x30, [sp, #-16]!
        0xfd, 0x7b, 0xc1, 0xa8, // ldp x29, x30, [sp], #16
        0xc0, 0x03, 0x5f, 0xd6, // ret
        0xfd, 0x7b, 0xbf, 0xa9, // probed_two: the same
        0xfd, 0x7b, 0xc1, 0xa8, //
        0xc0, 0x03, 0x5f, 0xd6, //
    ];
    pub const SITE: u64 = 0x1c;
    pub const ONE: u64 = 0x2c;
    pub const TWO: u64 = 0x38;
    pub const ARGUMENTS: &str = "-4@w0 8@-7";
}

/// Writes the program.
///
/// # Errors
/// What the file system says.
pub fn write() -> Result<(), Failure> {
    fs::create_dir_all("/tmp").tried("make /tmp")?;
    // One that runs cannot be written to; it may be another case's.
    let new = format!("{PATH}.{}", std::process::id());
    fs::write(&new, elf()).tried("write the probed program")?;
    let mode = fs::Permissions::from_mode(0o755);
    fs::set_permissions(&new, mode).tried("make it executable")?;
    fs::rename(&new, PATH).tried("put it in its place")
}

/// Runs the program once: each function is called once, and the probe is passed
/// if its semaphore is up.
///
/// # Errors
/// When it does not run, or does not leave with 0.
pub fn run() -> Result<(), Failure> {
    let ended = Command::new(PATH)
        .status()
        .tried("run the probed program")?;
    match ended.success() {
        true => Ok(()),
        false => Err(Failure::Other(format!("the probed program: {ended}"))),
    }
}

/// Where an archive with the program in it is, and the program's name there.
pub const ARCHIVE: &str = "/tmp/trapline-probed.zip";
pub const MEMBER: &str = "lib/probed";
/// The program begins at a page of the archive, so that it can be mapped.
const MEMBER_OFFSET: u64 = 0x2000;

/// Writes an archive with the program as it is.
///
/// # Errors
/// What the file system says.
pub fn write_archive() -> Result<File, Failure> {
    fs::create_dir_all("/tmp").tried("make /tmp")?;
    let new = format!("{ARCHIVE}.{}", std::process::id());
    fs::write(&new, archive(&elf())).tried("write the archive")?;
    fs::rename(&new, ARCHIVE).tried("put it in its place")?;
    File::open(ARCHIVE).tried("open the archive")
}

/// Calls the program's first function where it lies in the archive.
///
/// # Errors
/// When it cannot be mapped.
pub fn call_in_archive(archive: &File) -> Result<(), Failure> {
    let function = MEMBER_OFFSET + CODE_OFFSET + code::ONE;
    touch::call_in_file(archive, MEMBER_OFFSET, function).tried("call the archive's function")
}

/// A zip archive with one member, stored as it is.
fn archive(content: &[u8]) -> Vec<u8> {
    const LOCAL_BYTES: usize = 30;
    let filled = MEMBER_OFFSET as usize - LOCAL_BYTES - MEMBER.len();
    let size = content.len() as u32;
    let kind = [20u16, 0, 0, 0, 0].map(u16::to_le_bytes).concat();
    let sizes = [0, size, size].map(u32::to_le_bytes).concat();
    let mut bytes = b"PK\x03\x04".to_vec();
    bytes.extend([&kind[..], &sizes].concat());
    bytes.extend(
        [MEMBER.len() as u16, filled as u16]
            .map(u16::to_le_bytes)
            .concat(),
    );
    bytes.extend(MEMBER.bytes());
    bytes.resize(MEMBER_OFFSET as usize, 0);
    bytes.extend(content);
    let directory_at = bytes.len() as u32;
    bytes.extend([b"PK\x01\x02", &[20, 0][..], &kind, &sizes].concat());
    let rest = [MEMBER.len() as u16, 0, 0, 0, 0, 0, 0, 0, 0];
    bytes.extend(rest.map(u16::to_le_bytes).concat());
    bytes.extend(MEMBER.bytes());
    let directory_bytes = bytes.len() as u32 - directory_at;
    bytes.extend(b"PK\x05\x06");
    bytes.extend([0u16, 0, 1, 1].map(u16::to_le_bytes).concat());
    bytes.extend(
        [directory_bytes, directory_at]
            .map(u32::to_le_bytes)
            .concat(),
    );
    bytes.extend([0; 2]);
    bytes
}

/// One section: name's place, kind, link, bytes.
type Section<'a> = (u32, u32, u32, &'a [u8]);

/// The bytes of the program.
fn elf() -> Vec<u8> {
    const NAMES: &[u8] = b"\0.symtab\0.strtab\0.note.stapsdt\0.shstrtab\0";
    const STRINGS: &[u8] = b"\0probed_one\0probed_two\0";
    let (symbols, note) = (symbols(), note());
    let sections: [Section<'_>; 5] = [
        (0, 0, 0, &[]),
        (1, 2, 2, &symbols),
        (9, 3, 0, STRINGS),
        (17, 7, 0, &note),
        (31, 3, 0, NAMES),
    ];
    let content: usize = sections.iter().map(|(.., bytes)| bytes.len()).sum();
    let mut bytes = header(SECTIONS_OFFSET + content as u64, sections.len() as u16);
    bytes.extend(code::CODE);
    bytes.resize(SECTIONS_OFFSET as usize, 0);
    let mut headers = Vec::new();
    for (name, kind, link, content) in sections {
        headers.extend([name, kind].map(u32::to_le_bytes).concat());
        let place = [0, 0, bytes.len() as u64, content.len() as u64];
        headers.extend(place.map(u64::to_le_bytes).concat());
        headers.extend([link, 0].map(u32::to_le_bytes).concat());
        let entry = if kind == 2 { 24 } else { 0 };
        headers.extend([1_u64, entry].map(u64::to_le_bytes).concat());
        bytes.extend(content);
    }
    bytes.extend(headers);
    bytes
}

/// The file header and the program headers.
fn header(sections_at: u64, sections: u16) -> Vec<u8> {
    const PT_LOAD: u32 = 1;
    const PT_GNU_STACK: u32 = 0x6474_e551;
    const READ: u32 = 4;
    const WRITE: u32 = 2;
    const EXECUTE: u32 = 1;
    let mut bytes = vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0];
    bytes.extend([0; 8]);
    bytes.extend([2, code::MACHINE].map(u16::to_le_bytes).concat());
    bytes.extend(1_u32.to_le_bytes());
    let places = [BASE + CODE_OFFSET, EHDR_BYTES, sections_at];
    bytes.extend(places.map(u64::to_le_bytes).concat());
    bytes.extend(0_u32.to_le_bytes());
    let sizes = [EHDR_BYTES, PHDR_BYTES, PHDRS, SHDR_BYTES].map(|size| size as u16);
    bytes.extend(sizes.map(u16::to_le_bytes).concat());
    bytes.extend([sections, sections - 1].map(u16::to_le_bytes).concat());
    let code_bytes = CODE_OFFSET + code::CODE.len() as u64;
    // Without the last header the kernel would assume that the stack must be
    // executable.
    let headers = [
        (PT_LOAD, READ | EXECUTE, 0, code_bytes, 4096_u64),
        (PT_LOAD, READ | WRITE, DATA_OFFSET, 8, 4096),
        (PT_GNU_STACK, READ | WRITE, 0, 0, 16),
    ];
    for (kind, flags, offset, size_bytes, align) in headers {
        bytes.extend([kind, flags].map(u32::to_le_bytes).concat());
        let address = BASE + offset;
        let words = [offset, address, address, size_bytes, size_bytes, align];
        bytes.extend(words.map(u64::to_le_bytes).concat());
    }
    bytes
}

/// The functions, both global.
fn symbols() -> Vec<u8> {
    const GLOBAL_FUNC: u8 = 1 << 4 | 2;
    // Any section but "undefined".
    const SECTION: u16 = 1;
    let mut bytes = vec![0; 24];
    for (name, place) in [(1_u32, code::ONE), (12, code::TWO)] {
        bytes.extend(name.to_le_bytes());
        bytes.extend([GLOBAL_FUNC, 0]);
        bytes.extend(SECTION.to_le_bytes());
        let words = [BASE + CODE_OFFSET + place, 3];
        bytes.extend(words.map(u64::to_le_bytes).concat());
    }
    bytes
}

/// The static probe `trapline:site` with its two arguments.
fn note() -> Vec<u8> {
    let site = BASE + CODE_OFFSET + code::SITE;
    let mut desc = [site, 0, BASE + DATA_OFFSET].map(u64::to_le_bytes).concat();
    desc.extend(b"trapline\0site\0");
    desc.extend(code::ARGUMENTS.as_bytes());
    desc.push(0);
    let head = [8, desc.len() as u32, 3];
    let mut bytes = head.map(u32::to_le_bytes).concat();
    bytes.extend(b"stapsdt\0");
    bytes.extend(desc);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_function_in_the_archive_can_be_called() {
        let _turn = crate::capture::tests::my_turn();
        let file = write_archive().unwrap();
        call_in_archive(&file).unwrap();
        fs::remove_file(ARCHIVE).unwrap();
    }

    #[test]
    fn the_probed_program_runs_and_leaves_with_0() {
        let _turn = crate::capture::tests::my_turn();
        write().unwrap();
        run().unwrap();
        fs::remove_file(PATH).unwrap();
    }
}

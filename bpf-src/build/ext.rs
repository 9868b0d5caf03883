//! `.BTF.ext` of an object that a compiler wrote.
//!
//! Source: `struct btf_ext_header`, tools/lib/bpf/libbpf_internal.h

use std::fs;
use std::ops::Range;
use std::path::Path;

use object::Endianness;
use object::read::elf::ElfFile64;
use object::{Object as _, ObjectSection as _};

/// Where in the header offset and length of the tables are: functions, lines, relocations.
const TABLES: [usize; 3] = [8, 16, 24];

/// Where it is in an object.
pub fn find(object: &[u8]) -> Range<usize> {
    let file = ElfFile64::<Endianness>::parse(object).expect("clang writes ELF files");
    let ext = file
        .section_by_name(".BTF.ext")
        .expect("clang was called with -g");
    let (at, length) = ext.file_range().expect("it has bytes in the file");
    at as usize..(at + length) as usize
}

/// Writes that of an object without its table of lines to a file.
pub fn write_without_lines(object: &Path, file: &Path) {
    let object = fs::read(object).expect("clang has written the object");
    let ext = without_lines(&object[find(&object)]);
    fs::write(file, ext).expect("OUT_DIR is ours to write");
}

fn without_lines(ext: &[u8]) -> Vec<u8> {
    let word = |at: usize| u32::from_le_bytes(ext[at..at + 4].try_into().expect("four bytes"));
    let header_bytes = word(4) as usize;
    let mut without = ext[..header_bytes].to_vec();
    for (at, is_wanted) in TABLES.into_iter().zip([true, false, true]) {
        let offset = without.len() - header_bytes;
        let start = header_bytes + word(at) as usize;
        let bytes = if is_wanted { word(at + 4) } else { 0 };
        without[at..at + 4].copy_from_slice(&(offset as u32).to_le_bytes());
        without[at + 4..at + 8].copy_from_slice(&bytes.to_le_bytes());
        without.extend_from_slice(&ext[start..start + bytes as usize]);
    }
    without
}

//! What is said of an object that is wrong, word for word: read each as
//! somebody who has never seen this crate.
//!
//! What the kernel's verifier has to say is in src/object/refusal_tests.rs.

mod common;

use std::sync::OnceLock;

use common::{btf_of, object};
use object::{Object as _, ObjectSection as _};
use trapline_loader::btf::{Source, Target};
use trapline_loader::kernel_btf::KernelBtf;
use trapline_loader::spec::ObjectSpec;
use trapline_loader::{Error, relo_core};

/// The object that is broken here in many ways.
fn good() -> Vec<u8> {
    static OBJECT: OnceLock<Vec<u8>> = OnceLock::new();
    OBJECT.get_or_init(|| object("errors")).clone()
}

fn said<T>(result: Result<T, Error>) -> String {
    match result {
        Ok(_) => "nothing is wrong".to_owned(),
        Err(error) => format!("{error:#}"),
    }
}

/// What is said of some bytes.
fn parsed(bytes: &[u8]) -> String {
    said(ObjectSpec::parse("net.bpf.o", bytes))
}

/// What is said of the object with some of its bytes replaced.
fn patched(at: usize, bytes: &[u8]) -> String {
    let mut object = good();
    object[at..at + bytes.len()].copy_from_slice(bytes);
    parsed(&object)
}

/// Where a section begins in the file.
fn start_of(section: &str) -> usize {
    let bytes = good();
    let file = object::File::parse(&*bytes).unwrap();
    let (start, _) = file.section_by_name(section).unwrap().file_range().unwrap();
    start as usize
}

/// The reason why something was left out.
fn skipped(what: &str) -> String {
    let spec = ObjectSpec::parse("net.bpf.o", &good()).unwrap();
    let mut skipped = spec.skipped.iter();
    let found = skipped.find(|(skipped, why)| skipped == what || why.contains(what));
    found
        .map(|(what, why)| format!("{what}: {why}"))
        .unwrap_or_else(|| format!("{:?}", spec.skipped))
}

/// What is said of a relocation when an object meets a kernel's types.
fn relocated(bytes: &[u8], kernel: &[u8]) -> String {
    let mut spec = ObjectSpec::parse("net.bpf.o", bytes).unwrap();
    let target = Target::new(Source::from_bytes(kernel));
    let report = target.and_then(|mut target| relo_core::relocate(&mut spec, &mut target));
    match report {
        Ok(report) => {
            let failed = report.failed.iter().map(|(_, error)| format!("{error:#}"));
            failed.collect::<Vec<_>>().join("\n")
        }
        Err(error) => format!("{error:#}"),
    }
}

#[test]
fn a_file_that_is_no_object_is_told_by_what_it_is() {
    assert_eq!(
        parsed(b""),
        "object net.bpf.o: no ELF file: 0 bytes have no room for its header"
    );
    assert_eq!(
        parsed(&b"#!/bin/sh\n".repeat(20)),
        "object net.bpf.o: no ELF file: it does not start with 7f 45 4c 46"
    );
    assert_eq!(
        patched(4, &[1]),
        "object net.bpf.o: a 32-bit ELF file, which BPF does not have"
    );
    assert_eq!(
        patched(5, &[2]),
        "object net.bpf.o: a big-endian ELF file; only little-endian ones are loaded \
         (clang --target=bpfel)"
    );
    assert_eq!(
        patched(18, &62u16.to_le_bytes()),
        "object net.bpf.o: an ELF file for machine 62, not for BPF, which is 247 \
         (clang --target=bpf)"
    );
    assert_eq!(
        patched(16, &[2, 0]),
        "object net.bpf.o: a linked ELF file, not an object as clang -c makes it"
    );
}

#[test]
fn a_file_that_is_cut_is_told_by_what_is_missing() {
    let bytes = good();
    let table = u64::from_le_bytes(bytes[40..48].try_into().unwrap());
    let cut = &bytes[..bytes.len() - 100];
    let expected = format!(
        "object net.bpf.o: the section table at byte {table} does not lie in the file's {} bytes",
        cut.len()
    );
    assert_eq!(parsed(cut), expected);
    // sh_size is 32 bytes into a section's entry of 64.
    let file = object::File::parse(&*bytes).unwrap();
    let index = file.section_by_name(".maps").unwrap().index().0;
    let size = table as usize + index * 64 + 32;
    let text = patched(size, &u64::MAX.to_le_bytes());
    let start = format!(
        "object net.bpf.o: section {index} (.maps): 18446744073709551615 bytes at byte {} do not \
         lie in the file's {}",
        start_of(".maps"),
        bytes.len()
    );
    assert_eq!(text, start);
}

#[test]
fn broken_types_are_told_by_section_and_number() {
    let btf = start_of(".BTF");
    assert_eq!(
        patched(btf, &[0]),
        "object net.bpf.o: section .BTF: BTF starts with 0xeb00, not 0xeb9f"
    );
    assert_eq!(
        patched(btf, &[0xeb, 0x9f]),
        "object net.bpf.o: section .BTF: BTF is big-endian, only little-endian is supported"
    );
    assert_eq!(
        patched(btf + 24 + 7, &[0x1e]),
        "object net.bpf.o: section .BTF: BTF type 1 at byte 24 is of unknown kind 30"
    );
    let text = patched(btf + 20, &0xff_ffff_u32.to_le_bytes());
    assert!(
        text.starts_with("object net.bpf.o: section .BTF: BTF strings end at byte 1677"),
        "{text}"
    );
}

#[test]
fn a_torn_btf_ext_is_told_by_table() {
    let ext = start_of(".BTF.ext");
    assert_eq!(
        patched(ext, &[0]),
        "object net.bpf.o: section .BTF.ext: it starts with 0xeb00, not 0xeb9f"
    );
    let text = patched(ext + 12, &0xff_ffff_u32.to_le_bytes());
    assert!(
        text.starts_with(
            "object net.bpf.o: section .BTF.ext: function table: 16777215 bytes at byte 0 do not \
             lie in the section's "
        ),
        "{text}"
    );
    assert_eq!(
        patched(ext + 32, &4u32.to_le_bytes()),
        "object net.bpf.o: section .BTF.ext: function table: records of 4 bytes, not of 8 or more"
    );
}

#[test]
fn a_map_that_cannot_be_read_is_told_by_field_and_so_are_its_programs() {
    assert_eq!(
        skipped("odd_field"),
        ".maps: map odd_field: field nope_size: this field is not known"
    );
    assert_eq!(
        skipped("two_sizes"),
        ".maps: map two_sizes: field key: 4 bytes here, 8 bytes in another field"
    );
    assert_eq!(
        skipped("raw_tp/sys_exit: uses_odd_field"),
        "raw_tp/sys_exit: uses_odd_field: function uses_odd_field, relocation at byte 32: \
         map odd_field: field nope_size: this field is not known"
    );
}

#[test]
fn an_unknown_section_is_told_by_name_and_blocks_nothing() {
    assert_eq!(
        skipped("teleport/anywhere"),
        "teleport/anywhere: no program type is known for this section name"
    );
    let spec = ObjectSpec::parse("net.bpf.o", &good()).unwrap();
    assert_eq!(spec.programs[0].name, "reads");
}

#[test]
fn a_name_that_is_not_there_is_told_with_those_that_are() {
    let mut spec = ObjectSpec::parse("net.bpf.o", &good()).unwrap();
    assert_eq!(
        said(spec.set_global("limits", &[0; 4])),
        "object net.bpf.o: no variable limits; there are limit"
    );
    assert_eq!(
        said(spec.set_global("limit", &[0; 8])),
        "object net.bpf.o: variable limit has 4 bytes, not 8"
    );
    assert_eq!(
        said(spec.map_mut("count").map(drop)),
        "object net.bpf.o: no map count; there are counts, .rodata"
    );
    let text = said(spec.program_mut("read").map(drop));
    assert!(
        text.starts_with("object net.bpf.o: no program read; there are reads"),
        "{text}"
    );
}

#[test]
fn kernel_types_that_cannot_be_had_are_told_by_file() {
    assert_eq!(
        said(KernelBtf::from_file("/nonexistent").target().map(drop)),
        "kernel BTF /nonexistent: open: ENOENT"
    );
    assert_eq!(
        said(KernelBtf::from_file("Cargo.toml").target().map(drop)),
        "kernel BTF Cargo.toml: BTF starts with 0x705b, not 0xeb9f"
    );
    let kernel = btf_of(&object("kernel"));
    let text = relocated(&good(), &kernel[..kernel.len() / 2]);
    let expected = format!(" of {}", kernel.len() / 2);
    assert!(
        text.starts_with("BTF types end at byte ") && text.ends_with(&expected),
        "{text}"
    );
}

/// Where the record of the first CO-RE relocation lies: behind the header, the
/// record size, the section's name and the count.
fn first_core_relo() -> usize {
    let ext = start_of(".BTF.ext");
    let bytes = good();
    let offset = bytes[ext + 24..ext + 28].try_into().unwrap();
    ext + 32 + u32::from_le_bytes(offset) as usize + 4 + 8
}

/// What is said when one word of the first CO-RE relocation is another.
fn with_core_word(word: usize, value: u32) -> String {
    let at = first_core_relo() + word * 4;
    let mut bytes = good();
    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
    relocated(&bytes, &btf_of(&good()))
}

#[test]
fn a_relocation_that_makes_no_sense_is_told_by_instruction_and_type() {
    assert_eq!(
        with_core_word(1, 9999),
        format!(
            "program reads, instruction 1: CO-RE relocation of BTF type 9999 with access 0:0: \
             there is no BTF type 9999, the last is {}",
            ObjectSpec::parse("x", &good())
                .unwrap()
                .btf
                .unwrap()
                .last_id()
        )
    );
    let own = with_core_word(3, 77);
    assert!(
        own.starts_with("program reads, instruction 1: CO-RE relocation of BTF type ")
            && own.ends_with(" with access 0:0: kind 77 is not known"),
        "{own}"
    );
    let text = with_core_word(2, 1);
    assert!(text.ends_with(": no list of numbers"), "{text}");
    assert_eq!(
        with_core_word(0, 0),
        "program reads, instruction 0: relocation of struct task_struct.pid, byte offset: \
         an instruction with code 0x85 has no place for it"
    );
}

#[test]
fn two_types_that_disagree_are_told_with_both_answers() {
    let text = relocated(&object("core_fake"), &btf_of(&object("kernel")));
    assert!(
        text.contains(
            "program ambiguous, instruction 1: relocation of struct twice.differs, byte offset: \
             ambiguous: 4 in kernel BTF type "
        ),
        "{text}"
    );
}

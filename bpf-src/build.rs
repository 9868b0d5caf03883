//! Compiles `c/*.bpf.c` with clang into `OUT_DIR`, and packs the objects.
//!
//! Only the oldest instruction set that all supported kernels have is used, so
//! one object serves them all.

#[path = "build/clang.rs"]
mod clang;

use std::env;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use lzma_rust2::{LzmaOptions, LzmaWriter};

fn main() {
    println!("cargo::rerun-if-changed=c");
    println!("cargo::rerun-if-changed=build");
    println!("cargo::rerun-if-env-changed=PATH");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let clang = clang::find_clang();
    for name in ["process", "file", "mount", "network", "isolate"] {
        let source = format!("c/{name}.bpf.c");
        let object = out.join(format!("{name}.bpf.o"));
        clang::compile(&clang, Path::new(&source), &object, "v2");
        trim(&clang, &object);
        pack(&object, &out.join(format!("{name}.lzma")));
    }
}

/// Takes away what would relocate BTF, a third of an object: a linker's business, and
/// nobody links these.
fn trim(clang: &clang::Clang, object: &Path) {
    let strip = Command::new(&clang.strip)
        .args(["-g", "-R", ".rel.BTF", "-R", ".rel.BTF.ext"])
        .arg(object)
        .status();
    assert!(
        strip.is_ok_and(|status| status.success()),
        "{} cannot take sections out of {}",
        clang.strip,
        object.display()
    );
}

/// Both flavours of a hook are in an object, and every program has its own copy of what
/// they share: packed, all of them are a thirteenth.
fn pack(object: &Path, packed: &Path) {
    let bytes = fs::read(object).expect("clang has written the object");
    let mut options = LzmaOptions::with_preset(9);
    // As much as there is to look back at: the reader has to provide that.
    options.dict_size = u32::try_from(bytes.len()).expect("an object is no gigabyte");
    let mut writer = LzmaWriter::new_use_header(Vec::new(), &options, Some(bytes.len() as u64))
        .expect("these options are good");
    writer.write_all(&bytes).expect("memory takes it");
    let lzma = writer.finish().expect("memory takes it");
    fs::write(packed, lzma).expect("OUT_DIR is ours to write");
}

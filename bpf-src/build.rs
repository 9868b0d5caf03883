//! Compiles `c/*.bpf.c` with clang into `OUT_DIR`.
//!
//! Only the oldest instruction set that all supported kernels have is used, so
//! one object serves them all.

#[path = "build/clang.rs"]
mod clang;

use std::env;
use std::path::{Path, PathBuf};

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
    }
}

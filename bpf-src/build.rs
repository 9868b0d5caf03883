//! Compiles `c/*.bpf.c` with clang into `OUT_DIR`.
//!
//! Only the oldest instruction set that all supported kernels have is used
//! (`-mcpu=v2`), so one object serves them all. DWARF is stripped: the kernel
//! and the loader use BTF.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The clang versions that are known to produce what the loader expects.
const CLANG_VERSIONS: std::ops::RangeInclusive<u32> = 16..=22;

fn main() {
    println!("cargo::rerun-if-changed=c");
    println!("cargo::rerun-if-env-changed=PATH");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let clang = find_clang().unwrap_or_else(|| {
        panic!("no clang from {CLANG_VERSIONS:?} on the PATH: run ci/setup, or install one")
    });
    compile(
        &clang,
        Path::new("c/process.bpf.c"),
        &out.join("process.bpf.o"),
    );
}

/// A clang and its llvm-strip.
struct Clang {
    clang: String,
    strip: String,
}

fn find_clang() -> Option<Clang> {
    let numbered = CLANG_VERSIONS.rev().map(|version| format!("-{version}"));
    let mut suffixes = numbered.chain([String::new()]);
    suffixes.find_map(|suffix| {
        let found = Clang {
            clang: format!("clang{suffix}"),
            strip: format!("llvm-strip{suffix}"),
        };
        let runs = |tool: &str| Command::new(tool).arg("--version").output().ok();
        let version = runs(&found.clang)?;
        runs(&found.strip)?;
        let text = String::from_utf8_lossy(&version.stdout).into_owned();
        let major = text
            .split("version ")
            .nth(1)?
            .split('.')
            .next()?
            .parse()
            .ok()?;
        CLANG_VERSIONS.contains(&major).then_some(found)
    })
}

fn compile(clang: &Clang, source: &Path, object: &Path) {
    let (target, headers) = match env::var("CARGO_CFG_TARGET_ARCH").as_deref() {
        Ok("x86_64") => ("x86", "x86_64-linux-gnu"),
        Ok("aarch64") => ("arm64", "aarch64-linux-gnu"),
        arch => panic!("no eBPF sensors for the architecture {arch:?}: see c/arch.bpf.h"),
    };
    run(Command::new(&clang.clang)
        .args([
            "-O2",
            "-g",
            "--target=bpf",
            "-mcpu=v2",
            "-Wall",
            "-Wextra",
            "-Werror",
        ])
        // BPF_PROG and its relatives name the context, which few bodies use.
        .arg("-Wno-unused-parameter")
        .arg(format!("-D__TARGET_ARCH_{target}"))
        // <asm/types.h> lies in a folder of the host's architecture; the fixed
        // types in it are the same on all that eBPF runs on.
        .args(["-idirafter", &format!("/usr/include/{headers}")])
        .args(["-idirafter", "/usr/include/x86_64-linux-gnu"])
        .arg("-c")
        .arg(source)
        .arg("-o")
        .arg(object));
    run(Command::new(&clang.strip).arg("-g").arg(object));
}

fn run(command: &mut Command) {
    let status = command
        .status()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        status.success(),
        "{command:?} failed; are the headers of libbpf-dev installed?"
    );
}

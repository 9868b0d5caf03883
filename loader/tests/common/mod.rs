//! Objects that clang makes while the tests run.

#![allow(dead_code, reason = "each test binary uses its own part")]

use std::path::{Path, PathBuf};
use std::process::Command;

use object::{Object as _, ObjectSection as _};
use trapline_loader::spec::{ObjectSpec, ProgramSpec};

/// Compilers to try, newest wish first.
const CLANGS: [&str; 5] = ["clang-19", "clang-18", "clang-17", "clang-16", "clang"];

/// Strippers to try, newest wish first.
const STRIPS: [&str; 5] = [
    "llvm-strip-19",
    "llvm-strip-18",
    "llvm-strip-17",
    "llvm-strip-16",
    "llvm-strip",
];

/// A folder for files of this run; unit tests have none of their own.
fn folder() -> PathBuf {
    option_env!("CARGO_TARGET_TMPDIR").map_or_else(std::env::temp_dir, PathBuf::from)
}

/// The object that clang makes of tests/c/NAME.bpf.c.
pub fn object(name: &str) -> Vec<u8> {
    // The fuzz targets are a package in a folder of this one.
    let folders = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let mut sources = folders.map(|folder| folder.join(format!("tests/c/{name}.bpf.c")));
    let source = sources.find(|source| source.exists());
    let source = source.unwrap_or_else(|| panic!("no tests/c/{name}.bpf.c"));
    // One file per test process: tests run at the same time.
    let output = folder().join(format!(
        "{name}.{}.{:?}.o",
        std::process::id(),
        std::thread::current().id()
    ));
    for clang in CLANGS {
        let run = Command::new(clang)
            .args([
                "-O2",
                "-g",
                "--target=bpf",
                "-mcpu=v2",
                "-Wno-visibility",
                "-c",
            ])
            .arg("-I/usr/include/x86_64-linux-gnu")
            .arg(&source)
            .arg("-o")
            .arg(&output)
            .output();
        let Ok(run) = run else {
            continue;
        };
        let said = String::from_utf8_lossy(&run.stderr);
        assert!(
            run.status.success(),
            "{clang} refuses {}: {said}",
            source.display()
        );
        let bytes = std::fs::read(&output).unwrap();
        let _ = std::fs::remove_file(&output);
        return bytes;
    }
    panic!("no clang found: run ci/setup");
}

/// The same without what is for debuggers.
pub fn stripped(name: &str) -> Vec<u8> {
    let whole = object(name);
    let path = folder().join(format!("{name}.{}.strip.o", std::process::id()));
    std::fs::write(&path, &whole).unwrap();
    for strip in STRIPS {
        if Command::new(strip)
            .arg("-g")
            .arg(&path)
            .status()
            .is_ok_and(|s| s.success())
        {
            let bytes = std::fs::read(&path).unwrap();
            let _ = std::fs::remove_file(&path);
            return bytes;
        }
    }
    panic!("no llvm-strip found: run ci/setup");
}

/// The `.BTF` section of an object: a small kernel's types.
pub fn btf_of(object: &[u8]) -> Vec<u8> {
    let file = object::File::parse(object).unwrap();
    let section = file.section_by_name(".BTF").unwrap();
    section.data().unwrap().to_vec()
}

/// The spec of tests/c/NAME.bpf.c.
pub fn spec(name: &str) -> ObjectSpec {
    ObjectSpec::parse(name, &object(name)).unwrap()
}

/// A program by name.
pub fn program<'s>(spec: &'s ObjectSpec, name: &str) -> &'s ProgramSpec {
    let mut programs = spec.programs.iter();
    programs.find(|program| program.name == name).unwrap()
}

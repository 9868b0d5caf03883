//! Compiles every `c/NAME.bpf.c` into `OUT_DIR` and lists the objects for
//! `src/lib.rs`.
//!
//! A file whose first line is `// cpu: v3` is compiled for that instruction
//! set, all others for `v2`. What did not change is not compiled again.

#[path = "../../bpf-src/build/clang.rs"]
mod clang;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-changed=c");
    println!("cargo::rerun-if-changed=../../bpf-src/build");
    println!("cargo::rerun-if-env-changed=PATH");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let clang = clang::find_clang();
    let mut sources: Vec<PathBuf> = files("c").collect();
    sources.sort();
    let is_shared = |path: &&PathBuf| name_of(path).is_none();
    let shared = sources.iter().filter(is_shared).map(|path| modified(path));
    let shared = shared.max().unwrap_or(SystemTime::UNIX_EPOCH);
    let mut list = String::from("&[\n");
    for source in &sources {
        let Some(name) = name_of(source) else {
            continue;
        };
        let object = out.join(format!("{name}.bpf.o"));
        if !object.exists() || modified(&object) <= modified(source).max(shared) {
            clang::compile(&clang, source, &object, &cpu(source));
        }
        let object = object.to_str().expect("a path in UTF-8");
        let _ = writeln!(list, "    ({name:?}, include_bytes!({object:?})),");
    }
    list.push_str("]\n");
    fs::write(out.join("objects.rs"), list).expect("OUT_DIR can be written to");
}

fn files(folder: &str) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder of C files");
    entries.map(|entry| entry.expect("a readable folder").path())
}

/// `hash` of `c/hash.bpf.c`; none for headers.
fn name_of(path: &Path) -> Option<&str> {
    path.file_name()?.to_str()?.strip_suffix(".bpf.c")
}

fn modified(path: &Path) -> SystemTime {
    let metadata = fs::metadata(path).and_then(|metadata| metadata.modified());
    metadata.unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn cpu(source: &Path) -> String {
    let text = fs::read_to_string(source);
    let text = text.unwrap_or_else(|error| panic!("{}: {error}", source.display()));
    let first = text.lines().next().unwrap_or_default();
    first.strip_prefix("// cpu: ").unwrap_or("v2").to_owned()
}

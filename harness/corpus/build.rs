//! Compiles every `c/NAME.bpf.c` and `refused/NAME.bpf.c` into `OUT_DIR` and
//! lists the objects for `src/lib.rs`.
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
    println!("cargo::rerun-if-changed=refused");
    println!("cargo::rerun-if-changed=../../bpf-src/build");
    println!("cargo::rerun-if-env-changed=PATH");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let clang = clang::find_clang();
    let headers = files("c").filter(|path| name_of(path).is_none());
    let shared = headers.map(|path| modified(&path)).max();
    let shared = shared.unwrap_or(SystemTime::UNIX_EPOCH);
    for (folder, list) in [("c", "objects.rs"), ("refused", "refused.rs")] {
        let objects = out.join(folder);
        fs::create_dir_all(&objects).expect("OUT_DIR can be written to");
        let text = compile_all(&clang, folder, &objects, shared);
        fs::write(out.join(list), text).expect("OUT_DIR can be written to");
    }
}

/// Compiles a folder's files, and lists the objects as Rust reads them.
fn compile_all(clang: &clang::Clang, folder: &str, objects: &Path, shared: SystemTime) -> String {
    let mut sources: Vec<PathBuf> = files(folder).collect();
    sources.sort();
    let mut list = String::from("&[\n");
    for source in &sources {
        let Some(name) = name_of(source) else {
            continue;
        };
        let object = objects.join(format!("{name}.bpf.o"));
        if !object.exists() || modified(&object) <= modified(source).max(shared) {
            clang::compile(
                clang,
                source,
                &object,
                &cpu(source),
                clang::SourceText::Kept,
            );
        }
        let object = object.to_str().expect("a path in UTF-8");
        let _ = writeln!(list, "    ({name:?}, include_bytes!({object:?})),");
    }
    list.push_str("]\n");
    list
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
    let text = fs::read(source);
    let text = text.unwrap_or_else(|error| panic!("{}: {error}", source.display()));
    // One of them is not UTF-8, on purpose.
    let text = String::from_utf8_lossy(&text);
    let first = text.lines().next().unwrap_or_default();
    first.strip_prefix("// cpu: ").unwrap_or("v2").to_owned()
}

//! Compiles `c/*.bpf.c` with clang into `OUT_DIR`, and packs the objects.
//!
//! Only the oldest instruction set that all supported kernels have is used, so
//! one object serves them all.

#[path = "build/clang.rs"]
mod clang;
#[path = "build/ext.rs"]
mod ext;
#[path = "src/objects/format.rs"]
mod format;

use std::env;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use clang::{Clang, SourceText};
use format::Parts;
use lzma_rust2::{LzmaOptions, LzmaWriter};

const NAMES: [&str; 5] = ["file", "network", "process", "mount", "isolate"];

fn main() {
    println!("cargo::rerun-if-changed=c");
    println!("cargo::rerun-if-changed=build");
    println!("cargo::rerun-if-changed=src/objects/format.rs");
    println!("cargo::rerun-if-env-changed=PATH");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let clang = clang::find_clang();
    let text = match env::var_os("CARGO_FEATURE_LINES") {
        Some(_) => SourceText::Kept,
        None => SourceText::Left,
    };
    let compiled = at_once(NAMES, |name| {
        let source = format!("c/{name}.bpf.c");
        let object = out.join(format!("{name}.bpf.o"));
        clang::compile(&clang, Path::new(&source), &object, "v2", text);
        trim(&clang, &object, text);
        let object = fs::read(object).expect("clang has written the object");
        let ext = ext::find(&object);
        (name, Parts::of(object, ext))
    });
    let shared = compiled.iter().find(|(name, _)| *name == format::SHARED);
    let (_, shared) = shared.expect("it is one of the names");
    at_once(&compiled, |(name, parts)| {
        let packed = pack(parts, (*name != format::SHARED).then_some(shared));
        fs::write(out.join(format!("{name}.packed")), packed).expect("OUT_DIR is ours to write");
    });
}

/// Does something with each, all of them at once; the results in their order.
fn at_once<T: Send, U: Send>(
    of: impl IntoIterator<Item = T>,
    what: impl Fn(T) -> U + Sync,
) -> Vec<U> {
    let what = &what;
    thread::scope(|scope| {
        let threads: Vec<_> = of
            .into_iter()
            .map(|one| scope.spawn(move || what(one)))
            .collect();
        let results = threads.into_iter().map(|thread| thread.join());
        results
            .map(|result| result.expect("it says by itself what is wrong"))
            .collect()
    })
}

/// Takes away what would relocate BTF, a third of an object: a linker's business, and
/// nobody links these. So is the table of lines, where nobody wants them.
fn trim(clang: &Clang, object: &Path, text: SourceText) {
    let mut objcopy = Command::new(&clang.objcopy);
    objcopy.args(["-R", ".rel.BTF", "-R", ".rel.BTF.ext"]);
    if text == SourceText::Left {
        let file = object.with_extension("ext");
        ext::write_without_lines(object, &file);
        objcopy.arg(format!("--update-section=.BTF.ext={}", file.display()));
    }
    assert!(
        objcopy
            .arg(object)
            .status()
            .is_ok_and(|status| status.success()),
        "{} cannot take sections out of {}",
        clang.objcopy,
        object.display()
    );
}

/// Both flavours of a hook are in an object, every program has its own copy of what they
/// share, and an instruction's line is known by its offset: packed so, all of them are a
/// twentieth.
fn pack(parts: &Parts, shared: Option<&Parts>) -> Vec<u8> {
    let most = compress(&parts.most, shared.map(|it| &*it.most));
    let ext = compress(&parts.ext, shared.map(|it| &*it.ext));
    let object_bytes = parts.most.len() + parts.ext.len();
    let numbers = [object_bytes, parts.ext_at, parts.ext.len(), most.len()];
    let header = numbers.map(|it| u32::try_from(it).expect("an object is no gigabyte"));
    let header = header.map(u32::to_le_bytes).concat();
    assert_eq!(header.len(), format::HEADER_BYTES);
    [header, most, ext].concat()
}

fn compress(part: &[u8], shared: Option<&[u8]>) -> Vec<u8> {
    let mut options = LzmaOptions::with_preset(9);
    options.lc = format::LITERAL_CONTEXT_BITS;
    options.lp = format::LITERAL_POSITION_BITS;
    options.pb = format::POSITION_BITS;
    options.nice_len = LzmaOptions::NICE_LEN_MAX;
    options.dict_size = format::WINDOW_BYTES;
    options.preset_dict = shared.map(<[u8]>::to_owned);
    let mut writer =
        LzmaWriter::new_no_header(Vec::new(), &options, false).expect("these options are good");
    writer.write_all(part).expect("memory takes it");
    writer.finish().expect("memory takes it")
}

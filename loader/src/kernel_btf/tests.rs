//! Modules on top of a small kernel, and the files that types come from.

use super::*;
use crate::btf::{Kind, ObjectBtf, Types as _};
use crate::bytes::u32_at;
use crate::error::ErrorKind;
use crate::object::common::{btf_of, object};
use crate::relo_core;
use crate::spec::ObjectSpec;

/// A file that is gone at the end of the test.
struct File(PathBuf);

impl File {
    fn new(what: &str, bytes: &[u8]) -> Self {
        let (process, thread) = (std::process::id(), std::thread::current().id());
        let name = format!("trapline-{what}-{process}-{thread:?}");
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, bytes).unwrap();
        Self(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// BTF that stands alone, as that of a module on top of `base`: all ids and
/// string offsets go on where the base's end.
fn on_top(base: &[u8], alone: &[u8]) -> Vec<u8> {
    let ids = ObjectBtf::parse(base).unwrap().last_id();
    let strings = u32_at(base, 20).unwrap();
    let mut out = alone.to_vec();
    let start = (u32_at(alone, 4).unwrap() + u32_at(alone, 8).unwrap()) as usize;
    let end = start + u32_at(alone, 12).unwrap() as usize;
    let mut shift = |at: usize, by: u32| {
        let word = u32_at(&out, at).unwrap();
        if word != 0 {
            out[at..at + 4].copy_from_slice(&(word + by).to_le_bytes());
        }
    };
    let mut at = start;
    while at < end {
        let info = u32_at(alone, at + 4).unwrap();
        let (kind, count) = (
            Kind::from_number(info >> 24 & 0x7f),
            (info & 0xffff) as usize,
        );
        shift(at, strings);
        let elements = at + 12;
        let refers = !matches!(
            kind,
            Kind::Int | Kind::Struct | Kind::Union | Kind::Enum | Kind::Enum64 | Kind::DataSec
        );
        if refers && !matches!(kind, Kind::Float | Kind::Array | Kind::Fwd) {
            shift(at + 8, ids);
        }
        at = elements;
        match kind {
            Kind::Struct | Kind::Union => {
                for member in 0..count {
                    shift(elements + member * 12, strings);
                    shift(elements + member * 12 + 4, ids);
                }
                at += count * 12;
            }
            Kind::Array => {
                shift(elements, ids);
                shift(elements + 4, ids);
                at += 12;
            }
            Kind::FuncProto => {
                for parameter in 0..count {
                    shift(elements + parameter * 8, strings);
                    shift(elements + parameter * 8 + 4, ids);
                }
                at += count * 8;
            }
            Kind::Enum | Kind::Enum64 => {
                let bytes = if kind == Kind::Enum { 8 } else { 12 };
                (0..count).for_each(|value| shift(elements + value * bytes, strings));
                at += count * bytes;
            }
            Kind::DataSec => {
                (0..count).for_each(|var| shift(elements + var * 12, ids));
                at += count * 12;
            }
            Kind::Int | Kind::Var | Kind::DeclTag => at += 4,
            _ => {}
        }
    }
    out
}

/// `base` with `module` loaded on top of it under the name `mod`.
fn with_module(base: &str, module: &str) -> (KernelBtf, File, File) {
    let base = btf_of(&object(base));
    let module = File::new("module", &on_top(&base, &btf_of(&object(module))));
    let base = File::new("base", &base);
    let mut kernel = KernelBtf::from_file(&base.0);
    kernel.add_module("mod", &module.0).unwrap();
    (kernel, base, module)
}

#[test]
fn names_are_looked_for_in_the_kernel_first_and_then_in_modules() {
    let (mut kernel, _base, _module) = with_module("kernel", "externs_kernel");
    let names = [
        (Kind::Func, "vfs_something"),
        (Kind::Func, "a_function"),
        (Kind::Func, "mod:a_function"),
        (Kind::Func, "other:a_function"),
        (Kind::Func, "vmlinux:a_function"),
        (Kind::Func, "vmlinux:vfs_something"),
        (Kind::Struct, "a_function"),
    ];
    let places = kernel.places(&names).unwrap();
    let modules: Vec<_> = places.iter().map(|p| p.map(|place| place.module)).collect();
    let (own, module) = (Some(None), Some(Some(0)));
    assert_eq!(modules, [own, module, module, None, None, own, None]);
    assert_eq!(places[1], places[2]);
    let last = kernel.target().unwrap().last_id().unwrap();
    let place = places[1].unwrap();
    assert!(place.id > last);
    let types = kernel.types(Some(0)).unwrap();
    assert_eq!(types.type_name(place.id).unwrap(), "a_function");
    // A type of the base, seen through the module.
    assert_eq!(
        types.type_name(places[0].unwrap().id).unwrap(),
        "vfs_something"
    );
    assert!(kernel.types(None).unwrap().type_by_id(place.id).is_err());
}

#[test]
fn a_module_that_is_not_loaded_has_no_descriptor() {
    let (mut kernel, _base, _module) = with_module("kernel", "externs_kernel");
    let error = kernel.module_fd(0).unwrap_err();
    assert!(
        format!("{error:#}").starts_with("BTF of module mod: "),
        "{error:#}"
    );
}

#[test]
fn relocations_find_in_a_module_what_the_kernel_has_not() {
    let bytes = object("core_fake");
    let mut whole = ObjectSpec::parse("core_fake", &bytes).unwrap();
    let alone = File::new("alone", &btf_of(&object("kernel")));
    let expected = {
        let mut kernel = KernelBtf::from_file(&alone.0);
        relo_core::relocate(&mut whole, kernel.target().unwrap()).unwrap()
    };
    let (mut kernel, _base, _module) = with_module("externs_kernel", "kernel");
    let mut spec = ObjectSpec::parse("core_fake", &bytes).unwrap();
    let needs = relo_core::needs(&spec);
    kernel
        .target()
        .unwrap()
        .prepare(&needs.roots, &needs.names)
        .unwrap();
    kernel.prepare_modules(&needs.roots, None).unwrap();
    let (target, modules) = kernel.prepared().unwrap();
    let found = relo_core::relocate_in(&mut spec, target, &modules).unwrap();
    let value = |r: &relo_core::Relocated| (r.description.clone(), (!r.poisoned).then_some(r.new));
    let (found, expected) = (found.relocations, expected.relocations);
    assert_eq!(
        found.iter().map(value).collect::<Vec<_>>(),
        expected.iter().map(value).collect::<Vec<_>>()
    );
    assert!(found.iter().any(|r| !r.poisoned && r.new != r.original));
}

#[test]
fn a_module_may_share_the_names_of_its_kernel() {
    // struct thing { int field; } of the base; the module has one of the same
    // name, spelt by the base's string, and no strings of its own.
    let base = btf_of(&object("externs_kernel"));
    let parsed = ObjectBtf::parse(&base).unwrap();
    let thing = parsed.find(Kind::Struct, "thing").unwrap();
    let name = parsed.type_by_id(thing).unwrap().name_off;
    let words = [0x0001_eb9f, 24, 0, 12, 12, 0, name, 4 << 24, 0];
    let bytes: Vec<u8> = words
        .iter()
        .flat_map(|word: &u32| word.to_le_bytes())
        .collect();
    let (base, module) = (File::new("base", &base), File::new("module", &bytes));
    let mut kernel = KernelBtf::from_file(&base.0);
    kernel.add_module("mod", &module.0).unwrap();
    let places = kernel.places(&[(Kind::Struct, "mod:thing")]).unwrap();
    assert_eq!(places[0].map(|place| place.id), Some(parsed.last_id() + 1));
}

#[test]
fn a_module_with_nothing_but_a_header_has_no_types() {
    let base = File::new("base", &btf_of(&object("externs_kernel")));
    let words = [0x0001_eb9f_u32, 24, 0, 0, 0, 0];
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let module = File::new("module", &bytes);
    let mut kernel = KernelBtf::from_file(&base.0);
    kernel.add_module("mod", &module.0).unwrap();
    let places = kernel.places(&[(Kind::Func, "absent")]).unwrap();
    assert_eq!(places, [None]);
}

#[test]
fn types_come_from_an_elf_file_as_well() {
    let file = File::new("elf", &object("kernel"));
    let mut kernel = KernelBtf::from_file(&file.0);
    assert!(
        kernel
            .target()
            .unwrap()
            .func_id("vfs_something")
            .unwrap()
            .is_some()
    );
}

#[test]
fn damaged_elf_files_are_an_error_or_have_other_types() {
    let whole = object("externs_kernel");
    for at in 0..whole.len().min(4096) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0xff;
        let file = File::new("damaged", &bytes);
        let _ = KernelBtf::from_file(&file.0)
            .target()
            .map(|target| target.func_id("a_function"));
    }
    for end in (0..whole.len()).step_by(97) {
        let file = File::new("cut", &whole[..end]);
        let _ = KernelBtf::from_file(&file.0)
            .target()
            .map(|target| target.func_id("a_function"));
    }
}

#[test]
fn an_elf_file_without_types_is_an_error() {
    let mut bytes = object("externs_kernel");
    let at = bytes.windows(5).position(|name| name == b".BTF\0").unwrap();
    bytes[at] = b'x';
    let file = File::new("no-btf", &bytes);
    let error = KernelBtf::from_file(&file.0).target().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error:#}");
}

#[test]
fn a_missing_file_is_named() {
    let error = KernelBtf::from_file("/nonexistent/btf")
        .target()
        .unwrap_err();
    assert_eq!(
        format!("{error:#}"),
        "kernel BTF /nonexistent/btf: open: ENOENT"
    );
}

#[test]
fn a_file_that_is_no_btf_is_malformed() {
    let manifest = env!("CARGO_MANIFEST_PATH");
    let error = KernelBtf::from_file(manifest).target().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed);
}

//! One truth for the layout of the isolation's maps: the Rust side against the BTF
//! of the compiled object.

use trapline_loader::btf::{Kind, ObjectBtf, Types};
use trapline_loader::spec::ObjectSpec;
use trapline_sensors::isolate::abi;
use trapline_sensors::objects;

fn spec() -> ObjectSpec {
    ObjectSpec::parse("isolate.bpf.o", &objects::ISOLATE.unpack().unwrap()).unwrap()
}

fn btf() -> ObjectBtf {
    spec().btf.expect("clang -g writes BTF")
}

/// `in` is a word of Rust's.
fn plain(name: &str) -> String {
    name.trim_start_matches("r#").to_owned()
}

#[test]
fn structures_are_those_of_isolate_h() {
    let btf = btf();
    for (name, size, members) in abi::structures() {
        let id = btf.find(Kind::Struct, name);
        let id = id.unwrap_or_else(|| panic!("struct {name} is not in the object's BTF"));
        assert_eq!(
            btf.size_of(id).unwrap() as usize,
            size,
            "size of struct {name}"
        );
        let compiled = btf.type_by_id(id).unwrap();
        let compiled: Vec<_> = compiled
            .members()
            .map(|member| {
                let name = btf.text(member.name_off).unwrap();
                let size = btf.size_of(member.type_id).unwrap() as usize;
                (name, member.offset_bits as usize / 8, size)
            })
            .collect();
        let ours = members
            .iter()
            .map(|it| (plain(it.name), it.offset, it.size));
        assert_eq!(
            ours.collect::<Vec<_>>(),
            compiled,
            "members of struct {name}"
        );
    }
}

#[test]
fn constants_are_those_of_isolate_h() {
    let header = include_str!("../c/isolate.h");
    let numbered = header.lines().filter_map(|line| {
        let (name, value) = line.trim().strip_suffix(',')?.split_once(" = ")?;
        let value = value.parse::<u64>().ok()?;
        name.starts_with("ISOLATE_")
            .then(|| (name.to_owned(), value))
    });
    let mut compiled: Vec<_> = numbered.collect();
    let ours = abi::CONSTANTS.iter();
    let mut ours: Vec<_> = ours
        .map(|(name, value)| ((*name).to_owned(), *value))
        .collect();
    ours.sort();
    compiled.sort();
    assert_eq!(ours, compiled);
}

/// The programs that only enter have to be those that everything depends on: were
/// one of them to judge, a release would not open it.
#[test]
fn entrances_do_nothing_but_call_through_a_gate() {
    let spec = spec();
    let entrances = spec.programs.iter().filter(|program| {
        ["enter_", "again_"]
            .iter()
            .any(|first| program.name.starts_with(first))
    });
    let mut count = 0;
    for program in entrances {
        assert!(
            program.insns.len() <= 8,
            "{}: {}",
            program.name,
            program.insns.len()
        );
        count += 1;
    }
    assert_eq!(count, 14);
}

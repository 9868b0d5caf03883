//! One truth for the layout of the isolation's maps: the Rust side against the BTF
//! of the compiled object.

mod layouts;

use trapline_loader::btf::ObjectBtf;
use trapline_loader::spec::ObjectSpec;
use trapline_sensors::isolate::abi;
use trapline_sensors::objects;

fn spec() -> ObjectSpec {
    ObjectSpec::parse("isolate.bpf.o", &objects::ISOLATE.unpack().unwrap()).unwrap()
}

fn btf() -> ObjectBtf {
    spec().btf.expect("clang -g writes BTF")
}

#[test]
fn structures_are_those_of_isolate_h() {
    layouts::compare(&btf(), abi::structures());
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

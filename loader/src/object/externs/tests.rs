//! Against a small kernel whose types, functions and configuration are known.

use super::*;
use crate::insn::class;
use crate::object::common::{btf_of, object, program};

const CONFIG: &str = "CONFIG_TEXT=\"a long text\"\nCONFIG_WIDE=0x123456789\nCONFIG_SHORT=-5\n\
    CONFIG_ON=y\nCONFIG_MODULE=m\nCONFIG_STRUCT_SIZE=0x100000000\nCONFIG_WIDE=7\n";

/// The object with the small kernel's answers in it, and what failed.
fn settled() -> (ObjectSpec, Report) {
    let path = std::env::temp_dir().join(format!(
        "trapline-externs-{}-{:?}.btf",
        std::process::id(),
        std::thread::current().id()
    ));
    std::fs::write(&path, btf_of(&object("externs_kernel"))).unwrap();
    let mut spec = ObjectSpec::parse("externs", &object("externs")).unwrap();
    let mut kernel = KernelBtf::from_file(&path);
    let settled = hooks::resolve(&mut spec, &mut kernel, Some(CONFIG)).unwrap();
    std::fs::remove_file(&path).unwrap();
    (spec, settled.report)
}

fn failure(name: &str) -> Option<String> {
    let (spec, report) = settled();
    let index = spec
        .programs
        .iter()
        .position(|program| program.name == name);
    let failure = report.failure(index.unwrap());
    failure.map(|error| format!("{error:#}"))
}

/// The bytes of a configuration value after loading.
fn value(spec: &ObjectSpec, name: &str) -> Vec<u8> {
    spec.global(name).unwrap().to_vec()
}

#[test]
fn configuration_is_written_by_type_and_the_first_setting_counts() {
    let (spec, _) = settled();
    assert_eq!(value(&spec, "CONFIG_TEXT"), b"a lon\0");
    assert_eq!(value(&spec, "CONFIG_WIDE"), 0x1_2345_6789u64.to_le_bytes());
    assert_eq!(value(&spec, "CONFIG_SHORT"), (-5i16).to_le_bytes());
    assert_eq!(value(&spec, "CONFIG_ON"), [1]);
    assert_eq!(value(&spec, "CONFIG_MODULE"), [2, 0, 0, 0]);
    assert_eq!(value(&spec, "CONFIG_ABSENT"), [0]);
    assert_eq!(failure("configured"), None);
}

#[test]
fn what_is_not_set_fails_only_those_who_cannot_do_without() {
    let failure = failure("needs_strong").unwrap();
    assert!(
        failure.starts_with("extern CONFIG_STRONG of instruction 0: the kernel's configuration"),
        "{failure}"
    );
}

#[test]
fn a_value_without_room_is_an_error_that_shows_it() {
    assert_eq!(
        failure("needs_room").unwrap(),
        "extern CONFIG_STRUCT_SIZE of instruction 0: the kernel has 0x100000000, which a signed integer of 4 bytes cannot hold"
    );
}

#[test]
fn symbols_become_ids_and_missing_ones_zero() {
    let (spec, report) = settled();
    assert!(
        report
            .failed
            .iter()
            .all(|(_, error)| error.kind() != ErrorKind::Malformed)
    );
    let symbols = program(&spec, "symbols");
    let name = |reference: &ExternRef| &*spec.externs[reference.index].name;
    for reference in &symbols.extern_refs {
        let insn = symbols.insns[reference.insn];
        let value = ldimm64_value(&symbols.insns, reference.insn);
        match name(reference) {
            "no_thing" => assert_eq!((insn.src(), value), (0, Some(0))),
            "an_address" => assert_eq!((insn.src(), value), (0, Some(0))),
            "a_thing" => {
                assert_eq!(insn.src(), pseudo::BTF_ID);
                assert!(value.unwrap() > 0);
            }
            "a_function" => {
                assert_eq!((insn.src(), insn.off), (pseudo::KFUNC_CALL, 0));
                assert!(insn.imm > 0);
            }
            other => panic!("{other}"),
        }
    }
    assert_eq!(symbols.extern_refs.len(), 4);
}

#[test]
fn a_missing_function_is_null_and_its_call_is_poisoned() {
    let (spec, _) = settled();
    let asks = program(&spec, "asks_first");
    let calls = asks.extern_refs.iter();
    let calls = calls.filter(|r| asks.insns[r.insn].class() == class::JMP);
    let calls: Vec<_> = calls.collect();
    assert_eq!(calls.len(), 2);
    for call in calls {
        let number = MISSING_FUNCTION + call.index as i32;
        assert_eq!(asks.insns[call.insn], Insn::call(number));
        let name = &spec.extern_at(asks, call.insn).unwrap().name;
        assert!(
            name == "no_function" || name == "a_function___other",
            "{name}"
        );
    }
    let loads = asks.extern_refs.iter();
    let loads = loads.filter_map(|r| ldimm64_value(&asks.insns, r.insn));
    assert_eq!(loads.collect::<Vec<_>>(), [0, 0]);
}

#[test]
fn the_map_of_configuration_values_cannot_be_set_by_hand() {
    let mut spec = ObjectSpec::parse("externs", &object("externs")).unwrap();
    let error = spec.set_global("CONFIG_ON", &[1]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[test]
fn an_extern_of_no_section_is_left_out_with_its_program() {
    let spec = ObjectSpec::parse("externs", &object("externs")).unwrap();
    assert!(
        spec.programs
            .iter()
            .all(|program| program.name != "calls_nowhere")
    );
    let skipped = spec
        .skipped
        .iter()
        .find(|(what, _)| what.contains("calls_nowhere"));
    let (_, reason) = skipped.unwrap();
    assert!(
        reason.contains("extern nowhere: it is declared in neither"),
        "{reason}"
    );
}

#[test]
fn configuration_values_lie_by_alignment_then_size_then_name() {
    let spec = ObjectSpec::parse("externs", &object("externs")).unwrap();
    let map = spec
        .maps
        .iter()
        .find(|map| map.kind == MapKind::Kconfig)
        .unwrap();
    let places: Vec<_> = map
        .variables
        .iter()
        .map(|v| (&*v.name, v.offset, v.size))
        .collect();
    assert_eq!(
        places,
        [
            ("CONFIG_WIDE", 0, 8),
            ("CONFIG_MODULE", 8, 4),
            ("CONFIG_STRUCT_SIZE", 12, 4),
            ("CONFIG_SHORT", 16, 2),
            ("CONFIG_ABSENT", 18, 1),
            ("CONFIG_ON", 19, 1),
            ("CONFIG_STRONG", 20, 1),
            ("CONFIG_TEXT", 21, 6),
        ]
    );
    assert_eq!((map.value_size, map.max_entries), (27, 1));
    // Its section has become one that the kernel takes.
    let btf = spec.btf.as_ref().unwrap();
    assert_eq!(btf.type_name(map.value_type_id).unwrap(), ".kconfig");
    assert_eq!(btf.size_of(map.value_type_id).unwrap(), 27);
}

//! One truth for the layout: the Rust side against the BTF of the object.

mod layouts;

use trapline_loader::btf::{Kind, ObjectBtf, Types};
use trapline_loader::spec::ObjectSpec;
use trapline_sensors::{abi, flows, objects};

fn btf() -> ObjectBtf {
    btf_of("process.bpf.o", &objects::PROCESS)
}

fn btf_of(name: &str, object: &objects::Packed) -> ObjectBtf {
    let spec = ObjectSpec::parse(name, &object.unpack().unwrap()).unwrap();
    spec.btf.expect("clang -g writes BTF")
}

#[test]
fn structures_are_those_of_event_h() {
    layouts::compare(&btf(), abi::structures());
}

#[test]
fn the_map_of_flows_is_as_the_reader_reads_it() {
    let btf = btf_of("network.bpf.o", &objects::NETWORK);
    layouts::compare(&btf, flows::abi::structures());
    let state = btf.find(Kind::Struct, "socket_state").unwrap();
    let state = btf.type_by_id(state).unwrap();
    let opened = state
        .members()
        .find(|member| btf.text(member.name_off).unwrap() == "opened_time_ns")
        .unwrap();
    let offset = opened.offset_bits as usize / 8;
    assert_eq!(offset, flows::abi::SOCKET_OPENED_TIME_OFFSET);
}

#[test]
fn constants_are_those_of_event_h() {
    let btf = btf();
    let mut compiled = Vec::new();
    for id in btf.ids() {
        let kind = btf.type_by_id(id).unwrap();
        let name = btf.text(kind.name_off).unwrap();
        if kind.kind() == Kind::Enum && name.starts_with("event_") {
            for enumerator in kind.enumerators() {
                let value = btf.text(enumerator.name_off).unwrap();
                compiled.push((name.clone(), value, enumerator.value));
            }
        }
    }
    let mut ours: Vec<_> = abi::CONSTANTS
        .iter()
        .map(|(name, value, number)| ((*name).to_owned(), (*value).to_owned(), *number))
        .collect();
    ours.sort();
    compiled.sort();
    assert_eq!(ours, compiled);
}

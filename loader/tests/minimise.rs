//! A minimised BTF stands for the whole: every relocation ends the same.

mod common;

use common::{btf_of, object};
use trapline_loader::btf::{Kind, ObjectBtf, Source, Target, Types as _};
use trapline_loader::relo_core::{ReloKind, Report, minimise, relocate};
use trapline_loader::spec::ObjectSpec;

fn parse(name: &str) -> ObjectSpec {
    ObjectSpec::parse(name, &object(name)).unwrap()
}

fn minimised(objects: &[ObjectSpec], kernel: &[u8]) -> Vec<u8> {
    let mut target = Target::new(Source::from_bytes(kernel)).unwrap();
    minimise(objects, &mut target).unwrap()
}

/// The object relocated against a BTF. Ids of the kernel's types, the one thing
/// that a minimised BTF cannot tell, are set to 0.
fn relocated(mut spec: ObjectSpec, btf: &[u8]) -> (ObjectSpec, Report) {
    let mut target = Target::new(Source::from_bytes(btf)).unwrap();
    let mut report = relocate(&mut spec, &mut target).unwrap();
    for relocated in &mut report.relocations {
        let program = &mut spec.programs[relocated.program];
        let mut relos = program.core_relos.iter();
        let relo = relos.find(|relo| relo.insn == relocated.insn).unwrap();
        if relo.kind == ReloKind::TypeIdTarget as u32 {
            program.insns[relocated.insn].imm = 0;
            relocated.new = 0;
        }
    }
    (spec, report)
}

#[test]
fn every_kind_of_relocation_ends_as_against_the_whole() {
    let kernel = btf_of(&object("kernel"));
    for name in ["core", "core_fake"] {
        let minimised = minimised(&[parse(name)], &kernel);
        let (whole, report) = relocated(parse(name), &kernel);
        let (part, same) = relocated(parse(name), &minimised);
        assert!(minimised.len() < kernel.len());
        assert_eq!(report.relocations, same.relocations, "{name}");
        let failed = |report: &Report| -> Vec<usize> {
            report.failed.iter().map(|(program, _)| *program).collect()
        };
        assert_eq!(failed(&report), failed(&same), "{name}");
        for (a, b) in whole.programs.iter().zip(&part.programs) {
            assert_eq!(a.insns, b.insns, "{name}: {}", a.name);
        }
    }
}

#[test]
fn what_objects_do_not_look_at_is_gone() {
    let kernel = btf_of(&object("kernel"));
    let btf = ObjectBtf::parse(&minimised(&[parse("core_fake")], &kernel)).unwrap();
    let moved = btf.find(Kind::Struct, "moved").unwrap();
    let moved = btf.type_by_id(moved).unwrap();
    let names = moved.members().map(|m| btf.text(m.name_off).unwrap());
    let names: Vec<_> = names.collect();
    assert!(names.contains(&"a".to_owned()), "{names:?}");
    assert!(!names.contains(&"padding".to_owned()), "{names:?}");
    let whole = ObjectBtf::parse(&kernel).unwrap();
    assert!(btf.last_id() < whole.last_id());
    assert_eq!(moved.size_or_type, {
        let id = whole.find(Kind::Struct, "moved").unwrap();
        whole.size_of(id).unwrap()
    });
}

#[test]
fn the_order_of_objects_does_not_matter() {
    let kernel = btf_of(&object("kernel"));
    let one = minimised(&[parse("core"), parse("core_fake")], &kernel);
    let other = minimised(&[parse("core_fake"), parse("core")], &kernel);
    assert_eq!(one, other);
}

#[test]
fn no_objects_need_no_types() {
    let kernel = btf_of(&object("kernel"));
    let btf = ObjectBtf::parse(&minimised(&[], &kernel)).unwrap();
    assert_eq!(btf.last_id(), 0);
}

#[test]
fn an_array_without_a_length_does_not_come_to_end_its_struct() {
    let kernel = btf_of(&object("middle_kernel"));
    let answers = |btf: &[u8]| {
        let (_, report) = relocated(parse("middle"), btf);
        let answers = report.relocations.iter();
        answers.map(|r| r.new).collect::<Vec<_>>()
    };
    assert_eq!(answers(&kernel), [1, 0]);
    assert_eq!(answers(&minimised(&[parse("middle")], &kernel)), [1, 0]);
}

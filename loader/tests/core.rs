//! CO-RE against a small kernel of known layout, mapped and read in pieces.

mod common;

use common::{btf_of, object, program};
use trapline_loader::Result;
use trapline_loader::btf::{ReadAt, Source, Target, Types as _};
use trapline_loader::insn::{Insn, class, mode, width};
use trapline_loader::relo_core::{POISON, Report, relocate};
use trapline_loader::spec::ObjectSpec;

/// Hands out few bytes at a time, as sysfs does.
struct Pieces<'b>(&'b [u8]);

impl ReadAt for Pieces<'_> {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize> {
        let rest = self.0.get(offset as usize..).unwrap_or_default();
        let count = rest.len().min(buffer.len()).min(777);
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }
}

/// The object relocated against the kernel, which both sources have to agree
/// on.
fn relocated(name: &str) -> (ObjectSpec, Report) {
    let kernel = btf_of(&object("kernel"));
    let bytes = object(name);
    let run = |source| {
        let mut spec = ObjectSpec::parse(name, &bytes).unwrap();
        let report = relocate(&mut spec, &mut Target::new(source).unwrap()).unwrap();
        (spec, report)
    };
    let (mapped, report) = run(Source::from_bytes(&kernel));
    let (read, same) = run(Source::from_reader(Pieces(&kernel), kernel.len() as u64));
    assert_eq!(report.relocations, same.relocations);
    for (a, b) in mapped.programs.iter().zip(&read.programs) {
        assert_eq!(a.insns, b.insns);
    }
    (mapped, report)
}

/// Description and new value of a program's relocations; poison is None.
fn answers(name: &str) -> Vec<(String, Option<i64>)> {
    let (spec, report) = relocated("core_fake");
    let index = spec.programs.iter().position(|p| p.name == name).unwrap();
    assert!(
        report.failure(index).is_none(),
        "{:?}",
        report.failure(index)
    );
    let relos = report.relocations.iter().filter(|r| r.program == index);
    relos
        .map(|r| {
            let new = (!r.poisoned).then_some(r.new as i64);
            (r.description.to_string(), new)
        })
        .collect()
}

fn expect(name: &str, expected: &[(&str, Option<i64>)]) {
    let answers = answers(name);
    let answers: Vec<_> = answers
        .iter()
        .map(|(text, new)| (text.as_str(), *new))
        .collect();
    assert_eq!(answers, expected);
}

#[test]
fn fields_are_found_through_anonymous_members() {
    expect(
        "offsets",
        &[
            ("struct moved.a, byte offset", Some(24)),
            ("struct moved.b, byte offset", Some(36)),
            ("struct moved.array[2], byte offset", Some(44)),
            ("struct moved.array, byte size", Some(16)),
            ("struct moved.array[1], byte size", Some(2)),
        ],
    );
}

#[test]
fn loads_get_new_offsets_and_keep_their_width() {
    let (spec, _) = relocated("core_fake");
    let loads = &program(&spec, "loads").insns;
    let loads = loads
        .iter()
        .filter(|i| i.class() == class::LDX && i.off != 0);
    let loads: Vec<_> = loads.map(|i| (i.code & width::MASK, i.off)).collect();
    let mut sorted = loads.clone();
    sorted.sort_by_key(|(_, off)| *off);
    assert_eq!(
        sorted,
        [
            (width::W, 24),
            (width::B, 36),
            (width::H, 46),
            (width::DW, 56)
        ]
    );
}

#[test]
fn bit_fields_keep_sign_and_place() {
    let answers = answers("bitfields");
    let value = |text: &str| answers.iter().find(|(about, _)| about == text).unwrap().1;
    assert_eq!(value("struct moved.high, byte offset"), Some(64));
    assert_eq!(value("struct moved.high, byte size"), Some(4));
    assert_eq!(value("struct moved.high, left shift"), Some(64 - 16));
    assert_eq!(value("struct moved.high, right shift"), Some(64 - 13));
    assert_eq!(value("struct moved.high, signedness"), Some(0));
    assert_eq!(value("struct moved.negative, left shift"), Some(64 - 21));
    assert_eq!(value("struct moved.negative, right shift"), Some(64 - 5));
    assert_eq!(value("struct moved.negative, signedness"), Some(1));
}

#[test]
fn unsigned_loads_change_their_width() {
    let (spec, _) = relocated("core_fake");
    let insns = &program(&spec, "widths").insns;
    let load = |width, off| {
        let is = |i: &&Insn| i.code == class::LDX | mode::MEM | width && i.off == off;
        insns.iter().any(|i| is(&i))
    };
    assert!(load(width::W, 0), "u8 became u32: {insns:?}");
    assert!(load(width::DW, 40), "u32[] became u64[]: {insns:?}");
}

#[test]
fn a_load_that_cannot_be_widened_right_is_poisoned() {
    // Same size, other sign: libbpf looks at sizes only.
    expect(
        "sign_changed",
        &[("struct resized.now_signed, byte offset", Some(16))],
    );
    // A pointer and an int are no pair at all: the field does not exist.
    expect(
        "type_changed",
        &[("struct resized.was_pointer, byte offset", None)],
    );
}

#[test]
fn what_the_kernel_lacks_is_poisoned_behind_its_guard() {
    expect(
        "guarded",
        &[
            ("struct resized.narrower_not_there, field exists", Some(0)),
            ("struct resized.narrower_not_there, byte offset", None),
        ],
    );
    let (spec, report) = relocated("core_fake");
    let index = spec
        .programs
        .iter()
        .position(|p| p.name == "guarded")
        .unwrap();
    let insns = &spec.programs[index].insns;
    let poisoned = insns.iter().position(|i| *i == Insn::call(POISON)).unwrap();
    let about = &report.at(index, poisoned).unwrap().description;
    assert_eq!(&**about, "struct resized.narrower_not_there, byte offset");
    let (_, _, text) = spec.line_at(&spec.programs[index], poisoned).unwrap();
    assert_eq!(text, "return r->narrower_not_there;");
}

#[test]
fn types_of_one_name_have_to_agree() {
    expect("agreeing", &[("struct twice.same, byte offset", Some(0))]);
    let (spec, report) = relocated("core_fake");
    let index = spec
        .programs
        .iter()
        .position(|p| p.name == "ambiguous")
        .unwrap();
    let error = format!("{:#}", report.failure(index).unwrap());
    assert!(error.contains("program ambiguous, instruction"), "{error}");
    assert!(
        error.contains("struct twice.differs, byte offset: ambiguous"),
        "{error}"
    );
    assert_eq!(report.failed.len(), 1, "the other programs are good");
}

#[test]
fn a_type_that_lacks_one_field_is_no_candidate_for_the_next() {
    expect(
        "pruned_by_marker",
        &[
            ("struct pruned.marker, byte offset", Some(0)),
            ("struct pruned.value, byte offset", Some(4)),
        ],
    );
}

#[test]
fn enumerators_have_the_kernels_values() {
    expect(
        "enums",
        &[
            ("enum color::RED, enumerator value", Some(5)),
            ("enum color::GREEN, enumerator value", Some(-3)),
            ("enum color::BLUE, enumerator value", Some(9)),
            (
                "enum wide::HUGE, enumerator value",
                Some(0x1234_5678_9abc_def0),
            ),
            ("enum color___missing::PURPLE, enumerator exists", Some(0)),
        ],
    );
}

#[test]
fn types_are_sized_found_and_matched() {
    expect(
        "types",
        &[
            ("struct moved, type size", Some(72)),
            ("struct pruned, type exists", Some(1)),
            ("struct fits, type matches", Some(1)),
            ("struct fits___not, type matches", Some(0)),
            ("handler_t, type exists", Some(1)),
            ("struct fits___not, type exists", Some(1)),
        ],
    );
}

#[test]
fn elements_of_a_flexible_array_exist() {
    expect(
        "flexible_tail",
        &[("struct flexible.tail[5], byte offset", Some(48))],
    );
}

#[test]
fn prototypes_name_and_type_their_parameters() {
    let kernel = btf_of(&object("kernel"));
    let mut target = Target::new(Source::from_bytes(&kernel)).unwrap();
    let proto = target.prototype("vfs_something").unwrap().unwrap();
    let parameters = proto
        .parameters
        .iter()
        .map(|p| (p.name.as_str(), p.type_name.as_str()));
    assert_eq!(
        parameters.collect::<Vec<_>>(),
        [
            ("path", "const struct moved *"),
            ("offset", "u64 *"),
            ("flag", "bool"),
            ("names", "char *const *"),
        ]
    );
    assert_eq!(
        (proto.returns.as_str(), proto.position("flag")),
        ("int", Some(2))
    );
    let trace = target.tracepoint_prototype("something").unwrap().unwrap();
    let types = trace.parameters.iter().map(|p| p.type_name.as_str());
    assert_eq!(types.collect::<Vec<_>>(), ["struct moved *", "int"]);
    assert_eq!(trace.position_of_type("int"), Some(1));
    assert_eq!(
        target.prototype("moved").unwrap(),
        None,
        "a struct is no function"
    );
}

#[test]
fn enum_values_can_be_read() {
    let kernel = btf_of(&object("kernel"));
    let mut target = Target::new(Source::from_bytes(&kernel)).unwrap();
    let colors = target.enum_values("color").unwrap().unwrap();
    assert_eq!(
        colors[..2],
        [("RED".to_owned(), 5), ("GREEN".to_owned(), -3i64 as u64)]
    );
}

#[test]
fn every_type_can_be_reached_by_its_id() {
    let kernel = btf_of(&object("kernel"));
    let mapped = Target::new(Source::from_bytes(&kernel)).unwrap();
    let source = Source::from_reader(Pieces(&kernel), kernel.len() as u64);
    let read = Target::new(source).unwrap();
    let last = mapped.last_id().unwrap();
    assert!(last > 64, "the sparse index has to be used: {last}");
    for id in 0..=last {
        let (a, b) = (mapped.type_by_id(id).unwrap(), read.type_by_id(id).unwrap());
        assert_eq!(format!("{a:?}"), format!("{b:?}"));
        assert_eq!(mapped.type_name(id).unwrap(), read.type_name(id).unwrap());
    }
    assert!(mapped.type_by_id(last + 1).is_err() && read.type_by_id(u32::MAX).is_err());
}

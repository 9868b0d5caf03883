//! Minimised BTF against the whole of every kernel's.

use trapline_harness::btf::{minimised, of_kernel, path, sensors};
use trapline_harness::host::workspace_root;
use trapline_harness::kernels::{Lock, Series, Store};
use trapline_harness::progress::Progress;
use trapline_harness::verify::our_objects;
use trapline_loader::btf::{ObjectBtf, Source, Target};
use trapline_loader::relo_core::{ReloKind, Report, minimise, relocate};
use trapline_loader::spec::ObjectSpec;

/// The BTF of every kernel of the matrix.
fn kernels() -> Vec<(Series, Vec<u8>)> {
    let lock = Lock::load(&workspace_root()).unwrap();
    let store = Store::open().unwrap();
    let progress = Progress::new();
    let entries = lock.select(&[]).unwrap();
    let kernel = |entry| {
        let kernel = store.ensure(entry, &progress);
        kernel.unwrap_or_else(|error| panic!("{error:#}\nfix: cargo harness kernels fetch"))
    };
    let kernels = entries.into_iter().map(kernel);
    kernels
        .map(|kernel| (kernel.series, of_kernel(&kernel).unwrap()))
        .collect()
}

#[test]
fn the_files_in_git_are_what_the_kernels_and_sensors_give() {
    let root = workspace_root();
    let objects = sensors().unwrap();
    let mut stale = Vec::new();
    for (series, btf) in kernels() {
        let made = minimised(&objects, &btf).unwrap();
        if std::fs::read(path(&root, series)).ok() != Some(made) {
            stale.push(series.to_string());
        }
    }
    let stale = stale.join(" ");
    assert!(
        stale.is_empty(),
        "stale: {stale}; fix: cargo harness btf {stale}"
    );
}

/// An object after its relocation. The kernel's numbers of types are set to 0:
/// they are what a minimised BTF cannot tell.
fn relocated(spec: &ObjectSpec, target: &mut Target<'_>) -> (ObjectSpec, Report) {
    let mut spec = spec.clone();
    let mut report = relocate(&mut spec, target).unwrap();
    for relocated in &mut report.relocations {
        let program = &mut spec.programs[relocated.program];
        let mut relos = program.core_relos.iter();
        let relo = relos.find(|relo| relo.insn == relocated.insn).unwrap();
        if relo.kind == ReloKind::TypeIdTarget as u32 {
            program.insns[relocated.insn].imm = i32::from(relocated.new != 0);
            relocated.new = relocated.new.min(1);
        }
    }
    (spec, report)
}

#[test]
fn every_object_is_relocated_the_same_against_its_part_of_every_kernel() {
    let objects = our_objects().unwrap();
    let specs = objects.iter().filter_map(|object| {
        // Objects that cannot be read have nothing to relocate.
        ObjectSpec::parse(&object.name, &object.bytes).ok()
    });
    let specs: Vec<ObjectSpec> = specs.collect();
    let mut compared = 0;
    for (series, btf) in kernels() {
        let mut whole = Target::new(Source::from_bytes(&btf)).unwrap();
        // One pass over the kernel's types for all.
        minimise(&specs, &mut whole).unwrap();
        for spec in &specs {
            let part = minimise(core::slice::from_ref(spec), &mut whole).unwrap();
            ObjectBtf::parse(&part).unwrap();
            let mut part = Target::new(Source::from_bytes(&part)).unwrap();
            let (expected, report) = relocated(spec, &mut whole);
            let (found, same) = relocated(spec, &mut part);
            let place = format!("{} on {series}", spec.name);
            assert_eq!(report.relocations, same.relocations, "{place}");
            let failed = |report: &Report| -> Vec<usize> {
                report.failed.iter().map(|(program, _)| *program).collect()
            };
            assert_eq!(failed(&report), failed(&same), "{place}");
            for (a, b) in expected.programs.iter().zip(&found.programs) {
                assert_eq!(a.insns, b.insns, "{place}: {}", a.name);
            }
            compared += report.relocations.len();
        }
    }
    assert!(compared > 10_000, "{compared}");
}

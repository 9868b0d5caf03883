//! Damaged input is an error or a smaller object: never a panic, a hang, an
//! overflowing stack or memory without bound.

mod common;

use std::ops::Range;
use std::sync::OnceLock;

use object::{Object as _, ObjectSection as _};
use proptest::prelude::*;
use trapline_loader::btf::{ObjectBtf, Source, Target, Types as _};
use trapline_loader::reach::reachable;
use trapline_loader::relo_core::{absence, minimise, relocate};
use trapline_loader::spec::ObjectSpec;

const NAMES: [&str; 4] = ["core", "core_fake", "shapes", "maps"];

fn objects() -> &'static [Vec<u8>] {
    static OBJECTS: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    OBJECTS.get_or_init(|| NAMES.iter().map(|name| common::object(name)).collect())
}

fn kernel() -> &'static [u8] {
    static KERNEL: OnceLock<Vec<u8>> = OnceLock::new();
    KERNEL.get_or_init(|| common::btf_of(&common::object("kernel")))
}

/// One change: where, as a fraction of the length, and what to.
#[derive(Clone, Debug)]
enum Damage {
    Byte(u32, u8),
    Word(u32, u32),
    Copy(u32, u32, u8),
    Cut(u32),
}

fn damage() -> impl Strategy<Value = Damage> {
    let words = prop_oneof![
        Just(0u32),
        Just(1),
        Just(u32::MAX),
        Just(0x8000_0000),
        0u32..200,
        any::<u32>()
    ];
    prop_oneof![
        4 => (any::<u32>(), any::<u8>()).prop_map(|(at, byte)| Damage::Byte(at, byte)),
        4 => (any::<u32>(), words).prop_map(|(at, word)| Damage::Word(at, word)),
        2 => (any::<u32>(), any::<u32>(), 1u8..64).prop_map(|(a, b, n)| Damage::Copy(a, b, n)),
        1 => any::<u32>().prop_map(Damage::Cut),
    ]
}

/// Where damage is done: parts that are read, not debug information.
fn areas(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut areas = vec![0..bytes.len(), 0..64.min(bytes.len())];
    let Ok(file) = object::File::parse(bytes) else {
        return areas;
    };
    // The section table is at the end.
    let table = bytes.len() - file.sections().count() * 64;
    areas.push(table..bytes.len());
    for section in file.sections() {
        let is_debug = section.name().is_ok_and(|name| name.contains("debug"));
        if let (Some((start, size)), false) = (section.file_range(), is_debug) {
            areas.push(start as usize..(start + size) as usize);
        }
    }
    let btf = |name| file.section_by_name(name).and_then(|s| s.file_range());
    for (start, size) in [".BTF", ".BTF.ext", ".BTF"].into_iter().filter_map(btf) {
        areas.push(start as usize..(start + size) as usize);
    }
    areas
}

fn apply(bytes: &mut Vec<u8>, area: &Range<usize>, damage: &Damage) {
    let place = |at: u32| area.start + ((u64::from(at) * area.len() as u64) >> 32) as usize;
    match *damage {
        Damage::Byte(at, byte) => {
            let at = place(at);
            let place = bytes.get_mut(at);
            place.into_iter().for_each(|place| *place = byte);
        }
        Damage::Word(at, word) => {
            // Most fields are aligned; so is most damage that gets through.
            let at = place(at) & !3;
            if let Some(place) = bytes.get_mut(at..at + 4) {
                place.copy_from_slice(&word.to_le_bytes());
            }
        }
        Damage::Copy(from, to, count) => {
            let (from, to, count) = (place(from), place(to), usize::from(count));
            if from + count <= bytes.len() && to + count <= bytes.len() {
                bytes.copy_within(from..from + count, to);
            }
        }
        Damage::Cut(at) => {
            let at = place(at);
            bytes.truncate(at);
        }
    }
}

fn damaged(whole: &[u8], damages: &[(u8, Damage)]) -> Vec<u8> {
    let areas = areas(whole);
    let mut bytes = whole.to_vec();
    for (area, damage) in damages {
        apply(&mut bytes, &areas[usize::from(*area) % areas.len()], damage);
    }
    bytes
}

/// Everything that can be asked of an object.
fn use_object(bytes: &[u8], kernel: &[u8]) {
    let Ok(mut spec) = ObjectSpec::parse("damaged", bytes) else {
        return;
    };
    for program in &spec.programs {
        for insn in [0, program.insns.len() / 2, usize::MAX] {
            let _ = spec.line_at(program, insn);
        }
        let reached = reachable(&spec, program);
        assert_eq!(reached.len(), program.insns.len());
    }
    let _ = spec.needs();
    let names: Vec<_> = spec.maps.iter().flat_map(|m| m.variables.clone()).collect();
    for variable in names.iter().take(8) {
        let _ = spec.set_global(&variable.name, &vec![1; variable.size.min(64) as usize]);
    }
    use_kernel(&mut spec, kernel);
}

fn use_kernel(spec: &mut ObjectSpec, kernel: &[u8]) {
    let Ok(mut target) = Target::new(Source::from_bytes(kernel)) else {
        return;
    };
    if let Ok(part) = minimise(core::slice::from_ref(spec), &mut target) {
        // Whatever went in, what comes out is well-formed.
        ObjectBtf::parse(&part).unwrap();
    }
    for relo in spec.programs.iter().flat_map(|p| &p.core_relos).take(40) {
        let _ = absence(spec, relo, &mut target);
    }
    let _ = relocate(spec, &mut target);
    for program in &spec.programs {
        let _ = reachable(spec, program);
    }
    let _ = target.prototype("vfs_something");
    let _ = target.tracepoint_prototype("something");
    let _ = target.enum_values("color");
    for id in 0..target.last_id().unwrap_or(0).min(200) {
        let _ = target.type_name(id);
        let _ = target.size_of(id);
    }
}

/// The most memory that this process may ever have touched, in KiB: 64 MiB of
/// linked programs, twice while they are copied, in each of three threads.
const BOUND_KIB: u64 = 400 << 10;

fn bounded(work: impl FnOnce()) {
    work();
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak: u64 = peak
        .unwrap()
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap();
    assert!(peak < BOUND_KIB, "{peak} KiB");
}

/// As many cases as fit a test run; set PROPTEST_CASES for more.
fn config() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_damaged_object_does_no_harm(
        which in 0..NAMES.len(),
        damages in prop::collection::vec((any::<u8>(), damage()), 1..6),
    ) {
        let bytes = damaged(&objects()[which], &damages);
        bounded(|| use_object(&bytes, kernel()));
    }

    #[test]
    fn damaged_kernel_types_do_no_harm(
        which in 0..2usize,
        damages in prop::collection::vec((any::<u8>(), damage()), 1..6),
    ) {
        let bytes = damaged(kernel(), &damages);
        let mut spec = ObjectSpec::parse("whole", &objects()[which]).unwrap();
        bounded(|| use_kernel(&mut spec, &bytes));
    }

    #[test]
    fn noise_does_no_harm(noise in prop::collection::vec(any::<u8>(), 0..4096)) {
        bounded(|| use_object(&noise, &noise));
    }
}

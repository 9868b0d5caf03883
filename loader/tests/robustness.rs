//! Types that contain themselves, in every way that BTF can write down: an
//! error or an answer, on little stack, in little time.

mod common;

use std::time::{Duration, Instant};

use object::{Object as _, ObjectSection as _};
use trapline_loader::btf::{Source, Target, Types as _};
use trapline_loader::relo_core::{minimise, relocate};
use trapline_loader::spec::ObjectSpec;

/// Unoptimised code needs several times the stack that a release build does.
const STACK_BYTES: usize = 256 << 10;
/// What takes a millisecond must not take a minute.
const PATIENCE: Duration = Duration::from_secs(20);

const ARRAY: u32 = 3;
const STRUCT: u32 = 4;
const UNION: u32 = 5;
const FUNC_PROTO: u32 = 13;
/// PTR, TYPEDEF, VOLATILE, CONST, RESTRICT, TYPE_TAG.
const LINKS: [u32; 6] = [2, 8, 9, 10, 11, 18];

/// A type inside of raw BTF: its id, its kind, and where it starts.
#[derive(Clone, Copy)]
struct Place {
    id: u32,
    kind: u32,
    count: usize,
    at: usize,
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

fn put(bytes: &mut [u8], at: usize, word: u32) {
    bytes[at..at + 4].copy_from_slice(&word.to_le_bytes());
}

/// Every type of some BTF.
fn places(btf: &[u8]) -> Vec<Place> {
    let start = (word(btf, 4) + word(btf, 8)) as usize;
    let end = start + word(btf, 12) as usize;
    let (mut at, mut places) = (start, Vec::new());
    while at < end {
        let (kind, count) = (
            word(btf, at + 4) >> 24 & 0x1f,
            word(btf, at + 4) as usize & 0xffff,
        );
        let id = places.len() as u32 + 1;
        places.push(Place {
            id,
            kind,
            count,
            at,
        });
        at += 12
            + match kind {
                1 | 14 | 17 => 4,
                ARRAY => 12,
                STRUCT | UNION | 15 | 19 => count * 12,
                6 | FUNC_PROTO => count * 8,
                _ => 0,
            };
    }
    places
}

/// Pointers, typedefs and modifiers that lead to themselves.
fn links_in_circles(btf: &mut [u8]) {
    for place in places(btf)
        .iter()
        .filter(|place| LINKS.contains(&place.kind))
    {
        put(btf, place.at + 8, place.id);
    }
}

/// The same in one circle through all of them.
fn links_in_one_circle(btf: &mut [u8]) {
    let all = places(btf);
    let links = all.iter().filter(|place| LINKS.contains(&place.kind));
    let links: Vec<_> = links.collect();
    for (index, place) in links.iter().enumerate() {
        put(btf, place.at + 8, links[(index + 1) % links.len()].id);
    }
}

/// Members without a name whose type is the struct itself.
fn structs_in_themselves(btf: &mut [u8]) {
    for place in places(btf) {
        if matches!(place.kind, STRUCT | UNION) {
            for member in 0..place.count {
                put(btf, place.at + 12 + member * 12, 0);
                put(btf, place.at + 16 + member * 12, place.id);
            }
        }
    }
}

/// The same, but each struct in the next one: a long way before it repeats.
fn structs_in_each_other(btf: &mut [u8]) {
    let all = places(btf);
    let structs = all
        .iter()
        .filter(|place| matches!(place.kind, STRUCT | UNION));
    let structs: Vec<_> = structs.collect();
    for (index, place) in structs.iter().enumerate() {
        for member in 0..place.count {
            put(btf, place.at + 12 + member * 12, 0);
            put(
                btf,
                place.at + 16 + member * 12,
                structs[(index + 1) % structs.len()].id,
            );
        }
    }
}

/// Named members that are the struct itself, which comparing shapes follows.
fn members_of_their_own_type(btf: &mut [u8]) {
    for place in places(btf) {
        if matches!(place.kind, STRUCT | UNION) {
            for member in 0..place.count {
                put(btf, place.at + 16 + member * 12, place.id);
            }
        }
    }
}

/// Arrays of themselves, four billion times.
fn arrays_of_themselves(btf: &mut [u8]) {
    for place in places(btf).iter().filter(|place| place.kind == ARRAY) {
        put(btf, place.at + 12, place.id);
        put(btf, place.at + 20, u32::MAX);
    }
}

/// Prototypes that return themselves and take themselves.
fn prototypes_of_themselves(btf: &mut [u8]) {
    for place in places(btf).iter().filter(|place| place.kind == FUNC_PROTO) {
        put(btf, place.at + 8, place.id);
        for parameter in 0..place.count {
            put(btf, place.at + 16 + parameter * 8, place.id);
        }
    }
}

type Bomb = fn(&mut [u8]);

const BOMBS: [(&str, Bomb); 7] = [
    ("links in circles", links_in_circles),
    ("links in one circle", links_in_one_circle),
    ("structs in themselves", structs_in_themselves),
    ("structs in each other", structs_in_each_other),
    ("members of their own type", members_of_their_own_type),
    ("arrays of themselves", arrays_of_themselves),
    ("prototypes of themselves", prototypes_of_themselves),
];

/// The object with its types changed in place.
fn with_types(object: &[u8], bomb: Bomb) -> Vec<u8> {
    let file = object::File::parse(object).unwrap();
    let (start, size) = file.section_by_name(".BTF").unwrap().file_range().unwrap();
    let mut bytes = object.to_vec();
    bomb(&mut bytes[start as usize..(start + size) as usize]);
    bytes
}

/// Asks everything of an object and a kernel, on little stack.
fn ask(object: &[u8], kernel: &[u8]) {
    let begun = Instant::now();
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
        let work = || {
            let mut target = Target::new(Source::from_bytes(kernel)).unwrap();
            for id in 0..target.last_id().unwrap() {
                let _ = (target.type_name(id), target.size_of(id));
                let _ = target.strip_modifiers(id);
            }
            let _ = target.prototype("vfs_something");
            let Ok(mut spec) = ObjectSpec::parse("bomb", object) else {
                return;
            };
            let _ = minimise(core::slice::from_ref(&spec), &mut target);
            let _ = relocate(&mut spec, &mut target);
        };
        thread.spawn_scoped(scope, work).unwrap().join().unwrap();
    });
    assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
}

#[test]
fn types_of_the_kernel_that_contain_themselves_do_no_harm() {
    let whole = common::btf_of(&common::object("kernel"));
    for object in ["core_fake", "core"].map(common::object) {
        for (name, bomb) in BOMBS {
            let mut kernel = whole.clone();
            bomb(&mut kernel);
            assert_ne!(kernel, whole, "{name} changes nothing");
            ask(&object, &kernel);
        }
    }
}

#[test]
fn types_of_an_object_that_contain_themselves_do_no_harm() {
    let kernel = common::btf_of(&common::object("kernel"));
    for object in ["core_fake", "core", "shapes"].map(common::object) {
        for (_, bomb) in BOMBS {
            ask(&with_types(&object, bomb), &kernel);
        }
    }
}

#[test]
fn types_on_both_sides_that_contain_themselves_do_no_harm() {
    let whole = common::btf_of(&common::object("kernel"));
    let object = common::object("core_fake");
    for (_, on_kernel) in BOMBS {
        let mut kernel = whole.clone();
        on_kernel(&mut kernel);
        for (_, on_object) in BOMBS {
            ask(&with_types(&object, on_object), &kernel);
        }
    }
}

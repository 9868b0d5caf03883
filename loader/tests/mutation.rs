//! Damaged input is an error or a smaller object: never a panic, a hang, an
//! overflowing stack or memory without bound.
//!
//! Some thousand inputs with every test run; `examples/mutate` is the same for
//! millions, and `fuzz/` for as long as one likes.

mod common;
mod inputs;

use std::sync::OnceLock;

use inputs::damage::Random;
use inputs::memory::{Counting, bound_bytes, peak_bytes};
use inputs::{Input, Material};
use proptest::prelude::*;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Unoptimised code needs several times the stack that a release build does.
const STACK_BYTES: usize = 512 << 10;

fn all() -> &'static [Input] {
    static ALL: OnceLock<Vec<Input>> = OnceLock::new();
    ALL.get_or_init(|| {
        let corpus = trapline_corpus::OBJECTS.iter();
        inputs::all(Material {
            objects: corpus.map(|(_, bytes)| bytes.to_vec()).collect(),
            pair: (
                common::stripped("core_fake"),
                common::btf_of(&common::object("kernel")),
            ),
        })
    })
}

fn input(name: &str) -> &'static Input {
    let found = all().iter().find(|input| input.name == name);
    found.unwrap_or_else(|| panic!("no input {name}"))
}

/// Reads bytes on a thread with little stack, and holds the memory to its bound.
fn read(input: &Input, bytes: &[u8]) -> bool {
    let (accepted, peak) = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
        let thread = thread.spawn_scoped(scope, || peak_bytes(|| (input.run)(bytes)));
        thread.unwrap().join().unwrap()
    });
    let bound = bound_bytes(bytes.len());
    assert!(peak <= bound, "{peak} bytes held, {bound} allowed");
    accepted
}

/// As many cases as fit a test run; set PROPTEST_CASES for more.
fn config() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

#[test]
fn what_is_not_damaged_is_accepted() {
    for input in all() {
        let accepted = |seed: &inputs::damage::Seed| read(input, &seed.bytes);
        assert!(input.seeds.iter().any(accepted), "{}", input.name);
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_damaged_object_does_no_harm(seed in any::<u64>()) {
        damaged_does_no_harm("object", seed);
    }

    #[test]
    fn damaged_kernel_types_do_no_harm(seed in any::<u64>()) {
        damaged_does_no_harm("kernel_btf", seed);
    }

    #[test]
    fn other_damaged_inputs_do_no_harm(kind in 2..all().len(), seed in any::<u64>()) {
        damaged_does_no_harm(all()[kind].name, seed);
    }

    #[test]
    fn noise_does_no_harm(
        kind in 0..all().len(),
        noise in prop::collection::vec(any::<u8>(), 0..4096),
    ) {
        read(&all()[kind], &noise);
    }
}

fn damaged_does_no_harm(name: &str, seed: u64) {
    let input = input(name);
    let mut random = Random::new(seed, 0);
    let chosen = random.below(input.seeds.len());
    let mut bytes = Vec::new();
    input.seeds[chosen].damaged(&mut random, &mut bytes);
    read(input, &bytes);
}

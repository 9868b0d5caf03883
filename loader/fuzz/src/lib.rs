//! The inputs of the loader's own tests, for libFuzzer.

#[path = "../../tests/common/mod.rs"]
mod common;
#[path = "../../tests/inputs/mod.rs"]
mod inputs;

use std::sync::OnceLock;

use inputs::memory::{Counting, bound_bytes, peak_bytes};
use inputs::{Input, Material};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Reads bytes as one kind of input; more memory than the bound is a crash.
pub fn read(name: &str, bytes: &[u8]) {
    static ALL: OnceLock<Vec<Input>> = OnceLock::new();
    let all = ALL.get_or_init(|| {
        inputs::all(Material {
            objects: Vec::new(),
            pair: (
                common::stripped("core_fake"),
                common::btf_of(&common::object("kernel")),
            ),
        })
    });
    let input = all.iter().find(|input| input.name == name);
    let input = input.unwrap_or_else(|| panic!("no input {name}"));
    let (_, peak) = peak_bytes(|| (input.run)(bytes));
    let bound = bound_bytes(bytes.len());
    assert!(peak <= bound, "{peak} bytes held, {bound} allowed");
}

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| trapline_loader_fuzz::read("archive", bytes));

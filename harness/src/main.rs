//! `cargo harness`: the harness program.

fn main() {}

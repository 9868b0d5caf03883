//! Arguments and environments at and past the size that the sensors keep.

use std::ffi::CString;

use crate::workloads::failure::{Outcome, Tried, ensure};
use crate::workloads::kit::{self, Birth};
use crate::workloads::scene::{Program, Scene};

/// What the sensors keep of each, in bytes, terminating zeros included.
const KEPT_BYTES: usize = 8192;

/// argv one byte short of the limit, exactly there, one byte past it.
pub fn argv(scene: &Scene) -> Outcome {
    for (code, bytes) in (1..).zip([KEPT_BYTES - 1, KEPT_BYTES, KEPT_BYTES + 1]) {
        let mut program = scene.program("prog", &[])?;
        program.argv = filled("argument", bytes)?;
        run(&program, code, bytes, &program.argv)?;
    }
    Ok(())
}

/// The same with the environment.
pub fn env(scene: &Scene) -> Outcome {
    for (code, bytes) in (1..).zip([KEPT_BYTES - 1, KEPT_BYTES, KEPT_BYTES + 1]) {
        let mut program = scene.program("prog", &["small argv"])?;
        program.env = filled("VARIABLE", bytes)?;
        run(&program, code, bytes, &program.env)?;
    }
    Ok(())
}

/// Both far past it, in many strings, then in a single one.
pub fn big(scene: &Scene) -> Outcome {
    const FAR_BYTES: usize = 20_000;
    let mut program = scene.program("prog", &[])?;
    program.argv = filled("argument", FAR_BYTES)?;
    program.env = filled("VARIABLE", FAR_BYTES + 1)?;
    run(&program, 1, FAR_BYTES, &program.argv)?;
    let single = "y".repeat(100_000);
    kit::run(Birth::Fork, &scene.program("prog", &[&single])?)?.finish(2)?;
    let variable = format!("LONG={single}");
    kit::run(
        Birth::Fork,
        &scene.program("prog", &["x"])?.env(&[&variable])?,
    )?
    .finish(3)
}

fn run(program: &Program, code: u8, bytes: usize, block: &[CString]) -> Outcome {
    let real: usize = block
        .iter()
        .map(|string| string.as_bytes_with_nul().len())
        .sum();
    ensure(real == bytes, || {
        format!("built {real} bytes, wanted {bytes}")
    })?;
    kit::run(Birth::Fork, program)?.finish(code)
}

/// Strings `name0001=xxx` that take exactly this many bytes with their zeros.
fn filled(name: &str, bytes: usize) -> Outcome<Vec<CString>> {
    const STRING_BYTES: usize = 100;
    let mut strings = Vec::new();
    let mut left = bytes;
    while left > 0 {
        // The last one takes what is left, up to twice the size, so that it is never too short.
        let this = if left < 2 * STRING_BYTES {
            left
        } else {
            STRING_BYTES
        };
        let head = format!("{name}{:04}=", strings.len());
        let tail = "x".repeat((this - 1).saturating_sub(head.len()));
        strings.push(CString::new(head + &tail).tried("build a string")?);
        left -= this;
    }
    Ok(strings)
}

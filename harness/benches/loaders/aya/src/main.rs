//! Loads an object into the kernel, attaches nothing, and ends.

use std::error::Error;

use aya::programs::{RawTracePoint, SchedClassifier};
use aya::{Ebpf, programs::ProgramError};

fn load(ebpf: &mut Ebpf) -> Result<(), ProgramError> {
    for (_, program) in ebpf.programs_mut() {
        if let Ok(program) = <&mut RawTracePoint>::try_from(&mut *program) {
            program.load()?;
        } else if let Ok(program) = <&mut SchedClassifier>::try_from(program) {
            program.load()?;
        }
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).unwrap_or_default();
    let bytes = std::fs::read(path)?;
    let mut ebpf = Ebpf::load(&bytes)?;
    load(&mut ebpf)?;
    // The kernel takes everything back at exit.
    std::mem::forget(ebpf);
    Ok(())
}

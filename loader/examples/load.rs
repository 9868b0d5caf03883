//! Loads an object, attaches nothing, and prints what is in the kernel then.
//!
//! ```text
//! load [--stats] [--btf FILE] [--optional PROGRAM]... OBJECT
//! ```
//!
//! Run it under `strace -f -c` to count its system calls.

use std::process::ExitCode;
use trapline_loader::Result;
use trapline_loader::kernel_btf::KernelBtf;
use trapline_loader::object::{LoadOptions, Object};
use trapline_loader::spec::ObjectSpec;

/// Ring buffers whose object leaves their size open get this one.
const RING_BYTES: u32 = 256 << 10;
const RINGBUF: u32 = 27;

fn main() -> ExitCode {
    let mut options = LoadOptions::default();
    let mut kernel = KernelBtf::running();
    let mut object = None;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--stats" => options.want_stats = true,
            "--btf" => kernel = KernelBtf::from_file(arguments.next().unwrap_or_default()),
            "--optional" => options.optional.extend(arguments.next()),
            _ => object = Some(argument),
        }
    }
    let Some(path) = object else {
        eprintln!("usage: load [--stats] [--btf FILE] [--optional PROGRAM]... OBJECT");
        return ExitCode::from(2);
    };
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) => {
            eprintln!("{path}: {error}");
            return ExitCode::FAILURE;
        }
    };
    match load(&path, &bytes, &mut kernel, &options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:?}");
            ExitCode::FAILURE
        }
    }
}

fn load(path: &str, bytes: &[u8], kernel: &mut KernelBtf, options: &LoadOptions) -> Result<()> {
    let mut spec = ObjectSpec::parse(path, bytes)?;
    for (part, reason) in &spec.skipped {
        println!("skipped {part}: {reason}");
    }
    for map in &mut spec.maps {
        if map.map_type == RINGBUF && map.max_entries == 0 {
            map.max_entries = RING_BYTES;
        }
    }
    let object = Object::load(spec, kernel, options)?;
    println!("BTF {:?}", object.btf_use());
    for map in object.maps() {
        println!(
            "map {}: type {}, key {} bytes, value {} bytes, {} entries",
            map.name(),
            map.map_type(),
            map.key_bytes(),
            map.value_bytes(),
            map.max_entries()
        );
    }
    for program in object.programs() {
        let info = program.info()?;
        let verified = info
            .verified_insns
            .map_or("?".to_owned(), |insns| insns.to_string());
        println!(
            "program {} ({}): {verified} insns verified, {} bytes of machine code",
            program.name(),
            program.section(),
            info.jited_bytes
        );
    }
    for refused in object.refused() {
        println!("refused {}: {:#}", refused.program, refused.error);
    }
    Ok(())
}

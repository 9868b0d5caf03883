//! Loads any object, attaches its programs where their sections say, and prints the
//! records of its ring buffers, a line each, until it is killed: `print OBJECT`.

use std::process::ExitCode;
use trapline_loader::kernel_btf::KernelBtf;
use trapline_loader::object::{self, LoadOptions, Object};
use trapline_loader::ring::{Readers, RingBuffer};
use trapline_loader::{Error, Result};

const RINGBUF: u32 = 27;

fn main() -> ExitCode {
    let Some(path) = std::env::args().nth(1) else {
        eprintln!("usage: print OBJECT");
        return ExitCode::from(2);
    };
    let Err(error) = print(&path);
    eprintln!("{error:?}");
    ExitCode::FAILURE
}

fn print(path: &str) -> Result<std::convert::Infallible> {
    let mut spec = object::open(path)?;
    for map in &mut spec.maps {
        if map.map_type == RINGBUF && map.max_entries == 0 {
            map.max_entries = 256 << 10; // bytes, where the object leaves it open
        }
    }
    // What this kernel refuses is said, and the rest works without it.
    let options = LoadOptions {
        optional: spec.programs.iter().map(|p| p.name.clone()).collect(),
        ..LoadOptions::default()
    };
    let object = Object::load(spec, &mut KernelBtf::running(), &options)?;
    for refused in object.refused() {
        eprintln!("not loaded: {}: {:#}", refused.program, refused.error);
    }
    let (mut readers, mut names, mut links) = (Readers::new(), Vec::new(), Vec::new());
    for map in object.maps().iter().filter(|m| m.map_type() == RINGBUF) {
        readers.add(RingBuffer::new(map)?)?;
        names.push(map.name());
    }
    if names.is_empty() {
        return Err(Error::not_found(format!("a ring buffer in {path}")));
    }
    for program in object.programs() {
        match program.attach() {
            Ok(link) => links.push(link),
            Err(error) => eprintln!("not attached: {}: {error:#}", program.name()),
        }
    }
    eprintln!("{} of {} attached", links.len(), object.programs().len());
    loop {
        readers.poll(None)?;
        readers.consume(|ring, record| {
            let hex: Vec<String> = record.iter().map(|byte| format!("{byte:02x}")).collect();
            println!("{}: {}", names[ring], hex.join(" "));
        })?;
    }
}

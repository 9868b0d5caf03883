//! An object on a kernel that does not show its types, with the little of them that the
//! object looks at: two kilobytes instead of megabytes.
//!
//! ```text
//! minimised_btf make OBJECT BTF OUT      where a kernel's types are; no privileges
//! minimised_btf load OBJECT TYPES        where that kernel runs, with the OUT of it
//! ```
//!
//! BTF is a kernel's whole types: /sys/kernel/btf/vmlinux, or a vmlinux with a section
//! of them. What a kernel is told by the number of a type cannot be had of a part of its
//! types: fentry, fexit, tp_btf. So those programs are left out, and kprobes and
//! tracepoints take their place.

use std::process::ExitCode;
use trapline_loader::error::ResultExt as _;
use trapline_loader::kernel_btf::KernelBtf;
use trapline_loader::object::{self, LoadOptions, Object};
use trapline_loader::relo_core::minimise;
use trapline_loader::ring::RingBuffer;
use trapline_loader::{Error, Result};

const RINGBUF: u32 = 27;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words[..] {
        ["make", object, btf, out] => make(object, btf, out),
        ["load", object, types] => load(object, types),
        _ => {
            eprintln!("usage: minimised_btf make OBJECT BTF OUT | load OBJECT TYPES");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:?}");
            ExitCode::FAILURE
        }
    }
}

fn make(object: &str, btf: &str, out: &str) -> Result<()> {
    let spec = object::open(object)?;
    let mut kernel = KernelBtf::from_file(btf);
    let types = minimise(&[spec], kernel.target()?).with_context(|| btf.to_owned())?;
    std::fs::write(out, &types).map_err(|error| Error::io(out.as_ref(), &error))?;
    println!("{out}: {} bytes", types.len());
    Ok(())
}

/// Says what each relocation found, attaches, and on the end of the standard input how
/// many records came.
fn load(object: &str, types: &str) -> Result<()> {
    let mut spec = object::open(object)?;
    for program in &mut spec.programs {
        if program.kind.attach.kernel_type().is_some() {
            println!("left out: {} ({})", program.name, program.section);
            program.kind.autoload = false;
        }
    }
    let mut kernel = KernelBtf::from_file(types);
    let object = Object::load(spec, &mut kernel, &LoadOptions::default())?;
    for relocated in &object.relocations().relocations {
        let found = match relocated.poisoned {
            true => "nothing".to_owned(),
            false => relocated.new.to_string(),
        };
        println!("{}: {found}", relocated.description);
    }
    let mut rings = Vec::new();
    for map in object.maps().iter().filter(|m| m.map_type() == RINGBUF) {
        rings.push((map.name(), RingBuffer::new(map)?));
    }
    let mut links = Vec::new();
    for program in object.programs() {
        match program.attach() {
            Ok(link) => links.push(link),
            Err(error) => println!("not attached: {}: {error:#}", program.name()),
        }
    }
    eprintln!("{} attached", links.len());
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())
        .map_err(|error| Error::io("standard input".as_ref(), &error))?;
    for (name, ring) in &mut rings {
        println!("{name}: {} records", ring.consume(|_| ())?);
    }
    Ok(())
}

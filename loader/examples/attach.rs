//! Attaches every program of an object, runs a command, and prints how each
//! program was attached and how often it ran.
//!
//! ```text
//! attach [--rung link|ioctl|tracefs] OBJECT COMMAND [ARGUMENT]...
//! ```

use std::process::{Command, ExitCode};
use std::time::Duration;
use trapline_loader::attach::{AttachOptions, Link, Rung};
use trapline_loader::kernel_btf::KernelBtf;
use trapline_loader::object::{LoadOptions, Object};
use trapline_loader::program::{Program, enable_run_stats};
use trapline_loader::ring::RingBuffer;
use trapline_loader::spec::ObjectSpec;
use trapline_loader::{Error, Result};

const RINGBUF: u32 = 27;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).peekable();
    let mut rung = Rung::Link;
    if arguments.next_if(|argument| argument == "--rung").is_some() {
        rung = match arguments.next().as_deref() {
            Some("ioctl") => Rung::Ioctl,
            Some("tracefs") => Rung::Tracefs,
            _ => Rung::Link,
        };
    }
    let (Some(path), Some(command)) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: attach [--rung link|ioctl|tracefs] OBJECT COMMAND [ARGUMENT]...");
        return ExitCode::from(2);
    };
    let mut command = Command::new(command);
    command.args(arguments);
    match run(&path, rung, &mut command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("{error:?}");
            ExitCode::FAILURE
        }
    }
}

fn run(path: &str, rung: Rung, command: &mut Command) -> Result<()> {
    let bytes = std::fs::read(path).map_err(|e| Error::not_found(format!("{path}: {e}")))?;
    let mut spec = ObjectSpec::parse(path, &bytes)?;
    let names: Vec<String> = spec
        .programs
        .iter()
        .map(|program| program.name.clone())
        .collect();
    for program in &mut spec.programs {
        program.kind.autoload = false;
    }
    let options = LoadOptions {
        want_stats: true,
        ..LoadOptions::default()
    };
    let mut object = Object::load(spec, &mut KernelBtf::running(), &options)?;
    println!("BTF {:?}", object.btf_use());
    for name in &names {
        if let Err(error) = object.load_program(name) {
            println!("NOT LOADED {name}: {error:#}");
        }
    }
    let _stats = enable_run_stats()?;
    let mut links = Vec::new();
    let options = AttachOptions {
        rung,
        ..AttachOptions::default()
    };
    for program in object.programs() {
        match program.attach_with(&options) {
            Ok(link) => links.push((program, link)),
            Err(error) => println!("NOT ATTACHED {}: {error:#}", program.name()),
        }
    }
    let mut rings = Vec::new();
    for map in object.maps().iter().filter(|map| map.map_type() == RINGBUF) {
        rings.push((map.name(), RingBuffer::new(map)?, 0, 0));
    }
    let mut child = command
        .spawn()
        .map_err(|e| Error::not_found(format!("command: {e}")))?;
    let mut ended = None;
    // One round more after the command's end, for what it left.
    while let None | Some(true) = ended {
        ended = match (ended, child.try_wait()) {
            (Some(_), _) => Some(false),
            (None, Ok(None)) => None,
            (None, _) => Some(true),
        };
        for (_, ring, waits, records) in &mut rings {
            *waits += usize::from(ring.poll(Some(Duration::from_millis(100)))?);
            *records += ring.consume(|_| ())?;
        }
    }
    for (name, ring, waits, records) in &rings {
        let pending = ring.pending_bytes();
        println!("ring {name}: {records} records in {waits} wake-ups, {pending} bytes pending");
    }
    for (program, link) in links {
        print(program, link)?;
    }
    Ok(())
}

fn print(program: &Program, link: Link) -> Result<()> {
    let info = program.info()?;
    println!(
        "{} by {}: {} runs, missed {:?}, recursion misses {:?}, {:?} insns verified",
        program.name(),
        link.how(),
        info.run_count,
        link.missed()?,
        info.recursion_misses,
        info.verified_insns
    );
    link.detach()
}

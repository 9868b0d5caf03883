//! An appliance that carries its one object: it tells which programs start on this
//! machine, a line each, until its standard input ends.
//!
//! The allocator is the one that Rust comes with, nothing is leaked or kept from being
//! dropped, and whatever ends the process detaches the program, a SIGKILL as well.

use std::io::Read as _;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use trapline_loader::kernel_btf::KernelBtf;
use trapline_loader::object::{LoadOptions, Object};
use trapline_loader::ring::RingBuffer;
use trapline_loader::spec::ObjectSpec;
use trapline_loader::{Error, Result};

/// The object. One's own comes out of one's own build script, where clang made it:
/// `include_bytes!(concat!(env!("OUT_DIR"), "/exec.bpf.o"))`.
static OBJECT: &[u8] = trapline_corpus::BENCH_LOAD;
/// How long the end of the standard input may go unnoticed.
const PATIENCE: Duration = Duration::from_millis(200);

static IS_OVER: AtomicBool = AtomicBool::new(false);

fn main() -> ExitCode {
    std::thread::spawn(|| {
        // It says nothing; an error is an end, too.
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        IS_OVER.store(true, Ordering::Relaxed);
    });
    match watch() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:?}");
            ExitCode::FAILURE
        }
    }
}

fn watch() -> Result<()> {
    let mut spec = ObjectSpec::parse("appliance", OBJECT)?;
    // The object has a program for packets as well, which is not wanted here.
    spec.program_mut("on_packet")?.kind.autoload = false;
    let mut object = Object::load(spec, &mut KernelBtf::running(), &LoadOptions::default())?;
    // Its instructions and relocations, which nobody will ask for.
    object.forget_waiting();
    let mut ring = RingBuffer::new(object.map("ring")?)?;
    let link = object.program("on_exec")?.attach()?;
    eprintln!("attached by {}", link.how());
    let mut told = 0;
    while !IS_OVER.load(Ordering::Relaxed) {
        ring.poll(Some(PATIENCE))?;
        told += tell(&mut ring)?;
    }
    // What was sent while it was being detached is told, too.
    link.detach()?;
    told += tell(&mut ring)?;
    let sent = object.data_with("seen")?.read("seen")?;
    eprintln!("{told} told of {} sent", number(&sent, 0)?);
    Ok(())
}

/// Prints what is in the buffer; how much that was.
fn tell(ring: &mut RingBuffer) -> Result<usize> {
    let mut outcome = Ok(());
    let count = ring.consume(|record| match line(record) {
        Ok(line) => println!("{line}"),
        Err(error) => outcome = Err(error),
    })?;
    outcome.map(|()| count)
}

/// `struct record` of `bench_load.bpf.c`: 32 numbers, then the thread's name of 16 bytes
/// and the file's of 32.
fn line(record: &[u8]) -> Result<String> {
    let (pid, uid) = (number(record, 1)?, number(record, 17)?);
    let (comm, file) = (text(record, 256..272)?, text(record, 272..304)?);
    Ok(format!("pid {pid} uid {uid} {comm}: {file}"))
}

/// The number at this place of an array of them.
fn number(bytes: &[u8], place: usize) -> Result<u64> {
    let number = bytes.chunks_exact(8).nth(place);
    let number = number.and_then(|bytes| bytes.try_into().ok());
    number.map(u64::from_le_bytes).ok_or_else(cut_short)
}

/// The text that a zero ends. Whoever chose it must not speak to the terminal.
fn text(record: &[u8], place: std::ops::Range<usize>) -> Result<String> {
    let bytes = record.get(place).ok_or_else(cut_short)?;
    let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    Ok(text.escape_ascii().to_string())
}

fn cut_short() -> Error {
    Error::malformed("a record that is shorter than the object's are")
}

//! Cases of the loader's examples (`loader/examples/`), run as people run them: the host
//! puts the programs into the image for them.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};

use super::checks::Checks;
use super::stage::{Failure, Tried};
use super::trapline::{Said, file};
use super::triggers::set_domain_name;
use super::{Case, Outcome, Stage};
use crate::KERNEL_BTF;
use crate::proc::status;
use crate::sys::{boot, space};

pub(super) const CASES: &[Case] = &[
    Case {
        name: "example_print",
        object: Some("ring_buffer"),
        run: print,
    },
    Case {
        name: "example_appliance",
        object: Some("bench_load"),
        run: appliance,
    },
    Case {
        name: "example_minimised_btf",
        object: Some("bench_load"),
        run: minimised_btf,
    },
];

const PRINT: &str = "/examples/print";
const APPLIANCE: &str = "/examples/appliance";
const MINIMISED_BTF: &str = "/examples/minimised_btf";
/// How often something happens for them to tell.
const TIMES: usize = 3;

/// An example that runs until it is told to end, or killed.
#[derive(Debug)]
struct Running {
    child: Child,
    out: BufReader<ChildStdout>,
    err: BufReader<ChildStderr>,
}

impl Running {
    /// Starts it and waits for the line by which it says that it is attached.
    fn start(words: &[&str], ready: &str) -> Result<Self, Failure> {
        let mut child = Command::new(words[0])
            .args(&words[1..])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .tried(words[0])?;
        let (Some(out), Some(err)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(Failure::Other("no output".to_owned()));
        };
        let (out, mut err) = (BufReader::new(out), BufReader::new(err));
        let mut said = String::new();
        err.read_line(&mut said).tried("its words")?;
        if said.trim_end() != ready {
            return Err(Failure::Other(format!("not `{ready}`: {said}")));
        }
        Ok(Self { child, out, err })
    }

    /// The next line of its output.
    fn line(&mut self) -> Result<String, Failure> {
        let mut line = String::new();
        self.out.read_line(&mut line).tried("its output")?;
        match line.pop() {
            Some('\n') => Ok(line),
            _ => Err(Failure::Other(format!("it ended after {line}"))),
        }
    }

    /// Ends its standard input: all that it said from then on, if it ended well.
    fn end(mut self) -> Result<Said, Failure> {
        drop(self.child.stdin.take());
        let mut said = Said {
            out: String::new(),
            err: String::new(),
            code: None,
        };
        self.out.read_to_string(&mut said.out).tried("its output")?;
        self.err.read_to_string(&mut said.err).tried("its words")?;
        said.code = self.child.wait().tried("its end")?.code();
        said.good()
    }
}

/// Starts a program and waits for its end; its number.
fn start_another() -> Result<u32, Failure> {
    let mut child = Command::new("/trapline-guest")
        .arg("list")
        .stdout(Stdio::null())
        .spawn()
        .tried("another program")?;
    let pid = child.id();
    child.wait().tried("its end")?;
    Ok(pid)
}

/// Three records in hexadecimal; then it is killed, and what is left of it is not in the
/// way of the next.
fn print(_: &mut Stage<'_>) -> Outcome {
    let object = file("ring_buffer")?;
    let mut checks = Checks::default();
    for _ in 0..2 {
        let mut printing = Running::start(&[PRINT, &object], "1 of 1 attached")?;
        for number in 0..TIMES {
            set_domain_name()?;
            let line = format!("ring: {number:02x} 00 00 00 00 00 00 00");
            checks.equal("a line", &printing.line()?, &line)?;
        }
        printing.child.kill().tried("kill")?;
        printing.child.wait().tried("its end")?;
    }
    let without_rings = file("map_hash")?;
    for (object, why) in [
        ("/no.bpf.o", "No such file"),
        (&without_rings, "ring buffer"),
    ] {
        let output = Command::new(PRINT).arg(object).output().tried(PRINT)?;
        let said = Said::of(&output);
        let is_told = said.code == Some(1) && said.err.contains(why);
        checks.holds(&said.err, is_told)?;
    }
    Ok(checks.report("print"))
}

/// It tells what starts, with the right numbers and names, and accounts for it; it stays
/// as small as an appliance has to be.
fn appliance(stage: &mut Stage<'_>) -> Outcome {
    let mut checks = Checks::default();
    let mut running = Running::start(&[APPLIANCE], "attached by raw_tp")?;
    let mut told = 0;
    for _ in 0..TIMES {
        let pid = start_another()?;
        let line = format!("pid {pid} uid 0 trapline-guest: trapline-guest");
        checks.equal("a line", &running.line()?, &line)?;
        told += 1;
    }
    stage.spend(
        "peak_kib",
        status(running.child.id(), "VmHWM").tried("its memory")?,
    );
    let bytes = fs::metadata(APPLIANCE).tried(APPLIANCE)?.len();
    stage.spend("program_kib", bytes.div_ceil(1024));
    let said = running.end()?;
    checks.equal("nothing else started", &said.out.as_str(), &"")?;
    let account = format!("{told} told of {told} sent");
    checks.equal("its account", &said.err.trim_end(), &account.as_str())?;
    Ok(checks.report("appliance"))
}

/// With a part of the types, and the kernel's own out of sight, every relocation finds
/// what it finds in the whole, and the programs run.
fn minimised_btf(stage: &mut Stage<'_>) -> Outcome {
    const TYPES: &str = "/tmp/example.btf";
    let object = file("bench_load")?;
    let mut checks = Checks::default();
    let make = |btf: &str| {
        let words = ["make", &object, btf, TYPES];
        let output = Command::new(MINIMISED_BTF).args(words).output();
        Ok::<_, Failure>(Said::of(&output.tried(MINIMISED_BTF)?))
    };
    make(KERNEL_BTF)?.good()?;
    let load = |types: &str| {
        let words = [MINIMISED_BTF, "load", &object, types];
        let running = Running::start(&words, "1 attached")?;
        for _ in 0..TIMES {
            start_another()?;
        }
        Ok::<_, Failure>(running.end()?.out)
    };
    let whole = load(KERNEL_BTF)?;
    hide_types()?;
    let is_hidden = !Path::new(KERNEL_BTF).exists();
    checks.holds("the kernel's types are out of sight", is_hidden)?;
    checks.equal("they cannot be read", &make(KERNEL_BTF)?.code, &Some(1))?;
    let part = load(TYPES)?;
    checks.equal("what was found in the part", &part, &whole)?;
    let records = format!("ring: {TIMES} records");
    checks.equal(
        "the last line",
        &part.lines().last(),
        &Some(records.as_str()),
    )?;
    let relocations = stage
        .spec()?
        .programs
        .iter()
        .map(|p| p.core_relos.len())
        .sum::<usize>();
    let told = part.lines().filter(|line| line.contains("struct ")).count();
    checks.equal("relocations told", &told, &relocations)?;
    let kib = fs::metadata(TYPES).tried(TYPES)?.len().div_ceil(1024);
    stage.spend("types_kib", kib);
    Ok(checks.report("minimised"))
}

/// A mount namespace in which the kernel shows no types.
fn hide_types() -> Result<(), Failure> {
    space::unshare(libc::CLONE_NEWNS).tried("unshare")?;
    boot::mount("none", "/sys/kernel/btf", "tmpfs", "").tried("mount over the types")
}

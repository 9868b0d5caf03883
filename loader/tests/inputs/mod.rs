//! Everything in this crate that reads bytes of others, each as a function of
//! bytes, and what is worth damaging for it.
//!
//! The mutation tests, the run of millions and the fuzz targets all go through
//! here, so that none of them knows a parser that the others do not.

#![allow(dead_code, reason = "each user takes its own part")]

mod archive;
mod binary;
pub mod damage;
pub mod memory;
mod split;

use std::io::Write as _;
use std::process::{Command, Stdio};

use damage::Seed;
use trapline_loader::btf::{ObjectBtf, Source, Target, Types as _};
use trapline_loader::doors;
use trapline_loader::reach::reachable;
use trapline_loader::relo_core::{absence, minimise, relocate};
use trapline_loader::spec::ObjectSpec;

/// The kernel's types that are looked at one by one: every so many, up to here.
const ID_STEP: usize = 11;
const MAX_ID: u32 = 400;
/// Every so many relocations it is asked why they have no answer.
const RELO_STEP: usize = 7;

/// Reads an input, and says if it was accepted.
pub type Reader = Box<dyn Fn(&[u8]) -> bool + Send + Sync>;

/// One kind of input.
pub struct Input {
    /// Its name in reports.
    pub name: &'static str,
    /// Of a hundred inputs of a run, how many are of this kind.
    pub percent: usize,
    /// What to damage.
    pub seeds: Vec<Seed>,
    /// Reads it; was it accepted?
    pub run: Reader,
}

/// What the inputs are made of.
pub struct Material {
    /// Objects, small ones.
    pub objects: Vec<Vec<u8>>,
    /// An object and the BTF of a small kernel that it was written for.
    pub pair: (Vec<u8>, Vec<u8>),
}

/// All kinds of input.
pub fn all(material: Material) -> Vec<Input> {
    let Material { objects, pair } = material;
    let (object, kernel) = pair;
    let mut object_seeds: Vec<Seed> = objects.into_iter().map(Seed::object).collect();
    // The pair is where relocations find something.
    object_seeds.extend(vec![
        Seed::object(object.clone());
        1 + object_seeds.len() / 4
    ]);
    let kernel_seed = Seed::plain(kernel.clone(), 32);
    let whole = ObjectSpec::parse("whole", &object).expect("an object without damage");
    let (spec, tiny) = (whole.clone(), split::tiny_kernel());
    let (for_objects, for_minimise, for_absence) = (kernel.clone(), whole.clone(), whole.clone());
    let plain = |name, percent, seeds: &[&[u8]], run: fn(&[u8]) -> bool| Input {
        name,
        percent,
        seeds: seeds
            .iter()
            .map(|seed| Seed::plain(seed.to_vec(), 16))
            .collect(),
        run: Box::new(run),
    };
    vec![
        Input {
            name: "object",
            percent: 30,
            seeds: object_seeds,
            run: Box::new(move |bytes| use_object(bytes, &for_objects)),
        },
        Input {
            name: "kernel_btf",
            percent: 20,
            seeds: vec![kernel_seed],
            run: Box::new(move |bytes| use_kernel(&mut whole.clone(), bytes)),
        },
        Input {
            name: "minimise",
            percent: 5,
            seeds: vec![Seed::plain(kernel.clone(), 32)],
            run: Box::new(move |bytes| use_minimise(&for_minimise, bytes)),
        },
        Input {
            name: "absence",
            percent: 5,
            seeds: vec![Seed::plain(kernel.clone(), 32)],
            run: Box::new(move |bytes| use_absence(&for_absence, bytes)),
        },
        Input {
            name: "module_btf",
            percent: 10,
            seeds: vec![Seed::plain(split::on_tiny_kernel(&kernel), 32)],
            run: Box::new(move |bytes| doors::module_btf(&mut spec.clone(), &tiny, bytes)),
        },
        plain("kconfig", 5, &[KCONFIG], doors::kconfig),
        plain("gzip", 5, &[&gzip(KCONFIG)], |bytes| {
            doors::gunzip(bytes, GZIP_BYTES)
        }),
        plain("ring", 5, &[&ring()], doors::ring_records),
        plain("perf_ring", 5, &[&perf_ring()], doors::perf_records),
        plain("netlink", 5, &[&netlink()], doors::netlink_messages),
        plain("binary", 5, &[&binary::library()], doors::probed_binary),
        plain("archive", 5, &[&packed()], doors::probed_archive),
    ]
}

/// Everything that can be asked of an object.
pub fn use_object(bytes: &[u8], kernel: &[u8]) -> bool {
    let Ok(mut spec) = ObjectSpec::parse("damaged", bytes) else {
        return false;
    };
    for program in &spec.programs {
        for insn in [0, program.insns.len() / 2, usize::MAX] {
            let _ = spec.line_at(program, insn);
        }
        let reached = reachable(&spec, program);
        assert_eq!(reached.len(), program.insns.len());
    }
    let names: Vec<_> = spec
        .maps
        .iter()
        .flat_map(|m| &m.variables)
        .take(8)
        .cloned()
        .collect();
    for variable in names.iter().filter(|variable| variable.size <= 64) {
        let _ = spec.global(&variable.name);
        let _ = spec.set_global(&variable.name, &vec![1; variable.size as usize]);
    }
    let _ = spec.needs();
    if let Some(btf) = &spec.btf {
        doors::sanitize(btf.raw());
    }
    let target = Target::new(Source::from_bytes(kernel));
    target.is_ok_and(|mut target| relocate(&mut spec, &mut target).is_ok())
}

/// Everything that can be asked of a kernel's types.
pub fn use_kernel(spec: &mut ObjectSpec, kernel: &[u8]) -> bool {
    let Ok(mut target) = Target::new(Source::from_bytes(kernel)) else {
        return false;
    };
    let relocated = relocate(spec, &mut target).is_ok();
    let _ = target.prototype("vfs_something");
    let _ = target.tracepoint_prototype("something");
    let _ = target.enum_values("color");
    let last = target.last_id().unwrap_or(0).min(MAX_ID);
    for id in (0..=last).step_by(ID_STEP) {
        let _ = target.type_name(id);
        let _ = target.size_of(id);
    }
    relocated
}

/// The part of a kernel's types that an object looks at.
fn use_minimise(spec: &ObjectSpec, kernel: &[u8]) -> bool {
    let target = Target::new(Source::from_bytes(kernel));
    let minimised =
        target.and_then(|mut target| minimise(core::slice::from_ref(spec), &mut target));
    // Whatever went in, what comes out is well-formed.
    minimised.is_ok_and(|btf| {
        ObjectBtf::parse(&btf).expect("a minimised BTF can be read");
        true
    })
}

/// Why relocations have no answer in a kernel, and what would be near.
fn use_absence(spec: &ObjectSpec, kernel: &[u8]) -> bool {
    let Ok(mut target) = Target::new(Source::from_bytes(kernel)) else {
        return false;
    };
    let relos = spec.programs.iter().flat_map(|program| &program.core_relos);
    let mut relos = relos.step_by(RELO_STEP);
    relos.all(|relo| absence(spec, relo, &mut target).is_ok())
}

/// The library in an archive, behind a member that is packed.
fn packed() -> Vec<u8> {
    let library = binary::library();
    let members = [
        ("lib/packed", 8, 0, 3, &b"packed"[..]),
        ("lib/probed", 0, 0, 40, &library),
    ];
    archive::archive(&members, b"a comment").0
}

/// A configuration with values of all kinds.
const KCONFIG: &[u8] = b"# a comment\n\
    CONFIG_A=y\nCONFIG_B=m\nCONFIG_C=n\n# CONFIG_D is not set\n\
    CONFIG_HZ=250\nCONFIG_HEX=0xffffffff81000000\nCONFIG_NEGATIVE=-5\n\
    CONFIG_TEXT=\"some \\\"quoted\\\" text\"\nCONFIG_EMPTY=\"\"\nCONFIG_BIG=18446744073709551615\n";

/// The most that a compressed configuration may become here.
const GZIP_BYTES: usize = 256 << 10;

/// What gzip makes of some bytes.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut child = Command::new("gzip")
        .args(["-9", "-c"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("gzip is part of every Linux");
    // So little fits the pipe.
    child.stdin.take().unwrap().write_all(bytes).unwrap();
    child.wait_with_output().unwrap().stdout
}

/// A ring buffer with records of all states, behind its two positions.
fn ring() -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend_from_slice(&0u64.to_le_bytes());
    bytes.extend_from_slice(&200u64.to_le_bytes());
    for (len, flags) in [
        (5u32, 0u32),
        (16, 0),
        (8, 1 << 30),
        (40, 0),
        (24, 0),
        (8, 1 << 31),
    ] {
        bytes.extend_from_slice(&(len | flags).to_le_bytes());
        bytes.extend_from_slice(&[0; 4]);
        bytes.resize(bytes.len() + (len as usize).next_multiple_of(8), 7);
    }
    bytes.resize(16 + 256, 0);
    bytes
}

/// A perf buffer with samples, a loss and something else.
fn perf_ring() -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend_from_slice(&0u64.to_le_bytes());
    bytes.extend_from_slice(&120u64.to_le_bytes());
    for (kind, len) in [(9u32, 32u16), (2, 24), (9, 40), (11, 24)] {
        let start = bytes.len();
        bytes.extend_from_slice(&kind.to_le_bytes());
        bytes.extend_from_slice(&0u16.to_le_bytes());
        bytes.extend_from_slice(&len.to_le_bytes());
        bytes.extend_from_slice(&99u64.to_le_bytes());
        bytes.extend_from_slice(&12u32.to_le_bytes());
        bytes.resize(start + usize::from(len), 5);
    }
    bytes.resize(16 + 256, 0);
    bytes
}

/// A message with attributes, a refusal with the kernel's words, an end.
fn netlink() -> Vec<u8> {
    let attribute = |kind: u16, payload: &[u8]| {
        let mut bytes = Vec::new();
        bytes.extend_from_slice(&(payload.len() as u16 + 4).to_le_bytes());
        bytes.extend_from_slice(&kind.to_le_bytes());
        bytes.extend_from_slice(payload);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    };
    let message = |kind: u16, flags: u16, payload: &[u8]| {
        let mut bytes = Vec::new();
        bytes.extend_from_slice(&(payload.len() as u32 + 16).to_le_bytes());
        bytes.extend_from_slice(&kind.to_le_bytes());
        bytes.extend_from_slice(&flags.to_le_bytes());
        bytes.extend_from_slice(&[1, 0, 0, 0, 0, 0, 0, 0]);
        bytes.extend_from_slice(payload);
        bytes
    };
    let inner = [attribute(6, &7u32.to_le_bytes()), attribute(7, b"name\0")].concat();
    let nest = attribute(2 | 1 << 15, &inner);
    let filter = [vec![0; 20], attribute(1, b"bpf\0"), nest].concat();
    let words = attribute(1, b"no such filter\0");
    let refusal = [(-22i32).to_le_bytes().to_vec(), vec![0; 16], words].concat();
    [
        message(44, 2, &filter),
        message(2, 0x300, &refusal),
        message(3, 2, &0u32.to_le_bytes()),
    ]
    .concat()
}

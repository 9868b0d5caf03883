//! A small eBPF loader: ELF, BTF, CO-RE, maps, programs, links, ring buffers.
//!
//! [`spec`] takes an object apart and [`relo_core`] fits it to a kernel's types:
//! bytes in, values out. [`object`] puts the result into the running kernel. What
//! an event means is not this crate's business.
//!
//! An object is taken apart on any host and without privileges:
//!
//! ```
//! use trapline_loader::need::Version;
//! use trapline_loader::spec::ObjectSpec;
//!
//! # fn main() -> trapline_loader::Result<()> {
//! // What clang made: from `include_bytes!`, or from a file with `object::open`.
//! # let bytes = trapline_sensors::objects::PROCESS.unpack()?;
//! let spec = ObjectSpec::parse("process.bpf.o", &bytes)?;
//! for program in &spec.programs {
//!     let count = program.insns.len();
//!     println!("{} in {}: {count} instructions", program.name, program.section);
//! }
//! for map in &spec.maps {
//!     let (key, value) = (map.key_size, map.value_size);
//!     println!("{}: {} entries of {key} and {value} bytes", map.name, map.max_entries);
//! }
//! let needs = spec.needs();
//! let oldest = needs.iter().filter(|need| need.required).map(|need| need.since).max();
//! assert_eq!(oldest, Some(Version(5, 8)), "it has a ring buffer");
//! # assert!(spec.programs.len() > 1 && spec.map_index("events").is_some());
//! # Ok(()) }
//! ```
//!
//! To have it in a kernel takes that kernel and root; since 5.8 CAP_BPF and CAP_PERFMON
//! mostly do, with CAP_NET_ADMIN for what sees packets:
//!
//! ```no_run
//! use trapline_loader::kernel_btf::KernelBtf;
//! use trapline_loader::object::{self, LoadOptions, Object};
//! use trapline_loader::program::Program;
//! use trapline_loader::ring::RingBuffer;
//! use trapline_loader::Result;
//!
//! fn main() -> Result<()> {
//!     let spec = object::open("exec.bpf.o")?;
//!     let object = Object::load(spec, &mut KernelBtf::running(), &LoadOptions::default())?;
//!     // Attached where their sections say, and for as long as the links are kept.
//!     let links: Vec<_> = object.programs().iter().map(Program::attach).collect::<Result<_>>()?;
//!     let mut events = RingBuffer::new(object.map("events")?)?;
//!     while events.poll(None)? {
//!         events.consume(|record| println!("a record of {} bytes", record.len()))?;
//!     }
//!     drop(links);
//!     Ok(())
//! }
//! ```
//!
//! What goes wrong is an [`Error`], which says what was tried, on what, and why. Bytes
//! that make no sense are one as well: never a panic, never memory without bound.

#![warn(clippy::missing_errors_doc, clippy::missing_panics_doc)]

// Helpers that tests of both kinds share speak of this crate from outside.
#[cfg(test)]
extern crate self as trapline_loader;

pub mod error;

pub use error::{Error, ErrorKind, Result};
pub use sys::errno_name;

pub mod attach;
pub mod btf;
mod bytes;
#[doc(hidden)]
pub mod doors;
pub(crate) mod elf;
pub mod ext_info;
pub mod feature;
pub mod ids;
mod inflate;
pub mod insn;
mod kallsyms;
pub mod kernel_btf;
pub mod kernel_config;
pub mod map;
mod memlock;
pub mod need;
pub mod object;
mod order;
pub mod program;
pub mod reach;
pub mod relo_core;
pub mod ring;
pub mod spec;
mod sys;
pub mod test_run;
mod verifier;

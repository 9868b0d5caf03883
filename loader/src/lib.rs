//! A small eBPF loader: ELF, BTF, CO-RE, maps, programs, links, ring buffers.
//!
//! [`spec`] takes an object apart and [`relo_core`] fits it to a kernel's types:
//! bytes in, values out. [`object`] puts the result into the running kernel. What
//! an event means is not this crate's business.

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

//! A small eBPF loader.

pub mod error;

pub use error::{Error, ErrorKind, Result};

pub mod btf;
mod bytes;
pub(crate) mod elf;
pub mod ext_info;
pub mod insn;
pub mod relo_core;
pub mod spec;

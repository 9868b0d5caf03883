//! A small eBPF loader.

pub mod error;

pub use error::{Error, ErrorKind, Result};

pub mod attach;
pub mod btf;
mod bytes;
pub(crate) mod elf;
pub mod ext_info;
pub mod feature;
pub mod insn;
pub mod kernel_btf;
pub mod map;
pub mod object;
pub mod program;
pub mod relo_core;
pub mod ring;
pub mod spec;
mod sys;
mod verifier;

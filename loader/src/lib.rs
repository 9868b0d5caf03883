//! A small eBPF loader.

pub mod error;

pub use error::{Error, ErrorKind, Result};

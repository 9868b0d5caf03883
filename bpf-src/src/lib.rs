//! Trapline's sensors: what an event is, on the wire and decoded, and the eBPF
//! programs that report it.
//!
//! From the kernel outwards: [`objects`] holds the compiled programs of `c/`,
//! [`Sensors`] puts them into the running kernel, [`abi`] is the layout of what
//! they write, [`Decoder`] turns records into [`Event`]s and notices what is
//! missing between them, [`json`] writes an event as one line, and [`ecs`] with the
//! names of the Elastic Common Schema.
//!
//! Beside them [`isolate`] cuts a host off the network but for an allow list.
//!
//! This crate knows nothing of ELF, BTF or system calls: that is
//! `trapline-loader`'s part.

#![warn(clippy::missing_errors_doc, clippy::missing_panics_doc)]

pub mod abi;
mod account;
pub mod change;
mod clock;
pub mod decode;
pub mod ecs;
pub mod event;
mod family;
mod filter;
pub mod flows;
mod hooks;
pub mod isolate;
pub mod json;
mod network;
pub mod objects;
mod outlook;
pub mod payload;
pub mod sensors;

pub use change::Change;
pub use decode::{DecodeError, Decoder, Item};
pub use event::{Event, Kind};
pub use family::Family;
pub use outlook::{Outlook, Way, outlook};
pub use sensors::{Account, Flavour, Options, Sensors};

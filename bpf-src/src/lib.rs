//! Trapline's sensors: what an event is, on the wire and decoded, and the eBPF
//! programs that report it.
//!
//! From the kernel outwards: [`objects`] holds the compiled programs of `c/`,
//! [`Sensors`] puts them into the running kernel, [`abi`] is the layout of what
//! they write, [`Decoder`] turns records into [`Event`]s and notices what is
//! missing between them, [`json`] writes an event as one line, and [`ecs`] with the
//! names of the Elastic Common Schema.
//!
//! A record becomes an event, and that a line, on any host. In a program records come
//! from the kernel; this one is made by hand:
//!
//! ```
//! use trapline_sensors::abi::{self, Wire};
//! use trapline_sensors::{Decoder, Item, Kind, json};
//!
//! # fn main() -> Result<(), trapline_sensors::DecodeError> {
//! let exit = abi::Exit {
//!     header: abi::Header {
//!         size_bytes: abi::Exit::SIZE as u32,
//!         kind: abi::KIND_EXIT,
//!         format_version: abi::FORMAT_VERSION,
//!         ..abi::Header::default()
//!     },
//!     exit_code: 3,
//!     ..abi::Exit::default()
//! };
//! let mut record = Vec::new();
//! exit.write(&mut record);
//!
//! let mut decoder = Decoder::new();
//! for item in decoder.decode(&record)? {
//!     println!("{}", json::line(&item));
//!     let Item::Event(event) = item else { continue };
//!     let Kind::Exit(exit) = event.kind else { unreachable!("it is an exit") };
//!     assert_eq!((exit.code, exit.signal), (3, 0));
//! }
//! # assert!(decoder.decode(&record[1..]).is_err());
//! # Ok(()) }
//! ```
//!
//! The sensors themselves take a kernel and root; CAP_BPF, CAP_PERFMON and CAP_SYSLOG
//! mostly do where `kernel.perf_event_paranoid` is at most 2:
//!
//! ```no_run
//! use trapline_sensors::{Decoder, Family, Flavour, Options, Sensors, json};
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let mut options = Options::default();
//!     options.families = &[Family::Process, Family::Network];
//!     let mut sensors = Sensors::load(Flavour::Fentry, &options)?;
//!     let mut decoder = Decoder::new();
//!     while sensors.poll(None)? {
//!         sensors.consume(|record| match decoder.decode(record) {
//!             Ok(items) => items.iter().for_each(|item| println!("{}", json::line(item))),
//!             Err(error) => eprintln!("{error}"),
//!         })?;
//!     }
//!     Ok(())
//! }
//! ```
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

//! Cutting a host off the network but for an allow list.
//!
//! A [`Policy`] says who may talk to the host. [`Isolation::start`] puts it into
//! force: a program at both ends of every interface but the loopback one, and one
//! for the sockets of all control groups; [`Isolation::tend`] has to be called
//! again and again to cover interfaces that come later. What is in force is pinned
//! in a bpf file system and stays when the process ends, until [`release()`] or
//! until its time is over; [`status()`] reads it from any process.
//!
//! ```no_run
//! use std::time::Duration;
//! use trapline_sensors::isolate::{Isolation, Policy, Tended};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut policy = Policy::default();
//! policy.rules = vec!["192.0.2.0/24:22/tcp".parse()?];
//! policy.duration = Some(Duration::from_secs(3600));
//! let mut isolation = Isolation::start(&policy)?;
//! while isolation.tend(Duration::from_secs(1))? == Tended::InForce {}
//! # Ok(()) }
//! ```
//!
//! What passes and why is decided in `c/isolate*.bpf.h`. This module knows the
//! layout of their maps and what is attached where; it prints nothing and reads no
//! command line.

pub mod abi;
mod caller;
mod cover;
mod hold;
mod maps;
mod place;
mod policy;
mod release;
mod resolvers;
mod run;
mod sockets;
mod status;
mod tables;
mod units;

pub use hold::CoveredCount;
pub use place::Place;
pub use policy::{Network, Origin, Protocol, Rule, RuleError, Service};
pub use release::{Released, release};
pub use resolvers::resolvers;
pub use run::{Isolation, Policy, Tended};
pub use status::{
    Dropped, End, InterfaceStatus, Passed, RuleStatus, Status, Traffic, What, status,
};
pub use tables::Tables;
pub use units::duration;

use trapline_loader::{Error, Result};

//! Bugs of sensors, made on purpose: each is one wrong line of C, applied to a
//! recording of a real run, and some row must turn red for it.
//!
//! It knows the layout of records and how workloads are judged; it knows nothing
//! of kernels, VMs or where recordings come from.

mod bugs;
mod edit;
mod hunt;
mod layout;
mod scene;
mod trial;

pub use bugs::{Bug, Fault, Slip, bugs};
pub use edit::{Edit, Value, Way};
pub use hunt::{Hunt, hunt};
pub use layout::{Field, Layout, fields, layouts, structure_of};
pub use scene::{Scene, scenes};
pub use trial::{Trial, every_field_matters};

//! Host side of the harness: kernels, images, VMs, recordings, verdicts.

pub mod cli;
pub mod kernels;
pub mod progress;

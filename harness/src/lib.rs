//! Host side of the harness: kernels, images, VMs, recordings, verdicts.

pub mod bench;
pub mod btf;
pub mod cases;
pub mod cli;
pub mod hooks;
pub mod host;
pub mod images;
pub mod kernels;
pub mod mutate;
pub mod normalize;
pub mod progress;
pub mod recording;
pub mod report;
pub mod rows;
pub mod run;
pub mod snapshot;
pub mod truth;
pub mod verdict;
pub mod verify;
pub mod vm;

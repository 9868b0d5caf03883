//! The compiled eBPF objects, as `build.rs` made them from `c/`.

/// Process events: fork, exec, exit; both flavours of each hook.
pub static PROCESS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/process.bpf.o"));

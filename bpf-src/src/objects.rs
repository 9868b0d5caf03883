//! The compiled eBPF objects, as `build.rs` made them from `c/`.

/// Process events: fork, exec, exit; both flavours of each hook.
pub static PROCESS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/process.bpf.o"));

/// Mount events: made, moved, changed, ended.
pub static MOUNT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/mount.bpf.o"));

/// File events: names that come, move and go, contents that are read and change.
pub static FILE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/file.bpf.o"));

/// Network events: sockets, what they connect to, send and receive.
pub static NETWORK: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/network.bpf.o"));

/// Cuts a host off the network: see [`isolate`](crate::isolate). No sensor.
pub static ISOLATE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/isolate.bpf.o"));

/// Every object: the name of its file without `.bpf.c`, and its bytes.
pub static ALL: &[(&str, &[u8])] = &[
    ("process", PROCESS),
    ("file", FILE),
    ("mount", MOUNT),
    ("network", NETWORK),
    ("isolate", ISOLATE),
];

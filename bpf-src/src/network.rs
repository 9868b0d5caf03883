//! What can be chosen of the network sensors.

use trapline_loader::Result;
use trapline_loader::spec::ObjectSpec;

/// What can be chosen of the network sensors at load.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NetworkOptions {
    /// Whether connections within this machine, to 127.0.0.0/8, ::1 and IPv4-mapped
    /// 127.0.0.0/8, are reported.
    pub loopback: bool,
    /// How many bytes of what is sent through each TCP connection are told, from its
    /// first on; of each call at most 16 KiB.
    pub payload_bytes: u32,
    /// How many sockets can be known at a time. One more is told without its owner
    /// and without totals; that is counted as `state_full`.
    pub sockets: u32,
}

impl Default for NetworkOptions {
    /// Without loopback; 16 KiB; 65,536 sockets.
    fn default() -> Self {
        Self {
            loopback: false,
            payload_bytes: 16 << 10,
            sockets: 1 << 16,
        }
    }
}

impl NetworkOptions {
    pub(crate) fn apply(&self, spec: &mut ObjectSpec) -> Result<()> {
        spec.map_mut("sockets")?.max_entries = self.sockets;
        spec.set_global("payload_bytes", &self.payload_bytes.to_ne_bytes())?;
        spec.set_global("report_loopback", &u32::from(self.loopback).to_ne_bytes())
    }
}

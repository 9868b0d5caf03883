//! What can be chosen of the network sensors.

use std::time::Duration;

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
    /// How many flows of datagrams, each between a socket and one other end, can be
    /// followed at a time. Where one more begins each of its datagrams is told and no
    /// end; that is counted as `state_full`. Each takes some 300 bytes of the kernel's
    /// memory, used or not.
    pub flows: u32,
    /// After how long without a datagram a flow has ended; an eighth of that when
    /// three quarters of the room are taken.
    pub flow_idle: Duration,
    /// How often [`Sensors::poll`](crate::Sensors::poll) and
    /// [`Sensors::consume`](crate::Sensors::consume) look for flows that have ended.
    pub flow_look: Duration,
}

impl Default for NetworkOptions {
    /// Without loopback; 16 KiB; 65,536 sockets; 16,384 flows, which end after a minute
    /// and are looked at every second.
    fn default() -> Self {
        Self {
            loopback: false,
            payload_bytes: 16 << 10,
            sockets: 1 << 16,
            flows: 1 << 14,
            flow_idle: Duration::from_secs(60),
            flow_look: Duration::from_secs(1),
        }
    }
}

impl NetworkOptions {
    pub(crate) fn apply(&self, spec: &mut ObjectSpec) -> Result<()> {
        spec.map_mut("sockets")?.max_entries = self.sockets;
        spec.map_mut("flows")?.max_entries = self.flows;
        spec.set_global("payload_bytes", &self.payload_bytes.to_ne_bytes())?;
        spec.set_global("report_loopback", &u32::from(self.loopback).to_ne_bytes())
    }
}

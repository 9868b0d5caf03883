//! Which socket is which, and which ports were the kernel's choice.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use trapline_sensors::event::{Address, Socket};

/// Where the kernel takes ports from for who asks for none; no workload asks for one of these.
const EPHEMERAL: RangeInclusive<u16> = 32768..=60999;

/// In the place of a socket that there is none of: one that was refused.
pub const NO_SOCKET: u64 = 0;

/// Sockets and ephemeral ports by first appearance.
#[derive(Debug, Default)]
pub struct Ends {
    sockets: BTreeMap<u64, usize>,
    ports: BTreeMap<u16, usize>,
}

impl Ends {
    /// Labels what an event is the first to name.
    pub fn see(&mut self, socket: &Socket) {
        if socket.socket_id != NO_SOCKET {
            let next = self.sockets.len() + 1;
            self.sockets.entry(socket.socket_id).or_insert(next);
        }
        for address in [socket.local, socket.remote].into_iter().flatten() {
            if EPHEMERAL.contains(&address.port) {
                let next = self.ports.len() + 1;
                self.ports.entry(address.port).or_insert(next);
            }
        }
    }

    /// `S1`; `-` is none.
    pub fn socket(&self, socket_id: u64) -> String {
        if socket_id == NO_SOCKET {
            return "-".to_owned();
        }
        let label = self.sockets.get(&socket_id);
        label.map_or_else(
            || format!("socket {socket_id:#x}"),
            |label| format!("S{label}"),
        )
    }

    /// `192.0.2.1:80`, `[2001:db8::1]:E1`
    pub fn address(&self, address: &Address) -> String {
        self.said(&address.to_string())
    }

    /// The same of an address as text.
    pub fn said(&self, address: &str) -> String {
        let parts = address.rsplit_once(':');
        let label = parts.and_then(|(ip, port)| Some((ip, self.ports.get(&port.parse().ok()?)?)));
        label.map_or_else(
            || address.to_owned(),
            |(ip, label)| format!("{ip}:E{label}"),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ports_of_the_kernels_choice_that_an_event_has_shown_are_labelled() {
        let mut ends = Ends::default();
        ends.ports.insert(40001, 1);
        assert_eq!(ends.said("192.0.2.1:40001"), "192.0.2.1:E1");
        assert_eq!(ends.said("[2001:db8::1]:40001"), "[2001:db8::1]:E1");
        assert_eq!(ends.said("192.0.2.1:40002"), "192.0.2.1:40002");
        assert_eq!(ends.said("192.0.2.1:80"), "192.0.2.1:80");
    }
}

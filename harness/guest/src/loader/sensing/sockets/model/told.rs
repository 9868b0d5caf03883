//! What an event says of a socket, as far as it is known before.

use std::fmt;
use std::net::SocketAddr;

/// Who does something: which process, by its number among all that came into being,
/// in which step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Who {
    pub birth: usize,
    pub step: usize,
}

/// What went through a socket since it was opened. Of TCP's segments it is only said
/// whether there must have been one: how many is the kernel's business.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub sent_bytes: u64,
    pub received_bytes: u64,
    pub sent_packets: u64,
    pub received_packets: u64,
}

/// An event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    pub operation: &'static str,
    /// The socket's number in the model.
    pub socket: usize,
    pub kind: &'static str,
    pub by: Who,
    /// Whoever opened or accepted it: its number among all processes.
    pub owner: usize,
    pub errno: i32,
    /// With `+` between them.
    pub flags: String,
    pub local: Option<SocketAddr>,
    pub remote: Option<SocketAddr>,
    /// Its bytes, escaped.
    pub path: String,
    pub backlog: u32,
    pub totals: Totals,
    /// How many bytes of the stream went before, and how many are told.
    pub payload: Option<(u64, usize)>,
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = |end: Option<SocketAddr>| end.map_or("none".to_owned(), |it| it.to_string());
        write!(
            f,
            "{} of {} {}, errno {} [{}], {} to {}",
            self.operation,
            self.kind,
            self.socket,
            self.errno,
            self.flags,
            end(self.local),
            end(self.remote)
        )?;
        if !self.path.is_empty() {
            write!(f, ", path {}", self.path)?;
        }
        if self.backlog != 0 {
            write!(f, ", backlog {}", self.backlog)?;
        }
        let Totals {
            sent_bytes,
            received_bytes,
            sent_packets,
            received_packets,
        } = self.totals;
        write!(
            f,
            ", bytes {sent_bytes} out {received_bytes} in, packets {sent_packets} out {received_packets} in"
        )?;
        if let Some((offset, bytes)) = self.payload {
            write!(f, ", payload {bytes} from {offset}")?;
        }
        let Who { birth, step } = self.by;
        let owner = self.owner;
        write!(f, ", by process {birth} of step {step}, owner {owner}")
    }
}

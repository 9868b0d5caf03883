//! What goes through a socket: sent or received, and said as far as the sensors tell of it.

use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::thread;
use std::time::{Duration, Instant};

use super::about::Way;
use super::sock::Sock;
use super::steps::PATIENCE;
use crate::sys::sockets;
use crate::workloads::failure::{Outcome, Tried, ensure};

/// So much of what a connection sends is told.
pub const PAYLOAD_BYTES: usize = 16 << 10;
/// Datagrams to and from this port are each told.
pub const DNS_PORT: u16 = 53;

/// Whether each datagram between these is told.
fn is_dns(local: Option<SocketAddr>, remote: Option<SocketAddr>) -> bool {
    let ports = [local, remote].map(|end| end.map_or(0, |end| end.port()));
    ports.contains(&DNS_PORT)
}

impl Sock<'_> {
    /// send(2) of all these bytes, through a connection.
    ///
    /// # Errors
    /// What send(2) says.
    pub fn send(&mut self, bytes: &[u8]) -> Outcome {
        self.about.mark();
        let sent = sockets::send(self.as_fd(), bytes, 0, None).tried("send")?;
        ensure(sent == bytes.len(), || {
            format!("{sent} of {} bytes were sent", bytes.len())
        })?;
        self.has_sent(bytes, None)
    }

    /// sendto(2), where datagrams are unconnected.
    ///
    /// # Errors
    /// What sendto(2) says.
    pub fn send_to(&mut self, bytes: &[u8], to: SocketAddr) -> Outcome {
        self.prepare(to)?;
        self.about.mark();
        sockets::send(self.as_fd(), bytes, 0, Some(&to.into()))
            .tried(format_args!("send to {to}"))?;
        self.has_sent(bytes, Some(to))
    }

    /// Says what one call has sent, as far as it is told at all.
    ///
    /// # Errors
    /// When nobody listens any more.
    pub fn has_sent(&mut self, bytes: &[u8], to: Option<SocketAddr>) -> Outcome {
        let offset = self.about.sent;
        self.about.sent += bytes.len() as u64;
        self.about.sent_packets += 1;
        let (local, peer) = self.ends()?;
        let remote = to.or(peer);
        if self.about.is_datagrams() {
            let is_new = self.about.follow(Way::Sent, bytes, local, remote)?;
            if !is_new && !is_dns(local, remote) {
                return Ok(());
            }
            let told = self.told("send")?.local(local).remote(remote);
            return self.say(told.payload(bytes, false, Some(offset)));
        }
        let room = PAYLOAD_BYTES - self.about.payload_told;
        if room == 0 || bytes.is_empty() {
            return Ok(());
        }
        let part = &bytes[..room.min(bytes.len())];
        self.about.payload_told += part.len();
        let mut told = self.told("send")?.local(local).remote(remote);
        told = told.payload(part, part.len() < bytes.len(), Some(offset));
        if part.len() == room {
            told = told.flags(&["payload_ends"]);
        }
        self.say(told)
    }

    /// One call that receives just so many bytes: these.
    ///
    /// # Errors
    /// What recvfrom(2) says, or when others came.
    pub fn receive(&mut self, expected: &[u8]) -> Outcome {
        let mut bytes = vec![0; expected.len().max(1)];
        self.about.mark();
        let (received, from) = sockets::receive(self.as_fd(), &mut bytes, 0).tried("receive")?;
        ensure(bytes.get(..received) == Some(expected), || {
            format!("{:?} was received, not {expected:?}", &bytes[..received])
        })?;
        self.has_received(expected, from.ip())
    }

    /// Says what one call has received, if it is told at all.
    ///
    /// # Errors
    /// When nobody listens any more.
    pub fn has_received(&mut self, bytes: &[u8], from: Option<SocketAddr>) -> Outcome {
        self.about.read += bytes.len() as u64;
        self.about.received = self.about.received.max(self.about.read);
        self.about.received_packets += 1;
        let (local, peer) = self.ends()?;
        let remote = from.filter(|_| self.about.is_datagrams()).or(peer);
        if !self.about.is_datagrams() {
            if self.about.has_received || bytes.is_empty() {
                return Ok(());
            }
            self.about.has_received = true;
            let told = self.told("receive")?.local(local).remote(remote);
            return self.say(told);
        }
        let is_dns = is_dns(local, remote);
        let is_new = self.about.follow(Way::Received, bytes, local, remote)?;
        if !is_new && !is_dns {
            return Ok(());
        }
        let mut told = self.told("receive")?.local(local).remote(remote);
        if is_dns {
            told = told.payload(bytes, false, None);
        }
        self.say(told)
    }

    /// Waits for bytes of which some will be read later, or never.
    ///
    /// Those of another socket here come mostly before the call that sends them returns, but a
    /// busy kernel leaves them to ksoftirqd.
    ///
    /// # Errors
    /// When other bytes wait, or too few for too long.
    pub fn has_come(&mut self, bytes: usize) -> Outcome {
        let (began, bytes) = (Instant::now(), bytes as u64);
        loop {
            let (_, waiting) = sockets::tcp_state(self.as_fd()).tried("look what has come")?;
            if waiting == bytes {
                self.about.received += bytes;
                return Ok(());
            }
            ensure(waiting < bytes && began.elapsed() < PATIENCE, || {
                format!("{waiting} bytes have come, not {bytes}")
            })?;
            thread::sleep(Duration::from_millis(1));
        }
    }
}

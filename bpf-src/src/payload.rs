//! What a payload says: DNS messages and the greeting of a TLS client.
//!
//! Bytes in, values out, and nothing about them is taken for granted: whoever
//! can send can write anything into them. What is no such message is none;
//! nothing here fails.
//!
//! ```
//! use trapline_sensors::payload::dns::Message;
//!
//! let query = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x07example\x03org\0\0\x01\0\x01";
//! let message = Message::read(query).expect("a query");
//! assert_eq!((message.id, message.is_answer), (0x1234, false));
//! assert_eq!(message.questions[0].name, "example.org");
//! assert_eq!(Message::read(&query[..9]), None);
//! ```

pub mod dns;
pub mod tls;

use crate::event::{Socket, SocketOperation};

/// The port of DNS.
const DNS: u16 = 53;
/// `SOCK_STREAM` of Linux.
const STREAM: u16 = 1;
/// `SOCK_DGRAM` of Linux.
const DATAGRAM: u16 = 2;

/// What was recognised.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Content {
    /// A DNS query or answer.
    Dns(dns::Message),
    /// The first message of a TLS client.
    ClientHello(tls::ClientHello),
}

impl Content {
    /// What the payload of this event is: DNS in a datagram to or from port 53, a TLS
    /// client's greeting at the beginning of a stream.
    pub fn of(socket: &Socket) -> Option<Self> {
        let payload = socket.payload.as_ref()?;
        let bytes = payload.data.bytes.as_slice();
        let ports = [socket.local, socket.remote].map(|end| end.map_or(0, |end| end.port));
        match socket.socket_type {
            DATAGRAM if ports.contains(&DNS) => dns::Message::read(bytes).map(Self::Dns),
            STREAM if payload.offset_bytes == 0 && socket.operation == SocketOperation::Send => {
                tls::ClientHello::read(bytes).map(Self::ClientHello)
            }
            _ => None,
        }
    }
}

/// A place in bytes that are read from front to back.
#[derive(Clone, Copy, Debug)]
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    fn take(&mut self, size: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(size)?;
        let taken = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn u16(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(*self.take(2)?.first_chunk()?))
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_be_bytes(*self.take(4)?.first_chunk()?))
    }

    /// A block whose size stands before it, in so many bytes.
    fn block(&mut self, size_bytes: usize) -> Option<Self> {
        let size = self.take(size_bytes)?;
        let size = size
            .iter()
            .fold(0, |size, byte| size << 8 | usize::from(*byte));
        Some(Self::new(self.take(size)?))
    }

    /// As [`Reader::block`], or what there is of it where the end is missing.
    fn block_or_part(&mut self, size_bytes: usize) -> Option<Self> {
        let mut whole = *self;
        if let Some(block) = whole.block(size_bytes) {
            *self = whole;
            return Some(block);
        }
        self.take(size_bytes)?;
        let rest = self.bytes.get(self.at..)?;
        self.at = self.bytes.len();
        Some(Self::new(rest))
    }

    fn is_at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }
}

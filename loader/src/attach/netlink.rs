//! Messages of rtnetlink: bytes in, values out.
//!
//! A message is a header, a fixed structure and attributes; an attribute is a
//! header and a payload, which can be attributes again. All is in the machine's
//! byte order and padded to four bytes. Knows nothing of devices or filters,
//! and sends nothing.
//!
//! Source: include/uapi/linux/netlink.h

use crate::error::{Error, Result};

/// Flags of a request.
pub(super) const ACK: u16 = 0x4;
pub(super) const ECHO: u16 = 0x8;
pub(super) const DUMP: u16 = 0x300;
pub(super) const REPLACE: u16 = 0x100;
pub(super) const EXCL: u16 = 0x200;
pub(super) const CREATE: u16 = 0x400;
const REQUEST: u16 = 0x1;

/// Types of control messages.
pub(super) const NLMSG_ERROR: u16 = 2;
pub(super) const NLMSG_DONE: u16 = 3;

/// Flags of an answer: the request is left out, attributes follow.
const CAPPED: u16 = 0x100;
const ACK_TLVS: u16 = 0x200;
const NLMSGERR_ATTR_MSG: u16 = 1;

const HEADER_BYTES: usize = 16;
const ATTRIBUTE_BYTES: usize = 4;
/// What is left of an attribute's type without NLA_F_NESTED and
/// NLA_F_NET_BYTEORDER.
const TYPE_MASK: u16 = 0x3fff;
const NESTED: u16 = 1 << 15;
/// The longest text of the kernel's that is kept.
const MAX_TEXT_BYTES: usize = 512;

/// A request that is being written.
#[derive(Debug)]
pub(super) struct Request {
    bytes: Vec<u8>,
    too_long: bool,
}

impl Request {
    /// Begins a request with its fixed structure.
    pub(super) fn new(kind: u16, flags: u16, fixed: &[u8]) -> Self {
        let mut bytes = vec![0; HEADER_BYTES];
        put_at(&mut bytes, 4, &kind.to_ne_bytes());
        put_at(&mut bytes, 6, &(flags | REQUEST).to_ne_bytes());
        bytes.extend_from_slice(fixed);
        pad(&mut bytes);
        Self {
            bytes,
            too_long: false,
        }
    }

    /// Adds an attribute.
    pub(super) fn put(&mut self, kind: u16, payload: &[u8]) {
        self.put_with(kind, |bytes| bytes.extend_from_slice(payload));
    }

    /// Adds a number.
    pub(super) fn put_u32(&mut self, kind: u16, value: u32) {
        self.put(kind, &value.to_ne_bytes());
    }

    /// Adds a string with its NUL.
    pub(super) fn put_text(&mut self, kind: u16, text: &str) {
        self.put_with(kind, |bytes| {
            bytes.extend_from_slice(text.as_bytes());
            bytes.push(0);
        });
    }

    /// Adds an attribute of attributes.
    pub(super) fn nest(&mut self, kind: u16, inside: impl FnOnce(&mut Self)) {
        let start = self.begin(kind | NESTED);
        inside(self);
        self.end(start);
    }

    fn put_with(&mut self, kind: u16, payload: impl FnOnce(&mut Vec<u8>)) {
        let start = self.begin(kind);
        payload(&mut self.bytes);
        self.end(start);
    }

    fn begin(&mut self, kind: u16) -> usize {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 2]);
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        start
    }

    fn end(&mut self, start: usize) {
        match u16::try_from(self.bytes.len() - start) {
            Ok(len) => put_at(&mut self.bytes, start, &len.to_ne_bytes()),
            Err(_) => self.too_long = true,
        }
        pad(&mut self.bytes);
    }

    /// The message, numbered.
    ///
    /// # Errors
    /// `InvalidInput` for an attribute of 64 KiB or more.
    pub(super) fn finish(mut self, sequence: u32) -> Result<Vec<u8>> {
        let len = u32::try_from(self.bytes.len()).ok();
        let Some(len) = len.filter(|_| !self.too_long) else {
            let cause = "a netlink attribute of more than 65535 bytes";
            return Err(Error::invalid_input(cause));
        };
        put_at(&mut self.bytes, 0, &len.to_ne_bytes());
        put_at(&mut self.bytes, 8, &sequence.to_ne_bytes());
        Ok(self.bytes)
    }
}

fn put_at(bytes: &mut [u8], at: usize, value: &[u8]) {
    if let Some(place) = bytes.get_mut(at..at + value.len()) {
        place.copy_from_slice(value);
    }
}

fn pad(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(4), 0);
}

/// A message of the kernel's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Message<'a> {
    pub(super) kind: u16,
    pub(super) flags: u16,
    pub(super) sequence: u32,
    /// What follows the header.
    pub(super) payload: &'a [u8],
}

impl<'a> Message<'a> {
    /// The fixed structure and the attributes after it.
    ///
    /// # Errors
    /// `Malformed` for a message that is too short for the structure.
    pub(super) fn split<const N: usize>(&self) -> Result<(&'a [u8; N], Attributes<'a>)> {
        let (fixed, rest) = self.payload.split_first_chunk().ok_or_else(|| {
            let len = self.payload.len();
            Error::malformed(format!("a netlink message of {len} bytes instead of {N}"))
        })?;
        let skip = N.next_multiple_of(4) - N;
        Ok((fixed, Attributes(rest.get(skip..).unwrap_or_default())))
    }

    /// What an NLMSG_ERROR or NLMSG_DONE says: an errno, 0 for success, and the
    /// kernel's own words.
    ///
    /// # Errors
    /// `Malformed` for one that is cut.
    pub(super) fn verdict(&self) -> Result<(i32, Option<String>)> {
        let (code, _) = self.split::<4>()?;
        let errno = i32::from_ne_bytes(*code).wrapping_neg();
        if self.flags & ACK_TLVS == 0 {
            return Ok((errno, None));
        }
        let mut skip = 4;
        if self.kind == NLMSG_ERROR {
            // The request's header, and its payload if it is not capped.
            let request = self.payload.get(4..8).and_then(|len| len.try_into().ok());
            let request_bytes = request.map_or(0, u32::from_ne_bytes) as usize;
            skip += match self.flags & CAPPED {
                0 => request_bytes.max(HEADER_BYTES).next_multiple_of(4),
                _ => HEADER_BYTES,
            };
        }
        let attributes = Attributes(self.payload.get(skip..).unwrap_or_default());
        Ok((errno, attributes.text(NLMSGERR_ATTR_MSG)))
    }
}

/// The messages of a datagram.
#[derive(Clone, Copy, Debug)]
pub(super) struct Messages<'a>(pub(super) &'a [u8]);

impl<'a> Iterator for Messages<'a> {
    type Item = Result<Message<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let message = next_message(&mut self.0);
        if message.is_none() {
            self.0 = &[];
        }
        Some(message.ok_or_else(|| Error::malformed("a cut netlink message")))
    }
}

fn next_message<'a>(bytes: &mut &'a [u8]) -> Option<Message<'a>> {
    let (len, _) = bytes.split_first_chunk()?;
    let len = u32::from_ne_bytes(*len) as usize;
    let message = bytes.get(..len)?;
    let (header, payload) = message.split_first_chunk::<HEADER_BYTES>()?;
    let [_, _, _, _, kind0, kind1, flags0, flags1, s0, s1, s2, s3, ..] = *header;
    *bytes = bytes.get(len.next_multiple_of(4)..).unwrap_or_default();
    Some(Message {
        kind: u16::from_ne_bytes([kind0, kind1]),
        flags: u16::from_ne_bytes([flags0, flags1]),
        sequence: u32::from_ne_bytes([s0, s1, s2, s3]),
        payload,
    })
}

/// The attributes of a message or of a nest. What is cut ends them: the kernel
/// itself ignores trailing bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attributes<'a>(pub(super) &'a [u8]);

impl<'a> Attributes<'a> {
    /// The payload of the first attribute of that type.
    pub(super) fn get(mut self, kind: u16) -> Option<&'a [u8]> {
        self.find(|(found, _)| *found == kind)
            .map(|(_, payload)| payload)
    }

    /// The attributes inside of one.
    pub(super) fn nested(self, kind: u16) -> Self {
        Self(self.get(kind).unwrap_or_default())
    }

    /// A number.
    pub(super) fn u32(self, kind: u16) -> Option<u32> {
        let (bytes, _) = self.get(kind)?.split_first_chunk()?;
        Some(u32::from_ne_bytes(*bytes))
    }

    /// A string, without its NUL.
    pub(super) fn text(self, kind: u16) -> Option<String> {
        let bytes = self.get(kind)?;
        let end = bytes.iter().position(|&byte| byte == 0);
        let end = end.unwrap_or(bytes.len()).min(MAX_TEXT_BYTES);
        Some(String::from_utf8_lossy(bytes.get(..end)?).into_owned())
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let attribute = next_attribute(&mut self.0);
        if attribute.is_none() {
            self.0 = &[];
        }
        attribute
    }
}

fn next_attribute<'a>(bytes: &mut &'a [u8]) -> Option<(u16, &'a [u8])> {
    let ([len0, len1, kind0, kind1], _) = bytes.split_first_chunk::<ATTRIBUTE_BYTES>()?;
    let len = usize::from(u16::from_ne_bytes([*len0, *len1]));
    let payload = bytes.get(ATTRIBUTE_BYTES..len)?;
    let kind = u16::from_ne_bytes([*kind0, *kind1]) & TYPE_MASK;
    *bytes = bytes.get(len.next_multiple_of(4)..).unwrap_or_default();
    Some((kind, payload))
}

#[cfg(test)]
#[path = "netlink_tests.rs"]
mod tests;

//! Records made by hand.

// Compiled into each test, which uses what it needs.
#![allow(dead_code)]

use trapline_sensors::abi::{self, Wire};
use trapline_sensors::decode;

/// A record of `fixed` with one text of `bytes` behind it, in the first slot
/// that `place` returns.
pub fn record<T: Wire + Copy>(
    mut fixed: T,
    header: impl Fn(&mut T) -> &mut abi::Header,
    place: impl Fn(&mut T) -> &mut abi::Text,
    bytes: &[u8],
) -> Vec<u8> {
    *place(&mut fixed) = abi::Text {
        offset_bytes: T::SIZE as u32,
        size_bytes: bytes.len() as u16,
        flags: 0,
    };
    header(&mut fixed).size_bytes = (T::SIZE + bytes.len()) as u32;
    let mut record = Vec::new();
    fixed.write(&mut record);
    record.extend_from_slice(bytes);
    record
}

/// A header of this kind and number.
pub fn header(kind: u16, sequence: u64) -> abi::Header {
    abi::Header {
        kind,
        sequence,
        format_version: abi::FORMAT_VERSION,
        time_ns: 5,
        cpu: 1,
        ..abi::Header::default()
    }
}

/// Why the decoder refuses a record.
pub fn error(record: &[u8]) -> String {
    decode::decode(record).unwrap_err().to_string()
}

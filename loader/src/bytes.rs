//! Little-endian numbers at places that may not exist.

/// The 32-bit word number `index`, `None` past the end.
pub(crate) fn word(bytes: &[u8], index: usize) -> Option<u32> {
    u32_at(bytes, index.checked_mul(4)?)
}

/// The 32-bit number at a byte offset, `None` past the end.
pub(crate) fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    let chunk = bytes.get(offset..)?.first_chunk()?;
    Some(u32::from_le_bytes(*chunk))
}

/// The 16-bit number at a byte offset, `None` past the end.
pub(crate) fn u16_at(bytes: &[u8], offset: usize) -> Option<u16> {
    let chunk = bytes.get(offset..)?.first_chunk()?;
    Some(u16::from_le_bytes(*chunk))
}

/// The 64-bit number at a byte offset, `None` past the end.
pub(crate) fn long_at(bytes: &[u8], offset: usize) -> Option<u64> {
    let chunk = bytes.get(offset..)?.first_chunk()?;
    Some(u64::from_le_bytes(*chunk))
}

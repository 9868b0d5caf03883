//! Many elements of a map in one command.
//!
//! Kernel: 5.6 for hashes and arrays, later for other types.

use super::attr::{Command, MapBatchAttr};
use super::{Errno, MapFd, Result, address, address_mut, bpf, length};
use std::os::fd::AsFd;

/// Bytes of the place that a batch goes on from: a bucket's number, or a key.
fn cursor_bytes(map: &MapFd) -> usize {
    map.key_bytes().max(size_of::<u32>())
}

/// Where a batch goes on; empty for the beginning.
#[derive(Debug, Default)]
pub(crate) struct Cursor(Vec<u8>);

/// Reads elements from `cursor` on, and removes them with `delete`. `keys` and
/// `values` have room for the same number of elements.
///
/// Returns how many there were and, in second place, whether more may come.
///
/// # Errors
/// EINVAL for buffers that do not fit together, and on kernels without the
/// command; ENOTSUPP for a type without it; ENOSPC where more elements go
/// together than there is room for: nothing is read then.
pub(crate) fn map_lookup_batch(
    map: &MapFd,
    delete: bool,
    cursor: &mut Cursor,
    keys: &mut [u8],
    values: &mut [u8],
) -> Result<(usize, bool)> {
    let count = count(map, keys.len(), Some(values.len()))?;
    let mut next = vec![0; cursor_bytes(map)];
    if !cursor.0.is_empty() && cursor.0.len() != next.len() {
        return Err(Errno::INVAL);
    }
    let mut attr = MapBatchAttr {
        in_batch: address(&cursor.0),
        out_batch: address_mut(&mut next),
        keys: address_mut(keys),
        values: address_mut(values),
        count: length(count)?,
        map_fd: super::raw(map.as_fd()),
        ..MapBatchAttr::default()
    };
    let command = match delete {
        true => Command::MapLookupAndDeleteBatch,
        false => Command::MapLookupBatch,
    };
    let more = match bpf(command, &mut attr) {
        Ok(_) => true,
        Err(Errno::NOENT) => false,
        Err(errno) => return Err(errno),
    };
    cursor.0 = next;
    Ok(((attr.count as usize).min(count), more))
}

/// Sets elements or, without `values`, removes them.
///
/// Returns how many were done when the first one could not be, and why that
/// was; all of them without an error.
pub(crate) fn map_change_batch(
    map: &MapFd,
    keys: &[u8],
    values: Option<&[u8]>,
    flags: u64,
) -> (usize, Result<()>) {
    let count = count(map, keys.len(), values.map(<[u8]>::len));
    let count = match count.and_then(|count| Ok((count, length(count)?))) {
        Ok(count) => count,
        Err(errno) => return (0, Err(errno)),
    };
    let mut attr = MapBatchAttr {
        keys: address(keys),
        values: values.map_or(0, address),
        count: count.1,
        map_fd: super::raw(map.as_fd()),
        elem_flags: flags,
        ..MapBatchAttr::default()
    };
    let command = match values {
        Some(_) => Command::MapUpdateBatch,
        None => Command::MapDeleteBatch,
    };
    let result = bpf(command, &mut attr);
    let done = (attr.count as usize).min(count.0);
    match result {
        Ok(_) => (count.0, Ok(())),
        // A command that is refused as a whole leaves the count alone.
        Err(errno) if done == count.0 => (0, Err(errno)),
        Err(errno) => (done, Err(errno)),
    }
}

/// The elements that buffers of these sizes hold.
fn count(map: &MapFd, keys: usize, values: Option<usize>) -> Result<usize> {
    let count = keys.checked_div(map.key_bytes()).ok_or(Errno::INVAL)?;
    let fits = keys == count * map.key_bytes()
        && values.is_none_or(|bytes| Some(bytes) == count.checked_mul(map.value_bytes()));
    fits.then_some(count).ok_or(Errno::INVAL)
}

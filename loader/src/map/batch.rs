//! Many elements at once: one command for hundreds of them where the kernel
//! has it for the type, one after the other where not.

use super::{Map, UpdateFlag};
use crate::error::Result;
use crate::sys::{self, Cursor, Errno};

/// Elements that one command asks for.
const BATCH: usize = 256;
/// Bytes of keys and values that one command asks for, at most.
const BATCH_BYTES: usize = 256 << 10;

/// Elements of a map: keys and values in a row.
///
/// The value of a per-CPU map is that of all possible CPUs, each rounded up to
/// eight bytes; see [`Map::element_bytes`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Elements {
    keys: Vec<u8>,
    values: Vec<u8>,
    key_bytes: usize,
    value_bytes: usize,
}

impl Elements {
    /// None yet, for keys and values of these sizes.
    pub fn new(key_bytes: usize, value_bytes: usize) -> Self {
        Self {
            key_bytes,
            value_bytes,
            ..Self::default()
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.keys.len().checked_div(self.key_bytes).unwrap_or(0)
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Adds an element.
    ///
    /// # Errors
    /// `InvalidInput` for a key or value of another size.
    pub fn push(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        if key.len() != self.key_bytes || value.len() != self.value_bytes || key.is_empty() {
            return Err(crate::Error::invalid_input(format!(
                "a key of {} and a value of {} bytes instead of {} and {}",
                key.len(),
                value.len(),
                self.key_bytes,
                self.value_bytes
            )));
        }
        self.keys.extend_from_slice(key);
        self.values.extend_from_slice(value);
        Ok(())
    }

    /// The element with this number: key and value.
    pub fn get(&self, at: usize) -> Option<(&[u8], &[u8])> {
        let part = |all: &'_ [u8], bytes: usize| -> Option<core::ops::Range<usize>> {
            let start = at.checked_mul(bytes)?;
            let end = start.checked_add(bytes)?;
            (end <= all.len()).then_some(start..end)
        };
        if at >= self.len() {
            return None;
        }
        let key = self.keys.get(part(&self.keys, self.key_bytes)?)?;
        let value = self.values.get(part(&self.values, self.value_bytes)?)?;
        Some((key, value))
    }

    /// All elements: keys and values.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        (0..self.len()).filter_map(|at| self.get(at))
    }
}

/// Says an errno that the kernel has no such command, or not for this type.
fn is_lacking(errno: Errno) -> bool {
    matches!(errno, Errno::INVAL | Errno::NOTSUPP | Errno::OPNOTSUPP)
}

impl Map {
    /// Bytes of an element's value as [`Elements`] has it: for a per-CPU map
    /// those of all possible CPUs.
    pub fn element_bytes(&self) -> usize {
        self.fd.value_bytes()
    }

    /// All elements of the map.
    ///
    /// Those that others add or remove meanwhile may be there or not.
    ///
    /// # Errors
    /// `InvalidInput` for a map without keys; what the kernel says otherwise.
    ///
    /// Kernel: 5.6 for hashes and arrays in batches; any one by one
    pub fn lookup_batch(&self) -> Result<Elements> {
        self.read_all(false)
    }

    /// Takes all elements out of the map.
    ///
    /// Where the kernel has no batches, a write between reading and removing an
    /// element is lost.
    ///
    /// # Errors
    /// As [`Map::lookup_batch`]; EINVAL for arrays, whose elements always exist.
    ///
    /// Kernel: 5.6 for hashes in batches; any one by one
    pub fn lookup_and_delete_batch(&self) -> Result<Elements> {
        self.read_all(true)
    }

    /// Sets many elements.
    ///
    /// # Errors
    /// `InvalidInput` for keys or values of another size; that of the first
    /// element that could not be set, those before it being set.
    ///
    /// Kernel: 5.6 for hashes and arrays in a batch; any one by one
    pub fn update_batch(&self, elements: &Elements, flag: UpdateFlag) -> Result<()> {
        let sizes = (elements.key_bytes, elements.value_bytes);
        if sizes != (self.key_bytes, self.element_bytes()) {
            return Err(self.invalid(format!("elements of {} and {} bytes", sizes.0, sizes.1)));
        }
        if elements.is_empty() {
            return Ok(());
        }
        let (keys, values) = (&elements.keys, Some(&elements.values[..]));
        let (done, result) = sys::map_change_batch(&self.fd, keys, values, flag.bits());
        match result {
            Err(errno) if done == 0 && is_lacking(errno) => {
                let mut elements = elements.iter();
                elements.try_for_each(|(key, value)| self.update_raw(key, value, flag.bits()))
            }
            Err(errno) => Err(self
                .error("update batch", errno)
                .context(format!("element {done}"))),
            Ok(()) => Ok(()),
        }
    }

    /// Removes many keys, which stand in a row; returns how many there were.
    ///
    /// # Errors
    /// `InvalidInput` where `keys` is no multiple of the key's size; what the
    /// kernel says otherwise.
    ///
    /// Kernel: 5.6 for hashes in a batch; any one by one
    pub fn delete_batch(&self, keys: &[u8]) -> Result<usize> {
        if self.key_bytes == 0 || keys.len() % self.key_bytes != 0 {
            return Err(self.invalid(format!("{} bytes of keys", keys.len())));
        }
        let (mut rest, mut removed) = (keys, 0);
        let mut has_batches = true;
        while !rest.is_empty() {
            let mut next = 1;
            if has_batches {
                let (done, result) = sys::map_change_batch(&self.fd, rest, None, 0);
                removed += done;
                next = done;
                match result {
                    Ok(()) => {}
                    // That one is not there: on with the one behind it.
                    Err(Errno::NOENT) => next += 1,
                    Err(errno) if done == 0 && is_lacking(errno) => has_batches = false,
                    Err(errno) => return Err(self.error("delete batch", errno)),
                }
            } else {
                let key = rest.get(..self.key_bytes).unwrap_or_default();
                removed += usize::from(self.delete(key)?);
            }
            rest = rest.get(next * self.key_bytes..).unwrap_or_default();
        }
        Ok(removed)
    }

    fn read_all(&self, delete: bool) -> Result<Elements> {
        if self.key_bytes == 0 {
            return Err(self.invalid("it has no keys".to_owned()));
        }
        match self.read_batches(delete)? {
            Some(elements) => Ok(elements),
            None => self.read_singly(delete),
        }
    }

    /// All elements by batches, or `None` where the kernel has none of those.
    fn read_batches(&self, delete: bool) -> Result<Option<Elements>> {
        let mut all = Elements::new(self.key_bytes, self.element_bytes());
        let one = self.key_bytes + self.element_bytes();
        let mut room = (BATCH_BYTES / one).clamp(1, BATCH);
        let mut cursor = Cursor::default();
        let limit = self.max_entries as usize * 2 + 16;
        loop {
            let mut keys = vec![0; room * self.key_bytes];
            let mut values = vec![0; room * self.element_bytes()];
            let read = sys::map_lookup_batch(&self.fd, delete, &mut cursor, &mut keys, &mut values);
            let (count, more) = match read {
                Ok(read) => read,
                // More than that in one bucket of a hash.
                Err(Errno::NOSPC) if room < self.max_entries as usize => {
                    room = (room * 4).min(self.max_entries as usize);
                    continue;
                }
                Err(errno) if all.is_empty() && is_lacking(errno) => return Ok(None),
                Err(errno) => return Err(self.error("lookup batch", errno)),
            };
            keys.truncate(count * self.key_bytes);
            values.truncate(count * self.element_bytes());
            all.keys.append(&mut keys);
            all.values.append(&mut values);
            if !more {
                return Ok(Some(all));
            }
            if count == 0 || all.len() > limit {
                let cause = "the map changes faster than it can be read";
                return Err(self.error(cause, Errno::AGAIN));
            }
        }
    }

    fn read_singly(&self, delete: bool) -> Result<Elements> {
        let mut all = Elements::new(self.key_bytes, self.element_bytes());
        // Removing a key makes the next one start over, so keys come first.
        let keys = self.keys().collect::<Result<Vec<_>>>()?;
        for key in keys {
            let value = match delete {
                true => self.take_raw(&key)?,
                false => self.lookup_raw(&key, 0)?,
            };
            if let Some(value) = value {
                all.push(&key, &value)?;
            }
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_found_by_number() {
        let mut elements = Elements::new(2, 3);
        elements.push(b"k1", b"v_1").unwrap();
        elements.push(b"k2", b"v_2").unwrap();
        assert_eq!(elements.len(), 2);
        assert_eq!(elements.get(1), Some((&b"k2"[..], &b"v_2"[..])));
        assert_eq!(elements.get(2), None);
        assert_eq!(elements.get(usize::MAX), None);
        assert_eq!(elements.iter().count(), 2);
    }

    #[test]
    fn an_element_of_another_size_is_refused() {
        let mut elements = Elements::new(2, 3);
        assert!(elements.push(b"k", b"v_1").is_err());
        assert!(elements.push(b"k1", b"v_").is_err());
        assert!(Elements::new(0, 3).push(b"", b"v_1").is_err());
    }
}

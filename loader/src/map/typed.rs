//! Keys and values as numbers and arrays instead of bytes.

use super::{Map, UpdateFlag};
use crate::error::Result;
use core::marker::PhantomData;

/// What a key, a value or a global variable can be read as: integers, arrays
/// of them, pairs without padding, `()` for what a queue has for a key.
///
/// A struct of one's own needs a few safe lines:
///
/// ```
/// use trapline_loader::map::Element;
///
/// /// `struct { __u64 bytes; __u32 packets[2]; }`
/// struct Traffic { bytes: u64, packets: [u32; 2] }
///
/// impl Element for Traffic {
///     const BYTES: usize = 16;
///     fn read(from: &[u8]) -> Self {
///         let (bytes, packets) = <(u64, [u32; 2])>::read(from);
///         Self { bytes, packets }
///     }
///     fn write(&self, to: &mut [u8]) {
///         (self.bytes, self.packets).write(to);
///     }
/// }
/// ```
pub trait Element: Sized {
    /// Its size in bytes, as C has it.
    const BYTES: usize;

    /// The value that `bytes` stand for; there are [`BYTES`](Self::BYTES) of
    /// them.
    fn read(bytes: &[u8]) -> Self;

    /// Writes the value to `bytes`, of which there are [`BYTES`](Self::BYTES).
    fn write(&self, bytes: &mut [u8]);
}

macro_rules! integers {
    ($($integer:ty)*) => {$(
        impl Element for $integer {
            const BYTES: usize = size_of::<Self>();

            fn read(bytes: &[u8]) -> Self {
                Self::from_ne_bytes(bytes.first_chunk().copied().unwrap_or_default())
            }

            fn write(&self, bytes: &mut [u8]) {
                let value = self.to_ne_bytes();
                bytes.iter_mut().zip(value).for_each(|(place, byte)| *place = byte);
            }
        }
    )*};
}

integers!(u8 u16 u32 u64 i8 i16 i32 i64);

impl Element for () {
    const BYTES: usize = 0;

    fn read(_: &[u8]) -> Self {}

    fn write(&self, _: &mut [u8]) {}
}

impl<T: Element, const N: usize> Element for [T; N] {
    const BYTES: usize = T::BYTES * N;

    fn read(bytes: &[u8]) -> Self {
        core::array::from_fn(|at| T::read(bytes.get(at * T::BYTES..).unwrap_or_default()))
    }

    fn write(&self, bytes: &mut [u8]) {
        for (at, element) in self.iter().enumerate() {
            let place = bytes.get_mut(at * T::BYTES..).unwrap_or_default();
            element.write(place.get_mut(..T::BYTES).unwrap_or_default());
        }
    }
}

impl<A: Element, B: Element> Element for (A, B) {
    const BYTES: usize = A::BYTES + B::BYTES;

    fn read(bytes: &[u8]) -> Self {
        (
            A::read(bytes),
            B::read(bytes.get(A::BYTES..).unwrap_or_default()),
        )
    }

    fn write(&self, bytes: &mut [u8]) {
        if let Some((first, second)) = bytes.split_at_mut_checked(A::BYTES) {
            self.0.write(first);
            self.1.write(second);
        }
    }
}

/// A map whose keys and values have types; see [`Map::typed`].
///
/// ```no_run
/// use trapline_loader::map::{Map, UpdateFlag};
///
/// # fn main() -> trapline_loader::Result<()> {
/// let counts = Map::from_pin("/sys/fs/bpf/counts")?;
/// let counts = counts.typed::<u32, u64>()?;
/// counts.insert(&7, &0, UpdateFlag::NoExist)?;
/// for entry in counts.iter() {
///     let (port, packets) = entry?;
///     println!("{port}: {packets}");
/// }
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct TypedMap<'m, K, V> {
    map: &'m Map,
    types: PhantomData<fn(K) -> V>,
}

impl Map {
    /// The same map with types for keys and values.
    ///
    /// # Errors
    /// `InvalidInput` where their sizes are not the map's.
    pub fn typed<K: Element, V: Element>(&self) -> Result<TypedMap<'_, K, V>> {
        let (types, sizes) = ((K::BYTES, V::BYTES), (self.key_bytes, self.value_bytes));
        if types != sizes {
            return Err(self.invalid(format!(
                "keys of {} and values of {} bytes are asked for, it has {} and {}",
                types.0, types.1, sizes.0, sizes.1
            )));
        }
        Ok(TypedMap {
            map: self,
            types: PhantomData,
        })
    }
}

impl<'m, K: Element, V: Element> TypedMap<'m, K, V> {
    /// The map itself.
    pub fn map(&self) -> &'m Map {
        self.map
    }

    /// The value of `key`, or `None` where there is none.
    ///
    /// # Errors
    /// As [`Map::lookup`].
    pub fn get(&self, key: &K) -> Result<Option<V>> {
        let value = self.map.lookup(&bytes(key))?;
        Ok(value.map(|value| V::read(&value)))
    }

    /// The values of `key`, one per possible CPU.
    ///
    /// # Errors
    /// As [`Map::lookup_per_cpu`].
    pub fn get_per_cpu(&self, key: &K) -> Result<Option<Vec<V>>> {
        let values = self.map.lookup_per_cpu(&bytes(key))?;
        Ok(values.map(|values| values.iter().map(|value| V::read(value)).collect()))
    }

    /// Sets the value of `key`.
    ///
    /// # Errors
    /// As [`Map::update`].
    pub fn insert(&self, key: &K, value: &V, flag: UpdateFlag) -> Result<()> {
        self.map.update(&bytes(key), &bytes(value), flag)
    }

    /// Removes `key` and returns its value, or `None` where there was none.
    ///
    /// # Errors
    /// As [`Map::lookup_and_delete`].
    pub fn remove(&self, key: &K) -> Result<Option<V>> {
        let value = self.map.lookup_and_delete(&bytes(key))?;
        Ok(value.map(|value| V::read(&value)))
    }

    /// All elements, in the kernel's order; see [`Map::iter`].
    pub fn iter(&self) -> impl Iterator<Item = Result<(K, V)>> + use<'m, K, V> {
        let map = self.map;
        map.iter()
            .map(|element| element.map(|(key, value)| (K::read(&key), V::read(&value))))
    }
}

impl<V: Element> TypedMap<'_, (), V> {
    /// Adds a value; see [`Map::push`].
    ///
    /// # Errors
    /// As [`Map::push`].
    pub fn push(&self, value: &V, flag: UpdateFlag) -> Result<()> {
        self.map.push(&bytes(value), flag)
    }

    /// Takes the next value out; `None` when there is none.
    ///
    /// # Errors
    /// As [`Map::pop`].
    pub fn pop(&self) -> Result<Option<V>> {
        Ok(self.map.pop()?.map(|value| V::read(&value)))
    }
}

/// The bytes of a value.
fn bytes<T: Element>(value: &T) -> Vec<u8> {
    let mut bytes = vec![0; T::BYTES];
    value.write(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_come_back_from_their_bytes() {
        let value: (u64, [u16; 2]) = (1 << 40 | 7, [0x1234, 0xffff]);
        let written = bytes(&value);
        assert_eq!(written.len(), 12);
        assert_eq!(written[8..], [0x34, 0x12, 0xff, 0xff]);
        assert_eq!(<(u64, [u16; 2])>::read(&written), value);
    }

    #[test]
    fn too_few_bytes_do_no_harm() {
        assert_eq!(<(u32, [u64; 2])>::read(&[1]), (0, [0, 0]));
        (5u32, [1u64; 2]).write(&mut [0; 3]);
        [3u32; 4].write(&mut [0; 5]);
    }
}

//! The tables that usdt.bpf.h reads: what a probe's arguments are, and on
//! kernels without cookies which probe an address belongs to.
//!
//! Source: `struct __bpf_usdt_spec`, usdt.bpf.h of libbpf

use super::args::{Arg, MOST_ARGS, Place};
use crate::error::{Error, Result};
use crate::map::{Map, UpdateFlag};
use std::sync::{Mutex, MutexGuard, PoisonError};

const SPECS: &str = "__bpf_usdt_specs";
const ADDRESSES: &str = "__bpf_usdt_ip_to_spec_id";
/// Bytes of an argument's place: `val_off`, `arg_type` and where the register
/// is, which newer headers have two bytes later.
const PLAIN_ARG_BYTES: usize = 16;
const WIDE_ARG_BYTES: usize = 24;

/// The layout of one header of libbpf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    /// Up to libbpf 1.6.
    Plain,
    /// Since 1.7: with an index register.
    Wide,
}

impl Layout {
    fn arg_bytes(self) -> usize {
        match self {
            Self::Plain => PLAIN_ARG_BYTES,
            Self::Wide => WIDE_ARG_BYTES,
        }
    }

    /// Arguments, cookie, and their number, filled up to eight bytes.
    fn spec_bytes(self) -> usize {
        MOST_ARGS * self.arg_bytes() + 16
    }

    fn of(value_bytes: usize) -> Option<Self> {
        [Self::Plain, Self::Wide]
            .into_iter()
            .find(|layout| layout.spec_bytes() == value_bytes)
    }
}

/// The tables of one object, and which of their places are in use.
#[derive(Debug)]
pub(crate) struct UsdtMaps {
    specs: Map,
    addresses: Option<Map>,
    layout: Layout,
    ids: Mutex<Ids>,
}

#[derive(Debug)]
struct Ids {
    free: Vec<u32>,
    next: u32,
    end: u32,
}

impl UsdtMaps {
    /// The tables among an object's maps; `None` where it has none.
    ///
    /// # Errors
    /// `Unsupported` for tables of an unknown layout.
    pub(crate) fn of(maps: &[Map]) -> Result<Option<Self>> {
        let find = |name: &str| maps.iter().find(|map| map.name() == name);
        let Some(specs) = find(SPECS) else {
            return Ok(None);
        };
        let unknown = || Error::unsupported("this layout of __bpf_usdt_specs", None);
        Ok(Some(Self {
            layout: Layout::of(specs.value_bytes()).ok_or_else(unknown)?,
            specs: specs.try_clone()?,
            addresses: find(ADDRESSES).map(Map::try_clone).transpose()?,
            ids: Mutex::new(Ids {
                free: Vec::new(),
                next: 0,
                end: specs.max_entries(),
            }),
        }))
    }

    /// Writes a specification into a free place and gives its number.
    pub(super) fn add(&self, args: &[Arg], cookie: u64) -> Result<u32> {
        let value = encode(args, cookie, self.layout)?;
        let id = self.ids().take()?;
        let updated = self
            .specs
            .update(&id.to_ne_bytes(), &value, UpdateFlag::Any);
        if updated.is_err() {
            self.ids().free.push(id);
        }
        updated.map(|()| id)
    }

    /// Says which specification an address has, for kernels without cookies.
    pub(super) fn add_address(&self, addr: u64, id: u32) -> Result<()> {
        let no_table = || Error::not_found(format!("the object has no map {ADDRESSES}"));
        let table = self.addresses.as_ref().ok_or_else(no_table)?;
        table.update(&addr.to_ne_bytes(), &id.to_ne_bytes(), UpdateFlag::Any)
    }

    /// Gives places free again.
    pub(super) fn remove(&self, ids: &[u32], addresses: &[u64]) -> Result<()> {
        let mut result = Ok(());
        for addr in addresses {
            if let Some(table) = &self.addresses {
                result = result.and(table.delete(&addr.to_ne_bytes()).map(drop));
            }
        }
        self.ids().free.extend_from_slice(ids);
        result
    }

    /// A panic elsewhere leaves the numbers as they were.
    fn ids(&self) -> MutexGuard<'_, Ids> {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ids {
    fn take(&mut self) -> Result<u32> {
        if let Some(id) = self.free.pop() {
            return Ok(id);
        }
        if self.next == self.end {
            return Err(Error::invalid_input(format!(
                "{SPECS} has room for {} specifications: define BPF_USDT_MAX_SPEC_CNT",
                self.end
            )));
        }
        self.next += 1;
        Ok(self.next - 1)
    }
}

/// A specification as the program reads it.
fn encode(args: &[Arg], cookie: u64, layout: Layout) -> Result<Vec<u8>> {
    let mut value = Vec::with_capacity(layout.spec_bytes());
    for arg in args {
        value.extend_from_slice(&encode_arg(arg, layout)?);
    }
    value.resize(MOST_ARGS * layout.arg_bytes(), 0);
    value.extend_from_slice(&cookie.to_ne_bytes());
    value.extend_from_slice(&(args.len() as u16).to_ne_bytes());
    value.resize(layout.spec_bytes(), 0);
    Ok(value)
}

fn encode_arg(arg: &Arg, layout: Layout) -> Result<Vec<u8>> {
    let (kind, offset, register, index, shift) = match arg.place {
        Place::Constant(value) => (0u8, value, 0, 0, 0),
        Place::Register(register) => (1, 0, register, 0, 0),
        Place::Memory { base, offset } => (2, offset, base, 0, 0),
        Place::Indexed {
            base,
            index,
            shift,
            offset,
        } => (3, offset, base, index, shift),
    };
    if kind == 3 && layout == Layout::Plain {
        let feature = "an indexed argument of a static probe";
        return Err(Error::new(
            crate::ErrorKind::Unsupported {
                feature,
                since: None,
            },
            format!("{feature} needs an object built with usdt.bpf.h of libbpf 1.7"),
        ));
    }
    let mut bytes = Vec::with_capacity(layout.arg_bytes());
    bytes.extend_from_slice(&offset.to_ne_bytes());
    bytes.extend_from_slice(&[kind, 0]);
    if layout == Layout::Wide {
        // Twelve bits of register, four of shift.
        let indexed = index & 0xfff | u16::from(shift) << 12;
        bytes.extend_from_slice(&indexed.to_ne_bytes());
    }
    bytes.extend_from_slice(&[0, 0]);
    bytes.extend_from_slice(&register.to_ne_bytes());
    bytes.extend_from_slice(&[u8::from(arg.is_signed), 64 - arg.size_bytes * 8]);
    bytes.resize(layout.arg_bytes(), 0);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARG: Arg = Arg {
        size_bytes: 4,
        is_signed: true,
        place: Place::Memory {
            base: 32,
            offset: -8,
        },
    };

    #[test]
    fn the_layout_follows_from_the_maps_value_size() {
        assert_eq!(Layout::of(208), Some(Layout::Plain));
        assert_eq!(Layout::of(304), Some(Layout::Wide));
        assert_eq!(Layout::of(8), None);
    }

    #[test]
    fn a_specification_has_its_fields_where_the_header_says() {
        let value = encode(&[ARG], 77, Layout::Plain).unwrap();
        assert_eq!(value.len(), 208);
        assert_eq!(value[..8], (-8i64).to_ne_bytes());
        assert_eq!(value[8..12], [2, 0, 0, 0]);
        assert_eq!(value[12..14], 32u16.to_ne_bytes());
        assert_eq!(value[14..16], [1, 32]);
        assert_eq!(value[192..200], 77u64.to_ne_bytes());
        assert_eq!(value[200..202], 1u16.to_ne_bytes());
    }

    #[test]
    fn a_newer_specification_has_an_index_register() {
        let place = Place::Indexed {
            base: 32,
            index: 80,
            shift: 3,
            offset: 1,
        };
        let arg = Arg { place, ..ARG };
        let value = encode(&[arg], 0, Layout::Wide).unwrap();
        assert_eq!(value.len(), 304);
        assert_eq!(value[8..10], [3, 0]);
        assert_eq!(value[10..12], (80u16 | 3 << 12).to_ne_bytes());
        assert_eq!(value[14..16], 32u16.to_ne_bytes());
        assert_eq!(value[16..18], [1, 32]);
        assert!(encode(&[arg], 0, Layout::Plain).is_err());
    }

    #[test]
    fn numbers_are_given_out_until_the_table_is_full() {
        let mut ids = Ids {
            free: vec![],
            next: 0,
            end: 2,
        };
        assert_eq!((ids.take().unwrap(), ids.take().unwrap()), (0, 1));
        assert!(ids.take().is_err());
        ids.free.push(1);
        assert_eq!(ids.take().unwrap(), 1);
    }
}

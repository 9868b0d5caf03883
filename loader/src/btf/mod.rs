//! BTF: the type information of an object, and of the kernel.
//!
//! Knows the encoding and how to find types by id and name. One trait,
//! [`Types`], serves both sides of CO-RE: [`ObjectBtf`] owns its bytes and
//! indexes every type, [`Target`] reads the kernel's megabytes where they are
//! and indexes every 64th. Deliberately knows nothing of relocations.
//!
//! Source: Documentation/bpf/btf.rst, include/uapi/linux/btf.h.

mod header;
mod minimise;
mod names;
mod object;
mod prototype;
mod scan;
mod source;
mod split;
mod target;
#[cfg(test)]
mod tests;
mod types;

pub(crate) use minimise::{Depth, Selection};
pub use names::essential_name;
pub use object::ObjectBtf;
pub use prototype::{ParameterInfo, Prototype};
pub(crate) use prototype::{base_text, type_text};
pub(crate) use scan::{Kinds, Wanted, key as wanted_key};
pub use source::{ReadAt, Source};
pub use split::Split;
pub use target::Target;
pub use types::{Array, Enumerator, Int, Kind, Member, Parameter, SecVar, Type};

use std::borrow::Cow;

use crate::error::{Error, Result};

/// Chains of modifiers, arrays and nested members end somewhere; a chain
/// longer than this runs in a circle. libbpf uses the same bound.
pub const MAX_RESOLVE_DEPTH: usize = 32;

/// Bytes of a string that [`Types::text`] shows, twice the kernel's longest
/// symbol: many references to one huge string must not multiply it.
const MAX_TEXT_BYTES: usize = 1024;

/// The longest string that is looked at, in bytes.
const MAX_STRING_BYTES: usize = 64 << 10;

/// Types by id and strings by offset.
pub trait Types {
    /// The type with this id; 0 is `void`.
    ///
    /// # Errors
    /// `NotFound` past the last type, `Malformed` for one that does not fit,
    /// `Unsupported` for a kind that nobody here knows.
    fn type_by_id(&self, id: u32) -> Result<Type<'_>>;

    /// The string at an offset, without its NUL; offset 0 is empty.
    ///
    /// # Errors
    /// `Malformed` where the offset is past the table or the end is missing.
    fn string(&self, offset: u32) -> Result<Cow<'_, [u8]>>;

    /// The string at an offset, for people: what is not UTF-8 is replaced, and
    /// what no C name or source line needs is cut off.
    ///
    /// # Errors
    /// As [`Types::string`].
    fn text(&self, offset: u32) -> Result<String> {
        let string = self.string(offset)?;
        let shown = string.get(..MAX_TEXT_BYTES).unwrap_or(&string);
        Ok(String::from_utf8_lossy(shown).into_owned())
    }

    /// Is the string at an offset this one?
    ///
    /// # Errors
    /// As [`Types::string`].
    fn string_is(&self, offset: u32, name: &[u8]) -> Result<bool> {
        Ok(*self.string(offset)? == *name)
    }

    /// The name of a type, for people; empty where it has none.
    ///
    /// # Errors
    /// As [`Types::type_by_id`] and [`Types::string`].
    fn type_name(&self, id: u32) -> Result<String> {
        self.text(self.type_by_id(id)?.name_off)
    }

    /// The type behind modifiers (`const`, `volatile`, `restrict`, type tags)
    /// and typedefs.
    ///
    /// # Errors
    /// As [`Types::type_by_id`]; `Malformed` for a chain without an end.
    fn strip_modifiers(&self, mut id: u32) -> Result<Type<'_>> {
        for _ in 0..MAX_RESOLVE_DEPTH {
            let ty = self.type_by_id(id)?;
            if !ty.is_modifier_or_typedef() {
                return Ok(ty);
            }
            id = ty.size_or_type;
        }
        Err(Error::malformed(format!(
            "BTF type {id} is behind over {MAX_RESOLVE_DEPTH} modifiers"
        )))
    }

    /// Size of a type in bytes, modifiers and arrays resolved.
    ///
    /// # Errors
    /// As [`Types::type_by_id`]; `InvalidInput` for a type without a size.
    fn size_of(&self, mut id: u32) -> Result<u32> {
        let mut count = 1u32;
        for _ in 0..MAX_RESOLVE_DEPTH {
            let ty = self.type_by_id(id)?;
            let size = match ty.kind() {
                Kind::Int
                | Kind::Struct
                | Kind::Union
                | Kind::Enum
                | Kind::Enum64
                | Kind::DataSec
                | Kind::Float => ty.size_or_type,
                Kind::Ptr => 8,
                Kind::Array => {
                    let array = ty.array()?;
                    count = checked_size(count, array.count, id)?;
                    id = array.element_type;
                    continue;
                }
                Kind::Var | Kind::DeclTag => {
                    id = ty.size_or_type;
                    continue;
                }
                _ if ty.is_modifier_or_typedef() => {
                    id = ty.size_or_type;
                    continue;
                }
                kind => {
                    return Err(Error::invalid_input(format!(
                        "BTF type {id} ({}) has no size",
                        kind.name()
                    )));
                }
            };
            return checked_size(count, size, id);
        }
        Err(Error::malformed(format!(
            "BTF type {id} is behind over {MAX_RESOLVE_DEPTH} types"
        )))
    }
}

fn checked_size(count: u32, size: u32, id: u32) -> Result<u32> {
    count
        .checked_mul(size)
        .ok_or_else(|| Error::malformed(format!("BTF type {id} is larger than 4 GiB")))
}

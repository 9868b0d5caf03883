//! What a place is worth to an instruction: offset, size, sign, shift, id.

use super::access::Spec;
use super::kind::ReloKind;
use crate::btf::{Kind, MAX_RESOLVE_DEPTH, Member, Type, Types};
use crate::error::{Error, Result};

/// One side's answer to a relocation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Value {
    /// What the instruction has to hold.
    pub value: u64,
    /// Size of the memory access in bytes, 0 where it does not matter.
    pub access_bytes: u32,
    /// The type that is accessed: may its width change?
    pub access: Access,
    /// May the instruction be expected to hold the local value?
    pub validate: bool,
}

/// How the type of a memory access bears another width.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// A pointer: zero-extended, any width is right.
    Pointer,
    /// An unsigned integer: so is this.
    Unsigned,
    /// Anything else: the value would change.
    #[default]
    Other,
}

/// What a relocation of this kind is worth at a place, or `None` where there
/// is no place and no value to put instead: the instruction is poisoned.
pub fn of(types: &dyn Types, kind: ReloKind, spec: Option<&Spec>) -> Result<Option<Value>> {
    let plain = |value| Value {
        value,
        validate: true,
        ..Value::default()
    };
    let Some(spec) = spec else {
        return Ok(match kind {
            ReloKind::FieldExists | ReloKind::EnumvalExists => Some(plain(0)),
            // Types that do not exist have size 0 and id 0.
            kind if kind.is_type() => Some(plain(0)),
            _ => None,
        });
    };
    let value = match kind {
        ReloKind::FieldExists
        | ReloKind::EnumvalExists
        | ReloKind::TypeExists
        | ReloKind::TypeMatches => plain(1),
        ReloKind::TypeSize => plain(types.size_of(spec.root)?.into()),
        // Ids change when objects are linked: what is there is no promise.
        ReloKind::TypeIdLocal | ReloKind::TypeIdTarget => Value {
            validate: false,
            ..plain(spec.root.into())
        },
        ReloKind::EnumvalValue => plain(enumerator(types, spec)?),
        _ => field(types, kind, spec)?,
    };
    Ok(Some(value))
}

/// As libbpf does it, 32-bit values are sign-extended whatever the enum says:
/// kernels before 6.0 do not say.
fn enumerator(types: &dyn Types, spec: &Spec) -> Result<u64> {
    let missing = || Error::malformed("no such enumerator");
    let accessor = spec.accessors.first().ok_or_else(missing)?;
    let ty = types.type_by_id(accessor.type_id)?;
    let all = ty.enumerators();
    let value = all.get(accessor.index as usize).ok_or_else(missing)?.value;
    Ok(match ty.kind() {
        Kind::Enum => value as u32 as i32 as u64,
        _ => value,
    })
}

fn field(types: &dyn Types, kind: ReloKind, spec: &Spec) -> Result<Value> {
    let accessor = spec.accessors.last();
    let accessor = accessor.ok_or_else(|| Error::malformed("an access of nothing"))?;
    let mut value = Value {
        validate: true,
        ..Value::default()
    };
    if accessor.name.is_none() {
        match kind {
            ReloKind::FieldByteOffset => {
                value.value = (spec.offset_bits / 8).into();
                set_access(types, &mut value, accessor.type_id)?;
            }
            ReloKind::FieldByteSize => value.value = types.size_of(accessor.type_id)?.into(),
            kind => {
                let text = format!("{} of an array element", kind.text());
                return Err(Error::invalid_input(text));
            }
        }
        return Ok(value);
    }
    let parent = types.type_by_id(accessor.type_id)?;
    let member = parent.member(accessor.index as usize);
    let member = member.ok_or_else(|| Error::malformed("no such member"))?;
    let ty = types.strip_modifiers(member.type_id)?;
    let is_bitfield = member.bitfield_bits > 0;
    let place = place(types, spec, member, &ty)?;
    // Compilers differ in how they load bit fields: what is there is no
    // promise, but for what follows from the type alone.
    value.validate = !is_bitfield;
    value.value = match kind {
        ReloKind::FieldByteOffset => {
            if !is_bitfield {
                set_access(types, &mut value, ty.id)?;
            }
            place.offset_bytes.into()
        }
        ReloKind::FieldByteSize => place.size_bytes.into(),
        ReloKind::FieldSigned => {
            value.validate = true;
            let signed_enum = ty.is_any_enum() && ty.kind_flag();
            (signed_enum || ty.int().is_some_and(crate::btf::Int::is_signed)).into()
        }
        // Little-endian: the field's top goes to the top of the register.
        ReloKind::FieldLshiftU64 => {
            let top = u64::from(spec.offset_bits) + u64::from(place.width_bits);
            64u64.wrapping_sub(top.wrapping_sub(u64::from(place.offset_bytes) * 8))
        }
        ReloKind::FieldRshiftU64 => {
            value.validate = true;
            64u64.wrapping_sub(place.width_bits.into())
        }
        kind => return Err(Error::invalid_input(kind.text())),
    };
    Ok(value)
}

/// The bytes to load for a field, and how wide it is in them.
struct Place {
    offset_bytes: u32,
    size_bytes: u32,
    width_bits: u32,
}

fn place(types: &dyn Types, spec: &Spec, member: Member, ty: &Type<'_>) -> Result<Place> {
    let offset_bits = spec.offset_bits;
    if member.bitfield_bits == 0 {
        let size_bytes = types.size_of(ty.id)?;
        return Ok(Place {
            offset_bytes: offset_bits / 8,
            size_bytes,
            width_bits: size_bytes.wrapping_mul(8),
        });
    }
    let width_bits = member.bitfield_bits;
    let aligned = |size: u32| (offset_bits / 8).checked_div(size).map(|n| n * size);
    // The smallest naturally aligned load that holds the whole field.
    let mut size_bytes = ty.size_or_type;
    loop {
        let offset_bytes = aligned(size_bytes)
            .filter(|_| size_bytes <= 8)
            .ok_or_else(|| Error::invalid_input("a bit field that no 64-bit load holds"))?;
        let end_bits = u64::from(offset_bits) + u64::from(width_bits);
        if end_bits - u64::from(offset_bytes) * 8 <= u64::from(size_bytes) * 8 {
            return Ok(Place {
                offset_bytes,
                size_bytes,
                width_bits,
            });
        }
        size_bytes *= 2;
    }
}

/// Width and bearing of an access; for arrays, of one element.
fn set_access(types: &dyn Types, value: &mut Value, id: u32) -> Result<()> {
    let accessed = types.strip_modifiers(id)?;
    let mut ty = accessed.clone();
    for _ in 0..MAX_RESOLVE_DEPTH {
        if ty.kind() != Kind::Array {
            break;
        }
        ty = types.strip_modifiers(ty.array()?.element_type)?;
    }
    value.access_bytes = types.size_of(ty.id)?;
    // The field's own type decides, even where an element is loaded.
    value.access = match accessed.kind() {
        Kind::Ptr => Access::Pointer,
        // Exactly "signed": bool and char integers may change their width.
        Kind::Int if accessed.int().is_some_and(|int| int.encoding != 1) => Access::Unsigned,
        _ => Access::Other,
    };
    Ok(())
}

//! Maps of `.maps`: a struct whose member types spell out the attributes.
//!
//! `__uint(name, N)` is a pointer to an array of N elements, `__type(name, T)`
//! a pointer to T, `__ulong(name, N)` an enum with one value, and
//! `__array(values, T)` an array of pointers to T: inner maps or programs.
//!
//! Source: tools/lib/bpf/bpf_helpers.h; Documentation/bpf/maps.rst.

use super::types::{MapKind, MapSpec};
use crate::btf::{Kind, Member, ObjectBtf, Type, Types};
use crate::error::{Error, Result, ResultExt};

/// Longest map name that is kept, in bytes.
const MAX_NAME_BYTES: usize = 255;
/// `BPF_MAP_TYPE_PROG_ARRAY`.
pub(super) const PROG_ARRAY: u32 = 3;
/// `BPF_MAP_TYPE_ARRAY_OF_MAPS`, `BPF_MAP_TYPE_HASH_OF_MAPS`.
const MAPS_OF_MAPS: [u32; 2] = [12, 13];
/// A descriptor or number, which such maps hold.
const FD_BYTES: u32 = 4;

/// A definition.
#[derive(Debug)]
pub(super) struct Defined {
    pub spec: MapSpec,
    /// Byte offset of `values` in the variable, for maps that have it.
    pub values_offset: Option<u32>,
}

/// Does a map of this type hold maps?
pub(super) fn is_map_of_maps(map_type: u32) -> bool {
    MAPS_OF_MAPS.contains(&map_type)
}

/// The map that a variable of `.maps` defines.
pub(super) fn parse(btf: &ObjectBtf, var_id: u32) -> Result<Defined> {
    let var = btf.type_by_id(var_id)?;
    let name = btf.text(var.name_off)?;
    parse_variable(btf, &var, &name).with_context(|| format!("map {name}"))
}

fn parse_variable(btf: &ObjectBtf, var: &Type<'_>, name: &str) -> Result<Defined> {
    if var.kind() != Kind::Var || name.is_empty() || name.len() > MAX_NAME_BYTES {
        return Err(Error::malformed("not a named variable"));
    }
    if var.var_linkage() != Some(1) {
        return Err(Error::invalid_input("a map has to be a global variable"));
    }
    let def = btf.strip_modifiers(var.size_or_type)?;
    parse_struct(btf, &def, name, false)
}

/// The map that a struct describes: a variable's or, inside of one, that of
/// its inner maps.
fn parse_struct(btf: &ObjectBtf, def: &Type<'_>, name: &str, is_inner: bool) -> Result<Defined> {
    if def.kind() != Kind::Struct {
        return Err(Error::malformed(format!(
            "a map is a struct, not {}",
            def.kind().name()
        )));
    }
    let mut map = MapSpec {
        name: name.to_owned(),
        kind: MapKind::Defined,
        ..MapSpec::default()
    };
    let mut values = None;
    for member in def.members() {
        let field = btf.text(member.name_off)?;
        match field.as_str() {
            // What they are depends on the type, which may come later.
            "values" => values = Some(member),
            "pinning" if is_inner => {
                return Err(Error::invalid_input("inner maps cannot be pinned"));
            }
            _ => set_field(btf, &mut map, &field, member)
                .with_context(|| format!("field {field}"))?,
        }
    }
    if map.map_type == 0 {
        return Err(Error::invalid_input("no field `type`"));
    }
    if let Some(member) = values {
        if is_inner {
            let feature = "inner maps that hold maps or programs themselves";
            return Err(Error::unsupported(feature, None));
        }
        set_values(btf, &mut map, member).with_context(|| "field values")?;
    }
    Ok(Defined {
        spec: map,
        values_offset: values.map(|member| member.offset_bits / 8),
    })
}

fn set_field(btf: &ObjectBtf, map: &mut MapSpec, field: &str, member: Member) -> Result<()> {
    match field {
        "type" => map.map_type = uint(btf, member)?,
        "max_entries" => map.max_entries = uint(btf, member)?,
        "map_flags" => map.flags = uint(btf, member)?,
        "numa_node" => map.numa_node = Some(uint(btf, member)?),
        "map_extra" => map.map_extra = ulong(btf, member)?,
        "key_size" => set_size(&mut map.key_size, uint(btf, member)?)?,
        "value_size" => set_size(&mut map.value_size, uint(btf, member)?)?,
        "key" => {
            let (id, size) = pointee(btf, member)?;
            set_size(&mut map.key_size, size)?;
            map.key_type_id = id;
        }
        "value" => {
            let (id, size) = pointee(btf, member)?;
            set_size(&mut map.value_size, size)?;
            map.value_type_id = id;
        }
        "pinning" => {
            map.pinning = uint(btf, member)?;
            if map.pinning > 1 {
                return Err(Error::invalid_input(format!(
                    "pinning mode {}",
                    map.pinning
                )));
            }
        }
        _ => return Err(Error::invalid_input("this field is not known")),
    }
    Ok(())
}

/// `__array(values, T)`: T is the struct of inner maps, or a function.
fn set_values(btf: &ObjectBtf, map: &mut MapSpec, member: Member) -> Result<()> {
    let holds_maps = is_map_of_maps(map.map_type);
    if !holds_maps && map.map_type != PROG_ARRAY {
        let cause = format!("a map of type {} holds no maps or programs", map.map_type);
        return Err(Error::invalid_input(cause));
    }
    set_size(&mut map.value_size, FD_BYTES)?;
    let array = btf.type_by_id(member.type_id)?.array();
    let array = array.map_err(|_| Error::malformed("not declared with __array"))?;
    let pointer = btf.strip_modifiers(array.element_type)?;
    if array.count != 0 || pointer.kind() != Kind::Ptr {
        return Err(Error::malformed("not declared with __array"));
    }
    let element = btf.strip_modifiers(pointer.size_or_type)?;
    if holds_maps {
        let name = format!("{}.inner", map.name);
        let inner = parse_struct(btf, &element, &name, true);
        map.inner = Some(Box::new(inner.with_context(|| "inner map")?.spec));
    } else if element.kind() != Kind::FuncProto {
        let kind = element.kind().name();
        let cause = format!("an array of programs holds functions, not {kind}");
        return Err(Error::malformed(cause));
    }
    Ok(())
}

/// `__type` and `__uint` of the same attribute have to agree.
fn set_size(size: &mut u32, new: u32) -> Result<()> {
    if *size != 0 && *size != new {
        return Err(Error::invalid_input(format!(
            "{new} bytes here, {size} bytes in another field"
        )));
    }
    *size = new;
    Ok(())
}

fn pointee(btf: &ObjectBtf, member: Member) -> Result<(u32, u32)> {
    let pointer = btf.type_by_id(member.type_id)?;
    if pointer.kind() != Kind::Ptr {
        return Err(Error::malformed("not declared with __type"));
    }
    let id = pointer.size_or_type;
    Ok((id, btf.size_of(id)?))
}

fn uint(btf: &ObjectBtf, member: Member) -> Result<u32> {
    let pointer = btf.strip_modifiers(member.type_id)?;
    if pointer.kind() != Kind::Ptr {
        return Err(Error::malformed("not declared with __uint"));
    }
    let array = btf.type_by_id(pointer.size_or_type)?;
    Ok(array.array()?.count)
}

fn ulong(btf: &ObjectBtf, member: Member) -> Result<u64> {
    let ty = btf.strip_modifiers(member.type_id)?;
    if !ty.is_any_enum() {
        return uint(btf, member).map(u64::from);
    }
    match ty.enumerators()[..] {
        [one] => Ok(one.value),
        _ => Err(Error::malformed("not declared with __ulong")),
    }
}

//! Maps of `.maps`: a struct whose member types spell out the attributes.
//!
//! `__uint(name, N)` is a pointer to an array of N elements, `__type(name, T)`
//! a pointer to T, `__ulong(name, N)` an enum with one value.
//!
//! Source: tools/lib/bpf/bpf_helpers.h; Documentation/bpf/maps.rst.

use super::types::{MapKind, MapSpec};
use crate::btf::{Kind, Member, ObjectBtf, Types};
use crate::error::{Error, Result, ResultExt};

/// Longest map name that is kept, in bytes.
const MAX_NAME_BYTES: usize = 255;

/// The map that a variable of `.maps` defines.
pub(super) fn parse(btf: &ObjectBtf, var_id: u32) -> Result<MapSpec> {
    let var = btf.type_by_id(var_id)?;
    let name = btf.text(var.name_off)?;
    parse_named(btf, var_id, &name).with_context(|| format!("map {name}"))
}

fn parse_named(btf: &ObjectBtf, var_id: u32, name: &str) -> Result<MapSpec> {
    let var = btf.type_by_id(var_id)?;
    if var.kind() != Kind::Var || name.is_empty() || name.len() > MAX_NAME_BYTES {
        return Err(Error::malformed("not a named variable"));
    }
    if var.var_linkage() != Some(1) {
        return Err(Error::invalid_input("a map has to be a global variable"));
    }
    let def = btf.strip_modifiers(var.size_or_type)?;
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
    for member in def.members() {
        let field = btf.text(member.name_off)?;
        set_field(btf, &mut map, &field, member).with_context(|| format!("field {field}"))?;
    }
    if map.map_type == 0 {
        return Err(Error::invalid_input("no field `type`"));
    }
    Ok(map)
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
        "values" => {
            let feature = "a map that is declared with its inner maps or programs";
            return Err(Error::unsupported(feature, None));
        }
        _ => return Err(Error::invalid_input("this field is not known")),
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

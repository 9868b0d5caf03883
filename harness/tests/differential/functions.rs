//! The functions of a program, as its records and the BTF they point into
//! describe them.

use trapline_loader::btf::{Kind, ObjectBtf, Type, Types};

/// Types behind types that are followed.
const DEPTH: usize = 8;

/// Each function of a program as C declares it, with its linkage: the verifier
/// goes by both.
pub fn declarations(btf: &[u8], records: &(u32, Vec<u8>)) -> Vec<String> {
    let Ok(btf) = ObjectBtf::parse(btf) else {
        return vec!["no BTF".to_owned()];
    };
    let ids = functions(records).into_iter();
    ids.map(|id| declaration(&btf, id)).collect()
}

/// Has a global function an argument that is the context by its tag alone?
pub fn has_bare_context(btf: &[u8], records: &(u32, Vec<u8>)) -> bool {
    let Ok(btf) = ObjectBtf::parse(btf) else {
        return false;
    };
    let used = functions(records);
    let tags = btf.ids().filter_map(|id| btf.type_by_id(id).ok());
    let mut tags = tags.filter(|tag| {
        let is_context = btf.string_is(tag.name_off, b"arg:ctx").unwrap_or(false);
        tag.kind() == Kind::DeclTag && is_context && used.contains(&tag.size_or_type)
    });
    tags.any(|tag| tagged(&btf, &tag).is_some_and(|kind| kind != Kind::Struct))
}

/// What the pointer is to that a tag is for; none for static functions.
fn tagged(btf: &ObjectBtf, tag: &Type<'_>) -> Option<Kind> {
    let function = btf.type_by_id(tag.size_or_type).ok()?;
    let prototype = btf.type_by_id(function.size_or_type).ok()?;
    let parameters = prototype.parameters();
    let argument = parameters.get(tag.tagged_component()? as usize)?;
    let pointer = btf.strip_modifiers(argument.type_id).ok()?;
    let behind = btf.strip_modifiers(pointer.size_or_type).ok()?;
    (function.vlen() == 1).then(|| behind.kind())
}

/// The types of the functions that records are of.
fn functions((size, bytes): &(u32, Vec<u8>)) -> Vec<u32> {
    let records = bytes.chunks_exact((*size as usize).max(8));
    let id = |record: &[u8]| u32::from_le_bytes(record[4..8].try_into().unwrap());
    records.map(id).collect()
}

fn declaration(btf: &ObjectBtf, id: u32) -> String {
    let Ok(function) = btf.type_by_id(id) else {
        return format!("no type {id}");
    };
    let name = btf.type_name(id).unwrap_or_default();
    let linkage = ["static", "global", "extern"].get(function.vlen() as usize);
    let Ok(prototype) = btf.type_by_id(function.size_or_type) else {
        return format!("{name} without a prototype");
    };
    let parameters = prototype.parameters();
    let parameters = parameters.iter().map(|parameter| {
        let name = btf.text(parameter.name_off).unwrap_or_default();
        format!("{} {name}", type_text(btf, parameter.type_id, DEPTH))
    });
    let parameters = parameters.collect::<Vec<_>>().join(", ");
    let returned = type_text(btf, prototype.size_or_type, DEPTH);
    format!(
        "{} {returned} {name}({parameters})",
        linkage.unwrap_or(&"?")
    )
}

fn type_text(btf: &ObjectBtf, id: u32, depth: usize) -> String {
    let Ok(ty) = btf.type_by_id(id) else {
        return format!("no type {id}");
    };
    let name = btf.type_name(id).unwrap_or_default();
    let kind = ty.kind().name();
    let follows = ty.is_modifier_or_typedef() || ty.kind() == Kind::Ptr;
    match follows && depth > 0 {
        true => format!(
            "{kind} {name}({})",
            type_text(btf, ty.size_or_type, depth - 1)
        ),
        false => format!("{kind} {name}"),
    }
}

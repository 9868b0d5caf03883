//! Access strings of the object, read against the object's own types.
//!
//! `0:3:1` is: element 0 of the pointer, its fourth member, that member's
//! second. Anonymous members are stepped through without leaving a trace,
//! because the kernel may nest them in another way.

use super::kind::ReloKind;
use crate::btf::{Kind, ObjectBtf, Type, Types, base_text};
use crate::error::{Error, Result};

/// Steps of an access string; libbpf has the same bound.
pub const MAX_STEPS: usize = 64;

/// One step that counts: a named member, an array element, an enumerator.
#[derive(Clone, Debug)]
pub struct Accessor {
    /// The type that the step is taken in; for elements, the element's.
    pub type_id: u32,
    /// Member, element or enumerator number.
    pub index: u32,
    /// Name, unless it is an element.
    pub name: Option<Box<[u8]>>,
}

/// A place in a type, on either side.
#[derive(Clone, Debug)]
pub struct Spec {
    /// The type that the relocation names.
    pub root: u32,
    /// Steps that count.
    pub accessors: Vec<Accessor>,
    /// Steps in all, anonymous ones, too.
    pub depth: usize,
    /// Where the place starts, in bits from the root's start.
    pub offset_bits: u32,
}

impl Spec {
    /// The root itself.
    pub const fn at(root: u32) -> Self {
        Self {
            root,
            accessors: Vec::new(),
            depth: 0,
            offset_bits: 0,
        }
    }

    /// Takes one more step, if there may be another.
    pub fn deepen(&mut self) -> Result<()> {
        if self.depth >= MAX_STEPS {
            return Err(Error::malformed(format!("over {MAX_STEPS} steps deep")));
        }
        self.depth += 1;
        Ok(())
    }

    /// Moves `bits` on.
    pub fn advance(&mut self, bits: u32) -> Result<()> {
        let moved = self.offset_bits.checked_add(bits);
        self.offset_bits = moved.ok_or_else(|| Error::malformed("over 2^32 bits into a type"))?;
        Ok(())
    }

    /// Moves `index` elements of `size` bytes on.
    pub fn advance_elements(&mut self, index: u32, size: u32) -> Result<()> {
        let bits = u64::from(index) * u64::from(size) * 8;
        let bits = u32::try_from(bits);
        self.advance(bits.map_err(|_| Error::malformed("over 2^32 bits into a type"))?)
    }
}

/// An array at the end of a struct without a length of its own: any index
/// fits. `before` is the step that led to the array.
pub fn is_flexible(types: &dyn Types, before: Option<&Accessor>, count: u32) -> Result<bool> {
    match before {
        Some(before) if before.name.is_some() && count == 0 => {
            let members = types.type_by_id(before.type_id)?.members().len();
            Ok(before.index as usize + 1 == members)
        }
        _ => Ok(false),
    }
}

/// Reads an access string.
pub fn parse(btf: &ObjectBtf, kind: ReloKind, root: u32, access: &str) -> Result<Spec> {
    let mut spec = Spec::at(root);
    if kind.is_type() {
        return match access {
            "0" => Ok(spec),
            _ => Err(Error::malformed("a type relocation with an access")),
        };
    }
    let mut steps = access.split(':').map(|step| {
        // The sign bit would be lost in a C int.
        let step = step
            .parse()
            .ok()
            .filter(|&step: &u32| step <= i32::MAX as u32);
        step.ok_or_else(|| Error::malformed("no list of numbers"))
    });
    let first = steps
        .next()
        .unwrap_or_else(|| Err(Error::malformed("empty")))?;
    let ty = btf.strip_modifiers(root)?;
    spec.deepen()?;
    if kind.is_enumval() {
        if steps.next().is_some() {
            return Err(Error::malformed("more than one number for an enumerator"));
        }
        let all = ty.enumerators();
        let value = all.get(first as usize);
        let value = value.ok_or_else(|| Error::malformed(format!("no enumerator {first}")))?;
        let name = btf.string(value.name_off)?.into();
        spec.accessors.push(Accessor {
            type_id: ty.id,
            index: first,
            name: Some(name),
        });
        return Ok(spec);
    }
    spec.accessors.push(Accessor {
        type_id: ty.id,
        index: first,
        name: None,
    });
    spec.advance_elements(first, btf.size_of(ty.id)?)?;
    let mut id = ty.id;
    for step in steps {
        spec.deepen()?;
        id = take_step(btf, &mut spec, id, step?)?;
    }
    Ok(spec)
}

/// Goes into a member or an element of type `id`; returns what is there.
fn take_step(btf: &ObjectBtf, spec: &mut Spec, id: u32, step: u32) -> Result<u32> {
    let ty = btf.strip_modifiers(id)?;
    if ty.is_composite() {
        let member = ty.member(step as usize).ok_or_else(|| {
            Error::malformed(format!("{} has no member {step}", ty.kind().name()))
        })?;
        spec.advance(member.offset_bits)?;
        if member.name_off != 0 {
            spec.accessors.push(Accessor {
                type_id: ty.id,
                index: step,
                name: Some(btf.string(member.name_off)?.into()),
            });
        }
        return Ok(member.type_id);
    }
    if ty.kind() != Kind::Array {
        return Err(Error::malformed(format!(
            "step {step} into {}",
            ty.kind().name()
        )));
    }
    let array = ty.array()?;
    let element = btf.strip_modifiers(array.element_type)?;
    let flexible = is_flexible(btf, spec.accessors.last(), array.count)?;
    if !flexible && step >= array.count {
        return Err(Error::malformed(format!(
            "element {step} of {}",
            array.count
        )));
    }
    spec.accessors.push(Accessor {
        type_id: element.id,
        index: step,
        name: None,
    });
    spec.advance_elements(step, btf.size_of(element.id)?)?;
    Ok(element.id)
}

/// What a relocation is about, for people: `struct file.f_path.dentry`.
pub fn describe(btf: &ObjectBtf, root: &Type<'_>, spec: &Spec, kind: ReloKind) -> String {
    let mut text = base_text(btf, root).unwrap_or_default();
    for (position, accessor) in spec.accessors.iter().enumerate() {
        match &accessor.name {
            Some(name) => {
                text.push_str(if kind.is_enumval() { "::" } else { "." });
                text.push_str(&String::from_utf8_lossy(name));
            }
            // The pointer's own element 0 is not worth a word.
            None if position == 0 && accessor.index == 0 => {}
            None => text.push_str(&format!("[{}]", accessor.index)),
        }
    }
    format!("{text}, {}", kind.text())
}

//! Is this type of the kernel the one that the object means?
//!
//! Compatible enough to read a field ([`Matcher::fields_are_compatible`]),
//! compatible as a whole ([`Matcher::types_are_compatible`]): the names have
//! been compared before, the shapes only count as far as libbpf says.
//!
//! Source: tools/lib/bpf/relo_core.c.

use core::cell::Cell;

use super::access::{Accessor, Spec, is_flexible};
use super::kind::ReloKind;
use crate::btf::{Kind, MAX_RESOLVE_DEPTH, ObjectBtf, Type, Types, essential_name};
use crate::error::{Error, Result};

/// Types and members that one comparison may look at. The largest struct of a
/// kernel has some thousands; BTF that nests a struct in itself has no end.
const MAX_VISITS: u32 = 1 << 18;

/// The two sides.
pub struct Matcher<'m> {
    pub local: &'m ObjectBtf,
    pub target: &'m dyn Types,
    left_visits: Cell<u32>,
}

/// May types of these two kinds stand for each other at all?
fn kinds_fit(local: &Type<'_>, target: &Type<'_>) -> bool {
    local.kind() == target.kind() || local.is_any_enum() && target.is_any_enum()
}

fn has_no_bit_offset(ty: &Type<'_>) -> bool {
    ty.int().is_some_and(|int| int.offset_bits == 0)
}

impl<'m> Matcher<'m> {
    pub fn new(local: &'m ObjectBtf, target: &'m dyn Types) -> Self {
        Self {
            local,
            target,
            left_visits: Cell::new(MAX_VISITS),
        }
    }

    /// Counts one look at a type or member.
    pub fn visit(&self) -> Result<()> {
        let left = self.left_visits.get().checked_sub(1);
        self.left_visits
            .set(left.ok_or_else(|| Error::malformed("kernel types nest without end"))?);
        Ok(())
    }

    /// The local place in a candidate of the kernel; `None` if it has none.
    pub fn find(&self, kind: ReloKind, local: &Spec, candidate: u32) -> Result<Option<Spec>> {
        let mut found = Spec::at(candidate);
        if kind == ReloKind::TypeMatches {
            let matches = self.types_match(local.root, candidate)?;
            return Ok(matches.then_some(found));
        }
        if kind.is_type() {
            let fits = self.types_are_compatible(local.root, candidate)?;
            return Ok(fits.then_some(found));
        }
        if kind.is_enumval() {
            let fits = self.find_enumerator(local, candidate, &mut found)?;
            return Ok(fits.then_some(found));
        }
        let mut id = candidate;
        for (position, accessor) in local.accessors.iter().enumerate() {
            let next = match accessor.name {
                Some(_) => self.find_member(accessor, id, &mut found)?,
                None => self.find_element(accessor, id, position == 0, &mut found)?,
            };
            match next {
                Some(next) => id = next,
                None => return Ok(None),
            }
        }
        Ok(Some(found))
    }

    fn find_enumerator(&self, local: &Spec, candidate: u32, found: &mut Spec) -> Result<bool> {
        let ty = self.target.strip_modifiers(candidate)?;
        let name = local.accessors.first().and_then(|a| a.name.as_deref());
        let wanted = essential_name(name.unwrap_or_default());
        for (index, value) in ty.enumerators().into_iter().enumerate() {
            self.visit()?;
            if essential_name(&self.target.string(value.name_off)?) == wanted {
                found.accessors.push(Accessor {
                    type_id: ty.id,
                    index: index as u32,
                    name: name.map(Box::from),
                });
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Element of the root, which is no array yet, or of an array inside.
    fn find_element(
        &self,
        accessor: &Accessor,
        id: u32,
        is_root: bool,
        found: &mut Spec,
    ) -> Result<Option<u32>> {
        let mut ty = self.target.strip_modifiers(id)?;
        if !is_root {
            if ty.kind() != Kind::Array {
                return Ok(None);
            }
            let array = ty.array()?;
            let flexible = is_flexible(self.target, found.accessors.last(), array.count)?;
            if !flexible && accessor.index >= array.count {
                return Ok(None);
            }
            ty = self.target.strip_modifiers(array.element_type)?;
        }
        found.deepen()?;
        found.accessors.push(Accessor {
            type_id: ty.id,
            index: accessor.index,
            name: None,
        });
        let size = self.target.size_of(ty.id)?;
        found.advance_elements(accessor.index, size)?;
        Ok(Some(ty.id))
    }

    /// The member of this name, also inside anonymous ones, if its type fits.
    fn find_member(&self, accessor: &Accessor, id: u32, found: &mut Spec) -> Result<Option<u32>> {
        let name = accessor.name.as_deref().unwrap_or_default();
        let local = self.local.type_by_id(accessor.type_id)?;
        let local_member = local.member(accessor.index as usize);
        let local_type = local_member.map_or(0, |member| member.type_id);
        // Per open struct: its type, the member to look at next, and how far
        // in bits its own start is. A stack of our own: depth is bounded by
        // `deepen`, but not by the thread's stack.
        let mut open = vec![(self.target.strip_modifiers(id)?, 0, 0u32)];
        while let Some((ty, position, skip_bits)) = open.last_mut() {
            self.visit()?;
            let member = ty.member(*position);
            let Some(member) = member else {
                // Not in here: back out of it.
                found.offset_bits -= *skip_bits;
                found.depth = found.depth.saturating_sub(1);
                open.pop();
                continue;
            };
            *position += 1;
            if member.name_off == 0 {
                let inner = self.target.strip_modifiers(member.type_id)?;
                if inner.is_composite() {
                    found.deepen()?;
                    found.advance(member.offset_bits)?;
                    open.push((inner, 0, member.offset_bits));
                }
                continue;
            }
            if !self.target.string_is(member.name_off, name)? {
                continue;
            }
            if !self.fields_are_compatible(local_type, member.type_id)? {
                return Ok(None);
            }
            let (type_id, index) = (ty.id, *position as u32 - 1);
            found.deepen()?;
            found.advance(member.offset_bits)?;
            found.accessors.push(Accessor {
                type_id,
                index,
                name: Some(name.into()),
            });
            return Ok(Some(member.type_id));
        }
        Ok(None)
    }

    /// May the kernel's field be read as the object's?
    fn fields_are_compatible(&self, mut local_id: u32, mut target_id: u32) -> Result<bool> {
        for _ in 0..MAX_RESOLVE_DEPTH {
            let local = self.local.strip_modifiers(local_id)?;
            let target = self.target.strip_modifiers(target_id)?;
            if local.is_composite() && target.is_composite() {
                return Ok(true);
            }
            if !kinds_fit(&local, &target) {
                return Ok(false);
            }
            match local.kind() {
                Kind::Ptr | Kind::Float => return Ok(true),
                Kind::Fwd | Kind::Enum | Kind::Enum64 => {
                    let (a, b) = (
                        self.local.string(local.name_off)?,
                        self.target.string(target.name_off)?,
                    );
                    let (a, b) = (essential_name(&a), essential_name(&b));
                    return Ok(a.is_empty() || b.is_empty() || a == b);
                }
                // Integers that start inside a byte are bit fields of old.
                Kind::Int => return Ok(has_no_bit_offset(&local) && has_no_bit_offset(&target)),
                Kind::Array => {
                    local_id = local.array()?.element_type;
                    target_id = target.array()?.element_type;
                }
                _ => return Ok(false),
            }
        }
        Err(Error::malformed("arrays nest without end"))
    }

    /// May the kernel's type stand for the object's as a whole?
    pub fn types_are_compatible(&self, local_id: u32, target_id: u32) -> Result<bool> {
        let local = self.local.type_by_id(local_id)?;
        let target = self.target.type_by_id(target_id)?;
        if !kinds_fit(&local, &target) {
            return Ok(false);
        }
        // Pairs still to compare, and how deep in prototypes each lies.
        let mut open = vec![(local_id, target_id, 0)];
        while let Some((local_id, target_id, depth)) = open.pop() {
            self.visit()?;
            if depth > MAX_RESOLVE_DEPTH {
                return Err(Error::malformed("prototypes nest without end"));
            }
            let local = self.local.strip_modifiers(local_id)?;
            let target = self.target.strip_modifiers(target_id)?;
            if !kinds_fit(&local, &target) {
                return Ok(false);
            }
            let fits = match local.kind() {
                Kind::Void | Kind::Struct | Kind::Union | Kind::Enum | Kind::Fwd | Kind::Enum64 => {
                    true
                }
                Kind::Int => has_no_bit_offset(&local) && has_no_bit_offset(&target),
                Kind::Ptr => {
                    open.push((local.size_or_type, target.size_or_type, depth + 1));
                    true
                }
                Kind::Array => {
                    let (a, b) = (local.array()?, target.array()?);
                    open.push((a.element_type, b.element_type, depth + 1));
                    true
                }
                Kind::FuncProto => {
                    let (a, b) = (local.parameters(), target.parameters());
                    open.push((local.size_or_type, target.size_or_type, depth + 1));
                    let pairs = a.iter().zip(&b);
                    open.extend(pairs.map(|(a, b)| (a.type_id, b.type_id, depth + 1)));
                    a.len() == b.len()
                }
                _ => false,
            };
            if !fits {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

//! `bpf_core_type_matches`: is a type shaped as the object says?
//!
//! Modifiers and typedefs do not count, names do. Structs and unions need a
//! matching member for each of the object's, unless they are behind a
//! pointer, where the name is enough; enums need all names and the same size;
//! integers the same size and sign; arrays the same length.

use super::compare::Matcher;
use crate::btf::{Kind, MAX_RESOLVE_DEPTH, Type, Types, essential_name};
use crate::error::{Error, Result};

impl Matcher<'_> {
    /// Does the kernel's type match the object's?
    pub fn types_match(&self, local_id: u32, target_id: u32) -> Result<bool> {
        self.match_types(local_id, target_id, false, MAX_RESOLVE_DEPTH)
    }

    /// Recursion goes through members and parameters only, and `levels` of
    /// them: that bounds the stack.
    fn match_types(
        &self,
        mut local_id: u32,
        mut target_id: u32,
        mut behind_ptr: bool,
        levels: usize,
    ) -> Result<bool> {
        if levels == 0 {
            return Err(Error::malformed("types nest without end"));
        }
        for _ in 0..MAX_RESOLVE_DEPTH {
            self.visit()?;
            let local = self.local.strip_modifiers(local_id)?;
            let target = self.target.strip_modifiers(target_id)?;
            if !self.names_match(local.name_off, target.name_off)? {
                return Ok(false);
            }
            let same_kind = local.kind() == target.kind();
            match local.kind() {
                Kind::Void => return Ok(same_kind),
                Kind::Fwd => return Ok(forward_matches(&local, &target, behind_ptr)),
                Kind::Enum | Kind::Enum64 => return self.enums_match(&local, &target),
                Kind::Struct | Kind::Union if behind_ptr => {
                    let is_forward = target.kind() == Kind::Fwd
                        && target.kind_flag() == (local.kind() == Kind::Union);
                    return Ok(same_kind || is_forward);
                }
                Kind::Struct | Kind::Union => {
                    return Ok(same_kind && self.members_match(&local, &target, levels)?);
                }
                Kind::Int => return Ok(same_kind && ints_match(&local, &target)),
                Kind::Ptr if same_kind => {
                    behind_ptr = true;
                    local_id = local.size_or_type;
                    target_id = target.size_or_type;
                }
                Kind::Array if same_kind => {
                    let (a, b) = (local.array()?, target.array()?);
                    if a.count != b.count {
                        return Ok(false);
                    }
                    local_id = a.element_type;
                    target_id = b.element_type;
                }
                Kind::FuncProto if same_kind => {
                    let (a, b) = (local.parameters(), target.parameters());
                    if a.len() != b.len() {
                        return Ok(false);
                    }
                    for (a, b) in a.iter().zip(&b) {
                        if !self.match_types(a.type_id, b.type_id, behind_ptr, levels - 1)? {
                            return Ok(false);
                        }
                    }
                    local_id = local.size_or_type;
                    target_id = target.size_or_type;
                }
                _ => return Ok(false),
            }
        }
        Err(Error::malformed("pointers and arrays nest without end"))
    }

    fn names_match(&self, local: u32, target: u32) -> Result<bool> {
        let (local, target) = (self.local.string(local)?, self.target.string(target)?);
        Ok(match target.is_empty() {
            true => local.is_empty(),
            false => essential_name(&local) == essential_name(&target),
        })
    }

    fn enums_match(&self, local: &Type<'_>, target: &Type<'_>) -> Result<bool> {
        if !target.is_any_enum() || local.size_or_type != target.size_or_type {
            return Ok(false);
        }
        let (local, target) = (local.enumerators(), target.enumerators());
        for wanted in &local {
            let mut found = false;
            for value in &target {
                self.visit()?;
                found = self.names_match(wanted.name_off, value.name_off)?;
                if found {
                    break;
                }
            }
            if !found {
                return Ok(false);
            }
        }
        Ok(local.len() <= target.len())
    }

    /// Each local member has one of its name and type in the kernel.
    fn members_match(&self, local: &Type<'_>, target: &Type<'_>, levels: usize) -> Result<bool> {
        if local.members().len() > target.members().len() {
            return Ok(false);
        }
        for wanted in local.members() {
            let mut found = false;
            for member in target.members() {
                self.visit()?;
                found = self.names_match(wanted.name_off, member.name_off)?
                    && self.match_types(wanted.type_id, member.type_id, false, levels - 1)?;
                if found {
                    break;
                }
            }
            if !found {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// A forward declaration matches one of the same, or, behind a pointer, the
/// struct or union that it declares.
fn forward_matches(local: &Type<'_>, target: &Type<'_>, behind_ptr: bool) -> bool {
    let is_union = local.kind_flag();
    match target.kind() {
        Kind::Fwd => target.kind_flag() == is_union,
        Kind::Struct => behind_ptr && !is_union,
        Kind::Union => behind_ptr && is_union,
        _ => false,
    }
}

fn ints_match(local: &Type<'_>, target: &Type<'_>) -> bool {
    let is_signed = |ty: &Type<'_>| ty.int().is_some_and(crate::btf::Int::is_signed);
    local.size_or_type == target.size_or_type && is_signed(local) == is_signed(target)
}

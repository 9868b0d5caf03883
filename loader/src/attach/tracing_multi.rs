//! fentry, fexit and fsession on many functions by one link.

use super::lacking::refused;
use super::link::Link;
use super::many::one_each;
use super::pattern;
use crate::btf::{Kind, Target, Types};
use crate::error::{Error, Result, ResultExt};
use crate::kernel_btf::KernelBtf;
use crate::program::Program;
use crate::sys::{self, LinkArgs, LinkCreate, LinkTarget};
use std::os::fd::AsFd;

/// Arguments that the kernel traces at most (MAX_BPF_FUNC_ARGS).
const MOST_ARGUMENTS: usize = 12;
/// Bytes of a structure that is passed by value, at most.
const MOST_ARGUMENT_BYTES: u32 = 16;

impl Program {
    /// Attaches a fentry.multi, fexit.multi or fsession.multi program to the
    /// kernel functions with these BTF ids (see
    /// [`Target::func_id`](crate::btf::Target::func_id)). `cookies` is empty,
    /// or has one for each.
    ///
    /// # Errors
    /// `InvalidInput` for another number of cookies than functions;
    /// `Unsupported` for kernels without; what the kernel says otherwise.
    ///
    /// Kernel: 7.2
    pub fn attach_tracing_multi(&self, ids: &[u32], cookies: &[u64]) -> Result<Link> {
        attach_ids(self, ids, cookies).with_context(|| self.context())
    }
}

/// Attaches to all functions of the kernel that fit and can be traced by type.
pub(super) fn attach_pattern(program: &Program, text: &str) -> Result<Link> {
    if text.is_empty() {
        return Err(Error::invalid_input("the section names no functions"));
    }
    let mut kernel = KernelBtf::running();
    let ids = matching(kernel.target()?, text)?;
    if ids.is_empty() {
        return Err(Error::not_found(format!(
            "the kernel can trace no function like {text}"
        )));
    }
    attach_ids(program, &ids, &[]).with_context(|| format!("{} functions like {text}", ids.len()))
}

fn attach_ids(program: &Program, ids: &[u32], cookies: &[u64]) -> Result<Link> {
    one_each(cookies, "cookies", ids.len())?;
    let attach_type = program.expected_attach_type();
    let how = match attach_type {
        60 => "fexit.multi",
        61 => "fsession.multi",
        _ => "fentry.multi",
    };
    let link = LinkCreate {
        prog: program.as_fd(),
        target: LinkTarget::None,
        attach_type,
        flags: 0,
        args: LinkArgs::TracingMulti { ids, cookies },
    };
    let created = sys::link_create(&link);
    let fd = created.map_err(|errno| refused(errno, attach_type, how))?;
    Ok(Link::new(fd, how))
}

/// The ids of the functions that fit and that a trampoline can be built for.
fn matching(target: &Target<'_>, text: &str) -> Result<Vec<u32>> {
    let mut ids = Vec::new();
    target.each_func(|id, name| {
        if pattern::matches(text.as_bytes(), name) {
            ids.push(id);
        }
    })?;
    let mut error = None;
    ids.retain(|&id| match is_traceable(target, id) {
        Ok(is_traceable) => is_traceable,
        Err(reason) => {
            error.get_or_insert(reason);
            false
        }
    });
    match error {
        Some(error) if ids.is_empty() => Err(error),
        _ => Ok(ids),
    }
}

/// Can the kernel trace a function of this prototype? No variable arguments,
/// no large structures, none as a result.
fn is_traceable(types: &impl Types, id: u32) -> Result<bool> {
    let proto = types.type_by_id(types.type_by_id(id)?.size_or_type)?;
    if proto.kind() != Kind::FuncProto {
        return Ok(false);
    }
    let parameters = proto.parameters();
    if parameters.len() > MOST_ARGUMENTS {
        return Ok(false);
    }
    let is_scalar = |kind: Kind| matches!(kind, Kind::Ptr | Kind::Int | Kind::Enum | Kind::Enum64);
    let result = types.strip_modifiers(proto.size_or_type)?;
    if result.id != 0 && !is_scalar(result.kind()) {
        return Ok(false);
    }
    for parameter in parameters {
        let ty = types.strip_modifiers(parameter.type_id)?;
        let is_small = matches!(ty.kind(), Kind::Struct | Kind::Union)
            && ty.size_or_type <= MOST_ARGUMENT_BYTES;
        // A type of 0 here stands for `...`.
        if ty.id == 0 || !(is_scalar(ty.kind()) || is_small) {
            return Ok(false);
        }
    }
    Ok(true)
}

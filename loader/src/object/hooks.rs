//! What the programs of an object need to know of the kernel's types: where
//! their fields lie, and the numbers of the hooks that BTF describes.

use crate::attach::missing_function;
use crate::btf::{Kind, Kinds, Target, Types, Wanted, essential_name};
use crate::error::{Error, Result};
use crate::kernel_btf::KernelBtf;
use crate::relo_core::{self, Report};
use crate::spec::{AttachSpec, ObjectSpec};

/// A program's hook, as far as the kernel's BTF is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Hook {
    /// BTF has nothing to do with it.
    Untyped,
    /// The type with this id.
    Type(u32),
    /// The kernel has no such type.
    Missing,
    /// The kernel's BTF cannot be read, and why.
    Unreadable(String),
}

/// Settles what depends on the kernel's types, for all programs in one go.
///
/// # Errors
/// Those of the kernel's BTF where there are relocations to resolve. Without
/// any, only the programs that attach by type are the worse for it.
pub(super) fn resolve(
    spec: &mut ObjectSpec,
    kernel: &mut KernelBtf,
) -> Result<(Report, Vec<Hook>)> {
    let programs = spec.programs.iter();
    let wanted: Vec<_> = programs
        .map(|program| program.kind.attach.kernel_type())
        .collect();
    let names: Vec<_> = wanted
        .iter()
        .flatten()
        .map(|(kind, name)| (*kind, &**name))
        .collect();
    let mut relocations = spec.programs.iter().map(|program| program.core_relos.len());
    let report = match relocations.all(|count| count == 0) {
        true => Report::default(),
        false => {
            let target = kernel.target()?;
            look_once(spec, &names, target)?;
            relo_core::relocate(spec, target)?
        }
    };
    let hooks = match find(&names, kernel) {
        Ok(found) => {
            let mut found = found.into_iter();
            let hook = |wanted: &Option<_>| match wanted {
                None => Hook::Untyped,
                Some(_) => found.next().flatten().map_or(Hook::Missing, Hook::Type),
            };
            wanted.iter().map(hook).collect()
        }
        Err(error) => {
            let unreadable = Hook::Unreadable(format!("{error:#}"));
            let hook = |wanted: &Option<_>| match wanted {
                None => Hook::Untyped,
                Some(_) => unreadable.clone(),
            };
            wanted.iter().map(hook).collect()
        }
    };
    Ok((report, hooks))
}

/// Looks for hooks and for the roots of relocations in the same pass over the
/// kernel's hundred thousand types; each of the two would take one of its own.
/// What is found is remembered.
fn look_once(spec: &ObjectSpec, names: &[(Kind, &str)], target: &mut Target<'_>) -> Result<()> {
    let Some(btf) = &spec.btf else {
        return Ok(());
    };
    let mut all: Vec<Wanted> = Vec::new();
    for &(kind, name) in names {
        all.push((
            Box::from(name.as_bytes()),
            Kinds::compatible_with(kind),
            false,
        ));
    }
    for relo in spec.programs.iter().flat_map(|program| &program.core_relos) {
        // What cannot be read is for the relocation itself to complain of.
        let Ok(root) = btf.type_by_id(relo.type_id) else {
            continue;
        };
        let name = btf.string(root.name_off).unwrap_or_default();
        let name = essential_name(&name);
        if !name.is_empty() {
            all.push((Box::from(name), Kinds::compatible_with(root.kind()), true));
        }
    }
    target.prepare(&all, &[])
}

/// The first type of each kind and name.
fn find(names: &[(Kind, &str)], kernel: &mut KernelBtf) -> Result<Vec<Option<u32>>> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let found = kernel.target()?.find(names)?;
    Ok(found.into_iter().map(|ids| ids.first().copied()).collect())
}

/// The error for a hook that the kernel does not have.
pub(super) fn missing(attach: &AttachSpec) -> Error {
    let (what, name) = match attach {
        AttachSpec::TpBtf { name } => ("tracepoint", name),
        AttachSpec::Lsm { hook } | AttachSpec::LsmCgroup { hook } => ("LSM hook for BPF", hook),
        AttachSpec::Iter { target } => ("iterator", target),
        AttachSpec::Fentry { func }
        | AttachSpec::Fexit { func }
        | AttachSpec::Fsession { func }
        | AttachSpec::FmodRet { func } => ("function", func),
        _ => return Error::not_found("the kernel has no such hook"),
    };
    match (what, name.as_str()) {
        (_, "") => Error::invalid_input(format!("the section names no {what}")),
        ("function", func) => missing_function(func),
        _ => Error::not_found(format!("the kernel has no {what} {name}")),
    }
}

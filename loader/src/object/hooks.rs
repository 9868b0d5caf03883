//! What the programs of an object need to know of the kernel's types: where
//! their fields lie, and the numbers of the hooks that BTF describes.

use super::externs::{self, Answers};
use super::struct_ops;
use crate::attach::missing_function;
use crate::btf::{Kind, Kinds, Wanted};
use crate::error::{Error, Result};
use crate::kernel_btf::KernelBtf;
use crate::relo_core::{self, Report};
use crate::spec::{AttachSpec, ObjectSpec};
use std::os::fd::OwnedFd;
use std::sync::Arc;

/// A program's hook, as far as the kernel's BTF is concerned.
#[derive(Clone, Debug)]
pub(super) enum Hook {
    /// BTF has nothing to do with it.
    Untyped,
    /// A type of the kernel, or of the module whose BTF is given.
    Type {
        id: u32,
        module: Option<Arc<OwnedFd>>,
    },
    /// The kernel has no such type.
    Missing,
    /// The kernel's BTF cannot be read, and why.
    Unreadable(String),
}

/// What the kernel's types, symbols and configuration say about an object.
pub(super) struct Settled {
    pub(super) report: Report,
    /// By program.
    pub(super) hooks: Vec<Hook>,
    pub(super) externs: Answers,
}

/// Settles what depends on the running kernel, for all programs in one go.
///
/// # Errors
/// Those of the kernel's BTF where there are relocations to resolve. Without
/// any, only the programs that attach by type are the worse for it.
pub(super) fn resolve(
    spec: &mut ObjectSpec,
    kernel: &mut KernelBtf,
    kconfig: Option<&str>,
) -> Result<Settled> {
    let programs = spec.programs.iter();
    let hooks: Vec<_> = programs
        .map(|program| program.kind.attach.kernel_type())
        .collect();
    let names: Vec<_> = hooks
        .iter()
        .flatten()
        .map(|(kind, name)| (*kind, &**name))
        .collect();
    let needs = relo_core::needs(spec);
    let mut all: Vec<Wanted> = externs::wanted(spec).collect();
    all.extend(struct_ops::wanted(spec));
    all.extend(names.iter().map(|&(kind, name)| exactly(kind, name)));
    all.extend(needs.roots.iter().cloned());
    // One pass over the kernel's hundred thousand types for everything that is
    // asked of them; what is found is remembered.
    let has_relocations = spec
        .programs
        .iter()
        .any(|program| !program.core_relos.is_empty());
    let mut report = Report::default();
    if has_relocations {
        kernel.target()?.prepare(&all, &needs.names)?;
        report = relocate(spec, kernel, &needs.roots)?;
    } else if !all.is_empty() {
        // Who needs it will be told that it failed.
        let target = kernel.target();
        let _ = target.and_then(|target| target.prepare(&all, &[]));
    }
    let hooks = find_hooks(&hooks, &names, kernel);
    let externs = externs::resolve(spec, kernel, kconfig)?;
    externs.apply(spec, &mut report);
    Ok(Settled {
        report,
        hooks,
        externs,
    })
}

/// Looks for everything that several objects need of the kernel's types in one
/// pass over them. Loading the objects afterwards, with the same `kernel`, finds
/// it there.
///
/// # Errors
/// Those of the kernel's BTF.
pub fn look_up(specs: &[ObjectSpec], kernel: &mut KernelBtf) -> Result<()> {
    let (mut all, mut member_names) = (Vec::new(), Vec::new());
    let symbols: Vec<_> = specs.iter().flat_map(externs::symbols).collect();
    // Nobody needs an address yet: what hinders is told where one is needed.
    let _ = kernel.symbols().prepare(&symbols);
    for spec in specs {
        let programs = spec.programs.iter();
        let hooks = programs.filter_map(|program| program.kind.attach.kernel_type());
        all.extend(hooks.map(|(kind, name)| exactly(kind, &name)));
        all.extend(externs::wanted(spec));
        all.extend(struct_ops::wanted(spec));
        let needs = relo_core::needs(spec);
        all.extend(needs.roots);
        member_names.extend(needs.names);
    }
    match all.is_empty() {
        true => Ok(()),
        false => kernel.target()?.prepare(&all, &member_names),
    }
}

/// A name, and nothing that only resembles it.
pub(super) fn exactly(kind: Kind, name: &str) -> Wanted {
    let kinds = Kinds::compatible_with(kind);
    (Box::from(name.as_bytes()), kinds, false)
}

/// Relocates with the modules' types as well, if there are roots that the
/// kernel itself does not know.
fn relocate(spec: &mut ObjectSpec, kernel: &mut KernelBtf, roots: &[Wanted]) -> Result<Report> {
    let target = kernel.target()?;
    let is_missing = |root: &&Wanted| target.ids(root).is_ok_and(<[u32]>::is_empty);
    let missing: Vec<_> = roots.iter().filter(is_missing).cloned().collect();
    kernel.prepare_modules(&missing, None)?;
    let (target, modules) = kernel.prepared()?;
    relo_core::relocate_in(spec, target, &modules)
}

fn find_hooks(
    hooks: &[Option<(Kind, String)>],
    names: &[(Kind, &str)],
    kernel: &mut KernelBtf,
) -> Vec<Hook> {
    let found = match names.is_empty() {
        true => Ok(Vec::new()),
        false => kernel.places(names),
    };
    let unreadable = |error: Error| Hook::Unreadable(format!("{error:#}"));
    let mut found = match found {
        Ok(found) => found.into_iter(),
        Err(error) => {
            let unreadable = unreadable(error);
            let hook =
                |hook: &Option<_>| hook.as_ref().map_or(Hook::Untyped, |_| unreadable.clone());
            return hooks.iter().map(hook).collect();
        }
    };
    let hook = |hook: &Option<_>| {
        if hook.is_none() {
            return Hook::Untyped;
        }
        let Some(place) = found.next().flatten() else {
            return Hook::Missing;
        };
        let fd = place.module.map(|module| kernel.module_fd(module));
        let id = place.id;
        match fd.transpose() {
            Ok(module) => Hook::Type { id, module },
            Err(error) => unreadable(error),
        }
    };
    hooks.iter().map(hook).collect()
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
        ("function", func) if func.contains(':') => {
            Error::not_found(format!("no module that is loaded has {func}"))
        }
        ("function", func) => missing_function(func),
        _ => Error::not_found(format!("the kernel has no {what} {name}")),
    }
}

//! The kernel's answers to an object's externs, and where they go.
//!
//! Typed symbols and functions have BTF ids, in the kernel or in a module;
//! untyped symbols have addresses. What may be missing is 0, and a call of it
//! is made one that the verifier refuses if the program can come there.

use super::{hooks, kconfig};
use crate::btf::{Kind, Types, Wanted, essential_name, type_text};
use crate::error::{Error, ErrorKind, Result};
use crate::feature;
use crate::insn::{Insn, ldimm64_value, pseudo, set_ldimm64_value};
use crate::kernel_btf::{KernelBtf, Place};
use crate::kernel_config::{self, KernelConfig};
use crate::order::Names;
use crate::relo_core::{self, Report};
use crate::spec::{ExternKind, ExternRef, ExternSpec, MapKind, ObjectSpec};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

/// The helper that stands for a missing function: the verifier speaks of
/// `invalid func unknown#2002000003` for the extern with index 3. The number is
/// libbpf's.
pub(super) const MISSING_FUNCTION: i32 = 2_002_000_000;

/// What became of the externs of an object.
#[derive(Debug, Default)]
pub(super) struct Answers {
    /// By extern.
    answers: Vec<Answer>,
    /// The BTF of modules whose functions are called, in the order that calls
    /// count them, from 1.
    modules: Vec<Arc<OwnedFd>>,
}

#[derive(Debug)]
enum Answer {
    /// In the `.kconfig` map.
    Configured,
    /// At this address.
    Address(u64),
    /// This type of the kernel, or of a module.
    Type {
        id: u32,
        module: Option<Arc<OwnedFd>>,
        /// The module's place among those whose functions are called, from 1.
        number: i16,
    },
    /// Nothing, which is fine.
    Missing,
    /// Nothing, and why that is not fine.
    Failed(ErrorKind, String),
}

/// The types that externs will be looked for.
pub(super) fn wanted(spec: &ObjectSpec) -> impl Iterator<Item = Wanted> + '_ {
    spec.externs.iter().filter_map(|extern_spec| {
        let (kind, name) = type_name(extern_spec)?;
        Some(hooks::exactly(kind, name))
    })
}

/// The names that kallsyms will be asked for.
pub(super) fn symbols(spec: &ObjectSpec) -> impl Iterator<Item = &str> {
    let symbols = spec.externs.iter();
    let symbols = symbols.filter(|spec| spec.kind == ExternKind::Symbol);
    symbols.map(|spec| &*spec.name)
}

/// Kind and name of the type that stands for an extern. Functions may have
/// flavors: several prototypes for one function of the kernel.
fn type_name(spec: &ExternSpec) -> Option<(Kind, &str)> {
    match spec.kind {
        ExternKind::Variable => Some((Kind::Var, &spec.name)),
        ExternKind::Function => {
            let length = essential_name(spec.name.as_bytes()).len();
            Some((Kind::Func, spec.name.get(..length).unwrap_or(&spec.name)))
        }
        _ => None,
    }
}

/// Asks the kernel for everything that the object's programs refer to, and
/// fills the `.kconfig` map.
///
/// # Errors
/// None for what an extern lacks: that is its programs' failure.
pub(super) fn resolve(
    spec: &mut ObjectSpec,
    kernel: &mut KernelBtf,
    text: Option<&str>,
) -> Result<Answers> {
    let mut resolver = Resolver::new(spec.externs.len());
    if spec.externs.is_empty() {
        return Ok(resolver.finish());
    }
    resolver.configuration(spec, kernel, text);
    resolver.addresses(&spec.externs, kernel);
    resolver.types(spec, kernel);
    let weak = spec.externs.iter().map(|spec| spec.is_weak);
    let mut answers = Vec::with_capacity(spec.externs.len());
    let found = core::mem::take(&mut resolver.found);
    for (index, (is_weak, answer)) in weak.zip(found).enumerate() {
        answers.push(match answer {
            Some(answer) => answer,
            None if is_weak => Answer::Missing,
            None => {
                let spec = &spec.externs[index];
                Answer::Failed(ErrorKind::NotFound, missing(spec))
            }
        });
    }
    let mut found = resolver.finish();
    found.answers = answers;
    Ok(found)
}

/// Why an extern that may not be missing is.
fn missing(spec: &ExternSpec) -> String {
    match spec.kind {
        ExternKind::Kconfig(_) => "the kernel's configuration does not set it",
        ExternKind::Symbol => "the kernel has no such symbol",
        ExternKind::Variable => "the kernel's BTF has no such variable",
        _ => "neither the kernel nor a module that is loaded has such a function",
    }
    .to_owned()
}

/// Answers as they come.
struct Resolver {
    /// By extern.
    found: Vec<Option<Answer>>,
    modules: Vec<Arc<OwnedFd>>,
    /// Numbers of the modules whose functions are called.
    numbers: Vec<(usize, i16)>,
}

impl Resolver {
    fn new(externs: usize) -> Self {
        let mut found = Vec::new();
        found.resize_with(externs, || None);
        Self {
            found,
            modules: Vec::new(),
            numbers: Vec::new(),
        }
    }

    fn finish(&mut self) -> Answers {
        Answers {
            answers: Vec::new(),
            modules: core::mem::take(&mut self.modules),
        }
    }

    fn fail(&mut self, index: usize, error: &Error) {
        let failed = Answer::Failed(error.kind(), format!("{error:#}"));
        self.found[index] = Some(failed);
    }

    /// Fills the `.kconfig` map: from the caller's text first, then from the
    /// kernel's own.
    fn configuration(&mut self, spec: &mut ObjectSpec, kernel: &mut KernelBtf, text: Option<&str>) {
        let map = spec
            .maps
            .iter_mut()
            .find(|map| map.kind == MapKind::Kconfig);
        let content = map.and_then(|map| map.content.as_mut());
        let Some(content) = content else {
            return;
        };
        let mut wanted = Vec::new();
        for (index, spec) in spec.externs.iter().enumerate() {
            let ExternKind::Kconfig(kconfig) = &spec.kind else {
                continue;
            };
            if spec.name.starts_with("CONFIG_") {
                wanted.push((spec.name.as_bytes(), index, kconfig));
                continue;
            }
            let Some(fact) = fact(&spec.name, kernel) else {
                continue;
            };
            let start = kconfig.offset as usize;
            let place = content.get_mut(start..start + kconfig.size as usize);
            let written = place.and_then(|place| kconfig::write_number(place, kconfig, fact));
            let answer = match written {
                Some(()) => Answer::Configured,
                None => Answer::Failed(
                    ErrorKind::InvalidInput,
                    format!("its type cannot hold {fact}"),
                ),
            };
            self.found[index] = Some(answer);
        }
        let names = Names::new(wanted.iter().map(|(name, ..)| *name));
        let mut take = |found: &mut [Option<Answer>], text: &[u8]| {
            for (name, value) in kernel_config::options(text) {
                let Some((_, index, kconfig)) = names.find(name).map(|at| wanted[at]) else {
                    continue;
                };
                // The first setting counts.
                if found[index].is_some() {
                    continue;
                }
                let start = kconfig.offset as usize;
                let place = content.get_mut(start..start + kconfig.size as usize);
                let written = kconfig::write(place.unwrap_or_default(), kconfig, value);
                let answer = match written {
                    Ok(()) => Answer::Configured,
                    Err(error) => Answer::Failed(error.kind(), format!("{error:#}")),
                };
                found[index] = Some(answer);
            }
            let left = wanted.iter().map(|(_, index, _)| *index);
            left.filter(|&index| found[index].is_none())
                .collect::<Vec<_>>()
        };
        let left = take(&mut self.found, text.unwrap_or_default().as_bytes());
        if left.is_empty() {
            return;
        }
        match KernelConfig::running() {
            Ok(config) => drop(take(&mut self.found, config.text())),
            Err(error) => {
                let error = error.context("LoadOptions::kconfig can give what it was built with");
                for index in left
                    .into_iter()
                    .filter(|&index| !spec.externs[index].is_weak)
                {
                    self.fail(index, &error);
                }
            }
        }
    }

    fn addresses(&mut self, externs: &[ExternSpec], kernel: &mut KernelBtf) {
        let symbols = externs.iter().enumerate();
        let symbols = symbols.filter(|(_, spec)| spec.kind == ExternKind::Symbol);
        let names: Vec<_> = symbols.map(|(index, spec)| (index, &*spec.name)).collect();
        if names.is_empty() {
            return;
        }
        let only: Vec<_> = names.iter().map(|(_, name)| *name).collect();
        match kernel.symbols().addresses(&only) {
            Ok(found) => {
                for (&(index, _), found) in names.iter().zip(found) {
                    match found {
                        Ok(Some(address)) => {
                            self.found[index] = Some(Answer::Address(address));
                        }
                        Ok(None) => {}
                        Err(error) => self.fail(index, &error),
                    }
                }
            }
            Err(error) => {
                let strong = names.iter().filter(|(index, _)| !externs[*index].is_weak);
                for (index, _) in strong {
                    self.fail(*index, &error);
                }
            }
        }
    }

    fn types(&mut self, spec: &ObjectSpec, kernel: &mut KernelBtf) {
        let typed = spec.externs.iter().enumerate();
        let typed: Vec<_> = typed
            .filter_map(|(index, spec)| Some((index, spec, type_name(spec)?)))
            .collect();
        if typed.is_empty() {
            return;
        }
        let names: Vec<_> = typed.iter().map(|(.., name)| *name).collect();
        let places = match kernel.places(&names) {
            Ok(places) => places,
            Err(error) => {
                for (index, ..) in typed.iter().filter(|(_, spec, _)| !spec.is_weak) {
                    self.fail(*index, &error);
                }
                return;
            }
        };
        for ((index, extern_spec, _), place) in typed.into_iter().zip(places) {
            let Some(place) = place else {
                continue;
            };
            match self.typed(spec, extern_spec, place, kernel) {
                Ok(Some(answer)) => {
                    self.found[index] = Some(answer);
                }
                Ok(None) => {}
                Err(error) => self.fail(index, &error),
            }
        }
    }

    /// A type that is found, if it is what the object takes it for. A function
    /// that is not does not exist to an object that can do without.
    fn typed(
        &mut self,
        spec: &ObjectSpec,
        extern_spec: &ExternSpec,
        place: Place,
        kernel: &mut KernelBtf,
    ) -> Result<Option<Answer>> {
        let Some(btf) = &spec.btf else {
            return Ok(None);
        };
        let types = kernel.types(place.module)?;
        let behind = types.type_by_id(place.id)?.size_or_type;
        let is_function = extern_spec.kind == ExternKind::Function;
        let target = match is_function {
            true => behind,
            false => types.strip_modifiers(behind)?.id,
        };
        let local = extern_spec.type_id;
        if !relo_core::types_are_compatible(btf, local, &types, target)? {
            if is_function && extern_spec.is_weak {
                return Ok(None);
            }
            let (theirs, ours) = (type_text(&types, target)?, type_text(btf, local)?);
            let hint = match theirs == ours {
                true => ": what is only declared has to be defined, if only as empty",
                false => "",
            };
            return Err(Error::invalid_input(format!(
                "the kernel has it as {theirs}, which is not compatible with {ours}{hint}"
            )));
        }
        let Some(module) = place.module else {
            return Ok(Some(Answer::Type {
                id: place.id,
                module: None,
                number: 0,
            }));
        };
        let fd = kernel.module_fd(module)?;
        let mut number = 0;
        if is_function {
            let known = self.numbers.iter().find(|(known, _)| *known == module);
            number = match known {
                Some((_, number)) => *number,
                None => {
                    self.modules.push(Arc::clone(&fd));
                    let number = i16::try_from(self.modules.len());
                    let number = number
                        .map_err(|_| Error::invalid_input("functions of over 32767 modules"))?;
                    self.numbers.push((module, number));
                    number
                }
            };
        }
        Ok(Some(Answer::Type {
            id: place.id,
            module: Some(fd),
            number,
        }))
    }
}

/// What `LINUX_*` externs stand for; nothing for unknown ones.
fn fact(name: &str, kernel: &mut KernelBtf) -> Option<u64> {
    match name {
        "LINUX_KERNEL_VERSION" => feature::kernel_version_code().map(u64::from),
        "LINUX_HAS_BPF_COOKIE" => Some(feature::has_attach_cookie().into()),
        "LINUX_HAS_SYSCALL_WRAPPER" => {
            let wrapper = format!("{}bpf", crate::attach::SYSCALL_PREFIX);
            let target = kernel.target();
            let found = target.and_then(|target| target.func_id(&wrapper));
            Some(match found {
                Ok(id) => id.is_some().into(),
                Err(_) => {
                    let found = kernel.symbols().addresses(&[&wrapper]).unwrap_or_default();
                    found
                        .iter()
                        .any(|found| matches!(found, Ok(Some(_))))
                        .into()
                }
            })
        }
        _ => None,
    }
}

impl Answers {
    /// The BTF of modules whose functions are called, by number from 1.
    pub(super) fn module_fds(&self) -> Vec<BorrowedFd<'_>> {
        self.modules.iter().map(|fd| fd.as_fd()).collect()
    }

    /// Writes the answers into the instructions of all programs; a program that
    /// lacks one is reported as failed.
    pub(super) fn apply(&self, spec: &mut ObjectSpec, report: &mut Report) {
        for (index, program) in spec.programs.iter_mut().enumerate() {
            if report.failure(index).is_some() {
                continue;
            }
            for reference in &program.extern_refs {
                let applied = self.write(&mut program.insns, *reference);
                if let Err(error) = applied {
                    let name = spec.externs.get(reference.index);
                    let name = name.map_or("", |spec| &spec.name);
                    let place = format!("extern {name} of instruction {}", reference.insn);
                    report.failed.push((index, error.context(place)));
                    break;
                }
            }
        }
    }

    fn write(&self, insns: &mut [Insn], reference: ExternRef) -> Result<()> {
        let ExternRef { insn: at, index } = reference;
        let misplaced = || Error::malformed("past the program's end");
        let answer = self.answers.get(index).ok_or_else(misplaced)?;
        let insn = insns.get_mut(at).ok_or_else(misplaced)?;
        match answer {
            Answer::Configured => Ok(()),
            Answer::Failed(kind, reason) => Err(Error::new(*kind, reason.clone())),
            Answer::Type { id, number, .. } if !insn.is_ldimm64() => {
                (insn.imm, insn.off) = (*id as i32, *number);
                Ok(())
            }
            Answer::Type { id, module, .. } => {
                insn.set_src(pseudo::BTF_ID);
                let fd = module.as_ref().map_or(0, |fd| fd.as_raw_fd());
                set_ldimm64_value(insns, at, u64::from(*id) | (fd as u64) << 32)
            }
            Answer::Address(address) => {
                // What the object wants at or behind the address.
                let addend = ldimm64_value(insns, at).unwrap_or(0);
                set_ldimm64_value(insns, at, address.wrapping_add(addend))
            }
            Answer::Missing if !insn.is_ldimm64() => {
                let number = i32::try_from(index).unwrap_or(0);
                *insn = Insn::call(MISSING_FUNCTION.saturating_add(number));
                Ok(())
            }
            // A configuration value that is missing is zero in its map.
            Answer::Missing if insn.src() == pseudo::MAP_VALUE => Ok(()),
            Answer::Missing => set_ldimm64_value(insns, at, 0),
        }
    }
}

#[cfg(test)]
mod tests;

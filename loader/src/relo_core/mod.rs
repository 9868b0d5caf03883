//! CO-RE: what a program reads, found again in the kernel it is loaded into.
//!
//! [`relocate`] resolves the relocations of all programs of an object in one
//! pass over the kernel's types and patches the instructions. What the kernel
//! does not have is poisoned, not refused: a program may have asked first.
//! Knows no kernel but the types it is given.
//!
//! The rules are libbpf's, to the letter: tools/lib/bpf/relo_core.c.

mod access;
mod compare;
mod kind;
mod minimise;
mod near;
mod patch;
mod type_match;
mod value;

pub use kind::ReloKind;
pub use minimise::minimise;
pub use near::{Absence, absence};
pub use patch::POISON;

use std::sync::Arc;

use self::access::Spec;
use self::compare::Matcher;
use self::value::{Access, Value};
use crate::btf::{Kinds, ObjectBtf, Split, Target, Types, Wanted, essential_name, wanted_key};
use crate::error::{Error, Result, ResultExt};
use crate::insn::Insn;
use crate::order::{self, Key};
use crate::spec::{CoreReloRef, ObjectSpec, ProgramSpec};

/// What became of an object's relocations.
#[derive(Debug, Default)]
pub struct Report {
    /// Applied relocations, in the order of programs and instructions.
    pub relocations: Vec<Relocated>,
    /// Programs, by index, that cannot be loaded as they are, and why.
    pub failed: Vec<(usize, Error)>,
}

/// One applied relocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relocated {
    /// Index of the program.
    pub program: usize,
    /// Index of the instruction in it.
    pub insn: usize,
    /// What it is about: `struct task_struct.mm.exe_file, byte offset`.
    pub description: Arc<str>,
    /// The value in the object.
    pub original: u64,
    /// The value in the kernel; without a meaning where it is poisoned.
    pub new: u64,
    /// Is the instruction now one that the verifier refuses?
    pub poisoned: bool,
}

impl Report {
    /// The relocation of an instruction. A verifier that complains of
    /// [`POISON`] there means what this one describes.
    pub fn at(&self, program: usize, insn: usize) -> Option<&Relocated> {
        self.relocations
            .iter()
            .find(|r| (r.program, r.insn) == (program, insn))
    }

    /// Why a program cannot be loaded, if it cannot.
    pub fn failure(&self, program: usize) -> Option<&Error> {
        let mut failed = self.failed.iter();
        failed
            .find(|(index, _)| *index == program)
            .map(|(_, error)| error)
    }

    /// Takes the reason why a program cannot be loaded out of the report.
    pub fn take_failure(&mut self, program: usize) -> Option<Error> {
        let index = self
            .failed
            .iter()
            .position(|(index, _)| *index == program)?;
        Some(self.failed.swap_remove(index).1)
    }
}

/// The answer to one relocation, the same wherever it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Resolution {
    original: u64,
    new: u64,
    /// Nothing in the kernel answers: poison the instruction.
    poison: bool,
    /// The instruction has to hold `original`.
    validate: bool,
    original_bytes: u32,
    new_bytes: u32,
    /// Sizes differ and the type does not bear that: poison memory accesses.
    misfit: bool,
}

/// A type of the kernel that was held against a relocation.
struct Tried<'a> {
    /// What is asked.
    pub kind: ReloKind,
    /// The kernel's type.
    pub candidate: u32,
    /// The place in it, if it has one.
    pub found: Option<&'a Spec>,
}

/// Who wants to know which types of the kernel the answers come from.
type Observe<'o> = &'o mut dyn FnMut(&Tried<'_>);

/// An answer and what it is about; errors are texts, to be told many times.
type Answer = core::result::Result<(Resolution, Arc<str>), String>;

/// Resolves the CO-RE relocations of all programs and patches them.
///
/// A relocation that cannot be resolved fails its program, which the report
/// then names; the others are as good as ever.
///
/// # Errors
/// Those of the kernel's BTF itself: `Malformed`, or the reader's.
pub fn relocate(spec: &mut ObjectSpec, target: &mut Target<'_>) -> Result<Report> {
    let needs = needs(spec);
    let prepared = target.prepare(&needs.roots, &needs.names);
    prepared.with_context(|| format!("object {}", spec.name))?;
    relocate_in(spec, target, &[])
}

/// What the relocations of an object will look for in a kernel's types.
#[derive(Debug, Default)]
pub(crate) struct Needs {
    /// Root types.
    pub(crate) roots: Vec<Wanted>,
    /// Names of members and enumerators, some of them more than once.
    pub(crate) names: Vec<Box<[u8]>>,
}

/// What [`relocate_in`] expects the kernel's types to be prepared for. What
/// cannot be read is left out: the relocation itself will complain.
pub(crate) fn needs(spec: &ObjectSpec) -> Needs {
    let mut needs = Needs::default();
    let Some(btf) = &spec.btf else {
        return needs;
    };
    let relos = all_relos(&spec.programs);
    let firsts = order::firsts(relos.iter().map(|relo| question(relo)).collect());
    let different = firsts.iter().enumerate().filter(|(at, first)| at == *first);
    for relo in different.map(|(at, _)| relos[at]) {
        if let Ok(local) = Local::read(btf, relo) {
            let names = local.spec.accessors.into_iter().filter_map(|a| a.name);
            needs.names.extend(names);
            needs.roots.extend(local.wanted);
        }
    }
    order::sort(&mut needs.roots, wanted_key);
    needs.roots.dedup();
    needs
}

/// The same as [`relocate`] with types that are prepared for the object's
/// [`needs`]. `modules` are asked for roots that the kernel itself has not, if
/// they are prepared for those.
pub(crate) fn relocate_in(
    spec: &mut ObjectSpec,
    target: &Target<'_>,
    modules: &[&Target<'_>],
) -> Result<Report> {
    let mut report = Report::default();
    let Some(btf) = &spec.btf else {
        return Ok(report);
    };
    let context = || format!("object {}", spec.name);
    let answers = answer_all(&spec.programs, btf, target, modules, &mut |_| {});
    let answers = answers.with_context(context)?;
    report.relocations.reserve(answers.firsts.len());
    let mut firsts = answers.firsts.iter();
    for (index, program) in spec.programs.iter_mut().enumerate() {
        let mut failed = false;
        for (relo, &first) in program.core_relos.iter().zip(&mut firsts) {
            if failed {
                continue;
            }
            let at = relo.insn;
            match apply(&mut program.insns, at, &answers.answers[first]) {
                Ok((resolution, about, poisoned)) => report.relocations.push(Relocated {
                    program: index,
                    insn: at,
                    description: Arc::clone(about),
                    original: resolution.original,
                    new: resolution.new,
                    poisoned,
                }),
                Err(error) => {
                    let place = format!("program {}, instruction {at}", program.name);
                    report.failed.push((index, error.context(place)));
                    failed = true;
                }
            }
        }
    }
    Ok(report)
}

/// Patches one instruction; says with what, and whether it is now poisoned.
fn apply<'a>(
    insns: &mut [Insn],
    at: usize,
    answer: &'a Answer,
) -> Result<(&'a Resolution, &'a Arc<str>, bool)> {
    let (resolution, about) = match answer {
        Ok(answer) => answer,
        Err(reason) => return Err(Error::invalid_input(reason.clone())),
    };
    let poisoned = patch::apply(insns, at, resolution);
    let poisoned = poisoned.with_context(|| format!("relocation of {about}"))?;
    Ok((resolution, about, poisoned))
}

/// Shows each type of the kernel that an answer to the relocations of an object
/// may come from, and patches nothing.
///
/// # Errors
/// As [`relocate`].
fn observe(spec: &ObjectSpec, target: &mut Target<'_>, observe: Observe<'_>) -> Result<()> {
    let Some(btf) = &spec.btf else {
        return Ok(());
    };
    let needs = needs(spec);
    let answers = target.prepare(&needs.roots, &needs.names);
    let answers = answers.and_then(|()| answer_all(&spec.programs, btf, target, &[], observe));
    answers
        .with_context(|| format!("object {}", spec.name))
        .map(drop)
}

/// A relocation's kind, root type and access string.
fn question(relo: &CoreReloRef) -> Key<'_> {
    let number = u64::from(relo.kind) << 32 | u64::from(relo.type_id);
    Key::new(number, relo.access.as_bytes())
}

/// The relocations of all programs, in their order.
fn all_relos(programs: &[ProgramSpec]) -> Vec<&CoreReloRef> {
    let relos = programs.iter().flat_map(|program| &program.core_relos);
    relos.collect()
}

/// A type of the kernel, or of a module with this index, of the right name.
type Candidate = (Option<usize>, u32);

/// The types that may be meant: the kernel's, or where it has none all modules'.
fn candidates(
    wanted: &Wanted,
    target: &Target<'_>,
    modules: &[&Target<'_>],
) -> Result<Vec<Candidate>> {
    let own = target.ids(wanted);
    if own.as_ref().is_ok_and(|ids| !ids.is_empty()) || modules.is_empty() {
        return Ok(own?.iter().map(|&id| (None, id)).collect());
    }
    let mut all = Vec::new();
    for (index, module) in modules.iter().enumerate() {
        // One module that cannot be read whole is no reason to refuse.
        let ids = module.ids(wanted).unwrap_or_default();
        all.extend(ids.iter().map(|&id| (Some(index), id)));
    }
    if all.is_empty() {
        own?;
    }
    Ok(all)
}

/// The answers to the relocations of all programs.
struct Answers {
    /// Of each relocation, the first that asks the same.
    firsts: Vec<usize>,
    /// By relocation; only those of first ones are answered.
    answers: Vec<Answer>,
}

/// Answers each different question once.
fn answer_all(
    programs: &[ProgramSpec],
    btf: &ObjectBtf,
    target: &Target<'_>,
    modules: &[&Target<'_>],
    observe: Observe<'_>,
) -> Result<Answers> {
    let relos = all_relos(programs);
    let firsts = order::firsts(relos.iter().map(|relo| question(relo)).collect());
    let roots = relos.iter().map(|relo| Key::number(relo.type_id.into()));
    let roots = order::firsts(roots.collect());
    let mut answers = Vec::with_capacity(relos.len());
    // What a root's relocations have ruled out stays ruled out, as in libbpf:
    // a field then need not mean the same in a type that lacks another.
    let mut fitting = vec![Vec::<Candidate>::new(); relos.len()];
    for (at, relo) in relos.into_iter().enumerate() {
        if firsts[at] != at {
            answers.push(Err(String::new()));
            continue;
        }
        let fitting = &mut fitting[roots[at]];
        let answer = Local::read(btf, relo).and_then(|local| {
            let of_root = match &local.wanted {
                _ if !fitting.is_empty() => fitting.clone(),
                Some(wanted) => candidates(wanted, target, modules)?,
                None => Vec::new(),
            };
            let resolved = local.resolve(btf, target, modules, &of_root, observe);
            let context = || format!("relocation of {}", local.about);
            let (resolution, left) = resolved.with_context(context)?;
            if !left.is_empty() {
                *fitting = left;
            }
            Ok((resolution, local.about))
        });
        answers.push(answer.map_err(|error| format!("{error:#}")));
    }
    Ok(Answers { firsts, answers })
}

/// A relocation, read against the object's types.
struct Local {
    kind: ReloKind,
    spec: Spec,
    about: Arc<str>,
    /// What the kernel may call the root; nothing for local type ids.
    wanted: Option<Wanted>,
}

impl Local {
    fn read(btf: &ObjectBtf, relo: &CoreReloRef) -> Result<Self> {
        let CoreReloRef {
            kind,
            type_id,
            access,
            ..
        } = relo;
        let what = || format!("CO-RE relocation of BTF type {type_id} with access {access}");
        let kind = ReloKind::from_number(*kind).ok_or_else(|| {
            Error::new(
                crate::ErrorKind::Unsupported {
                    feature: "a CO-RE relocation of unknown kind",
                    since: None,
                },
                format!("kind {kind} is not known"),
            )
            .context(what())
        })?;
        let root = btf.type_by_id(*type_id).with_context(what)?;
        let spec = access::parse(btf, kind, *type_id, access).with_context(what)?;
        let about = access::describe(btf, &root, &spec, kind).into();
        let wanted = if kind == ReloKind::TypeIdLocal {
            None
        } else {
            let name = btf.string(root.name_off)?;
            let name = essential_name(&name);
            if name.is_empty() {
                let error = Error::invalid_input("the type has no name to look for");
                return Err(error.context(what()));
            }
            Some((name.into(), Kinds::compatible_with(root.kind()), true))
        };
        Ok(Self {
            kind,
            spec,
            about,
            wanted,
        })
    }

    /// The one answer of all candidates that fit, and which those are.
    fn resolve(
        &self,
        btf: &ObjectBtf,
        target: &Target<'_>,
        modules: &[&Target<'_>],
        candidates: &[Candidate],
        observe: Observe<'_>,
    ) -> Result<(Resolution, Vec<Candidate>)> {
        let original = value::of(btf, self.kind, Some(&self.spec))?;
        if self.kind == ReloKind::TypeIdLocal {
            return Ok((combine(original, original), Vec::new()));
        }
        let mut fitting = Vec::new();
        let mut first: Option<(Resolution, u32, u32)> = None;
        for &(module, candidate) in candidates {
            let module_types = module.and_then(|module| modules.get(module).copied());
            let types = Split::new(target, module_types);
            let context = || format!("kernel BTF type {candidate}");
            let matcher = Matcher::new(btf, &types);
            let found = matcher.find(self.kind, &self.spec, candidate);
            let found = found.with_context(context)?;
            observe(&Tried {
                kind: self.kind,
                candidate,
                found: found.as_ref(),
            });
            let Some(found) = found else {
                continue;
            };
            let value = value::of(&types, self.kind, Some(&found)).with_context(context)?;
            let resolution = combine(original, value);
            fitting.push((module, candidate));
            let Some((earlier, id, offset_bits)) = &first else {
                first = Some((resolution, candidate, found.offset_bits));
                continue;
            };
            let same = earlier.poison == resolution.poison && earlier.new == resolution.new;
            if !same || *offset_bits != found.offset_bits {
                return Err(Error::invalid_input(format!(
                    "ambiguous: {} in kernel BTF type {id}, {} in type {candidate}",
                    earlier.new, resolution.new
                )));
            }
        }
        let resolution = match first {
            Some((resolution, ..)) => resolution,
            None => combine(original, value::of(target, self.kind, None)?),
        };
        Ok((resolution, fitting))
    }
}

/// May the kernel's type stand for the object's, as far as `bpf_core_type_exists`
/// looks? Names are not compared, but of what is inside.
pub(crate) fn types_are_compatible(
    btf: &ObjectBtf,
    local_id: u32,
    target: &dyn Types,
    target_id: u32,
) -> Result<bool> {
    Matcher::new(btf, target).types_are_compatible(local_id, target_id)
}

/// Both sides' values as one answer.
fn combine(original: Option<Value>, new: Option<Value>) -> Resolution {
    let (Some(original), Some(new)) = (original, new) else {
        return Resolution {
            poison: true,
            original: original.map_or(0, |value| value.value),
            ..Resolution::default()
        };
    };
    let bears_it = original.access == new.access && original.access != Access::Other;
    Resolution {
        original: original.value,
        new: new.value,
        poison: false,
        validate: original.validate,
        original_bytes: original.access_bytes,
        new_bytes: new.access_bytes,
        misfit: original.access_bytes != new.access_bytes && !bears_it,
    }
}

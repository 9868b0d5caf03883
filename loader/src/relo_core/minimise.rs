//! The part of a kernel's types that objects look at.

use super::access::Spec;
use super::kind::ReloKind;
use super::{Tried, observe};
use crate::btf::{Depth, Selection, Target, Types};
use crate::error::{Error, Result, ResultExt};
use crate::spec::ObjectSpec;

/// Places that all relocations together may lead to. Each usually has one; many
/// types of one name could otherwise make many of each relocation.
const MAX_REACHED: usize = 1 << 18;

/// What one relocation found in one type of the kernel.
enum Reached {
    /// The type itself was compared.
    Type(u32, Depth),
    /// A value of an enum.
    Enumerator(Spec),
    /// A field.
    Field(Spec),
}

/// BTF with no more of a kernel's types than the CO-RE relocations and the
/// hooks of these objects look at: some kilobytes that stand for megabytes.
///
/// Relocations resolve against it as against the whole: offsets, sizes, values,
/// what is there and what is not. But types have other ids, so what a kernel is
/// told by id still needs that kernel's own BTF: hooks of `fentry`, `tp_btf` and
/// the like, kernel functions and variables, and relocations for a target type
/// id. Of those it says whether they exist, and what they take.
///
/// The same objects and the same BTF give the same bytes.
///
/// ```
/// # use trapline_loader::{kernel_btf::KernelBtf, spec::ObjectSpec};
/// use trapline_loader::relo_core::minimise;
///
/// # fn main() -> trapline_loader::Result<()> {
/// # let (bytes, path) = (trapline_sensors::objects::PROCESS.unpack()?, "../vm-images/btf/6.12.btf");
/// let spec = ObjectSpec::parse("process.bpf.o", &bytes)?;
/// let mut kernel = KernelBtf::from_file(path);
/// let few = minimise(&[spec], kernel.target()?)?;
/// // To be kept in a file, and given to `KernelBtf::from_file` where that kernel runs.
/// # assert!(few.len() < 64 << 10, "{}", few.len());
/// # Ok(()) }
/// ```
///
/// # Errors
/// As [`relocate`](super::relocate); `InvalidInput` for types of so many
/// candidates as no kernel has.
pub fn minimise(objects: &[ObjectSpec], target: &mut Target<'_>) -> Result<Vec<u8>> {
    look_once(objects, target)?;
    let mut reached = Vec::new();
    for object in objects {
        observe(object, target, &mut |tried| {
            if reached.len() <= MAX_REACHED {
                reached.extend(reach(tried));
            }
        })?;
    }
    if reached.len() > MAX_REACHED {
        let text = format!("over {MAX_REACHED} places in the kernel's types");
        return Err(Error::invalid_input(text));
    }
    let programs = objects.iter().flat_map(|object| &object.programs);
    let hooks = programs.filter_map(|program| program.kind.attach.kernel_type());
    let externs = objects.iter().flat_map(|object| &object.externs);
    let externs = externs.filter_map(|external| external.kernel_type());
    let hooks: Vec<_> = hooks.chain(externs).collect();
    let names: Vec<_> = hooks.iter().map(|(kind, name)| (*kind, &**name)).collect();
    let hooks = match names.is_empty() {
        true => Vec::new(),
        false => target.find(&names)?,
    };
    let mut selection = Selection::new(target);
    for reached in &reached {
        match reached {
            Reached::Type(id, depth) => selection.add(*id, *depth),
            Reached::Enumerator(spec) => add_enumerator(&mut selection, spec),
            Reached::Field(spec) => add_field(&mut selection, target, spec),
        }
        .with_context(|| "a minimised BTF")?;
    }
    for id in hooks.iter().filter_map(|ids| ids.first()) {
        selection.add(*id, Depth::Names)?;
    }
    selection.write()
}

/// Looks for the types of all objects in one pass over the kernel's.
fn look_once(objects: &[ObjectSpec], target: &mut Target<'_>) -> Result<()> {
    let (mut roots, mut names) = (Vec::new(), Vec::new());
    for object in objects {
        let needs = super::needs(object);
        roots.extend(needs.roots);
        names.extend(needs.names);
    }
    target.prepare(&roots, &names)
}

/// What has to stay for a relocation to end as it did.
///
/// A type in which a field or value was not found need not stay for that: it
/// will not be found there again. Comparisons of whole types follow pointers,
/// so those that failed are to find the same reason again.
fn reach(tried: &Tried<'_>) -> Option<Reached> {
    let candidate = tried.candidate;
    match tried.kind {
        ReloKind::TypeMatches => Some(Reached::Type(candidate, Depth::Whole)),
        kind if kind.is_type() => Some(Reached::Type(candidate, Depth::Names)),
        kind if kind.is_enumval() => Some(Reached::Enumerator(tried.found?.clone())),
        _ => Some(Reached::Field(tried.found?.clone())),
    }
}

fn add_enumerator(selection: &mut Selection<'_, '_>, spec: &Spec) -> Result<()> {
    selection.add(spec.root, Depth::Size)?;
    for accessor in &spec.accessors {
        selection.add_enumerator(accessor.type_id, accessor.index)?;
    }
    Ok(())
}

fn add_field(selection: &mut Selection<'_, '_>, target: &Target<'_>, spec: &Spec) -> Result<()> {
    selection.add(spec.root, Depth::Size)?;
    // The type that the next step is taken in.
    let mut at = spec.root;
    for accessor in &spec.accessors {
        at = match accessor.name {
            Some(_) => {
                let outer = target.strip_modifiers(at)?.id;
                selection.add_way(outer, accessor.type_id)?;
                selection.add_member(accessor.type_id, accessor.index)?
            }
            None => accessor.type_id,
        };
    }
    Ok(())
}

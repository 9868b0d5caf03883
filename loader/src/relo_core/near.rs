//! Why the kernel has no answer to a relocation, and what comes near to one.
//!
//! For people: a field that was renamed is mostly still called something like
//! it was.

use super::Local;
use super::access::Spec;
use super::compare::Matcher;
use super::kind::ReloKind;
use crate::btf::{MAX_RESOLVE_DEPTH, ObjectBtf, Target, Types, base_text, type_text};
use crate::error::Result;
use crate::spec::{CoreReloRef, ObjectSpec};

/// Names that are offered.
const MAX_OFFERED: usize = 3;
/// Names that are compared, and bytes of each; the largest struct of a kernel
/// has hundreds of members.
const MAX_NAMES: usize = 1 << 14;
const MAX_NAME_BYTES: usize = 64;

/// Why there is no answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Absence {
    /// What is missing: `struct task_struct has no member nope_field`.
    pub reason: String,
    /// Names that resemble the missing one, best first.
    pub similar: Vec<String>,
}

/// Says why a relocation of an object has no answer in a kernel; `None` where
/// it has one.
///
/// # Errors
/// As [`relocate`](super::relocate), about this relocation alone.
pub fn absence(
    object: &ObjectSpec,
    relo: &CoreReloRef,
    target: &mut Target<'_>,
) -> Result<Option<Absence>> {
    let Some(btf) = &object.btf else {
        return Ok(None);
    };
    let local = Local::read(btf, relo)?;
    let Some(wanted) = &local.wanted else {
        return Ok(None);
    };
    let names = local.spec.accessors.iter().filter_map(|a| a.name.clone());
    let names: Vec<_> = names.collect();
    target.prepare(core::slice::from_ref(wanted), &names)?;
    let candidates = target.ids(wanted)?.to_vec();
    let target = &*target;
    let root = base_text(btf, &btf.type_by_id(local.spec.root)?)?;
    let Some(&first) = candidates.first() else {
        return Ok(Some(Absence {
            reason: format!("the kernel has no {root}"),
            similar: Vec::new(),
        }));
    };
    for &candidate in &candidates {
        let matcher = Matcher::new(btf, target);
        if matcher.find(local.kind, &local.spec, candidate)?.is_some() {
            return Ok(None);
        }
    }
    if local.kind.is_type() {
        return Ok(Some(Absence {
            reason: format!("the kernel's {root} is of another shape"),
            similar: Vec::new(),
        }));
    }
    if local.kind.is_enumval() {
        let values = target.strip_modifiers(first)?.enumerators();
        let names = values.iter().take(MAX_NAMES);
        let names = names.map(|value| target.text(value.name_off));
        let wanted = name_at(&local.spec, 0);
        return Ok(Some(Absence {
            reason: format!("{root} has no value {wanted}"),
            similar: similar(&wanted, &names.collect::<Result<Vec<_>>>()?),
        }));
    }
    field(btf, target, &local.spec, first).map(Some)
}

/// The name of a step, empty for an element.
fn name_at(spec: &Spec, step: usize) -> String {
    let name = spec.accessors.get(step).and_then(|a| a.name.as_deref());
    String::from_utf8_lossy(name.unwrap_or_default()).into_owned()
}

/// Finds the first step that the candidate does not have.
fn field(btf: &ObjectBtf, target: &Target<'_>, spec: &Spec, candidate: u32) -> Result<Absence> {
    let mut at = candidate;
    let mut steps = 0;
    for count in 1..=spec.accessors.len() {
        let mut part = Spec::at(spec.root);
        part.accessors = spec.accessors.iter().take(count).cloned().collect();
        let matcher = Matcher::new(btf, target);
        let found = matcher.find(ReloKind::FieldExists, &part, candidate)?;
        let Some(last) = found.as_ref().and_then(|found| found.accessors.last()) else {
            break;
        };
        steps = count;
        at = match last.name {
            Some(_) => {
                let outer = target.type_by_id(last.type_id)?;
                outer.member(last.index as usize).map_or(0, |m| m.type_id)
            }
            None => last.type_id,
        };
    }
    let outer = type_text(target, at)?;
    let Some(missing) = spec.accessors.get(steps) else {
        return Ok(Absence::default());
    };
    if missing.name.is_none() {
        return Ok(Absence {
            reason: format!("{outer} has no element {}", missing.index),
            similar: Vec::new(),
        });
    }
    let wanted = name_at(spec, steps);
    let members = members(target, at)?;
    if let Some((_, type_id)) = members.iter().find(|(name, _)| *name == wanted) {
        let is = type_text(target, *type_id)?;
        let local = btf.type_by_id(missing.type_id)?;
        let local = local
            .member(missing.index as usize)
            .map_or(0, |m| m.type_id);
        return Ok(Absence {
            reason: format!("{outer}.{wanted} is {is}, not {}", type_text(btf, local)?),
            similar: Vec::new(),
        });
    }
    let names: Vec<_> = members.into_iter().map(|(name, _)| name).collect();
    Ok(Absence {
        reason: format!("{outer} has no member {wanted}"),
        similar: similar(&wanted, &names),
    })
}

/// Names and types of all members, also of anonymous structs inside.
fn members(target: &Target<'_>, id: u32) -> Result<Vec<(String, u32)>> {
    let mut all = Vec::new();
    let mut open = vec![(id, 0)];
    while let Some((id, depth)) = open.pop() {
        for member in target.strip_modifiers(id)?.members() {
            if all.len() >= MAX_NAMES || open.len() >= MAX_NAMES {
                return Ok(all);
            }
            if member.name_off != 0 {
                all.push((target.text(member.name_off)?, member.type_id));
            } else if depth < MAX_RESOLVE_DEPTH {
                open.push((member.type_id, depth + 1));
            }
        }
    }
    Ok(all)
}

/// The names that resemble `wanted` most.
fn similar(wanted: &str, names: &[String]) -> Vec<String> {
    let rated = names
        .iter()
        .filter_map(|name| Some((distance(wanted, name)?, name)));
    let mut rated: Vec<_> = rated.collect();
    rated.sort();
    rated.dedup();
    let best = rated.into_iter().take(MAX_OFFERED);
    best.map(|(_, name)| name.clone()).collect()
}

/// How far one name is from another, `None` for too far. A name inside of
/// another (`state` in `__state`) is near whatever the rest.
fn distance(a: &str, b: &str) -> Option<usize> {
    let plain = |name: &str| name.trim_matches('_').to_ascii_lowercase();
    let (a, b) = (plain(a), plain(b));
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let longest = a.len().max(b.len());
    if longest > MAX_NAME_BYTES || a.len().min(b.len()) < 2 {
        return None;
    }
    let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
    let inside = short.len() >= 4 && long.windows(short.len()).any(|part| part == short);
    let edits = edits(a, b);
    (inside || edits * 3 <= longest).then_some(edits)
}

/// Insertions, deletions and replacements that lead from one to the other.
fn edits(a: &[u8], b: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, &x) in a.iter().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, &y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_were_changed_a_little_are_offered() {
        let names: Vec<String> = ["__state", "stack", "real_start_time", "start_boottime", "x"]
            .map(str::to_owned)
            .to_vec();
        assert_eq!(similar("state", &names)[0], "__state");
        let times = ["start_boottime", "real_start_time"];
        assert_eq!(similar("start_time", &names), times);
        assert_eq!(similar("nope_field", &names), [""; 0]);
    }

    #[test]
    fn edits_are_counted() {
        assert_eq!(edits(b"", b"abc"), 3);
        assert_eq!(edits(b"kitten", b"sitting"), 3);
        assert_eq!(edits(b"same", b"same"), 0);
    }
}

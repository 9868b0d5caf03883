//! What a log says was done against what the sensors have said: in each process the
//! same operations in the same order, no more and no fewer.

use std::collections::BTreeSet;

use super::operation::{Done, Operation};
use super::world::Truth;

/// An event, and the process that it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    pub tgid: u32,
    pub operation: Operation,
}

/// How many differences are told.
const TOLD_MOST: usize = 40;

/// How many operations were told as they are, or all that differs, a line each. What
/// processes did that the log does not know is their own affair, unless below `folder`.
///
/// # Errors
/// The differences.
pub fn compare(truth: &Truth, log: &str, heard: &[Heard], folder: &str) -> Result<u64, String> {
    let mut differences = Vec::new();
    let is_ours = |path: &[u8]| path.starts_with(folder.as_bytes());
    let strangers: BTreeSet<u32> = heard
        .iter()
        .filter(|it| is_ours(&it.operation.path) || is_ours(&it.operation.other))
        .map(|it| it.tgid)
        .filter(|tgid| !truth.tgids.contains(tgid))
        .collect();
    let mut right = 0;
    let lines: Vec<&str> = log.lines().collect();
    for tgid in truth.tgids.union(&strangers) {
        let done: Vec<&Done> = truth.done.iter().filter(|it| it.tgid == *tgid).collect();
        let said = heard.iter().filter(|it| it.tgid == *tgid);
        let said: Vec<&Operation> = said.map(|it| &it.operation).collect();
        let said = match strangers.contains(tgid) {
            true => said.into_iter().filter(|it| is_ours(&it.path)).collect(),
            false => said,
        };
        let done = ordered_as(&done, &said);
        for difference in aligned(&done, &said) {
            match difference {
                Aligned::Both => right += 1,
                Aligned::Missing(done) => differences.push(format!(
                    "missing: {}, pid {tgid}, strace line {}: {}",
                    done.operation,
                    done.line,
                    lines.get(done.line - 1).unwrap_or(&""),
                )),
                Aligned::Extra(said_too) => {
                    let is_known = done.iter().any(|done| done.operation == *said_too);
                    let what = if is_known { "twice" } else { "not in the log" };
                    differences.push(format!("{what}: {said_too}, pid {tgid}"));
                }
            }
        }
    }
    if differences.is_empty() {
        return Ok(right);
    }
    let count = differences.len();
    differences.truncate(TOLD_MOST);
    Err(format!("{count} differences:\n{}", differences.join("\n")))
}

enum Aligned<'a> {
    Both,
    Missing(&'a Done),
    Extra(&'a Operation),
}

/// The longest sequence that both have, and what each has besides.
fn aligned<'a>(done: &[&'a Done], said: &[&'a Operation]) -> Vec<Aligned<'a>> {
    let is_same = |i: usize, j: usize| done[i].operation == *said[j];
    let (rows, columns) = (done.len(), said.len());
    // How much the rests behind i and j have in common.
    let mut common = vec![vec![0_u32; columns + 1]; rows + 1];
    for i in (0..rows).rev() {
        for j in (0..columns).rev() {
            common[i][j] = match is_same(i, j) {
                true => common[i + 1][j + 1] + 1,
                false => common[i + 1][j].max(common[i][j + 1]),
            };
        }
    }
    let (mut i, mut j, mut all) = (0, 0, Vec::new());
    while i < rows || j < columns {
        if i < rows && j < columns && is_same(i, j) {
            all.push(Aligned::Both);
            (i, j) = (i + 1, j + 1);
        } else if j == columns || i < rows && common[i + 1][j] >= common[i][j + 1] {
            all.push(Aligned::Missing(done[i]));
            i += 1;
        } else {
            all.push(Aligned::Extra(said[j]));
            j += 1;
        }
    }
    all
}

/// What one call does, as the end of a process that held several files, has no order:
/// it takes that of the events.
fn ordered_as<'a>(done: &[&'a Done], said: &[&Operation]) -> Vec<&'a Done> {
    let mut ordered = Vec::new();
    let mut cursor = 0;
    for group in done.chunk_by(|one, next| one.line == next.line) {
        let place = |one: &&Done| {
            let rest = said.get(cursor..).unwrap_or_default();
            let at = rest.iter().position(|said| **said == one.operation);
            at.map_or(usize::MAX, |at| cursor + at)
        };
        let mut group = group.to_vec();
        group.sort_by_cached_key(place);
        let last = group.iter().map(place).filter(|at| *at != usize::MAX).max();
        cursor = last.map_or(cursor, |at| at + 1);
        ordered.extend(group);
    }
    ordered
}

#[cfg(test)]
#[path = "compare_tests.rs"]
mod tests;

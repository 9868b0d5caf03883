//! The end by force of everything that descends from us.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::time::Duration;

use crate::sys::process;

/// Killed processes need a moment, and one with a hundred hooks some seconds; more than this is a
/// kernel that does not let them go.
const ROUNDS: usize = 4000;
const PAUSE: Duration = Duration::from_millis(5);

/// Kills all our descendants and waits for them; false when some do not go.
#[must_use]
pub fn kill_all() -> bool {
    for _ in 0..ROUNDS {
        for pid in descendants(std::process::id().cast_signed()).unwrap_or_default() {
            // It may be gone by now, which is what we want.
            let _ = process::kill(pid, libc::SIGKILL);
        }
        while let Ok(Some(_)) = process::try_wait(None) {}
        if !process::has_children() {
            return true;
        }
        std::thread::sleep(PAUSE);
    }
    false
}

/// Every process below this one, as /proc shows it now.
///
/// # Errors
/// Without /proc.
fn descendants(top: i32) -> io::Result<Vec<i32>> {
    let mut parents = BTreeMap::new();
    for entry in fs::read_dir("/proc")?.flatten() {
        let name = entry.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse::<i32>().ok()) else {
            continue;
        };
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        if let Some(parent) = parent_in(&stat) {
            parents.insert(pid, parent);
        }
    }
    Ok(below(top, &parents))
}

/// The parent's pid: the second word after the name, which is in brackets and may hold any.
fn parent_in(stat: &str) -> Option<i32> {
    stat.rsplit_once(')')?
        .1
        .split_whitespace()
        .nth(1)?
        .parse()
        .ok()
}

fn below(top: i32, parents: &BTreeMap<i32, i32>) -> Vec<i32> {
    let mut found = BTreeSet::from([top]);
    // Pids wrap, so a child may come before its parent: go on until nothing is added.
    loop {
        let before = found.len();
        let children = parents.iter().filter(|(_, parent)| found.contains(parent));
        let children: Vec<i32> = children.map(|(pid, _)| *pid).collect();
        found.extend(children);
        if found.len() == before {
            found.remove(&top);
            return found.into_iter().collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_generations_are_found_and_nobody_else() {
        let parents = BTreeMap::from([(2, 1), (5, 9), (9, 2), (7, 1), (8, 7)]);
        assert_eq!(below(2, &parents), [5, 9]);
        assert_eq!(below(8, &parents), Vec::<i32>::new());
    }

    #[test]
    fn a_name_with_brackets_hides_no_parent() {
        assert_eq!(parent_in("12 (a) b (c)) S 34 12 0"), Some(34));
        assert_eq!(parent_in("12 (a"), None);
    }
}

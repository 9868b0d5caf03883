//! Who sets it up: whether that process still runs, and where.

use std::fs;

/// When a process began, in ticks since boot; `None` where there is none. A pid is
/// given again, but not with the same tick.
pub(super) fn started_ticks(pid: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may hold anything; the 20th word after it.
    let (_, after) = text.rsplit_once(')')?;
    after.split_whitespace().nth(19)?.parse().ok()
}

/// The caller's network namespace: its inode number.
pub(super) fn netns() -> u32 {
    let link = fs::read_link("/proc/self/ns/net").unwrap_or_default();
    let text = link.to_string_lossy();
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_runs_and_another_does_not() {
        assert!(started_ticks(std::process::id()).is_some_and(|ticks| ticks > 0));
        assert_eq!(started_ticks(u32::MAX), None);
        assert!(netns() > 0);
    }
}

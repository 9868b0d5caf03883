//! Reading the verifier's log.
//!
//! The log is text for people, and its form changes between kernels. What is
//! looked for here has been stable: instruction lines `17: (85) call …`, the
//! statistics at the end, and the complaint right before them. A log may be cut
//! at either end and need not be UTF-8.

/// The log lines that an error shows; the whole log stays with it.
const TAIL_LINES: usize = 20;

/// The call that a failed CO-RE relocation leaves behind, as the verifier
/// prints it: 0xbad2310.
const POISON: &str = "195896080";

/// What a log says in short.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Complaint<'a> {
    /// The instruction that was looked at last.
    pub(crate) insn: Option<usize>,
    /// The verifier's own words.
    pub(crate) reason: &'a str,
    /// The last lines, up to and with the reason.
    pub(crate) tail: &'a str,
    /// Is the reason a relocation that could not be resolved?
    pub(crate) poisoned: bool,
}

/// The text of a log buffer, up to its NUL.
pub(crate) fn text(buffer: &[u8]) -> String {
    let end = buffer
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(buffer.len());
    String::from_utf8_lossy(&buffer[..end]).into_owned()
}

/// Finds the complaint of a refused program; `None` where the log has none.
pub(crate) fn complaint(log: &str) -> Option<Complaint<'_>> {
    let mut lines = log.trim_end().split('\n');
    let mut end = 0;
    let mut start = 0;
    let mut reason = "";
    // From the end: the statistics, then what the verifier said last.
    while let Some(line) = lines.next_back() {
        let line = line.trim();
        if !line.is_empty() && !is_statistic(line) {
            reason = line;
            let at = line.as_ptr().addr() - log.as_ptr().addr();
            (start, end) = (at, at + line.len());
            break;
        }
    }
    if reason.is_empty() {
        return None;
    }
    for _ in 1..TAIL_LINES {
        match log[..start.saturating_sub(1)].rfind('\n') {
            Some(newline) => start = newline + 1,
            None => {
                start = 0;
                break;
            }
        }
    }
    let poisoned = reason.contains(POISON) || insn_is_poisoned(&log[start..end]);
    let named = number_after(reason, "insn ");
    Some(Complaint {
        insn: named.or_else(|| log[..end].lines().rev().find_map(insn_index)),
        reason,
        tail: log.get(start..end).unwrap_or(reason),
        poisoned,
    })
}

/// Does the last instruction shown call the poison? Newer kernels word the
/// complaint itself in other ways.
fn insn_is_poisoned(tail: &str) -> bool {
    let last = tail.lines().rev().find(|line| insn_index(line).is_some());
    last.is_some_and(|line| line.contains("call") && line.contains(POISON))
}

/// The instructions that the verifier processed, from a log with statistics.
pub(crate) fn processed_insns(log: &str) -> Option<u32> {
    let line = log
        .lines()
        .rev()
        .find(|line| line.starts_with("processed "))?;
    number_after(line, "processed ").and_then(|count| count.try_into().ok())
}

/// Is this one of the lines that follow the complaint?
fn is_statistic(line: &str) -> bool {
    [
        "processed ",
        "verification time ",
        "stack depth ",
        "insns processed ",
        "max_states_per_insn",
    ]
    .iter()
    .any(|start| line.starts_with(start))
}

/// The index of an instruction line: `17: (85) call …`.
fn insn_index(line: &str) -> Option<usize> {
    let (index, rest) = line.trim_start().split_once(": (")?;
    let code = rest.get(..3)?.strip_suffix(')')?;
    u8::from_str_radix(code, 16).ok()?;
    index.parse().ok()
}

/// The number that follows `word` in `text`.
fn number_after(text: &str, word: &str) -> Option<usize> {
    let rest = &text[text.find(word)? + word.len()..];
    let digits = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    rest[..digits].parse().ok()
}

#[cfg(test)]
#[path = "verifier_tests.rs"]
mod tests;

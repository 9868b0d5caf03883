//! Reading the verifier's log.
//!
//! The log is text for people, and its form changes between kernels. What is
//! looked for here has been stable: instruction lines `17: (85) call …`, the
//! statistics at the end, and the complaint right before them. Since 7.3 a
//! report with a reason, source and a suggestion stands between the two. A log
//! may be cut at either end and need not be UTF-8.

mod stats;

pub use stats::VerifierStats;

/// The log lines that an error shows; the whole log stays with it.
const TAIL_LINES: usize = 20;

/// The call that a failed CO-RE relocation leaves behind, as the verifier
/// prints it: 0xbad2310.
const POISON: &str = "195896080";

/// Where the report starts, and its explanation in it.
///
/// Kernel: 7.3
const REPORT: &str = "Verification failed: ";
const REPORT_REASON: &str = "Reason:";

/// The line in a log that stands for what did not fit.
pub(crate) const CUT: &str = "[the log was cut here; what follows is its end]";

impl crate::Error {
    /// The lines of the verifier's log that matter, up to its complaint: at
    /// most twenty, for showing where the whole log would be too much.
    pub fn verifier_excerpt(&self) -> Option<String> {
        let found = complaint(self.verifier_log()?)?;
        Some(found.tail.to_owned())
    }
}

/// What a log says in short.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Complaint<'a> {
    /// The instruction that was looked at last.
    pub(crate) insn: Option<usize>,
    /// The verifier's own words.
    pub(crate) reason: &'a str,
    /// Its explanation of them, where it has one.
    pub(crate) explanation: Option<&'a str>,
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
    let report = log.rfind(REPORT);
    let explanation = report.and_then(|at| explanation(&log[at..]));
    let above = &log[..report.unwrap_or(log.len())];
    let (reason, end) = match last_words(above) {
        Some(reason) => (reason, end_of(above, reason)),
        // Cut so short that only the report is left.
        None => (explanation?, 0),
    };
    let start = tail_start(&above[..end]);
    let tail = &above[start..end];
    let named = number_after(reason, "insn ");
    Some(Complaint {
        insn: named.or_else(|| last_insn(above)),
        reason,
        explanation: explanation.filter(|explanation| *explanation != reason),
        tail,
        poisoned: reason.contains(POISON) || insn_is_poisoned(tail),
    })
}

/// The last line that says something, before the statistics.
fn last_words(log: &str) -> Option<&str> {
    let lines = log.lines().rev().map(str::trim);
    let mut lines = lines.filter(|line| !line.is_empty() && !is_statistic(line));
    lines.next().filter(|line| *line != CUT)
}

/// Where a line that was found in a log ends in it.
fn end_of(log: &str, line: &str) -> usize {
    line.as_ptr().addr() - log.as_ptr().addr() + line.len()
}

/// Where the last lines of a log start.
fn tail_start(log: &str) -> usize {
    let newlines = log.char_indices().rev().filter(|(_, c)| *c == '\n');
    newlines
        .map(|(at, _)| at + 1)
        .nth(TAIL_LINES - 1)
        .unwrap_or(0)
}

/// The explanation inside a report: the line after `Reason:`.
fn explanation(report: &str) -> Option<&str> {
    let mut lines = report.lines().map(str::trim);
    lines.find(|line| *line == REPORT_REASON)?;
    lines.next().filter(|line| !line.is_empty())
}

/// The last instruction shown; what stands before a cut was not the last.
fn last_insn(log: &str) -> Option<usize> {
    let mut lines = log.lines().rev().take_while(|line| *line != CUT);
    lines.find_map(insn_index)
}

/// Does the last instruction shown call the poison? Newer kernels word the
/// complaint itself in other ways.
fn insn_is_poisoned(tail: &str) -> bool {
    let last = tail.lines().rev().find(|line| insn_index(line).is_some());
    last.is_some_and(|line| line.contains("call") && line.contains(POISON))
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

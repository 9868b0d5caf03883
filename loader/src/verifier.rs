//! Reading the verifier's log.
//!
//! The log is text for people, and its form changes between kernels. What is
//! looked for here has been stable: instruction lines `17: (85) call …`, the
//! statistics at the end, and the complaint right before them. Since 7.3 a
//! report with a reason, source and a suggestion stands between the two. A log
//! may be cut at either end and need not be UTF-8.

mod excerpt;
mod stats;

pub use stats::VerifierStats;

/// The call that a failed CO-RE relocation leaves behind, as the verifier
/// prints it: 0xbad2310.
const POISON: &str = "195896080";

/// Where the report starts, and its parts.
///
/// Kernel: 7.3
const REPORT: &str = "Verification failed: ";
const REPORT_REASON: &str = "Reason:";
const REPORT_SUGGESTION: &str = "Suggestion:";

/// The line in a log that stands for what did not fit.
pub(crate) const CUT: &str = "[the log was cut here; what follows is its end]";

/// The last lines of a complaint that count as its words.
const REASON_LINES: usize = 3;

impl crate::Error {
    /// The lines of the verifier's log that matter, up to its complaint and
    /// with the state of the registers there: at most twenty, for showing
    /// where the whole log would be too much.
    pub fn verifier_excerpt(&self) -> Option<String> {
        let found = complaint(self.verifier_log()?)?;
        Some(excerpt::of(found.above, &found.reason))
    }
}

/// What a log says in short.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Complaint<'a> {
    /// The instruction that was looked at last.
    pub(crate) insn: Option<usize>,
    /// The verifier's own words.
    pub(crate) reason: String,
    /// Its explanation of them, where it has one.
    pub(crate) explanation: Option<String>,
    /// What it suggests, where it suggests something.
    pub(crate) suggestion: Option<String>,
    /// The log up to and with the reason.
    pub(crate) above: &'a str,
    /// Is the reason a relocation that could not be resolved?
    pub(crate) poisoned: bool,
}

impl Complaint<'_> {
    /// Does the log show instructions, but not the registers that the complaint
    /// is about? So it is at the usual level before 5.17.
    pub(crate) fn lacks_registers(&self) -> bool {
        self.insn.is_some()
            && !self.above.contains(CUT)
            && excerpt::registers(self.above, &self.reason).is_none()
    }
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
    let part = |title| paragraph(&log[report?..], title);
    let explanation = part(REPORT_REASON);
    let above = &log[..report.unwrap_or(log.len())];
    let Some(last) = last_words(above) else {
        // Cut so short that only the report is left.
        return Some(Complaint {
            reason: explanation?,
            suggestion: part(REPORT_SUGGESTION),
            ..Complaint::default()
        });
    };
    let above = &above[..end_of(above, last)];
    let reason = words(above, last);
    let named = number_after(&reason, "insn ");
    Some(Complaint {
        insn: named.or_else(|| last_insn(above)),
        poisoned: last.contains(POISON) || insn_is_poisoned(above),
        explanation: explanation.filter(|explanation| *explanation != reason),
        suggestion: part(REPORT_SUGGESTION),
        reason,
        above,
    })
}

/// The last line that says something, before the statistics.
fn last_words(log: &str) -> Option<&str> {
    let lines = log.lines().rev().map(str::trim);
    let mut lines = lines.filter(|line| !line.is_empty() && !is_statistic(line));
    lines.next().filter(|line| *line != CUT)
}

/// All that was said of the last instruction. Where none is shown, the last
/// line alone: what stands above it may be about anything.
fn words(above: &str, last: &str) -> String {
    let lines = above.lines().rev().take_while(|line| *line != CUT);
    let mut said: Vec<&str> = Vec::new();
    for line in lines {
        if insn_index(line).is_some() {
            said.reverse();
            return match said.is_empty() {
                true => last.to_owned(),
                false => said.join("; "),
            };
        }
        let is_detail = excerpt::is_noise(line) || excerpt::is_state(line);
        if !line.starts_with(';') && !is_detail && said.len() < REASON_LINES {
            said.push(line.trim());
        }
    }
    last.to_owned()
}

/// Where a line that was found in a log ends in it.
fn end_of(log: &str, line: &str) -> usize {
    line.as_ptr().addr() - log.as_ptr().addr() + line.len()
}

/// A paragraph of a report: the lines below its title, as one.
fn paragraph(report: &str, title: &str) -> Option<String> {
    let mut lines = report.lines().map(str::trim);
    lines.find(|line| *line == title)?;
    let lines: Vec<&str> = lines.take_while(|line| !line.is_empty()).collect();
    (!lines.is_empty()).then(|| lines.join(" "))
}

/// The last instruction shown; what stands before a cut was not the last.
fn last_insn(log: &str) -> Option<usize> {
    let mut lines = log.lines().rev().take_while(|line| *line != CUT);
    lines.find_map(insn_index)
}

/// Does the last instruction shown call the poison? Newer kernels word the
/// complaint itself in other ways.
fn insn_is_poisoned(above: &str) -> bool {
    let mut lines = above.lines().rev().take_while(|line| *line != CUT);
    let last = lines.find(|line| insn_index(line).is_some());
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
        || stats::is_of_function(line)
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

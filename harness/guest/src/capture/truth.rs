//! What a workload says, cut into lines and held until its events are written.
//!
//! Where its lines would fall between the events is chance; behind them is not.

use serde_json::Value;

/// One line may not be longer: it must fit a frame.
const LINE_BYTES: usize = 1 << 20;
/// All lines of one workload together.
const ALL_BYTES: usize = 16 << 20;

/// Everything that one workload has said.
#[derive(Debug, Default)]
pub struct Truth {
    facts: Vec<Value>,
    failures: Vec<String>,
    line: Vec<u8>,
    taken_bytes: usize,
    full: bool,
}

impl Truth {
    /// Takes the next bytes of the stream, however cut.
    pub fn take(&mut self, bytes: &[u8]) {
        self.taken_bytes = self.taken_bytes.saturating_add(bytes.len());
        if self.full {
            return;
        }
        if self.taken_bytes > ALL_BYTES {
            self.full = true;
            return self.fail(format!("it said more than {ALL_BYTES} bytes"));
        }
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(piece);
            if self.line.len() > LINE_BYTES {
                self.full = true;
                return self.fail(format!("it said a line of more than {LINE_BYTES} bytes"));
            }
            if piece.ends_with(b"\n") {
                let line = std::mem::take(&mut self.line);
                self.line_said(&line);
            }
        }
    }

    /// Adds something that went wrong.
    pub fn fail(&mut self, failure: String) {
        self.failures.push(failure);
    }

    /// What it did, in the order in which it said so.
    #[must_use]
    pub fn facts(&self) -> &[Value] {
        &self.facts
    }

    /// What it, or we with it, could not do.
    #[must_use]
    pub fn failures(&self) -> &[String] {
        &self.failures
    }

    fn line_said(&mut self, line: &[u8]) {
        let fact: Option<Value> = serde_json::from_slice(line).ok();
        let what = fact.as_ref().and_then(|fact| fact.get("what")?.as_str());
        match (what, &fact) {
            (Some("failure"), Some(fact)) => {
                let error = fact.get("error").and_then(Value::as_str);
                self.fail(error.unwrap_or("it failed without a reason").to_owned());
            }
            (Some(_), Some(fact)) => self.facts.push(fact.clone()),
            _ => {
                let shown: String = String::from_utf8_lossy(line).chars().take(80).collect();
                self.fail(format!("it said what is no fact: {}", shown.trim_end()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_cut_in_pieces_is_one_fact() {
        let mut truth = Truth::default();
        truth.take(b"{\"what\":");
        truth.take(b"\"fork\"}\n{\"what\":\"exit\"}\n{\"what");
        assert_eq!(truth.facts().len(), 2);
        assert!(truth.failures().is_empty());
    }

    #[test]
    fn what_is_no_fact_is_a_failure() {
        for line in ["hello\n", "[1]\n", "{\"pid\":1}\n", "\n", "\u{1}\n"] {
            let mut truth = Truth::default();
            truth.take(line.as_bytes());
            assert_eq!(
                (truth.facts().len(), truth.failures().len()),
                (0, 1),
                "{line}"
            );
        }
    }

    #[test]
    fn a_failure_carries_its_reason() {
        let mut truth = Truth::default();
        truth.take(b"{\"what\":\"failure\",\"error\":\"no fork\"}\n");
        assert_eq!(truth.failures(), ["no fork"]);
    }

    #[test]
    fn endless_talk_is_cut_and_said_once() {
        let mut truth = Truth::default();
        for _ in 0..300 {
            truth.take(&[b'x'; 64 << 10]);
        }
        assert_eq!(truth.failures().len(), 1);
        assert!(truth.line.len() <= LINE_BYTES + (64 << 10));
    }
}

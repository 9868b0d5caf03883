//! Outcomes as a table, and as lines of JSON.

use std::fmt::Write as _;

use serde::Serialize;

use super::outcome::{Attached, Outcome, Verdict};
use crate::table::Table;

/// One line, in the form of the harness' own.
#[derive(Debug, Serialize)]
struct Line<'a> {
    object: &'a str,
    program: Option<&'a str>,
    section: &'a str,
    verdict: Verdict,
    attached: Option<bool>,
    how: Option<&'a str>,
    verified_insns: Option<u32>,
    total_states: Option<u32>,
    peak_states: Option<u32>,
    stack_bytes: &'a [u32],
    jited_bytes: Option<u32>,
    time_us: Option<u64>,
    error: Option<&'a str>,
    log: Option<&'a str>,
}

/// One outcome as a line of JSON.
pub fn line(outcome: &Outcome) -> String {
    let figures = &outcome.figures;
    let (attached, how) = match &outcome.attached {
        Attached::NotTried => (None, None),
        Attached::By(how) => (Some(true), Some(how.as_str())),
        Attached::Failed => (Some(false), None),
    };
    let line = Line {
        object: &outcome.object,
        program: outcome.program.as_deref(),
        section: &outcome.section,
        verdict: outcome.verdict,
        attached,
        how,
        verified_insns: figures.verified_insns,
        total_states: figures.total_states,
        peak_states: figures.peak_states,
        stack_bytes: &figures.stack_bytes,
        jited_bytes: figures.jited_bytes,
        time_us: outcome.time_us,
        error: outcome.error.as_deref(),
        log: outcome.log.as_deref(),
    };
    // It has no map whose keys could be no strings.
    serde_json::to_string(&line).map_or_else(|_| String::new(), |text| text + "\n")
}

/// All outcomes of one object.
pub fn text(outcomes: &[Outcome]) -> String {
    let mut text = String::new();
    let Some(first) = outcomes.first() else {
        return text;
    };
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{}", first.object);
    let mut table = Table::new(&[
        "program", "section", "verdict", ">insns", ">states", ">stack", ">jit", ">ms", "attached",
    ]);
    for outcome in outcomes {
        if let Some(program) = &outcome.program {
            table.row(cells(program, outcome));
        }
    }
    if !table.is_empty() {
        text.push_str(&table.text("  "));
    }
    for outcome in outcomes {
        let Some(error) = &outcome.error else {
            continue;
        };
        // The error of a program names it, and so does that of an object.
        let colon = if outcome.section.is_empty() { "" } else { ": " };
        let _ = match outcome.verdict {
            Verdict::Skipped => writeln!(text, "  skipped {}{colon}{error}", outcome.section),
            _ => writeln!(text, "  {error}"),
        };
        for line in outcome.log.iter().flat_map(|log| log.lines()) {
            let _ = writeln!(text, "    {line}");
        }
    }
    text
}

fn cells(program: &str, outcome: &Outcome) -> [String; 9] {
    let figures = &outcome.figures;
    let number = |number: Option<u32>| number.map_or(String::new(), |n| n.to_string());
    let stack: Vec<String> = figures.stack_bytes.iter().map(u32::to_string).collect();
    let time = outcome.time_us.map_or(String::new(), |us| {
        format!("{}.{}", us / 1000, us % 1000 / 100)
    });
    [
        program.to_owned(),
        outcome.section.clone(),
        outcome.verdict.word().to_owned(),
        number(figures.verified_insns),
        number(figures.total_states),
        stack.join("+"),
        number(figures.jited_bytes),
        time,
        match &outcome.attached {
            Attached::NotTried => String::new(),
            Attached::By(how) => how.clone(),
            Attached::Failed => "NO".to_owned(),
        },
    ]
}

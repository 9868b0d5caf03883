//! The results on a terminal: programs down, kernels across.

use std::fmt;

use super::{Counts, Judged, Object, Row};
use crate::recording::Verdict;

/// Prints as the table.
#[derive(Clone, Copy, Debug)]
pub struct Table<'a> {
    /// What was judged.
    pub objects: &'a [Object],
    /// What became of it.
    pub judged: &'a [Judged],
    /// Whether to mark what is wrong in colour.
    pub colour: bool,
}

const TITLE: &str = "verified instructions";
const RED: &str = "\x1b[31m";
const BOLD: &str = "\x1b[1m";
const OFF: &str = "\x1b[0m";

/// What a mark means; only those that occur are explained.
const LEGEND: [(&str, &str); 5] = [
    (
        "✓",
        "loads; the number: instructions that the verifier processed",
    ),
    ("!", "loads, but cannot be attached"),
    ("✗", "rejected"),
    ("-", "unsupported by the kernel"),
    ("?", "not judged"),
];

/// One line of the table.
struct Line {
    head: String,
    cells: Vec<String>,
    bad: bool,
}

/// What rows of different kernels have in common.
type Key<'r> = (Option<usize>, Option<&'r str>, Option<&'r str>);

fn key(row: &Row) -> Key<'_> {
    (row.position, row.section.as_deref(), row.program.as_deref())
}

impl Table<'_> {
    fn lines(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        for (index, object) in self.objects.iter().enumerate() {
            let mut keys: Vec<Key<'_>> = Vec::new();
            for row in self.judged.iter().flat_map(|judged| &judged.rows) {
                if row.object == index && row.is_judged && !keys.contains(&key(row)) {
                    keys.push(key(row));
                }
            }
            keys.sort_by_key(|key| (key.0.is_some(), key.0));
            if keys.is_empty() {
                keys.push((None, None, None));
            }
            let alone = keys.len() == 1;
            if !alone {
                lines.push(Line {
                    head: object.name.clone(),
                    cells: Vec::new(),
                    bad: false,
                });
            }
            for key in keys {
                let name = match key {
                    (_, _, Some(program)) => program.to_owned(),
                    (_, Some(section), None) => format!("section {section}"),
                    _ => String::new(),
                };
                let head = match (alone, name.is_empty()) {
                    (true, true) => object.name.clone(),
                    (true, false) => format!("{}: {name}", object.name),
                    (false, true) => "  (the object)".to_owned(),
                    (false, false) => format!("  {name}"),
                };
                lines.push(self.line(index, key, head));
            }
        }
        lines
    }

    fn line(&self, object: usize, wanted: Key<'_>, head: String) -> Line {
        let find = |judged: &Judged| {
            let rows = judged.rows.iter().filter(|row| row.object == object);
            let found = rows.clone().find(|row| key(row) == wanted).cloned();
            // What is wrong with the object as a whole is wrong with each.
            let is_whole = |row: &&Row| row.program.is_none() && row.section.is_none();
            found.or_else(|| rows.clone().find(is_whole).cloned())
        };
        let rows: Vec<Option<Row>> = self.judged.iter().map(find).collect();
        Line {
            head,
            bad: rows.iter().flatten().any(|row| !row.is_good()),
            cells: rows.iter().map(|row| cell(row.as_ref())).collect(),
        }
    }

    fn style(&self, style: &'static str) -> (&'static str, &'static str) {
        if self.colour { (style, OFF) } else { ("", "") }
    }
}

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self.lines();
        let heads = lines.iter().map(|line| line.head.as_str());
        let heads = heads.chain([TITLE]).map(|head| head.chars().count());
        let head = heads.max().unwrap_or(0);
        let series: Vec<String> = self.judged.iter().map(|j| j.series.to_string()).collect();
        let mut widths: Vec<usize> = series.iter().map(String::len).collect();
        for line in &lines {
            for (width, cell) in widths.iter_mut().zip(&line.cells) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let write = |f: &mut fmt::Formatter<'_>, first: &str, cells: &[String]| {
            if cells.is_empty() {
                return writeln!(f, "{first}");
            }
            write!(f, "{first:<head$}")?;
            for (cell, width) in cells.iter().zip(&widths) {
                write!(f, "  {cell:>width$}")?;
            }
            writeln!(f)
        };
        let (bold, off) = self.style(BOLD);
        write!(f, "{bold}")?;
        write(f, TITLE, &series)?;
        write!(f, "{off}")?;
        for line in &lines {
            let (red, off) = if line.bad { self.style(RED) } else { ("", "") };
            write!(f, "{red}")?;
            write(f, &line.head, &line.cells)?;
            write!(f, "{off}")?;
        }
        writeln!(f)?;
        for (mark, meaning) in LEGEND {
            let mut cells = lines.iter().flat_map(|line| &line.cells);
            if cells.any(|cell| cell.starts_with(mark)) {
                writeln!(f, "{mark} {meaning}")?;
            }
        }
        let counts = Counts::of(self.judged.iter().flat_map(|judged| &judged.rows));
        let (verdict, style) = match counts.all_good() {
            true => ("ok", BOLD),
            false => ("FAILED", RED),
        };
        let (style, off) = self.style(style);
        writeln!(
            f,
            "{style}{verdict}{off}: {} on {}: {counts}",
            many(self.objects.len(), "object"),
            many(self.judged.len(), "kernel"),
        )
    }
}

/// `1 object`, `2 objects`
pub(super) fn many(count: usize, what: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} {what}{s}")
}

/// `✓ 1,234`
fn cell(row: Option<&Row>) -> String {
    // Nothing was said of it there, as of an object that is right as a whole.
    let Some(row) = row else {
        return String::new();
    };
    let mark = match row.verdict {
        _ if !row.is_judged => "?",
        Verdict::Loaded if row.is_good() => "✓",
        Verdict::Loaded => "!",
        Verdict::Rejected => "✗",
        Verdict::Unsupported => "-",
    };
    match row.verified_insns {
        Some(insns) => format!("{mark} {}", thousands(insns)),
        None => mark.to_owned(),
    }
}

/// `1234567` as `1,234,567`.
pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

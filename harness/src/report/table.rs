//! The report on a terminal: workloads down, kernels across, and a foot per kernel.

use std::fmt;

use super::{CaseCell, Cell, Foot, KernelColumn, Report};

/// Prints as the table.
#[derive(Clone, Copy, Debug)]
pub struct Table<'a> {
    /// What to print.
    pub report: &'a Report,
    /// Whether to mark what is wrong in colour.
    pub colour: bool,
}

const RED: &str = "\x1b[31m";
const BOLD: &str = "\x1b[1m";
const OFF: &str = "\x1b[0m";

impl Table<'_> {
    fn style(&self, style: &'static str) -> (&'static str, &'static str) {
        if self.colour { (style, OFF) } else { ("", "") }
    }

    fn line(
        &self,
        f: &mut fmt::Formatter<'_>,
        head: &str,
        widths: &Widths,
        texts: &[String],
    ) -> fmt::Result {
        write!(f, "{head:<width$}", width = widths.head)?;
        for (text, width) in texts.iter().zip(&widths.columns) {
            write!(f, "  {text:>width$}")?;
        }
        writeln!(f)
    }
}

struct Widths {
    head: usize,
    columns: Vec<usize>,
}

const FOOT: [Foot; 13] = [
    ("boot", |kernel| mark(kernel.wrong.is_none())),
    ("accelerator", |kernel| kernel.accel.clone()),
    ("boot s", |kernel| seconds(kernel.boot_seconds)),
    ("whole run s", |kernel| seconds(kernel.total_seconds)),
    ("sent", |kernel| kernel.sent.to_string()),
    ("received", |kernel| kernel.received.to_string()),
    ("lost", |kernel| kernel.lost.to_string()),
    ("foreign", |kernel| kernel.foreign.to_string()),
    ("runs left out", |kernel| kernel.missed.to_string()),
    ("load fentry s", |kernel| load_seconds(kernel, "fentry")),
    ("load kprobe s", |kernel| load_seconds(kernel, "kprobe")),
    ("highest insns k", highest),
    ("loader cases s", |kernel| {
        seconds(Some(kernel.cases_ms as f64 / 1000.0))
    }),
];

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let report = self.report;
        let heads: Vec<String> = report
            .kernels
            .iter()
            .map(|k| k.series.to_string())
            .collect();
        let names = report
            .workloads
            .iter()
            .map(|row| row.workload.to_string().len());
        let foots: Vec<(&str, Vec<String>)> = FOOT
            .iter()
            .map(|(head, text)| (*head, report.kernels.iter().map(text).collect()))
            .collect();
        let cases: Vec<(String, Vec<String>)> = report
            .cases
            .iter()
            .map(|row| (row.name(), row.cells.iter().map(case).collect()))
            .collect();
        let head = names
            .chain(cases.iter().map(|(name, _)| name.len()))
            .chain(FOOT.iter().map(|(head, _)| head.len()))
            .max()
            .unwrap_or(0);
        let mut widths = Widths {
            head,
            columns: heads.iter().map(|head| head.len().max(4)).collect(),
        };
        let all = foots.iter().map(|(_, texts)| texts);
        for texts in all.chain(cases.iter().map(|(_, texts)| texts)) {
            for (width, text) in widths.columns.iter_mut().zip(texts) {
                *width = (*width).max(text.chars().count());
            }
        }
        let (bold, off) = self.style(BOLD);
        if !report.workloads.is_empty() {
            write!(f, "{bold}")?;
            self.line(f, "events", &widths, &heads)?;
            write!(f, "{off}")?;
        }
        for row in &report.workloads {
            let texts: Vec<String> = row.cells.iter().map(cell).collect();
            let bad = row.cells.iter().any(|cell| cell.wrong.is_some());
            let (red, off) = if bad { self.style(RED) } else { ("", "") };
            write!(f, "{red}")?;
            self.line(f, &row.workload.to_string(), &widths, &texts)?;
            write!(f, "{off}")?;
        }
        if !cases.is_empty() {
            write!(
                f,
                "{}{bold}",
                if report.workloads.is_empty() {
                    ""
                } else {
                    "\n"
                }
            )?;
            self.line(f, "runs of programs", &widths, &heads)?;
            write!(f, "{off}")?;
        }
        for ((name, texts), row) in cases.iter().zip(&report.cases) {
            let bad = row.cells.iter().any(|cell| cell.wrong.is_some());
            let (red, off) = if bad { self.style(RED) } else { ("", "") };
            write!(f, "{red}")?;
            self.line(f, name, &widths, texts)?;
            write!(f, "{off}")?;
        }
        writeln!(f)?;
        for (head, texts) in &foots {
            self.line(f, head, &widths, texts)?;
        }
        writeln!(f)?;
        attached(f, report)?;
        excuses(f, report)?;
        let (all, wrong) = report.counts();
        let (style, off) = self.style(if wrong > 0 { RED } else { BOLD });
        let verdict = if wrong > 0 { "FAILED" } else { "ok" };
        writeln!(
            f,
            "{style}{verdict}{off}: {} rows on {} kernels, {wrong} of them wrong, in {:.1} s",
            all,
            report.kernels.len(),
            report.seconds
        )
    }
}

/// How programs are attached: kernels that do it alike share a line.
fn attached(f: &mut fmt::Formatter<'_>, report: &Report) -> fmt::Result {
    let mut lines: Vec<(String, Vec<String>)> = Vec::new();
    for kernel in &report.kernels {
        for load in &kernel.flavours {
            let ways: Vec<String> = load
                .attached
                .iter()
                .map(|(how, n)| format!("{n} {how}"))
                .collect();
            let line = format!("{}: {}", load.flavour, ways.join(", "));
            let series = kernel.series.to_string();
            match lines.iter_mut().find(|(known, _)| *known == line) {
                Some((_, kernels)) => kernels.push(series),
                None => lines.push((line, vec![series])),
            }
        }
    }
    for (line, kernels) in lines {
        writeln!(f, "{line} (on {})", kernels.join(" "))?;
    }
    Ok(())
}

/// Why kernels are excused: those for the same reason share a line.
fn excuses(f: &mut fmt::Formatter<'_>, report: &Report) -> fmt::Result {
    let mut lines: Vec<(&str, Vec<String>)> = Vec::new();
    for row in &report.cases {
        for (series, reason) in &row.expected.excused {
            if !report.kernels.iter().any(|kernel| kernel.series == *series) {
                continue;
            }
            let at = lines.iter().position(|(known, _)| known == reason);
            let at = at.unwrap_or_else(|| {
                lines.push((reason, Vec::new()));
                lines.len() - 1
            });
            let name = &row.expected.name;
            lines[at].1.push(format!("{name} on {series}"));
        }
    }
    for (reason, of) in lines {
        writeln!(f, "none: {reason} ({})", of.join(", "))?;
    }
    Ok(())
}

fn case(cell: &CaseCell) -> String {
    let is_right = cell.wrong.is_none();
    match cell.is_exercised() || !is_right {
        true => format!("{}{}", cell.text(), mark(is_right)),
        // Right, but nothing was done.
        false => cell.text(),
    }
}

fn cell(cell: &Cell) -> String {
    let events = cell
        .events
        .map_or_else(|| "-".to_owned(), |events| events.to_string());
    format!("{events}{}", mark(cell.wrong.is_none()))
}

fn mark(is_right: bool) -> String {
    if is_right { "✓" } else { "✗" }.to_owned()
}

fn seconds(seconds: Option<f64>) -> String {
    seconds.map_or_else(|| "-".to_owned(), |seconds| format!("{seconds:.1}"))
}

fn load_seconds(kernel: &KernelColumn, flavour: &str) -> String {
    let load = kernel.flavours.iter().find(|load| load.flavour == flavour);
    seconds(load.map(|load| load.load_ms / 1000.0))
}

fn highest(kernel: &KernelColumn) -> String {
    let insns = kernel
        .flavours
        .iter()
        .filter_map(|load| load.highest())
        .map(|(_, insns)| insns);
    insns.max().map_or_else(
        || "-".to_owned(),
        |insns| format!("{:.1}", insns as f64 / 1000.0),
    )
}

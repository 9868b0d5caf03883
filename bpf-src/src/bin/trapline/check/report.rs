//! The result for people.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use trapline_loader::need::Need;
use trapline_loader::spec::ObjectSpec;

use super::examine::{Absent, End, Examined, Relocation};
use crate::table::Table;

/// Users of a feature that a line names.
const SHOWN_USERS: usize = 3;

/// All that is to be said of an object.
pub fn text(spec: &ObjectSpec, kernels: &[Examined], all: bool) -> String {
    let mut text = String::new();
    let (programs, maps) = (spec.programs.len(), spec.maps.len());
    line(
        &mut text,
        format_args!("{}: {programs} programs, {maps} maps", spec.name),
    );
    for (part, reason) in &spec.skipped {
        line(&mut text, format_args!("  skipped {part}: {reason}"));
    }
    needs(&mut text, &spec.needs());
    if kernels.len() > 1 {
        compared(&mut text, kernels, all);
    }
    for examined in kernels {
        one(&mut text, examined, all && kernels.len() == 1);
    }
    text
}

/// Writing to a String cannot fail.
fn line(text: &mut String, what: std::fmt::Arguments<'_>) {
    let _ = writeln!(text, "{what}");
}

fn needs(text: &mut String, needs: &[Need]) {
    let newest = needs.iter().rev().find(|need| need.required);
    if let Some(newest) = newest {
        line(
            text,
            format_args!(
                "  needs at least Linux {}: {}",
                newest.since,
                features_of(needs, newest)
            ),
        );
    }
    let mut table = Table::new(&[">since", "feature", "used by"]);
    for need in needs.iter().rev() {
        let shown: Vec<_> = need.users.iter().take(SHOWN_USERS).map(|u| &**u).collect();
        let mut users = shown.join(", ");
        if need.users.len() > SHOWN_USERS {
            let more = need.users.len() - SHOWN_USERS;
            let _ = write!(users, " and {more} more");
        }
        if !need.required {
            let space = if users.is_empty() { "" } else { " " };
            let _ = write!(users, "{space}(not required)");
        }
        table.row([need.since.to_string(), need.feature.clone(), users]);
    }
    text.push_str(&table.text("    "));
}

/// The features that the newest kernel is needed for.
fn features_of(needs: &[Need], newest: &Need) -> String {
    let same = needs
        .iter()
        .filter(|n| n.required && n.since == newest.since);
    let names: Vec<_> = same.map(|need| need.feature.as_str()).collect();
    names.join(", ")
}

/// What one cell says of a relocation that stands in several places: the worst.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Cell {
    Value(u64),
    Guarded,
    Absent,
}

impl Cell {
    fn text(&self) -> String {
        match self {
            Self::Value(value) => (*value as i64).to_string(),
            Self::Guarded => "(-)".to_owned(),
            Self::Absent => "-".to_owned(),
        }
    }
}

fn cell(relocation: &Relocation) -> Cell {
    match relocation.end {
        End::Value(value) => Cell::Value(value),
        End::Guarded(_) => Cell::Guarded,
        End::Absent(_) => Cell::Absent,
    }
}

/// Relocations and hooks by kernel.
fn compared(text: &mut String, kernels: &[Examined], all: bool) {
    let names = kernels
        .iter()
        .map(|examined| format!(">{}", examined.kernel));
    let columns: Vec<String> = core::iter::once("relocation or hook".to_owned())
        .chain(names)
        .collect();
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    let mut table = Table::new(&columns);
    let mut rows = BTreeMap::<&str, Vec<Option<Cell>>>::new();
    for (index, examined) in kernels.iter().enumerate() {
        for relocation in &examined.relocations {
            let row = rows.entry(&relocation.about);
            let row = row.or_insert_with(|| vec![None; kernels.len()]);
            row[index] = row[index].take().max(Some(cell(relocation)));
        }
    }
    for (about, cells) in rows {
        let is_plain = |cell: &Option<Cell>| matches!(cell, Some(Cell::Value(_)));
        if all || !cells.iter().all(is_plain) {
            let cells = cells.iter();
            let cells = cells.map(|cell| cell.as_ref().map_or("!".to_owned(), Cell::text));
            table.row(core::iter::once(about.to_owned()).chain(cells));
        }
    }
    let mut hooks = BTreeMap::<&str, Vec<bool>>::new();
    for (index, examined) in kernels.iter().enumerate() {
        for hook in &examined.hooks {
            let row = hooks.entry(&hook.section);
            row.or_insert_with(|| vec![false; kernels.len()])[index] = hook.is_there;
        }
    }
    for (section, cells) in hooks {
        if all || cells.contains(&false) {
            let mark = |is_there: &bool| if *is_there { "✓" } else { "-" }.to_owned();
            table.row(core::iter::once(section.to_owned()).chain(cells.iter().map(mark)));
        }
    }
    if !table.is_empty() {
        text.push_str(&table.text("  "));
    }
}

/// One kernel: the counts, and everything that is missing.
fn one(text: &mut String, examined: &Examined, all: bool) {
    let count = |wanted: fn(&End) -> bool| {
        let relocations = examined.relocations.iter();
        relocations.filter(|r| wanted(&r.end)).count()
    };
    let resolved = count(|end| matches!(end, End::Value(_)));
    let guarded = count(|end| matches!(end, End::Guarded(_)));
    let absent = count(|end| matches!(end, End::Absent(_)));
    let hooks = examined.hooks.iter().filter(|hook| hook.is_there).count();
    let missing = examined.hooks.len() - hooks;
    line(
        text,
        format_args!(
            "  {}: {}; relocations: {resolved} resolve, {guarded} are guarded, {absent} are absent; \
             hooks: {hooks} are there, {missing} are missing",
            examined.kernel,
            if examined.is_good() {
                "good"
            } else {
                "NOT GOOD"
            },
        ),
    );
    if all {
        let mut table = Table::new(&["program", ">insn", "relocation", ">value"]);
        for relocation in &examined.relocations {
            let Relocation {
                program,
                insn,
                about,
                ..
            } = relocation;
            let value = cell(relocation).text();
            table.row([program.clone(), insn.to_string(), about.clone(), value]);
        }
        text.push_str(&table.text("    "));
    }
    absences(text, examined);
    for failed in &examined.failed {
        line(text, format_args!("    fails: {}", failed.error));
    }
    for wanted in &examined.absent_externs {
        line(
            text,
            format_args!("    not in these types, but maybe in a module's: {wanted}"),
        );
    }
    for hook in examined.hooks.iter().filter(|hook| !hook.is_there) {
        let by_itself = match hook.autoload {
            true => "",
            false => " (not loaded by itself)",
        };
        line(
            text,
            format_args!(
                "    no hook: {}, program {}{by_itself}",
                hook.section, hook.program
            ),
        );
    }
}

/// Each absent thing once, with the first place that reads it.
fn absences(text: &mut String, examined: &Examined) {
    let mut places = BTreeMap::<(bool, &str), Vec<(&Relocation, &Absent)>>::new();
    for relocation in &examined.relocations {
        let (is_guarded, absent) = match &relocation.end {
            End::Value(_) => continue,
            End::Guarded(absent) => (true, absent),
            End::Absent(absent) => (false, absent),
        };
        let place = places.entry((is_guarded, &relocation.about));
        place.or_default().push((relocation, absent));
    }
    for ((is_guarded, about), places) in places {
        let Some((first, absent)) = places.first() else {
            continue;
        };
        let what = match is_guarded {
            true => "absent, guarded",
            false => "absent, must be guarded",
        };
        line(text, format_args!("    {what}: {about}"));
        let more = match places.len() - 1 {
            0 => String::new(),
            more => format!(" (and {more} more)"),
        };
        let source = first.source.as_ref().map_or(String::new(), |source| {
            format!(", {}:{}: {}", source.file, source.line, source.text)
        });
        let (program, insn) = (&first.program, first.insn);
        line(
            text,
            format_args!("      program {program}, instruction {insn}{source}{more}"),
        );
        let similar = match absent.similar.is_empty() {
            true => String::new(),
            false => format!("; there is {}", absent.similar.join(", ")),
        };
        line(text, format_args!("      {}{similar}", absent.reason));
    }
}

//! The result for people.

use super::{Hook, Report};
use crate::table::Table;

/// All that is to be said; `all` also of what is as it should be.
pub fn text(report: &Report, all: bool) -> String {
    let caller = &report.caller;
    let who = match caller.uid {
        Some(uid) => format!("uid {uid}"),
        None => "somebody unknown (no /proc)".to_owned(),
    };
    let rights = match caller.capabilities.is_empty() {
        true => "no capability of use here".to_owned(),
        false => caller.capabilities.join(" "),
    };
    let mut text = format!(
        "trapline {} on Linux {}, {}\nas {who}: {rights}\n",
        report.trapline, report.kernel.release, report.kernel.machine
    );
    section(&mut text, "would be used", &uses(report));
    section(&mut text, "hooks that differ", &hooks(report, all));
    section(&mut text, "features", &features(report));
    let config = match &report.config.path {
        Some(path) => format!("missing configuration, from {path}"),
        None => "missing configuration, found by probing".to_owned(),
    };
    section(&mut text, &config, &options(report, all));
    section(&mut text, "settings", &settings(report, all));
    section(&mut text, "could not be seen", &unseen(report));
    text.push_str(match report.good {
        Some(true) => "the sensors load\n",
        Some(false) => "the sensors do NOT load\n",
        None => "the sensors may load: whether they do was not tried\n",
    });
    text
}

/// Says nothing where there is nothing to say.
fn section(text: &mut String, title: &str, table: &Table) {
    if !table.is_empty() {
        text.push_str(title);
        text.push('\n');
        text.push_str(&table.text("  "));
    }
}

fn or_dash(text: Option<&str>) -> String {
    text.unwrap_or("-").to_owned()
}

fn uses(report: &Report) -> Table {
    let mut table = Table::new(&["what", "by", "because"]);
    for row in &report.uses {
        let reason = row.reason.clone().unwrap_or_default();
        table.row([row.what.clone(), or_dash(row.by.as_deref()), reason]);
    }
    table
}

/// More hooks of a family that end the same way are one line.
const MOST_HOOKS: usize = 5;
/// Characters of a reason: the verifier's have no end.
const MOST_REASON: usize = 96;

fn hooks(report: &Report, all: bool) -> Table {
    let mut table = Table::new(&["family", "hook", "by", "because"]);
    let is_shown = |hook: &&Hook| all || !matches!(hook.way, "fentry" | "absent" | "unknown");
    let rows: Vec<&Hook> = report.hooks.iter().filter(is_shown).collect();
    for same in rows.chunk_by(|one, next| (one.family, one.way) == (next.family, next.way)) {
        let is_long = same.len() > MOST_HOOKS && !all;
        for hook in same.iter().take(if is_long { 1 } else { same.len() }) {
            let name = match is_long {
                true => format!("{} and {} more (--all)", hook.hook, same.len() - 1),
                false => hook.hook.to_owned(),
            };
            let mut reason = hook.reason.clone().unwrap_or_default();
            if let (Some((end, _)), false) = (reason.char_indices().nth(MOST_REASON), all) {
                reason.truncate(end);
                reason.push_str("… (--all)");
            }
            table.row([hook.family.to_owned(), name, hook.way.to_owned(), reason]);
        }
    }
    table
}

fn features(report: &Report) -> Table {
    let mut table = Table::new(&[">since", "feature", "there", "because"]);
    for feature in &report.features {
        let reason = feature.reason.clone().unwrap_or_default();
        let cells = [feature.since, feature.feature, feature.state, &reason];
        table.row(cells.map(str::to_owned));
    }
    table
}

fn options(report: &Report, all: bool) -> Table {
    let mut table = Table::new(&["option", "there", "without it", "says"]);
    let rows = report.config.options.iter();
    for row in rows.filter(|row| all || row.state == "no") {
        // The title names the file.
        let says = match &report.config.path {
            Some(_) => String::new(),
            None => or_dash(row.source.as_deref()),
        };
        table.row([row.option, row.state, row.consequence, &says].map(str::to_owned));
    }
    table
}

fn settings(report: &Report, all: bool) -> Table {
    let mut table = Table::new(&["file", "value", "consequence"]);
    let rows = report.settings.iter();
    for row in rows.filter(|row| all || row.consequence.is_some()) {
        let value = row.value.as_deref().unwrap_or("cannot be read");
        table.row([row.path, value, row.consequence.unwrap_or("-")].map(str::to_owned));
    }
    table
}

fn unseen(report: &Report) -> Table {
    let mut table = Table::new(&["what", "because"]);
    for row in &report.unseen {
        let what = match row.what.as_slice() {
            [first, rest @ ..] if rest.len() > 1 => format!("{first} and {} more", rest.len()),
            few => few.join(", "),
        };
        table.row([what, row.reason.clone()]);
    }
    table
}

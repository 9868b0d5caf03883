//! The last words: what came, what was told, what is missing and why.

use std::collections::BTreeMap;
use std::os::fd::AsFd;

use super::output::State;
use super::stream::{Ending, Stream};
use super::what::{grouped, time};

/// Several lines, without the last one's end.
pub fn summary<W: AsFd>(stream: &Stream<W>, ending: &Ending) -> String {
    let (told, account) = (&stream.told, &ending.account);
    let events: u64 = told.kinds().values().sum();
    let mut lines = vec![format!(
        "watched for {}: {} events, {} of them left out; {} lines written",
        time(ending.time),
        grouped(events),
        grouped(told.left_out),
        grouped(told.output.written()),
    )];
    let kinds = told.kinds().iter().map(|(kind, count)| (*kind, *count));
    if events > 0 {
        lines.push(format!("events: {}", counts(kinds)));
    }
    lines.push(match account.lost_total() {
        0 => "lost: none".to_owned(),
        lost => format!(
            "lost: {} ({})",
            grouped(lost),
            counts(nonzero(&account.lost))
        ),
    });
    let others = [
        ("told poorer than they were", &account.poorer),
        ("runs of programs that the kernel left out", &account.missed),
    ];
    for (name, of) in others {
        let sum: u64 = of.values().sum();
        if sum > 0 {
            lines.push(format!(
                "{name}: {} ({})",
                grouped(sum),
                counts(nonzero(of))
            ));
        }
    }
    let unwritten = told.output.unwritten();
    if unwritten > 0 {
        let why = match told.output.state() {
            State::Gone => "the reader has gone",
            State::Stalled => "nobody read the standard output",
            State::Failed(_) | State::Open => "they could not be written",
        };
        lines.push(format!(
            "not written: {} lines, as {why}",
            grouped(unwritten)
        ));
    }
    if told.changes() > 0 {
        let count = grouped(told.changes());
        lines.push(format!("TAMPERED WITH: {count} times"));
    }
    if told.malformed_records() > 0 {
        let count = grouped(told.malformed_records());
        lines.push(format!("records that could not be read: {count}"));
    }
    if let Some(missing) = unaccounted(ending) {
        lines.push(format!("NOT ACCOUNTED FOR: {missing}"));
    }
    lines.extend(ending.stats.iter().cloned());
    lines.join("\n")
}

/// What is neither received nor lost; there is none.
pub fn unaccounted(ending: &Ending) -> Option<String> {
    let account = &ending.account;
    let known = account.received + account.lost_total();
    (known != account.sent).then(|| {
        format!(
            "sent {}, received {}, lost {}",
            account.sent,
            account.received,
            account.lost_total()
        )
    })
}

fn nonzero<'a>(
    of: &'a BTreeMap<&'static str, u64>,
) -> impl Iterator<Item = (&'static str, u64)> + 'a {
    let counts = of.iter().map(|(name, count)| (*name, *count));
    counts.filter(|(_, count)| *count > 0)
}

/// The most frequent first.
fn counts(of: impl Iterator<Item = (&'static str, u64)>) -> String {
    let mut counts: Vec<_> = of.collect();
    counts.sort_by_key(|(name, count)| (std::cmp::Reverse(*count), *name));
    let counts = counts.iter();
    let counts: Vec<String> = counts
        .map(|(name, count)| format!("{name} {}", grouped(*count)))
        .collect();
    counts.join(", ")
}

//! A reader that stops for ten seconds: nobody else waits for it, and what finds no
//! room is told.

use std::time::{Duration, Instant};

use super::running::{Watching, values};
use super::{FOLDER, acts};
use crate::loader::checks::Checks;
use crate::loader::stage::Tried;
use crate::loader::{Outcome, Stage};

/// Twice as many records as find room.
const TIMES: u32 = 400;
const PAUSE: Duration = Duration::from_secs(10);

pub(super) fn slow(_: &mut Stage<'_>) -> Outcome {
    let mut checks = Checks::default();
    std::fs::create_dir_all(FOLDER).tried(FOLDER)?;
    let policy = "/tmp/watch-slow.toml";
    let text = "families = [\"mount\"]\n[rings]\nsize_bytes = 65536\n";
    std::fs::write(policy, text).tried(policy)?;
    let (mut watching, out) = Watching::start_unread(&["--json", "--policy", policy])?;
    let began = Instant::now();
    acts::storm(FOLDER, TIMES)?;
    let took = began.elapsed();
    let is_quick = took < PAUSE;
    checks.holds(&format!("the others did not wait: {took:?}"), is_quick)?;
    std::thread::sleep(PAUSE.saturating_sub(took));
    watching.says("nobody reads the standard output")?;
    watching.read(out);
    // A loss is told without that anything follows.
    watching.tells("\"kind\":\"lost\"")?;
    let said = watching.end(libc::SIGTERM)?.good()?;
    let told = values(&said.out)?;
    let lost = told.iter().filter_map(|line| line["records"].as_u64());
    let lost: u64 = lost.sum();
    let events = told.iter().filter(|line| line["kind"] != "lost").count() as u64;
    checks.holds("something was lost", lost > 0)?;
    let of_storm = |kind: &str| {
        let lines = told.iter().filter(|line| line["kind"] == kind);
        let paths = lines.filter_map(|line| line["path"].as_str());
        paths.filter(|path| path.ends_with("/storm")).count() as u64
    };
    let came = of_storm("mount") + of_storm("umount");
    let missing = u64::from(2 * TIMES) - came;
    checks.holds(
        &format!("{missing} missing of the storm, {lost} told as lost"),
        missing <= lost,
    )?;
    let summary = format!("lost: {lost} (ring_full {lost})");
    checks.holds(
        &format!("{summary} in {}", said.err),
        said.err.contains(&summary),
    )?;
    let whole = format!(" {events} events, 0 of them left out");
    checks.holds(
        &format!("{whole} in {}", said.err),
        said.err.contains(&whole),
    )?;
    std::fs::remove_file(policy).tried(policy)?;
    Ok(checks.report("fentry"))
}

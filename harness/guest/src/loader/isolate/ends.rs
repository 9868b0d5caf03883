//! How isolation ends, and when it does not begin.

use std::path::Path;
use std::time::{Duration, Instant};

use super::changes::{NOBODY, is_clean, leaks};
use super::running::{PINS, Running, release, status};
use super::world::World;
use crate::loader::checks::Checks;
use crate::loader::stage::{Failure, Tried};
use crate::loader::trapline::trapline;
use crate::loader::{Outcome, Stage};

/// How it ends, and when it does not begin.
pub fn ends(_: &mut Stage<'_>) -> Outcome {
    let mut checks = Checks::default();
    let world = World::new()?;
    let leak = || leaks(&world, &world.near, &world.far);
    refusals(&mut checks)?;
    let nothing = trapline(&["isolate", "status"])?;
    checks.equal("the code where nothing is", &nothing.code, &Some(1))?;

    resolvers(&mut checks)?;
    let how = {
        let running = Running::start(&NOBODY)?;
        let how = world.how()?;
        running.end(libc::SIGTERM)?;
        release()?;
        how
    };
    // Its time: also when the program is gone.
    let running = Running::start(&["--for", "4s"])?;
    let began = Instant::now();
    running.end(libc::SIGKILL)?;
    checks.holds_not("a leak before its time", leak()?)?;
    std::thread::sleep(Duration::from_millis(4200).saturating_sub(began.elapsed()));
    checks.holds("a leak when its time is over", leak()?)?;
    checks.holds("pins before", Path::new(PINS).exists())?;
    checks.equal("in force", &status()?["in_force"], &false.into())?;
    is_clean(&world.near, &mut checks)?;
    // The program tidies up itself, if it can.
    let mut running = Running::start(&["--for", "2s"])?;
    let told = running.wait()?;
    checks.holds(&told, told.contains("its time is over"))?;
    is_clean(&world.near, &mut checks)?;

    // Bound to the program, however it ends.
    let running = Running::start(&["--allow", "192.0.2.1", "--while-running"])?;
    checks.holds_not("a leak while it runs", leak()?)?;
    let said = status()?;
    checks.equal(&said.to_string(), &said["while_running"], &true.into())?;
    checks.equal("whole while it runs", &said["is_whole"], &true.into())?;
    running.end(libc::SIGKILL)?;
    checks.holds("a leak when it was killed", leak()?)?;
    checks.equal("in force", &status()?["in_force"], &false.into())?;
    is_clean(&world.near, &mut checks)?;
    let running = Running::start(&["--allow", "192.0.2.1", "--while-running"])?;
    let told = running.end(libc::SIGHUP)?;
    checks.holds(&told, told.contains("released"))?;
    is_clean(&world.near, &mut checks)?;

    // By force: nothing allowed, no end, and another's release.
    let mut running = Running::start(&["--force"])?;
    running.signal(libc::SIGHUP)?;
    checks.holds_not("a leak", leak()?)?;
    checks.equal(
        "it still runs after SIGHUP",
        &status()?["is_watched"],
        &true.into(),
    )?;
    release()?;
    let told = running.wait()?;
    checks.holds(&told, told.contains("released"))?;
    is_clean(&world.near, &mut checks)?;
    Ok(checks.report(&how))
}

/// The resolvers of the host, and no other.
fn resolvers(checks: &mut Checks) -> Result<(), Failure> {
    const CONF: &str = "/etc/resolv.conf";
    std::fs::create_dir_all("/etc").tried("/etc")?;
    std::fs::write(CONF, "nameserver 192.0.2.53\nnameserver 127.0.0.1\n").tried(CONF)?;
    let running = Running::start(&["--for", "1h", "--dns"])?;
    let said = status()?;
    std::fs::remove_file(CONF).tried(CONF)?;
    let rules = said["rules"].as_array().cloned().unwrap_or_default();
    let rules: Vec<_> = rules
        .iter()
        .filter_map(|rule| rule["rule"].as_str())
        .collect();
    checks.equal(
        "rules",
        &rules,
        &vec!["192.0.2.53:53/udp", "192.0.2.53:53/tcp"],
    )?;
    checks.equal("their origin", &said["rules"][0]["origin"], &"dns".into())?;
    let left_ms = said["remaining_ms"].as_u64().unwrap_or(0);
    let is_right = (3_500_000..=3_600_000).contains(&left_ms);
    checks.holds(&format!("{left_ms} ms are left"), is_right)?;
    running.end(libc::SIGTERM)?;
    release().map(drop)
}

fn refusals(checks: &mut Checks) -> Result<(), Failure> {
    for (words, code, why) in [
        (&["isolate"][..], 1, "no way back"),
        (&["isolate", "--while-running"], 1, "no way back"),
        (&["isolate", "--dns"], 1, "no way back"),
        (
            &["isolate", "--allow", "10.0.0.0/33"],
            2,
            "at character 10: /33",
        ),
        (&["isolate", "--for", "soon"], 2, "no duration"),
        (&["isolate", "--release", "--force"], 2, "cannot be used"),
        (&["isolate", "--for", "9s", "--dns"], 1, "resolv.conf"),
    ] {
        let said = trapline(words)?;
        let is_right = said.code == Some(code) && said.err.contains(why);
        checks.holds(&format!("{words:?}: {}", said.err), is_right)?;
    }
    let left = Path::new(PINS).exists();
    checks.holds_not("pins after refusals", left)
}

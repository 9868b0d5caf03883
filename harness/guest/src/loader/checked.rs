//! Cases of `trapline check` without objects: what it says of this kernel, to root and
//! to nobody.

use std::fs;
use std::os::unix::process::CommandExt;
use std::process::Command;

use serde_json::Value;

use super::checks::Checks;
use super::stage::{Failure, Tried};
use super::trapline::{PROGRAM, Said, trapline};
use super::{Case, Outcome, Stage};
use crate::init;
use crate::sys::boot;

pub(super) const CASES: &[Case] = &[Case {
    name: "check_unprivileged_by_program",
    object: None,
    run: unprivileged,
}];

/// Loads all sensors: no row.
pub(super) const LONG: &[Case] = &[Case {
    name: "sensing_check_by_program",
    object: None,
    run: privileged,
}];

/// Who has no rights.
pub(super) const NOBODY: u32 = 65534;
/// Something that Debian's kernels are built with, for a file that says otherwise.
const OPTION: &str = "CONFIG_CGROUP_BPF";

fn as_nobody(words: &[&str]) -> Result<Said, Failure> {
    let mut command = Command::new(PROGRAM);
    let output = command.args(words).uid(NOBODY).gid(NOBODY).output();
    let output = output.tried(PROGRAM)?;
    Ok(Said::of(&output))
}

/// The one of `rows` whose member `key` is `name`.
fn row<'a>(report: &'a Value, rows: &str, key: &str, name: &str) -> Result<&'a Value, Failure> {
    let found = report[rows].as_array().and_then(|rows| {
        let mut rows = rows.iter();
        rows.find(|row| row[key] == name)
    });
    found.ok_or_else(|| Failure::Other(format!("no {name} among {rows}: {report}")))
}

fn by(report: &Value, what: &str) -> Result<String, Failure> {
    let row = row(report, "uses", "what", what)?;
    Ok(row["by"].as_str().unwrap_or("-").to_owned())
}

/// What would be used, in short; each kernel has its own.
fn summary(report: &Value) -> Result<String, Failure> {
    let mut parts = Vec::new();
    for what in ["records of events", "isolation, interfaces"] {
        parts.push(by(report, what)?);
    }
    for family in ["process", "file", "mount", "network"] {
        let hooks = by(report, &format!("hooks of {family} events"))?;
        parts.push(format!("{family} {hooks}"));
    }
    Ok(parts.join("; "))
}

/// Somebody without rights learns what types, files and the list of features say, and
/// what could not be seen.
fn unprivileged(_: &mut Stage<'_>) -> Outcome {
    let mut checks = Checks::default();
    let said = as_nobody(&["check", "--json"])?.good()?;
    let report = &said.lines()?[0];
    checks.equal("the caller", &report["caller"]["uid"], &NOBODY.into())?;
    checks.equal("a verdict", &report["good"], &Value::Null)?;
    let rights = report["caller"]["capabilities"].as_array().map(Vec::len);
    checks.equal("rights", &rights, &Some(0))?;
    let unseen = report["unseen"].to_string();
    for part in [
        "EPERM",
        "the verifier",
        "CONFIG_NET_CLS_BPF",
        "kprobes/enabled",
    ] {
        let is_told = unseen.contains(part);
        checks.holds(&format!("{part} in {unseen}"), is_told)?;
    }
    for hook in report["hooks"].as_array().into_iter().flatten() {
        let is_right = hook["tried"] == false && hook["way"] != "impossible";
        checks.holds(&format!("{hook}"), is_right)?;
    }
    // Debian's kernels have all that a sign is known of, but for what came later.
    let options = report["config"]["options"].as_array();
    for option in options
        .into_iter()
        .flatten()
        .filter(|row| row["state"] == "no")
    {
        let came_later = ["CONFIG_NET_XGRESS", "CONFIG_MPTCP"].map(Value::from);
        let is_right = came_later.contains(&option["option"]);
        checks.holds(&format!("{option}"), is_right)?;
    }
    let option = row(&report["config"], "options", "option", OPTION)?;
    checks.equal(&format!("{option}"), &option["state"], &"yes".into())?;
    let source = option["source"].as_str().unwrap_or_default();
    checks.holds(source, source.starts_with("probing: "))?;
    configured(&mut checks)?;
    Ok(checks.report(&summary(report)?))
}

/// Where the configuration can be read, it is what counts, and it is named.
fn configured(checks: &mut Checks) -> Result<(), Failure> {
    let release = boot::uname().tried("uname")?.release;
    let path = format!("/boot/config-{release}");
    let is_new = !fs::exists("/boot").tried("/boot")?;
    fs::create_dir_all("/boot").tried("/boot")?;
    fs::write(&path, format!("# {OPTION} is not set\nCONFIG_MPTCP=y\n")).tried(&path)?;
    let said = as_nobody(&["check", "--json"]).and_then(Said::good);
    let text = as_nobody(&["check"]).and_then(Said::good);
    fs::remove_file(&path).tried(&path)?;
    if is_new {
        fs::remove_dir("/boot").tried("/boot")?;
    }
    let report = &said?.lines()?[0];
    checks.equal("the path", &report["config"]["path"], &path.as_str().into())?;
    let option = row(&report["config"], "options", "option", OPTION)?;
    checks.equal("the option", &option["state"], &"no".into())?;
    let sockets = by(report, "isolation, sockets")?;
    checks.equal("sockets without it", &sockets.as_str(), &"-")?;
    let text = text?.out;
    for part in [
        format!("missing configuration, from {path}"),
        format!("{OPTION} "),
        "does not cover sockets".to_owned(),
        "could not be seen".to_owned(),
    ] {
        checks.holds(&format!("{part} in {text}"), text.contains(&part))?;
    }
    Ok(())
}

/// Root has everything tried, and nothing stays behind.
fn privileged(_: &mut Stage<'_>) -> Outcome {
    let mut checks = Checks::default();
    let said = trapline(&["check", "--json"])?.good()?;
    let report = &said.lines()?[0];
    checks.equal("a verdict", &report["good"], &true.into())?;
    for hook in report["hooks"].as_array().into_iter().flatten() {
        let way = hook["way"].as_str().unwrap_or_default();
        let is_right = matches!(way, "fentry" | "kprobe" | "absent");
        let is_right = is_right && hook["tried"] == true;
        // Whoever falls back says why.
        let is_told = way == "fentry" || hook["reason"].is_string();
        checks.equal(&format!("{hook}"), &(is_right, is_told), &(true, true))?;
    }
    for feature in report["features"].as_array().into_iter().flatten() {
        let is_known = feature["state"] != "unknown";
        checks.holds(&format!("{feature}"), is_known)?;
    }
    let text = trapline(&["check"])?.good()?.out;
    for part in ["would be used", "features", "the sensors load"] {
        checks.holds(&format!("{part} in {text}"), text.contains(part))?;
    }
    // What people see, for whoever wants to read it in the console's log.
    text.lines().for_each(init::say);
    Ok(checks.report(&summary(report)?))
}

//! Somebody who is root lays hands on the sensors: what the kernel refuses, and what is
//! noticed and put right.

use std::fs::{self, File};
use std::time::Duration;

use trapline_loader::attach::Link;
use trapline_loader::map::{Map, UpdateFlag};

use super::FOLDER;
use super::running::{Watching, values};
use crate::loader::checks::Checks;
use crate::loader::stage::{Failure, Tried};
use crate::loader::trapline::Said;
use crate::loader::{Outcome, Stage};
use crate::sys::invade::{Made, Traced};

/// Of a process that saw somebody tamper with its sensors.
const TAMPERED: i32 = 3;
/// A device that nothing is mounted from.
const DEVICE: u32 = 8 << 20 | 77;
/// Two of its looks, and a little.
const LOOKS: Duration = Duration::from_millis(2500);

pub(super) fn defence(_: &mut Stage<'_>) -> Outcome {
    let mut checks = Checks::default();
    fs::create_dir_all(FOLDER).tried(FOLDER)?;
    let words = ["--json", "--family", "file", "--path", FOLDER];
    let mut watching = Watching::start(&words)?;
    refused(&watching, &mut checks)?;
    written(&mut watching, &mut checks)?;
    invaded(&mut watching, &mut checks)?;
    let said = watching.end(libc::SIGTERM)?;
    told(&said, &mut checks)?;
    untouched(&mut checks)?;
    Ok(checks.report("fentry"))
}

/// The descriptors of a process of which /proc says such a number, and that.
fn held_by(pid: u32, key: &str) -> Result<Vec<(u64, u32)>, Failure> {
    let folder = format!("/proc/{pid}/fdinfo");
    let entries = fs::read_dir(&folder).tried(&folder)?;
    let held = entries.filter_map(|entry| {
        let entry = entry.ok()?;
        let text = fs::read_to_string(entry.path()).ok()?;
        let id = text.lines().find_map(|line| line.strip_prefix(key))?;
        let fd = entry.file_name().to_str()?.parse().ok()?;
        Some((fd, id.trim().parse().ok()?))
    });
    Ok(held.collect())
}

fn map_of(watching: &Watching, name: &str) -> Result<Map, Failure> {
    for (_, id) in held_by(watching.pid(), "map_id:")? {
        let map = Map::from_id(id)?;
        if map.name() == name {
            return Ok(map);
        }
    }
    Err(Failure::Other(format!("it holds no map {name}")))
}

/// Detaching a program of the kernel's functions, and writing to what programs alone
/// write to.
fn refused(watching: &Watching, checks: &mut Checks) -> Result<(), Failure> {
    let links = held_by(watching.pid(), "link_id:")?;
    checks.holds("it has links", !links.is_empty())?;
    for (_, id) in links {
        checks.refused("a detached link", Link::from_id(id)?.force_detach())?;
    }
    for name in ["losses", "touches", "lanes"] {
        let map = map_of(watching, name)?;
        let (key, value) = (vec![0; map.key_bytes()], vec![0; map.value_bytes()]);
        let written = map.update(&key, &value, UpdateFlag::Any);
        checks.refused(&format!("a write to {name}"), written)?;
    }
    Ok(())
}

/// Somebody hides from the sensors: an entry for this very process, one for a file
/// system, and the switch.
fn written(watching: &mut Watching, checks: &mut Checks) -> Result<(), Failure> {
    let own = std::process::id();
    let excluded = map_of(watching, "excluded")?;
    let (key, plain) = (own.to_ne_bytes(), 0_u32.to_ne_bytes());
    excluded.update(&key, &plain, UpdateFlag::Any)?;
    watching.tells(&format!("left out process {own}"))?;
    checks.equal("what was put right", &excluded.lookup(&key)?, &None)?;
    File::create(format!("{FOLDER}/visible")).tried("a file")?;
    watching.tells("/visible")?;

    let mounts = map_of(watching, "mounts")?;
    let key = DEVICE.to_ne_bytes();
    mounts.update(&key, &1_u32.to_ne_bytes(), UpdateFlag::Any)?;
    watching.tells("file system on device 8:77: 1")?;
    checks.equal("what was put right", &mounts.lookup(&key)?, &None)?;

    let used = map_of(watching, "filters_used")?;
    let key = 1_u32.to_ne_bytes();
    used.update(&key, &plain, UpdateFlag::Any)?;
    watching.tells("had another value for filter 1: 0")?;
    let on = Some(1_u32.to_ne_bytes().to_vec());
    checks.equal("the switch", &used.lookup(&key)?, &on)
}

/// Somebody has the process itself let go of a link.
fn invaded(watching: &mut Watching, checks: &mut Checks) -> Result<(), Failure> {
    let links = held_by(watching.pid(), "link_id:")?;
    let fd = links.first().map_or(u64::MAX, |(fd, _)| *fd);
    let traced = Traced::new(watching.pid().cast_signed()).tried("trace it")?;
    watching.tells("is traced by process")?;
    let closed = traced.call(libc::SYS_close, [fd, 0, 0]).tried("close")?;
    checks.equal("its close", &closed, &Made::Returned(0))?;
    watching.tells("\"part\":\"link\"")?;
    // It looks again, and tells no more of that.
    std::thread::sleep(LOOKS);
    Ok(())
}

/// Each once, in the stream, on the standard error and in the code.
fn told(said: &Said, checks: &mut Checks) -> Result<(), Failure> {
    checks.equal(
        &format!("the code: {}", said.err),
        &said.code,
        &Some(TAMPERED),
    )?;
    let lines = values(&said.out)?;
    let tampered = lines.iter().filter(|line| line["kind"] == "tampered");
    let names: Vec<&str> = tampered.filter_map(|line| line["part"].as_str()).collect();
    let expected = ["map", "map", "map", "reader", "link"];
    checks.equal(&said.out, &names, &expected.to_vec())?;
    let part = format!("TAMPERED WITH: {} times", expected.len());
    let is_told = said.err.contains(&part);
    checks.holds(&format!("{part} in {}", said.err), is_told)?;
    let errors = said.err.matches("error: tampered with: ").count();
    checks.equal(&said.err, &errors, &expected.len())
}

/// Where nobody does anything, nothing is told: also not of what it excludes itself.
fn untouched(checks: &mut Checks) -> Result<(), Failure> {
    let own = std::process::id().to_string();
    let words = ["--json", "--family", "file", "--exclude-pid", &own];
    let watching = Watching::start(&[&words[..], &["--exclude-descendants"]].concat())?;
    let child = std::process::Command::new(crate::loader::trapline::PROGRAM)
        .arg("--version")
        .output();
    child.tried("a child")?;
    std::thread::sleep(LOOKS);
    let said = watching.end(libc::SIGTERM)?;
    checks.equal(&format!("the code: {}", said.err), &said.code, &Some(0))?;
    let is_quiet = !said.out.contains("tampered");
    checks.holds(&said.out, is_quiet)
}

//! A real build, of a small C project by make and a C compiler, watched by the sensors
//! and by strace: what strace says was done is what the sensors have to say, process by
//! process and in order, nothing missing, nothing twice.
//!
//! The host puts the project and its tools into the image. What strace writes is read
//! here by [`strace`], and what it comes to is worked out by [`world`], which begins with
//! the names that there were and knows nothing of the sensors.

mod attributes;
mod calls;
mod changes;
mod compare;
mod names;
mod operation;
mod processes;
mod strace;
#[cfg(test)]
mod tests;
mod world;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use trapline_sensors::sensors::Flavour;

use super::super::stage::{Failure, Tried};
use super::{FOLDER, Heard, Listening, Outcome, Report, Stage, file_of};
use names::Kind;
use operation::Operation;
use world::Listed;

/// Where the host has put the project.
const PROJECT: &str = "/project";
const STRACE: &str = "/usr/bin/strace";
const SHELL: &str = "/bin/sh";
/// Where the project says what is done with it.
const SCRIPT: &str = "build.sh";
/// Not below the folder that is watched.
const LOG: &str = "/tmp/sensing.strace";
/// Of what is read and written; names are always whole.
const TEXT_MOST: &str = "64";
/// Room for the whole build.
const RING_BYTES: u32 = 32 << 20;
const TOUCHES: u32 = 1 << 16;
/// A file is told to be read or written once by a process, however long that lives.
const WINDOW: Duration = Duration::from_secs(24 * 3600);
/// The kernel's own affairs.
const UNTOLD: [&str; 2] = ["/proc", "/sys"];

pub(super) fn build(stage: &mut Stage<'_>, flavour: Flavour) -> Outcome {
    let folder = format!("{FOLDER}.build.{}", flavour.name());
    let _ = fs::remove_dir_all(&folder);
    copy(Path::new(PROJECT), Path::new(&folder)).tried(format!(
        "copy {PROJECT}, which `cargo harness` puts into the image"
    ))?;
    let mut listed = Vec::new();
    list(Path::new("/"), &mut listed).tried("list all files")?;
    let mut listening = Listening::begin(stage.kernel(), flavour, |options| {
        options.ring_bytes = RING_BYTES;
        options.file.touch_window = WINDOW;
        options.file.touches = TOUCHES;
    })?;
    let output = watched(&folder)?;
    let heard = heard(&mut listening)?;
    let account = listening.sensors.account()?;
    drop(listening);
    let log = fs::read(LOG).tried(LOG)?;
    let log = String::from_utf8_lossy(&log);
    if !output.status.success() {
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        return Err(Failure::other(
            format!("the build ended with {}", output.status),
            said,
        ));
    }
    let steps = strace::parse(&log).map_err(Failure::Other)?;
    let truth = world::truth(&listed, &folder, &steps).map_err(Failure::Other)?;
    let right = compare::compare(&truth, &log, &heard, &folder);
    let right = right.map_err(|differences| {
        Failure::Other(format!(
            "{differences}\nruns left out: {:?}, lost: {:?}, poorer: {:?}",
            account.missed, account.lost, account.poorer
        ))
    })?;
    if account.lost_total() > 0 {
        return Err(Failure::other("lost", format!("{:?}", account.lost)));
    }
    let operations = truth.done.len() as u64;
    let how = format!(
        "{}: {operations} operations of {} processes as strace has them: {}",
        flavour.name(),
        truth.processes,
        by_kind(&truth)
    );
    Ok(Report::checked(how, operations, right))
}

/// How many there were of each kind: `12 create, 7 delete, …`.
fn by_kind(truth: &world::Truth) -> String {
    let mut counts = BTreeMap::new();
    for done in &truth.done {
        *counts.entry(done.operation.kind).or_insert(0) += 1;
    }
    let counts = counts.into_iter().map(|(kind, count)| {
        let kind: &str = kind;
        format!("{count} {}", kind.trim_start_matches("file_"))
    });
    counts.collect::<Vec<_>>().join(", ")
}

/// Does what the project's script says, and has strace write down each call.
fn watched(folder: &str) -> Result<Output, Failure> {
    let traced = format!("trace={}", calls::CALLS);
    Command::new(STRACE)
        .args([
            "-f",
            "--seccomp-bpf",
            "-q",
            "-s",
            TEXT_MOST,
            "-o",
            LOG,
            "-e",
            &traced,
        ])
        .args([SHELL, SCRIPT])
        .current_dir(folder)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .stdin(Stdio::null())
        .output()
        .tried(format!(
            "{STRACE}, which `cargo harness` puts into the image"
        ))
}

fn heard(listening: &mut Listening) -> Result<Vec<compare::Heard>, Failure> {
    let mut all = Vec::new();
    for heard in listening.hear()? {
        let event = match heard {
            Heard::Event(event) => event,
            Heard::Lost { records, .. } => {
                return Err(Failure::Other(format!("{records} records lost")));
            }
        };
        let Some(file) = file_of(&event) else {
            continue;
        };
        all.push(compare::Heard {
            tgid: event.process.tgid,
            operation: Operation::of(file),
        });
    }
    Ok(all)
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let there = to.join(entry.file_name());
        match entry.file_type()?.is_dir() {
            true => copy(&entry.path(), &there)?,
            false => drop(fs::copy(entry.path(), there)?),
        }
    }
    Ok(())
}

/// Every name below a folder, folders before what is in them.
fn list(folder: &Path, listed: &mut Vec<Listed>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let about = fs::symlink_metadata(&path)?;
        let kind = match about.file_type() {
            _ if UNTOLD.iter().any(|untold| path == Path::new(untold)) => Kind::Untold,
            kind if kind.is_dir() => Kind::Folder,
            kind if kind.is_file() => Kind::Regular,
            kind if kind.is_symlink() => {
                Kind::Symlink(fs::read_link(&path)?.as_os_str().as_bytes().to_vec())
            }
            _ => Kind::Other,
        };
        let is_folder = kind == Kind::Folder;
        listed.push(Listed {
            path: path.as_os_str().as_bytes().to_vec(),
            kind,
            file: (about.dev(), about.ino()),
        });
        if is_folder {
            list(&path, listed)?;
        }
    }
    Ok(())
}

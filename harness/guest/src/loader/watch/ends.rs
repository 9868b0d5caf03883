//! How it ends: told to, without a reader, and where nothing can be written.

use std::fs::File;
use std::process::Stdio;
use std::time::Duration;

use super::running::{Watching, values};
use super::{FOLDER, acts};
use crate::loader::checks::Checks;
use crate::loader::stage::{Failure, Tried};
use crate::loader::trapline::{Said, trapline};
use crate::loader::{Outcome, Stage};
use crate::sys::{boot, mounts};

/// One family alone: loading all takes seconds.
const MOUNTS: [&str; 4] = ["--json", "--family", "mount", "--path"];
const TINY: &str = "/tmp/watch-tiny";

pub(super) fn ends(_: &mut Stage<'_>) -> Outcome {
    let mut checks = Checks::default();
    std::fs::create_dir_all(FOLDER).tried(FOLDER)?;
    let words = [&MOUNTS[..], &[FOLDER]].concat();
    told_to(&words, &mut checks)?;
    reader_gone(&words, &mut checks)?;
    nowhere_to_write(&words, &mut checks)?;
    for (words, code, why) in [
        (
            &["watch", "--kind", "creat"][..],
            2,
            "there is no kind creat",
        ),
        (
            &["watch", "--family", "files"],
            2,
            "there is no family files",
        ),
        (&["watch", "--path", "tmp"], 2, "no absolute path"),
        (
            &["watch", "--cgroup", "nobody-has-this"],
            1,
            "no control group is called",
        ),
        (&["watch", "--policy", "/nowhere"], 1, "/nowhere"),
    ] {
        let said = trapline(words)?;
        let is_right = said.code == Some(code) && said.err.contains(why);
        checks.holds(&format!("{words:?}: {}", said.err), is_right)?;
    }
    Ok(checks.report("fentry"))
}

/// SIGTERM and SIGINT: what was done until then is told, then a summary.
fn told_to(words: &[&str], checks: &mut Checks) -> Result<(), Failure> {
    for signal in [libc::SIGTERM, libc::SIGINT] {
        let watching = Watching::start(words)?;
        acts::storm(FOLDER, 50)?;
        let said = watching.end(signal)?.good()?;
        let told = values(&said.out)?;
        let count = |kind: &str| told.iter().filter(|line| line["kind"] == kind).count();
        checks.equal("mounts", &count("mount"), &50)?;
        checks.equal("gone", &count("umount"), &50)?;
        for part in ["watched for ", "umount 50", "lost: none"] {
            checks.holds(&format!("{part} in {}", said.err), said.err.contains(part))?;
        }
    }
    Ok(())
}

/// Nobody reads any more: it ends by itself, quietly, with and without events.
fn reader_gone(words: &[&str], checks: &mut Checks) -> Result<(), Failure> {
    for times in [0, 50] {
        let (watching, out) = Watching::start_unread(words)?;
        drop(out);
        acts::storm(FOLDER, times)?;
        let said = watching.wait()?;
        checks.equal(&format!("the code: {}", said.err), &said.code, &Some(0))?;
        checks.holds_not(&said.err, said.err.contains("error"))?;
    }
    Ok(())
}

/// A full disk behind the output: an error, and how many lines are missing.
fn nowhere_to_write(words: &[&str], checks: &mut Checks) -> Result<(), Failure> {
    let full = File::options()
        .write(true)
        .open("/dev/full")
        .tried("/dev/full")?;
    let watching = Watching::start_to(words, full.into())?;
    acts::storm(FOLDER, 50)?;
    is_full(&watching.wait()?, checks)?;
    // Room for some lines.
    std::fs::create_dir_all(TINY).tried(TINY)?;
    boot::mount("tmpfs", TINY, "tmpfs", "size=64k").tried("mount")?;
    let path = format!("{TINY}/out");
    let file = File::create(&path).tried(&path)?;
    let watching = Watching::start_to(words, Stdio::from(file))?;
    acts::storm(FOLDER, 200)?;
    let said = watching.wait()?;
    is_full(&said, checks)?;
    let text = std::fs::read_to_string(&path).tried(&path)?;
    let written = text
        .lines()
        .count()
        .saturating_sub(usize::from(!text.ends_with('\n')));
    let part = format!("; {written} lines written");
    checks.holds(&format!("{part} in {}", said.err), said.err.contains(&part))?;
    checks.holds("something was written", written > 0)?;
    let target = std::ffi::CString::new(TINY).map_err(|error| Failure::other(TINY, error))?;
    // Whoever held the file has ended.
    std::thread::sleep(Duration::from_millis(50));
    mounts::unmount(&target, 0).tried("umount")
}

fn is_full(said: &Said, checks: &mut Checks) -> Result<(), Failure> {
    checks.equal("the code on a full disk", &said.code, &Some(1))?;
    for part in ["error: standard output: No space left", "not written: "] {
        checks.holds(&format!("{part} in {}", said.err), said.err.contains(part))?;
    }
    Ok(())
}

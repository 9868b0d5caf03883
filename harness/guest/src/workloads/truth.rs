//! What a workload says about what it did: JSON lines on one descriptor that all its processes inherit.
//!
//! Nothing here asks the sensors. A fact is either what a system call returned to us or what /proc
//! shows of a process that stands still. Pids are those of the initial pid namespace, as /proc shows them.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::failure::{Failure, Outcome, Tried};
use super::standing;
use crate::sys::process::{self, Ended};

/// Where truth goes. A fixed number, so that neither arguments nor environment of any program tell it.
pub const TRUTH_FD: i32 = 3;

/// Says one fact. Lines up to 4096 bytes are written whole; only one process of a workload talks at a time anyway.
///
/// # Errors
/// When nobody listens any more.
pub fn say(fact: &Value) -> Outcome {
    let line = format!("{fact}\n");
    process::write_all(TRUTH_FD, line.as_bytes()).tried("say what was done")
}

/// Says that the workload could not do what it is for. Capture turns it into a `failure` frame.
pub fn say_failure(failure: &Failure) {
    // Nobody listens: then the exit code, which is not zero either, has to do.
    let _ = say(&json!({"what": "failure", "error": failure.0}));
}

/// `{"exit":n}` or `{"signal":n,"core":bool}`.
#[must_use]
pub fn status(ended: Ended) -> Value {
    match ended {
        Ended::Exit(code) => json!({"exit": code}),
        Ended::Signal { signal, core } => json!({"signal": signal, "core": core}),
    }
}

/// This process's pid in the initial pid namespace: what /proc/self points to.
///
/// # Errors
/// Without /proc.
pub fn own_pid() -> Outcome<i32> {
    let link = fs::read_link("/proc/self").tried("read /proc/self")?;
    link.to_str()
        .and_then(|pid| pid.parse().ok())
        .ok_or_else(|| Failure(format!("/proc/self points to {}", link.display())))
}

/// This process's pid and this thread's id in the initial pid namespace: what /proc/thread-self
/// points to.
///
/// # Errors
/// Without /proc.
pub fn own_thread() -> Outcome<(i32, i32)> {
    let link = fs::read_link("/proc/thread-self").tried("read /proc/thread-self")?;
    let ids = link.to_str().and_then(|path| {
        let (pid, tid) = path.split_once("/task/")?;
        Some((pid.parse().ok()?, tid.parse().ok()?))
    });
    ids.ok_or_else(|| Failure(format!("/proc/thread-self points to {}", link.display())))
}

/// The pid, in the initial pid namespace, of our child whose pid here is `local`.
///
/// # Errors
/// When /proc shows no such child.
pub fn child_pid(local: i32) -> Outcome<i32> {
    let own = own_pid()?;
    if own == std::process::id().cast_signed() {
        return Ok(local);
    }
    // A child may be in a namespace further in: what counts is its pid on our level.
    let status = fs::read_to_string("/proc/self/status").tried("read /proc/self/status")?;
    let level = ints(&status, "NSpid").len().saturating_sub(1);
    let folder = fs::read_dir("/proc").tried("read /proc")?;
    folder
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok())
        .find(|pid| {
            let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            ints(&status, "PPid") == [i64::from(own)]
                && ints(&status, "NSpid").get(level) == Some(&i64::from(local))
        })
        .ok_or_else(|| Failure(format!("/proc shows no child {local} of {own}")))
}

/// Everything /proc shows of a process that stands still: identity, program, arguments.
///
/// Keys: `ppid nspid pgid sid uid gid standing parent_standing ns exe cwd argv env`; `uid` and `gid`
/// are real, effective, saved, file system; `ns` holds inode numbers; `nspid pgid sid` are lists from
/// the initial to the innermost namespace. `exe` or `cwd` are null when they are longer than a page.
///
/// # Errors
/// When the process is gone.
pub fn observe(pid: i32) -> Outcome<Map<String, Value>> {
    let mut seen = identity(pid)?;
    let at = |name: &str| format!("/proc/{pid}/{name}");
    let parent = seen["ppid"]
        .as_i64()
        .and_then(|pid| i32::try_from(pid).ok());
    let parent = parent.ok_or_else(|| Failure(format!("{pid} has no parent")))?;
    seen.insert("standing".into(), standing::of(pid)?);
    seen.insert("parent_standing".into(), standing::of(parent)?);
    for name in ["exe", "cwd"] {
        let link = match fs::read_link(at(name)) {
            Ok(path) => Value::from(path.to_string_lossy()),
            Err(error) if error.raw_os_error() == Some(libc::ENAMETOOLONG) => Value::Null,
            Err(error) => return Err(Failure(format!("read {}: {error}", at(name)))),
        };
        seen.insert(name.into(), link);
    }
    for (key, name) in [("argv", "cmdline"), ("env", "environ")] {
        let bytes = fs::read(at(name)).tried(at(name))?;
        seen.insert(key.into(), strings(&bytes));
    }
    Ok(seen)
}

/// The part of [`observe`] that also a process without a program of its own has.
///
/// # Errors
/// When the process is gone.
pub fn identity(pid: i32) -> Outcome<Map<String, Value>> {
    let at = |name: &str| format!("/proc/{pid}/{name}");
    let status = fs::read_to_string(at("status")).tried(at("status"))?;
    let mut seen = Map::new();
    let one = |key| ints(&status, key).first().copied();
    seen.insert("ppid".into(), json!(one("PPid")));
    for (key, line) in [
        ("nspid", "NSpid"),
        ("pgid", "NSpgid"),
        ("sid", "NSsid"),
        ("uid", "Uid"),
        ("gid", "Gid"),
    ] {
        seen.insert(key.into(), json!(ints(&status, line)));
    }
    let mut namespaces = Map::new();
    for name in ["mnt", "pid", "net", "user"] {
        let path = at(&format!("ns/{name}"));
        let inode = fs::metadata(&path).tried(&path)?.ino();
        namespaces.insert(name.into(), json!(inode));
    }
    seen.insert("ns".into(), Value::Object(namespaces));
    Ok(seen)
}

/// The path of a running program as /proc shows it now, for what changes during its life.
#[must_use]
pub fn exe(pid: i32) -> Value {
    let link = fs::read_link(Path::new("/proc").join(pid.to_string()).join("exe"));
    link.map_or(Value::Null, |path| Value::from(path.to_string_lossy()))
}

/// Bytes as JSON has them: a string, or hexadecimal digits where they are no UTF-8.
#[must_use]
pub fn bytes(bytes: &[u8]) -> Value {
    std::str::from_utf8(bytes).map_or_else(
        |_| {
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            json!({"hex": hex})
        },
        Value::from,
    )
}

/// All integers of a line `Key:\t1\t2` of a status file; none if there is no such line.
fn ints(status: &str, key: &str) -> Vec<i64> {
    status
        .lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))
        .unwrap_or_default()
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect()
}

/// A block of zero-terminated strings as a JSON array: `a\0\0` is `["a",""]`.
fn strings(block: &[u8]) -> Value {
    let block = block
        .strip_suffix(&[0])
        .map_or_else(|| if block.is_empty() { None } else { Some(block) }, Some);
    let parts = block.map(|block| {
        block
            .split(|byte| *byte == 0)
            .map(|part| Value::from(String::from_utf8_lossy(part)))
            .collect::<Vec<_>>()
    });
    Value::from(parts.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_strings_in_a_block_are_kept() {
        assert_eq!(strings(b""), json!([]));
        assert_eq!(strings(b"\0"), json!([""]));
        assert_eq!(strings(b"a\0\0b\0"), json!(["a", "", "b"]));
        assert_eq!(strings(b"a\0\0"), json!(["a", ""]));
    }

    #[test]
    fn a_status_line_gives_all_its_numbers() {
        let status = "Name:\tx\nUid:\t1\t2\t3\t4\nNSpid:\t7\n";
        assert_eq!(ints(status, "Uid"), [1, 2, 3, 4]);
        assert_eq!(ints(status, "Pid"), Vec::<i64>::new());
    }

    #[test]
    fn we_observe_ourselves_as_we_are() {
        let seen = observe(own_pid().unwrap()).unwrap();
        let exe = std::env::current_exe().unwrap();
        assert_eq!(seen["exe"], json!(exe.to_str().unwrap()));
        assert_eq!(seen["uid"].as_array().unwrap().len(), 4);
        assert!(seen["ns"]["mnt"].as_u64().unwrap() > 0);
    }
}

//! What it may do while it watches, as /proc has it, and that it watches all the same.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use super::FOLDER;
use super::running::{Watching, values};
use crate::loader::checks::Checks;
use crate::loader::stage::{Failure, Tried};
use crate::loader::trapline::{PROGRAM, Said};
use crate::loader::{Outcome, Stage};
use crate::sys::capability;
use crate::sys::invade::{Made, Traced};

const POLICY: &str = "/tmp/watch-least.toml";
/// The highest number that nobody has.
const NOBODYS: u32 = 65_533;
const SOMEBODY: u32 = 1_234;
const CAP_SYS_RESOURCE: u32 = 24;
const CAP_PERFMON: u32 = 38;
const CAP_BPF: u32 = 39;
/// What loading takes: before 5.11 also to lift the limit of locked memory.
const ENOUGH: &[u32] = &[CAP_BPF, CAP_PERFMON, CAP_SYS_RESOURCE];
/// Debian's kernels have a level at which kprobes take CAP_SYS_ADMIN.
const PARANOID: &str = "/proc/sys/kernel/perf_event_paranoid";
const WORDS: [&str; 3] = ["--json", "--path", FOLDER];
const FILES: &str = "families = [\"file\"]\nkinds = [\"file_create\"]\n";
const DELETIONS: &str = "families = [\"file\"]\nkinds = [\"file_delete\"]\n";

pub(super) fn privileges(_: &mut Stage<'_>) -> Outcome {
    let mut checks = Checks::default();
    fs::create_dir_all(FOLDER).tried(FOLDER)?;
    let how = as_root(&mut checks)?;
    kept(&mut checks)?;
    unreadable(&mut checks)?;
    with_enough(&mut checks)?;
    with_too_little(&mut checks)?;
    fs::remove_file(POLICY).tried(POLICY)?;
    Ok(checks.report(&how))
}

fn write(text: &str, mode: u32) -> Result<(), Failure> {
    fs::write(POLICY, text).tried(POLICY)?;
    fs::set_permissions(POLICY, Permissions::from_mode(mode)).tried(POLICY)
}

/// What /proc says of it.
fn status(watching: &Watching, name: &str) -> Result<String, Failure> {
    let path = format!("/proc/{}/status", watching.pid());
    let text = fs::read_to_string(&path).tried(&path)?;
    let mut lines = text.lines();
    let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let value = value.map(|value| value.split_whitespace().collect::<Vec<_>>().join(" "));
    value.ok_or_else(|| Failure::Other(format!("{path} has no {name}")))
}

/// All four of each, no group beside, nothing to hand on, a filter.
fn is_least(watching: &Watching, user: u32, checks: &mut Checks) -> Result<u64, Failure> {
    let four = [
        user.to_string(),
        user.to_string(),
        user.to_string(),
        user.to_string(),
    ];
    for name in ["Uid", "Gid"] {
        checks.equal(name, &status(watching, name)?, &four.join(" "))?;
    }
    let none = "0000000000000000";
    for (name, value) in [
        ("Groups", ""),
        ("CapInh", none),
        ("CapAmb", none),
        ("NoNewPrivs", "1"),
        ("Seccomp", "2"),
    ] {
        checks.equal(name, &status(watching, name)?, &value.to_owned())?;
    }
    let effective = status(watching, "CapEff")?;
    checks.equal("CapPrm", &status(watching, "CapPrm")?, &effective)?;
    u64::from_str_radix(&effective, 16).map_err(|error| Failure::other(effective, error))
}

/// Creates a file and deletes it.
fn both(name: &str) -> Result<(), Failure> {
    let path = format!("{FOLDER}/{name}");
    File::create_new(&path).tried(&path)?;
    fs::remove_file(&path).tried(&path)
}

fn is_told(said: &Said, expected: &[&str], checks: &mut Checks) -> Result<(), Failure> {
    let told = values(&said.out)?.into_iter().filter_map(|line| {
        let name = line["path"].as_str()?.rsplit('/').next()?.to_owned();
        Some(format!("{} {name}", line["kind"].as_str()?))
    });
    let told: Vec<String> = told.collect();
    let expected: Vec<String> = expected.iter().map(|line| (*line).to_owned()).collect();
    checks.equal("what is told", &told, &expected)
}

/// Started by root: it is nobody, and goes on telling and reading its policy.
fn as_root(checks: &mut Checks) -> Result<String, Failure> {
    write(FILES, 0o644)?;
    let mut watching = Watching::start(&[&WORDS[..], &["--policy", POLICY]].concat())?;
    let capabilities = is_least(&watching, NOBODYS, checks)?;
    let none = "0000000000000000".to_owned();
    checks.equal("CapBnd", &status(&watching, "CapBnd")?, &none)?;
    // The kernel decides whether this one is needed.
    let left = match capabilities {
        0 => "no capability",
        bits if bits == 1 << CAP_BPF => "CAP_BPF",
        bits => return Err(Failure::Other(format!("capabilities {bits:#x}"))),
    };
    watching.says(&format!("runs as user {NOBODYS}, {left}, "))?;
    both("first")?;
    write(DELETIONS, 0o644)?;
    watching.signal(libc::SIGHUP)?;
    watching.says("the policy was read again")?;
    both("second")?;
    refuses(&watching, checks)?;
    let said = watching.end(libc::SIGTERM)?;
    // Somebody traced it.
    let is_right = matches!(said.code, Some(0 | 3));
    checks.holds(&format!("{:?}: {}", said.code, said.err), is_right)?;
    let expected = ["file_create first", "file_delete second"];
    let told = Said {
        out: said
            .out
            .lines()
            .filter(|line| !line.contains("tampered"))
            .collect::<Vec<_>>()
            .join("\n"),
        ..said
    };
    is_told(&told, &expected, checks)?;
    starts_no_program(checks)?;
    Ok(left.to_owned())
}

fn traced(watching: &Watching) -> Result<Traced, Failure> {
    Traced::new(watching.pid().cast_signed()).tried("trace it")
}

/// What it does not need fails, and it lives on.
fn refuses(watching: &Watching, checks: &mut Checks) -> Result<(), Failure> {
    let refused = Made::Returned(-i64::from(libc::EPERM));
    let domain = u64::from(libc::AF_INET.unsigned_abs());
    for (name, number, arguments) in [
        ("socket", libc::SYS_socket, [domain, 1, 0]),
        // A program loaded.
        ("bpf", libc::SYS_bpf, [5, 0, 0]),
        ("kill", libc::SYS_kill, [1, 0, 0]),
        ("setuid", libc::SYS_setuid, [0, 0, 0]),
    ] {
        let made = traced(watching)?.call(number, arguments).tried(name)?;
        checks.equal(name, &made, &refused)?;
    }
    Ok(())
}

/// Starting a program ends it.
fn starts_no_program(checks: &mut Checks) -> Result<(), Failure> {
    let watching = Watching::start(&["--family", "mount"])?;
    let made = traced(&watching)?.call(libc::SYS_execve, [0, 0, 0]);
    match made.tried("execve")? {
        // Since 5.16 whoever traces it sees the end of the call before its death.
        Made::Returned(_) => checks.equal("the code", &watching.wait()?.code, &None),
        made @ Made::Died(_) => checks.equal("execve", &made, &Made::Died(libc::SIGSYS)),
    }
}

/// All of it can be left as it was, and another user chosen.
fn kept(checks: &mut Checks) -> Result<(), Failure> {
    let watching = Watching::start(&["--family", "mount", "--keep-privileges"])?;
    checks.equal("Seccomp", &status(&watching, "Seccomp")?, &"0".to_owned())?;
    checks.equal("Uid", &status(&watching, "Uid")?, &"0 0 0 0".to_owned())?;
    let said = watching.end(libc::SIGTERM)?.good()?;
    let is_told = said.err.contains("keeps its privileges: user 0, ");
    checks.holds(&said.err, is_told)?;
    let user = SOMEBODY.to_string();
    let watching = Watching::start(&["--family", "mount", "--user", &user])?;
    is_least(&watching, SOMEBODY, checks)?;
    watching.end(libc::SIGTERM)?.good().map(drop)
}

/// A policy that nobody may read then is said to be so at once.
fn unreadable(checks: &mut Checks) -> Result<(), Failure> {
    write(FILES, 0o600)?;
    let mut watching = Watching::start(&[&WORDS[..], &["--policy", POLICY]].concat())?;
    watching.says("warning: SIGHUP will not have the policy read again")?;
    watching.signal(libc::SIGHUP)?;
    watching.says("error: the old policy stays in force")?;
    both("third")?;
    let said = watching.end(libc::SIGTERM)?.good()?;
    is_told(&said, &["file_create third"], checks)
}

/// Started by a user with what it takes, which then goes.
fn with_enough(checks: &mut Checks) -> Result<(), Failure> {
    let words = [
        "--json",
        "--family",
        "file",
        "--path",
        FOLDER,
        "--kind",
        "file_create",
    ];
    let paranoid = fs::read_to_string(PARANOID).tried(PARANOID)?;
    fs::write(PARANOID, "2").tried(PARANOID)?;
    let watching = Watching::start_by(&words, Stdio::piped(), |command| {
        capability::run_as(command, SOMEBODY, ENOUGH);
    });
    fs::write(PARANOID, paranoid).tried(PARANOID)?;
    let mut watching = watching?;
    watching.read_own()?;
    is_least(&watching, SOMEBODY, checks)?;
    both("fourth")?;
    let said = watching.end(libc::SIGTERM)?.good()?;
    is_told(&said, &["file_create fourth"], checks)
}

/// What is missing is named.
fn with_too_little(checks: &mut Checks) -> Result<(), Failure> {
    for (capabilities, missing) in [
        (&[][..], "CAP_PERFMON and CAP_BPF missing"),
        (&[CAP_BPF, CAP_SYS_RESOURCE][..], ": CAP_PERFMON missing"),
        (&[CAP_PERFMON, CAP_SYS_RESOURCE][..], ": CAP_BPF missing"),
    ] {
        let mut command = Command::new(PROGRAM);
        command.args(["watch", "--family", "mount"]);
        capability::run_as(&mut command, SOMEBODY, capabilities);
        let said = Said::of(&command.output().tried(PROGRAM)?);
        let is_right = said.code == Some(1) && said.err.contains(missing);
        checks.holds(&format!("{missing}: {}", said.err), is_right)?;
    }
    Ok(())
}

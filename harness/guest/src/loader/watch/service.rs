//! As the package's service runs it: the command of the unit, with no more of root's
//! rights than the unit leaves.

use std::fs;

use super::running::{Watching, values};
use super::{FOLDER, acts};
use crate::loader::checks::Checks;
use crate::loader::stage::{Failure, Tried};
use crate::loader::trapline::{Said, trapline};
use crate::loader::{Outcome, Stage};
use crate::sys::{process, space};

const UNIT: &str = include_str!("../../../../../bpf-src/src/bin/trapline/package/trapline.service");
const POLICY: &str =
    include_str!("../../../../../bpf-src/src/bin/trapline/watch/policy/example.toml");
const COMMAND: &str = "/usr/bin/trapline watch ";
/// Numbers and names of what the unit may keep.
///
/// Source: include/uapi/linux/capability.h
const CAPABILITIES: [(u32, &str); 8] = [
    (6, "CAP_SETGID"),
    (7, "CAP_SETUID"),
    (8, "CAP_SETPCAP"),
    (19, "CAP_SYS_PTRACE"),
    (21, "CAP_SYS_ADMIN"),
    (34, "CAP_SYSLOG"),
    (38, "CAP_PERFMON"),
    (39, "CAP_BPF"),
];
const SYS_ADMIN: u32 = 21;
const PERFMON: u32 = 38;
/// At 3 Debian's kernels want CAP_SYS_ADMIN for what CAP_PERFMON is for.
const PARANOID: &str = "/proc/sys/kernel/perf_event_paranoid";
/// There are fewer than that.
const CAPABILITIES_MOST: u32 = 64;

/// All programs are attached that root's whole rights attach, and events are told; also
/// without CAP_SYS_ADMIN where the unit says that it can be taken away. Without
/// CAP_PERFMON it then says what is refused.
pub(super) fn service(_: &mut Stage<'_>) -> Outcome {
    let mut checks = Checks::default();
    let command = setting("ExecStart=")?;
    let words: Vec<&str> = command
        .strip_prefix(COMMAND)
        .into_iter()
        .flat_map(|words| words.split(' '))
        .collect();
    let [.., policy] = words[..] else {
        return Err(Failure::Other(format!("no policy in {command}")));
    };
    fs::create_dir_all("/etc/trapline").tried("the folder of the policy")?;
    fs::write(policy, POLICY).tried(policy)?;

    let whole = programs(&Watching::start(&words)?.end(libc::SIGTERM)?.good()?)?;
    keep(setting("CapabilityBoundingSet=")?)?;
    let limit = setting("LimitMEMLOCK=")?;
    checks.equal("the limit of locked memory", &limit, &"infinity")?;
    process::limit_memlock(libc::RLIM_INFINITY).tried("setrlimit")?;
    works(&words, whole, &mut checks)?;

    let paranoid = fs::read_to_string(PARANOID).tried(PARANOID)?;
    fs::write(PARANOID, "2").tried(PARANOID)?;
    space::drop_from_bounding_set(SYS_ADMIN).tried("prctl")?;
    works(&words, whole, &mut checks)?;
    space::drop_from_bounding_set(PERFMON).tried("prctl")?;
    let said = trapline(&[&["watch"], &words[..]].concat())?;
    let is_refused = said.code == Some(1) && said.err.contains("EPERM");
    let what = format!("without CAP_PERFMON: {}", said.err);
    checks.holds(&what, is_refused)?;
    fs::write(PARANOID, paranoid).tried(PARANOID)?;
    fs::remove_file(policy).tried(policy)?;
    Ok(checks.report("service"))
}

/// As many programs are in place, and tell.
fn works(words: &[&str], programs: u64, checks: &mut Checks) -> Result<(), Failure> {
    let watching = Watching::start(words)?;
    acts::all(FOLDER)?;
    let said = watching.end(libc::SIGTERM)?.good()?;
    checks.equal("programs in place", &self::programs(&said)?, &programs)?;
    let is_nobody = said.err.contains("runs as user 65533, ");
    checks.holds(&format!("nobody: {}", said.err), is_nobody)?;
    let told = values(&said.out)?;
    for kind in ["exec", "file_create", "mount_move"] {
        let is_told = told.iter().any(|line| line["kind"] == kind);
        checks.holds(&format!("{kind} in {}", said.out), is_told)?;
    }
    Ok(())
}

/// What the unit says of something.
fn setting(name: &str) -> Result<&'static str, Failure> {
    let value = UNIT.lines().find_map(|line| line.strip_prefix(name));
    value.ok_or_else(|| Failure::Other(format!("the unit has no {name}")))
}

/// How many programs it says are in place.
fn programs(said: &Said) -> Result<u64, Failure> {
    let count = said.err.lines().find_map(|line| {
        let rest = line.split_once("watching with ")?.1;
        rest.split(' ').next()?.parse().ok()
    });
    count.ok_or_else(|| Failure::Other(format!("no number of programs: {}", said.err)))
}

/// Leaves these capabilities alone to what is executed from now on.
fn keep(names: &str) -> Result<(), Failure> {
    let mut kept = Vec::new();
    for name in names.split(' ') {
        let known = CAPABILITIES.iter().find(|(_, known)| *known == name);
        let (number, _) = known.ok_or_else(|| Failure::Other(format!("what is {name}?")))?;
        kept.push(*number);
    }
    for number in (0..CAPABILITIES_MOST).filter(|number| !kept.contains(number)) {
        match space::drop_from_bounding_set(number) {
            Ok(()) => {}
            // Behind the last that this kernel has.
            Err(error) if error.raw_os_error() == Some(libc::EINVAL) => break,
            Err(error) => return Err(Failure::other("prctl", error)),
        }
    }
    Ok(())
}

//! The process block: whole when a process first appears, later only what changed.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use trapline_sensors::abi::Process;
use trapline_sensors::event::Text;

use super::identity::{Cast, Space};
use super::text;

/// Nobody has logged in.
const LOGIN_UID_NONE: u32 = u32::MAX;

/// What the document has said so far of each process.
#[derive(Debug, Default)]
pub struct Said {
    blocks: BTreeMap<u64, Vec<(&'static str, String)>>,
}

impl Said {
    /// The lines of one process of an event, each indented; `role` leads the first,
    /// `tid` is the thread to show.
    pub fn block(
        &mut self,
        cast: &Cast,
        role: &str,
        (process, tid): (&Process, u32),
        exe: &Text,
    ) -> String {
        let label = cast.process(process.process_id);
        let mut fields = fields(cast, process, tid);
        fields.push(("exe", text::text(exe)));
        let lines = match self.blocks.get(&process.process_id) {
            None => whole(&fields),
            Some(before) => changes(before, &fields),
        };
        self.blocks.insert(process.process_id, fields);
        format!("  {role:<8}{label} {lines}\n")
    }

    /// The same of who is told because a socket is theirs: as they were when they opened it, so
    /// that it says nothing of what they are now; what they run is not known.
    pub fn block_of_owner(
        &self,
        cast: &Cast,
        role: &str,
        (process, tid): (&Process, u32),
        exe: &Text,
    ) -> String {
        let exe = text::text(exe);
        if *process == Process::default() {
            return format!("  {role:<8}-, exe {exe}\n");
        }
        let fields = fields(cast, process, tid);
        let label = cast.process(process.process_id);
        let lines = match self.blocks.get(&process.process_id) {
            None => whole(&fields),
            Some(before) => changes(before, &fields),
        };
        format!("  {role:<8}{label} {lines}, exe {exe}\n")
    }
}

/// Every field of a process, as text.
fn fields(cast: &Cast, process: &Process, tid: u32) -> Vec<(&'static str, String)> {
    let ns_tgid = if cast.is_initial_pid_ns(process.pid_ns) {
        "=".to_owned()
    } else {
        process.ns_tgid.to_string()
    };
    let login_uid = match process.login_uid {
        LOGIN_UID_NONE => "none".to_owned(),
        uid => uid.to_string(),
    };
    vec![
        ("tid", cast.thread(process.process_id, tid)),
        ("ns_tgid", ns_tgid),
        ("pgid", cast.number(process.pgid)),
        ("sid", cast.number(process.sid)),
        (
            "uid",
            ids([process.uid, process.euid, process.suid, process.fsuid]),
        ),
        (
            "gid",
            ids([process.gid, process.egid, process.sgid, process.fsgid]),
        ),
        ("login_uid", login_uid),
        ("mnt", cast.space(Space::Mnt, u64::from(process.mnt_ns))),
        ("pid", cast.space(Space::Pid, u64::from(process.pid_ns))),
        ("net", cast.space(Space::Net, u64::from(process.net_ns))),
        ("user", cast.space(Space::User, u64::from(process.user_ns))),
        ("cgroup", cast.space(Space::Cgroup, process.cgroup_id)),
    ]
}

/// Real/effective/saved/file system; one number where all are the same.
fn ids(ids: [u32; 4]) -> String {
    if ids.iter().all(|id| *id == ids[0]) {
        return ids[0].to_string();
    }
    ids.map(|id| id.to_string()).join("/")
}

fn whole(fields: &[(&'static str, String)]) -> String {
    let mut lines = String::new();
    for (name, value) in fields {
        // Three lines: who it is, where it lives, what it runs.
        let gap = match *name {
            "mnt" | "exe" => "\n            ",
            _ if lines.is_empty() => "",
            _ => "  ",
        };
        let _ = write!(lines, "{gap}{name} {value}");
    }
    lines
}

fn changes(before: &[(&'static str, String)], now: &[(&'static str, String)]) -> String {
    let changed: Vec<String> = before
        .iter()
        .zip(now)
        .filter(|((_, before), (_, now))| before != now)
        .map(|((name, before), (_, now))| format!("{name} {before} -> {now}"))
        .collect();
    if changed.is_empty() {
        "(as before)".to_owned()
    } else {
        changed.join("  ")
    }
}

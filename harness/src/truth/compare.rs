//! One fact against one event, value by value.

use trapline_sensors::abi;
use trapline_sensors::event::{self, Event, Strings, Text};

use super::fact::{Exec, ExecFailed, Exit, Fork, Standing};

/// The kernel keeps the caller's exit signal with this flag.
const CLONE_PARENT: u64 = 0x8000;
/// What procfs puts behind the path of a file that has none any more.
const DELETED: &str = " (deleted)";
/// What procfs puts before the path of a folder that cannot be reached.
const UNREACHABLE: &str = "(unreachable)";

/// Differences, each as `field: event, truth`.
#[derive(Debug, Default)]
pub struct Differences(pub Vec<String>);

impl Differences {
    pub(super) fn same<T: PartialEq + std::fmt::Debug>(&mut self, field: &str, event: T, truth: T) {
        if event != truth {
            self.0
                .push(format!("{field}: event {event:?}, truth {truth:?}"));
        }
    }

    /// A path as /proc shows it, with its marks as flags.
    fn path(&mut self, field: &str, event: &Text, truth: Option<&str>) {
        let Some(truth) = truth else { return };
        let bare = truth.strip_suffix(DELETED).unwrap_or(truth);
        let bare = bare.strip_prefix(UNREACHABLE).unwrap_or(bare);
        let path = String::from_utf8_lossy(&event.bytes);
        if event.flags.has(abi::TEXT_CUT_FRONT) {
            // What is left must fill the room but for one more name.
            let full = path.len() + 255 > abi::PATH_BYTES;
            if !bare.ends_with(path.as_ref()) || path == bare || !full {
                self.0
                    .push(format!("{field}: cut to {path:?}, truth {truth:?}"));
            }
        } else {
            self.same(field, path.as_ref(), bare);
        }
        let gone = event.flags.0 & (abi::TEXT_DELETED | abi::TEXT_UNREACHABLE) != 0;
        let truth_gone = truth.ends_with(DELETED) || truth.starts_with(UNREACHABLE);
        self.same(&format!("{field} is gone"), gone, truth_gone);
        self.flags(field, event.flags.0);
    }

    /// A name as a system call got it.
    fn name(&mut self, field: &str, event: &Text, truth: &str) {
        let name = String::from_utf8_lossy(&event.bytes);
        if event.flags.has(abi::TEXT_CUT_END) {
            let cut = truth.len() > name.len() && truth.starts_with(name.as_ref());
            if !cut || name.len() < abi::PATH_BYTES {
                self.0
                    .push(format!("{field}: cut to {name:?}, truth {truth:?}"));
            }
        } else {
            self.same(field, name.as_ref(), truth);
        }
        self.flags(field, event.flags.0);
    }

    /// No text of a workload may be faulty, changing, unknown or missing.
    fn flags(&mut self, field: &str, flags: u16) {
        let odd = abi::TEXT_NONE | abi::TEXT_FAULT | abi::TEXT_CHANGED | abi::TEXT_UNKNOWN;
        self.same(&format!("{field} flags"), flags & odd, 0);
    }

    /// A block of strings, cut at its limit and only there.
    fn strings(&mut self, field: &str, event: &Strings, truth: &[String]) {
        let list: Vec<_> = event
            .list
            .iter()
            .map(|s| String::from_utf8_lossy(s))
            .collect();
        let truth_bytes: usize = truth.iter().map(|string| string.len() + 1).sum();
        let must_cut = truth_bytes > abi::ARGS_BYTES;
        self.same(
            &format!("{field} is cut"),
            event.flags.has(abi::TEXT_CUT_END),
            must_cut,
        );
        self.flags(field, event.flags.0);
        if !must_cut {
            self.same(field, list.join("\0"), truth.join("\0"));
            self.same(&format!("{field} count"), list.len(), truth.len());
            return;
        }
        let (kept, whole) = (list.join("\0"), truth.join("\0"));
        // The last byte may have become the NUL that ends a cut string.
        if !whole.starts_with(&kept) || kept.len() + 1 < abi::ARGS_BYTES {
            self.0.push(format!(
                "{field}: cut to {} bytes, which are not the first {} of the truth's {truth_bytes}",
                kept.len(),
                abi::ARGS_BYTES
            ));
        }
    }

    /// Login and cgroup of the process and of its parent.
    fn standings(&mut self, event: &Event, own: Option<&Standing>, parent: Option<&Standing>) {
        for (role, process, truth) in [
            ("", &event.process, own),
            ("parent ", &event.parent, parent),
        ] {
            let Some(truth) = truth else { continue };
            let field = |name: &str| format!("{role}{name}");
            self.same(&field("login_uid"), process.login_uid, truth.loginuid);
            self.same(&field("cgroup_id"), process.cgroup_id, truth.cgroup);
        }
    }

    fn ids(&mut self, process: &event::Process, uid: &[u32], gid: &[u32]) {
        let uids = [process.uid, process.euid, process.suid, process.fsuid];
        let gids = [process.gid, process.egid, process.sgid, process.fsgid];
        self.same("uid", uids.as_slice(), uid);
        self.same("gid", gids.as_slice(), gid);
    }
}

/// A fork.
pub fn fork(event: &Event, kind: &event::Fork, truth: &Fork) -> Differences {
    let mut differences = Differences::default();
    differences.same("tgid", event.process.tgid, truth.child);
    differences.same("tid", event.process.tid, truth.child);
    differences.same("parent tgid", event.parent.tgid, truth.parent);
    differences.same("creator_tgid", kind.creator_tgid, truth.caller);
    differences.same("creator_tid", kind.creator_tid, truth.caller_tid);
    let (own, parent) = (&truth.standing, &truth.parent_standing);
    differences.standings(event, Some(own), Some(parent));
    differences.same("clone_flags", kind.clone_flags, Some(truth.flags));
    if truth.flags & CLONE_PARENT == 0 {
        differences.same("exit_signal", kind.exit_signal, truth.exit_signal);
        // The kernel keeps which of the parent's threads it was.
        differences.same("parent tid", event.parent.tid, truth.caller_tid);
    }
    differences
}

/// An exec that succeeded.
pub fn exec(event: &Event, kind: &event::Exec, truth: &Exec) -> Differences {
    let mut differences = Differences::default();
    let process = &event.process;
    differences.same("error", kind.error, 0);
    differences.same("tid", process.tid, truth.pid);
    differences.same("parent tgid", event.parent.tgid, truth.ppid);
    differences.same("ns_tgid", Some(&process.ns_tgid), truth.nspid.last());
    differences.same("pgid", Some(&process.pgid), truth.pgid.first());
    differences.same("sid", Some(&process.sid), truth.sid.first());
    differences.ids(process, &truth.uid, &truth.gid);
    let (own, parent) = (&truth.standing, &truth.parent_standing);
    differences.standings(event, Some(own), Some(parent));
    differences.same("mnt_ns", process.mnt_ns, truth.ns.mnt);
    differences.same("pid_ns", process.pid_ns, truth.ns.pid);
    differences.same("net_ns", process.net_ns, truth.ns.net);
    differences.same("user_ns", process.user_ns, truth.ns.user);
    differences.path("exe", &event.exe, truth.exe.as_deref());
    differences.path("cwd", &kind.cwd, truth.cwd.as_deref());
    differences.name("filename", &kind.filename, &resolved(truth));
    match &truth.interpreter {
        Some(interpreter) => differences.name("interpreter", &kind.interpreter, interpreter),
        None => differences.same(
            "interpreter flags",
            kind.interpreter.flags.0,
            abi::TEXT_NONE,
        ),
    }
    match (&truth.script, &truth.interpreter) {
        (Some(script), _) => differences.path("script", &kind.script, Some(script)),
        (None, None) => differences.same("script flags", kind.script.flags.0, abi::TEXT_NONE),
        // A script that has no path of its own: the document shows what it is called.
        (None, Some(_)) => {}
    }
    differences.strings("argv", &kind.argv, &truth.argv);
    differences.strings("env", &kind.env, &truth.env);
    differences
}

/// The name under which the kernel runs what execveat is given.
fn resolved(truth: &Exec) -> String {
    match truth.fd {
        Some(fd) if truth.filename.is_empty() => format!("/dev/fd/{fd}"),
        Some(fd) if fd >= 0 && !truth.filename.starts_with('/') => {
            format!("/dev/fd/{fd}/{}", truth.filename)
        }
        _ => truth.filename.clone(),
    }
}

/// An exec that failed.
pub fn exec_failed(event: &Event, kind: &event::Exec, truth: &ExecFailed) -> Differences {
    let mut differences = Differences::default();
    differences.same("tid", event.process.tid, truth.tid);
    differences.standings(event, truth.standing.as_ref(), None);
    let Some(errno) = truth.errno else {
        // Past the point of no return the caller's memory, with all that it
        // asked for, is gone; the sensor must say that it could not read it.
        differences.same("has an error", kind.error != 0, true);
        for (field, flags) in [
            ("filename", kind.filename.flags),
            ("argv", kind.argv.flags),
            ("env", kind.env.flags),
        ] {
            differences.same(&format!("{field} flags"), flags.0, abi::TEXT_FAULT);
        }
        return differences;
    };
    differences.same("error", kind.error, errno);
    differences.name("filename", &kind.filename, &truth.filename);
    if let Some(argv) = &truth.argv {
        differences.strings("argv", &kind.argv, argv);
    }
    differences
}

/// An exit.
pub fn exit(event: &Event, kind: &event::Exit, truth: &Exit) -> Differences {
    let mut differences = Differences::default();
    differences.same("code", kind.code, truth.status.exit.unwrap_or(0));
    differences.same("signal", kind.signal, truth.status.signal.unwrap_or(0));
    differences.same("core_dumped", kind.core_dumped, truth.status.core);
    differences.same("early", kind.early, false);
    if let Some(tid) = truth.tid {
        differences.same("tid", event.process.tid, tid);
    }
    if let Some(parent) = truth.parent {
        differences.same("parent tgid", event.parent.tgid, parent);
    }
    let (own, parent) = (truth.standing.as_ref(), truth.parent_standing.as_ref());
    differences.standings(event, own, parent);
    if let (Some(uid), Some(gid)) = (&truth.uid, &truth.gid) {
        differences.ids(&event.process, uid, gid);
    }
    differences.path("exe", &event.exe, truth.exe.as_deref());
    differences
}

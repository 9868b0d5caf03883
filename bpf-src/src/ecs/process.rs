//! Who acts, and what becomes of processes.

use super::{Clock, strings, text};
use crate::abi::{Process, TEXT_NONE};
use crate::event::{Event, Exec, Exit, Text};
use crate::json::Object;

/// `login_uid` of who never logged in.
const NOBODY: u32 = u32::MAX;

pub(super) fn members(json: &mut Object, event: &Event, clock: Clock) {
    one(json, "process", &event.process, &event.exe, clock);
    if event.parent.process_id != 0 {
        one(
            json,
            "process.parent",
            &event.parent,
            &event.parent_exe,
            clock,
        );
    }
    let process = &event.process;
    json.number("process.thread.id", process.tid);
    json.string("user.id", process.euid.to_string().as_bytes());
    json.string("group.id", process.egid.to_string().as_bytes());
    json.number("trapline.process.cgroup_id", process.cgroup_id);
    json.number("trapline.process.ns_tgid", process.ns_tgid);
    for (name, inode) in [
        ("trapline.process.mnt_ns", process.mnt_ns),
        ("trapline.process.pid_ns", process.pid_ns),
        ("trapline.process.net_ns", process.net_ns),
        ("trapline.process.user_ns", process.user_ns),
    ] {
        json.number(name, inode);
    }
}

/// A process under the name that it has in the event.
fn one(json: &mut Object, under: &str, process: &Process, exe: &Text, clock: Clock) {
    json.number(&format!("{under}.pid"), process.tgid);
    json.string(
        &format!("{under}.entity_id"),
        format!("{:016x}", process.process_id).as_bytes(),
    );
    json.string(
        &format!("{under}.start"),
        clock.told(process.start_time_ns).as_bytes(),
    );
    json.number(&format!("{under}.group_leader.pid"), process.pgid);
    json.number(&format!("{under}.session_leader.pid"), process.sid);
    if !exe.flags.has(TEXT_NONE) && !exe.bytes.is_empty() {
        text(json, &format!("{under}.executable"), exe);
        let name = exe.bytes.rsplit(|byte| *byte == b'/').next();
        let name = String::from_utf8_lossy(name.unwrap_or_default());
        json.string(&format!("{under}.name"), name.as_bytes());
    }
    for (name, id) in [
        ("user.id", process.euid),
        ("group.id", process.egid),
        ("real_user.id", process.uid),
        ("real_group.id", process.gid),
        ("saved_user.id", process.suid),
        ("saved_group.id", process.sgid),
    ] {
        json.string(&format!("{under}.{name}"), id.to_string().as_bytes());
    }
    if process.login_uid != NOBODY {
        json.string(
            &format!("{under}.attested_user.id"),
            process.login_uid.to_string().as_bytes(),
        );
    }
}

pub(super) fn exec(json: &mut Object, exec: &Exec) {
    strings(json, "process.args", &exec.argv);
    json.number("process.args_count", exec.argv.list.len());
    let words = exec.argv.list.iter();
    let words: Vec<_> = words.map(|word| String::from_utf8_lossy(word)).collect();
    json.string("process.command_line", words.join(" ").as_bytes());
    strings(json, "process.env_vars", &exec.env);
    text(json, "process.working_directory", &exec.cwd);
    text(json, "trapline.process.filename", &exec.filename);
    text(json, "trapline.process.interpreter", &exec.interpreter);
    text(json, "trapline.process.script", &exec.script);
}

/// As a shell has it: what a signal ended has no code of its own.
pub(super) fn exit(json: &mut Object, exit: &Exit) {
    let code = match exit.signal {
        0 => exit.code,
        signal => 128 + signal,
    };
    json.number("process.exit_code", code);
    if exit.signal != 0 {
        json.number("trapline.process.signal", exit.signal);
        json.boolean("trapline.process.core_dumped", exit.core_dumped);
    }
}

//! Processes that begin, become programs and end.

use serde_json::json;
use trapline_sensors::abi;

use super::record::{INITIAL, Record, Who};
use super::{ROOT, S, Story};

const CAPTURE: u32 = 100;
/// The record of a process outside the workload's tree.
pub const FOREIGN: usize = 5;

fn fork(process: &Who, parent: &Who, creator_tid: u32, flags: u64) -> Record {
    let mut record = Record::new("event_fork", 1).people(process, parent);
    record.set("clone_flags", flags);
    record.set("creator_id", parent.process_id());
    record.set("creator_tgid", u64::from(parent.tgid));
    record.set("creator_tid", u64::from(creator_tid));
    record.set("exit_signal", 17);
    record
}

/// file name, interpreter, script, argv, env
type Asked<'a> = (&'a [u8], &'a [u8], &'a [u8], &'a [u8], &'a [u8]);

fn exec(process: &Who, parent: &Who, error: u64, asked: Asked<'_>) -> Record {
    let mut record = Record::new("event_exec", 2).people(process, parent);
    let none_if_empty = |text: &[u8]| if text.is_empty() { abi::TEXT_NONE } else { 0 };
    record.set("error", error);
    record.text("cwd", b"/tmp/w/story", 0);
    record.text("filename", asked.0, 0);
    record.text("interpreter", asked.1, none_if_empty(asked.1));
    record.text("script", asked.2, none_if_empty(asked.2));
    record.text("argv", asked.3, 0);
    record.text("env", asked.4, 0);
    record
}

fn exit(process: &Who, parent: &Who, code: u64, signal: u64, flags: u64) -> Record {
    let mut record = Record::new("event_exit", 3).people(process, parent);
    record.set("exit_code", code);
    record.set("signal", signal);
    record.set("flags", flags);
    record
}

const GUEST: &[u8] = b"/trapline-guest";
const PROG: &[u8] = b"/tmp/w/story/prog";
const ENV: &[u8] = b"PATH=/bin\0TRAPLINE=workload\0";

/// The workload `process::story`.
pub fn story() -> Story {
    let capture = Who::new(CAPTURE, 5 * S, GUEST);
    let root = Who::new(ROOT, 7 * S, GUEST);
    // The kernel keeps which of the parent's threads a child is of.
    let thread = Who { tid: 203, ..root };
    let script = Who {
        uids: [1000, 1001, 1002, 1003],
        ..Who::new(201, 8 * S, GUEST)
    };
    let born = Who {
        uids: [0; 4],
        ..script
    };
    let runs = Who {
        exe: PROG,
        ..script
    };
    let inner = Who {
        pid_ns: 4_026_532_200,
        ns_tgid: 1,
        ..Who::new(202, 9 * S, GUEST)
    };
    let group = Who {
        group: 202,
        exe: PROG,
        tid: 205,
        ..inner
    };
    let stranger = Who::new(77, 2 * S, b"/usr/sbin/qemu-ga");
    let init = Who::new(1, 0, GUEST);
    let start: Asked<'_> = (
        b"/trapline-guest",
        b"",
        b"",
        b"/trapline-guest\0workload\0process\0story\0--held\0",
        ENV,
    );
    let asked: Asked<'_> = (
        b"./script",
        PROG,
        b"/tmp/w/story/script",
        b"/tmp/w/story/prog\0one argument\0./script\0",
        ENV,
    );
    let missing: Asked<'_> = (b"/missing", b"", b"", b"missing\0", ENV);
    let records = [
        fork(&root, &capture, CAPTURE, 0),
        exec(&root, &capture, 0, start),
        fork(&born, &thread, 203, 0x4100),
        exec(&script, &thread, 2, missing),
        exec(&runs, &thread, 0, asked),
        exit(&stranger, &init, 0, 0, 0),
        fork(&inner, &root, ROOT, 0x2000_0000),
        exit(&Who { tid: 206, ..runs }, &thread, 3, 0, 0),
        exit(&group, &root, 0, 11, 1),
        exit(&root, &capture, 0, 0, 0),
    ];
    let stands = || json!({"loginuid": u32::MAX, "cgroup": 1});
    let facts = vec![
        json!({"what": "ready"}),
        json!({"what": "fork", "parent": ROOT, "child": 201, "caller": ROOT, "caller_tid": 203,
            "flags": 0x4100, "exit_signal": 17, "standing": stands(), "parent_standing": stands()}),
        json!({"what": "exec_failed", "pid": 201, "tid": 201, "standing": stands(),
            "filename": "/missing", "errno": 2, "argv": ["missing"]}),
        json!({"what": "exec", "pid": 201, "filename": "./script", "ppid": ROOT, "nspid": [201],
            "pgid": [100], "sid": [90], "uid": [1000, 1001, 1002, 1003], "gid": [0, 0, 0, 0],
            "standing": stands(), "parent_standing": stands(), "exe": "/tmp/w/story/prog", "cwd": "/tmp/w/story",
            "ns": {"mnt": INITIAL.0, "pid": INITIAL.1, "net": INITIAL.2, "user": INITIAL.3},
            "argv": ["/tmp/w/story/prog", "one argument", "./script"],
            "env": ["PATH=/bin", "TRAPLINE=workload"],
            "interpreter": "/tmp/w/story/prog", "script": "/tmp/w/story/script"}),
        json!({"what": "fork", "parent": ROOT, "child": 202, "caller": ROOT, "caller_tid": ROOT,
            "flags": 0x2000_0000, "exit_signal": 17, "standing": stands(), "parent_standing": stands()}),
        json!({"what": "exit", "pid": 201, "tid": 206, "parent": ROOT, "status": {"exit": 3},
            "standing": stands(), "parent_standing": stands()}),
        json!({"what": "exit", "pid": 202, "tid": null, "status": {"signal": 11, "core": true}}),
        json!({"what": "exit", "pid": ROOT, "status": {"exit": 0}}),
    ];
    Story::new("process", records.into(), facts)
}

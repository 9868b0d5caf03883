//! A recording of one workload, built by hand: what the sensors would write and
//! what the workload would say, small and with every kind of event in it.

use serde_json::json;
use trapline_harness::mutate::{Edit, Value, fields};
use trapline_harness::recording::{Done, Frame, Status, Workload};
use trapline_sensors::abi;

/// The workload's root process.
pub const ROOT: u32 = 200;
const CAPTURE: u32 = 100;
const INITIAL: (u32, u32, u32, u32) = (4_026_531_841, 4_026_531_836, 4_026_531_833, 4_026_531_837);

/// A process, in as far as the story needs it.
#[derive(Clone, Copy)]
pub struct Who {
    tgid: u32,
    tid: u32,
    ns_tgid: u32,
    start_ns: u64,
    group: u32,
    uids: [u32; 4],
    pid_ns: u32,
    exe: &'static [u8],
}

impl Who {
    const fn new(tgid: u32, start_ns: u64, exe: &'static [u8]) -> Self {
        Self {
            tgid,
            tid: tgid,
            ns_tgid: tgid,
            start_ns,
            group: 100,
            uids: [0; 4],
            pid_ns: INITIAL.1,
            exe,
        }
    }

    fn process_id(&self) -> u64 {
        self.start_ns ^ u64::from(self.tgid) << 42
    }
}

/// One record under construction.
pub struct Record {
    bytes: Vec<u8>,
    structure: &'static str,
}

impl Record {
    fn new(structure: &'static str, kind: u64) -> Self {
        let size = abi::structures()
            .iter()
            .find(|(name, _, _)| *name == structure)
            .map(|s| s.1);
        let bytes = vec![0; size.expect("a structure of event.h")];
        let mut record = Self { bytes, structure };
        record.set("header.kind", kind);
        record.set("header.format_version", u64::from(abi::FORMAT_VERSION));
        record
    }

    fn set(&mut self, field: &str, value: u64) {
        let found = fields(self.structure)
            .into_iter()
            .find(|known| known.name == field)
            .unwrap_or_else(|| panic!("{} has no {field}", self.structure));
        let value = Value::Number(value);
        self.bytes = (Edit::Number {
            at: found.at,
            value,
        })
        .apply(&self.bytes);
    }

    fn text(&mut self, field: &str, text: &[u8], flags: u16) {
        let at = if text.is_empty() { 0 } else { self.bytes.len() };
        self.set(&format!("{field}.offset_bytes"), at as u64);
        self.set(&format!("{field}.size_bytes"), text.len() as u64);
        self.set(&format!("{field}.flags"), u64::from(flags));
        self.bytes.extend(text);
    }

    fn people(mut self, process: &Who, parent: &Who) -> Self {
        for (role, who) in [("process", process), ("parent", parent)] {
            let [uid, euid, suid, fsuid] = who.uids.map(u64::from);
            for (name, value) in [
                ("process_id", who.process_id()),
                ("start_time_ns", who.start_ns),
                ("cgroup_id", 1),
                ("tgid", u64::from(who.tgid)),
                ("tid", u64::from(who.tid)),
                ("ns_tgid", u64::from(who.ns_tgid)),
                ("pgid", u64::from(who.group)),
                ("sid", 90),
                ("uid", uid),
                ("euid", euid),
                ("suid", suid),
                ("fsuid", fsuid),
                ("login_uid", u64::from(u32::MAX)),
                ("mnt_ns", u64::from(INITIAL.0)),
                ("pid_ns", u64::from(who.pid_ns)),
                ("net_ns", u64::from(INITIAL.2)),
                ("user_ns", u64::from(INITIAL.3)),
            ] {
                self.set(&format!("{role}.{name}"), value);
            }
        }
        self.text("exe", process.exe, 0);
        self.text("parent_exe", parent.exe, 0);
        self
    }

    fn at(mut self, time_ns: u64, sequence: u64) -> Vec<u8> {
        self.set("header.time_ns", time_ns);
        self.set("header.sequence", sequence);
        self.set("header.size_bytes", self.bytes.len() as u64);
        self.bytes
    }
}

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

const S: u64 = 1_000_000_000;
const GUEST: &[u8] = b"/trapline-guest";
const PROG: &[u8] = b"/tmp/w/story/prog";
const ENV: &[u8] = b"PATH=/bin\0TRAPLINE=workload\0";

/// The records and the facts of the workload `process::story`.
pub fn story() -> (Vec<Vec<u8>>, Vec<serde_json::Value>) {
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
    let records: Vec<Vec<u8>> = records
        .into_iter()
        .zip(0..)
        .map(|(record, sequence)| record.at(10 * S + sequence * 1000, sequence))
        .collect();
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
    (records, facts)
}

/// The frames of the workload, as a guest would send them.
pub fn frames(records: &[Vec<u8>], facts: &[serde_json::Value]) -> Vec<Frame> {
    let mut frames = vec![Frame::Workload(Workload {
        family: "process".into(),
        name: "story".into(),
        flavour: "fentry".into(),
        root_tgid: ROOT,
    })];
    frames.extend(records.iter().cloned().map(Frame::Event));
    frames.extend(
        facts
            .iter()
            .filter_map(|fact| fact.as_object().cloned())
            .map(Frame::Truth),
    );
    frames.push(Frame::Done(Done {
        name: "story".into(),
        status: Status::Exit(0),
        elapsed_ns: S,
        // What the guest counted, whatever a mutant does to the stream afterwards.
        sent: 10,
        received: 10,
        lost: [("ring_full".to_owned(), 0)].into(),
        poorer: [].into(),
        missed: [].into(),
    }));
    frames
}

//! Events for tests.

use trapline_sensors::abi;
use trapline_sensors::event::{
    Event, Exec, Exit, File, FileFlags, FileOperation, Fork, Inode, Kind,
};
use trapline_sensors::event::{Process, Strings, Text, TextFlags};

/// A pid and when it started.
pub type Identity = (u32, u64);

pub fn text(bytes: &str) -> Text {
    Text {
        bytes: bytes.as_bytes().to_vec(),
        flags: TextFlags(0),
    }
}

pub fn none() -> Text {
    Text {
        bytes: Vec::new(),
        flags: TextFlags(abi::TEXT_NONE),
    }
}

pub fn event(process: Identity, parent: Identity, exe: &str, kind: Kind) -> Event {
    let of = |(tgid, start): Identity| Process {
        process_id: start << 20 | u64::from(tgid),
        start_time_ns: start,
        tgid,
        tid: tgid,
        ..Process::default()
    };
    Event {
        time_ns: 3_723_004_000_000,
        cpu: 0,
        lane: 0,
        sequence: 0,
        process: of(process),
        parent: of(parent),
        exe: text(exe),
        parent_exe: text("/bin/sh"),
        kind,
    }
}

pub fn fork(process: Identity, parent: Identity) -> Event {
    let fork = Fork {
        clone_flags: Some(0),
        creator_id: parent.1 << 20 | u64::from(parent.0),
        creator_tgid: parent.0,
        creator_tid: parent.0,
        exit_signal: 17,
    };
    event(process, parent, "/bin/sh", Kind::Fork(fork))
}

pub fn exit(process: Identity, parent: Identity) -> Event {
    let exit = Exit {
        code: 3,
        signal: 0,
        core_dumped: false,
        early: false,
    };
    event(process, parent, "/bin/sh", Kind::Exit(exit))
}

pub fn exec(process: Identity, exe: &str, argv: &[&str], env: &[&str]) -> Event {
    let strings = |list: &[&str]| Strings {
        list: list.iter().map(|one| one.as_bytes().to_vec()).collect(),
        flags: TextFlags(0),
    };
    let exec = Exec {
        error: 0,
        filename: text(exe),
        interpreter: none(),
        script: none(),
        cwd: text("/"),
        argv: strings(argv),
        env: strings(env),
    };
    event(process, (1, 1), exe, Kind::Exec(Box::new(exec)))
}

pub fn file(
    process: Identity,
    operation: FileOperation,
    error: u32,
    path: Text,
    other: Text,
) -> Event {
    let file = File {
        operation,
        how: None,
        error,
        inode: Inode::default(),
        other: None,
        flags: FileFlags(0),
        detail: 0,
        path,
        other_path: other,
    };
    event(process, (1, 1), "/usr/bin/vi", Kind::File(Box::new(file)))
}

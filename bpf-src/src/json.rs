//! An event as one JSON object on one line.
//!
//! [`SCHEMA`] says what each member means, and every real event of the matrix is held
//! to it. Bytes that are no UTF-8 are told as `{"hex":"…"}`, so that nothing is lost
//! and nothing is guessed. Flags are lists of names; an absent thing is `null`.

mod socket;

use std::fmt::Write as _;

use crate::change::Change;
use crate::event::{
    Event, File, FileHow, FileOperation, Inode, Kind, Process, Strings, Text, TextFlags,
};
use crate::{Item, abi};

/// The JSON Schema (draft 2020-12) of the lines, in which every member is described.
pub const SCHEMA: &str = include_str!("../schema/events.schema.json");
/// Its version, the member `schema` of every line. It changes when something is taken
/// away or changes its meaning; what is only added does not change it.
pub const SCHEMA_VERSION: u32 = 1;

/// One line, without a line break.
///
/// ```
/// use trapline_sensors::{Item, json};
///
/// let lost = Item::Lost { cpu: 2, lane: None, records: 40 };
/// assert_eq!(json::line(&lost), r#"{"schema":1,"kind":"lost","cpu":2,"lane":null,"records":40}"#);
/// ```
pub fn line(item: &Item) -> String {
    let mut json = Object::new();
    json.number("schema", SCHEMA_VERSION);
    match item {
        Item::Lost { cpu, lane, records } => {
            json.string("kind", b"lost");
            json.number("cpu", *cpu);
            match lane {
                Some(lane) => json.number("lane", lane),
                None => json.raw("lane", "null"),
            }
            json.number("records", *records);
        }
        Item::Event(event) => event_members(&mut json, event),
    }
    json.close()
}

/// A line of its own kind, `tampered`: what somebody else did to the sensors.
pub fn change_line(change: &Change) -> String {
    let mut json = Object::new();
    json.number("schema", SCHEMA_VERSION);
    json.string("kind", b"tampered");
    json.string("part", change.part.name().as_bytes());
    json.string("name", change.name.as_bytes());
    json.string("how", change.how.as_bytes());
    json.close()
}

fn event_members(json: &mut Object, event: &Event) {
    json.string("kind", event.kind.name().as_bytes());
    json.number("time_ns", event.time_ns);
    json.number("cpu", event.cpu);
    json.number("lane", event.lane);
    json.number("sequence", event.sequence);
    json.raw("process", &process(&event.process, &event.exe));
    json.raw("parent", &process(&event.parent, &event.parent_exe));
    match &event.kind {
        Kind::Fork(fork) => {
            match fork.clone_flags {
                Some(flags) => json.number("clone_flags", flags),
                None => json.raw("clone_flags", "null"),
            }
            json.number("exit_signal", fork.exit_signal);
            json.number("creator_id", fork.creator_id);
            json.number("creator_tgid", fork.creator_tgid);
            json.number("creator_tid", fork.creator_tid);
        }
        Kind::Exec(exec) => {
            json.number("error", exec.error);
            for (name, value) in [
                ("filename", &exec.filename),
                ("interpreter", &exec.interpreter),
                ("script", &exec.script),
                ("cwd", &exec.cwd),
            ] {
                json.text(name, value);
            }
            json.strings("argv", &exec.argv);
            json.strings("env", &exec.env);
        }
        Kind::Exit(exit) => {
            json.number("code", exit.code);
            json.number("signal", exit.signal);
            json.boolean("core_dumped", exit.core_dumped);
            json.boolean("early", exit.early);
        }
        Kind::File(file) => file_members(json, file),
        Kind::Socket(socket) => socket::members(json, socket),
    }
}

fn file_members(json: &mut Object, file: &File) {
    json.number("error", file.error);
    if let Some(how) = file.how {
        json.string("how", how.name().as_bytes());
    }
    json.text("path", &file.path);
    match file.operation {
        FileOperation::Rename => {
            json.text("old_path", &file.other_path);
            json.number("rename_flags", file.detail);
        }
        FileOperation::Link => json.text("old_path", &file.other_path),
        FileOperation::Mount
        | FileOperation::Umount
        | FileOperation::MountMove
        | FileOperation::MountChange => {
            json.number("mount_flags", file.detail);
            if !file.other_path.flags.has(abi::TEXT_NONE) {
                json.text(mount_source(file), &file.other_path);
            }
        }
        FileOperation::Map => json.number("protection", file.detail),
        FileOperation::Attributes => {
            if file.how == Some(FileHow::Chmod) {
                json.number("requested_mode", file.detail);
            }
            if !file.other_path.flags.has(abi::TEXT_NONE) {
                json.text("attribute", &file.other_path);
            }
        }
        _ if !file.other_path.flags.has(abi::TEXT_NONE) => json.text("target", &file.other_path),
        _ => {}
    }
    json.raw("file", &inode(&file.inode));
    if let Some(other) = &file.other {
        json.raw("other", &inode(other));
    }
    json.names("flags", file.flags.names());
}

/// What the other path of a mount is: another place of the tree, or a source as given.
fn mount_source(file: &File) -> &'static str {
    let is_place = file.operation == FileOperation::MountMove || file.how == Some(FileHow::Bind);
    if is_place { "old_path" } else { "source" }
}

fn inode(inode: &Inode) -> String {
    let mut json = Object::new();
    json.number("inode", inode.inode);
    json.number("size_bytes", inode.size_bytes);
    json.number("change_time_ns", inode.change_time_ns);
    for (name, value) in [
        ("device_major", inode.device_major),
        ("device_minor", inode.device_minor),
        ("generation", inode.generation),
        ("mode", inode.mode),
        ("uid", inode.uid),
        ("gid", inode.gid),
        ("links", inode.links),
        ("fs_magic", inode.fs_magic),
    ] {
        json.number(name, value);
    }
    json.close()
}

fn process(process: &Process, exe: &Text) -> String {
    let mut json = Object::new();
    json.number("process_id", process.process_id);
    json.number("start_time_ns", process.start_time_ns);
    json.number("cgroup_id", process.cgroup_id);
    for (name, value) in [
        ("tgid", process.tgid),
        ("tid", process.tid),
        ("ns_tgid", process.ns_tgid),
        ("pgid", process.pgid),
        ("sid", process.sid),
        ("uid", process.uid),
        ("euid", process.euid),
        ("suid", process.suid),
        ("fsuid", process.fsuid),
        ("gid", process.gid),
        ("egid", process.egid),
        ("sgid", process.sgid),
        ("fsgid", process.fsgid),
        ("login_uid", process.login_uid),
        ("mnt_ns", process.mnt_ns),
        ("pid_ns", process.pid_ns),
        ("net_ns", process.net_ns),
        ("user_ns", process.user_ns),
    ] {
        json.number(name, value);
    }
    json.text("exe", exe);
    json.close()
}

/// A JSON object that is being written.
pub(crate) struct Object(String);

impl Object {
    pub(crate) fn new() -> Self {
        Self(String::from("{"))
    }

    pub(crate) fn close(mut self) -> String {
        self.0.push('}');
        self.0
    }

    fn raw(&mut self, name: &str, value: &str) {
        let comma = if self.0.len() > 1 { "," } else { "" };
        // Writing to a String cannot fail.
        let _ = write!(self.0, "{comma}\"{name}\":{value}");
    }

    pub(crate) fn number(&mut self, name: &str, value: impl std::fmt::Display) {
        self.raw(name, &value.to_string());
    }

    pub(crate) fn boolean(&mut self, name: &str, value: bool) {
        self.raw(name, if value { "true" } else { "false" });
    }

    pub(crate) fn string(&mut self, name: &str, value: &[u8]) {
        self.raw(name, &quoted(value));
    }

    fn text(&mut self, name: &str, text: &Text) {
        if text.flags.has(abi::TEXT_NONE) {
            self.raw(name, "null");
        } else {
            self.string(name, &text.bytes);
        }
        self.flags(name, text.flags);
    }

    fn strings(&mut self, name: &str, strings: &Strings) {
        self.list(name, strings.list.iter().map(|string| quoted(string)));
        self.flags(name, strings.flags);
    }

    /// `NAME_flags`, where there are any to tell.
    fn flags(&mut self, name: &str, flags: TextFlags) {
        let told = flags.names().filter(|flag| *flag != "none");
        self.names(&format!("{name}_flags"), told);
    }

    /// A list of values that are JSON already.
    pub(crate) fn list(&mut self, name: &str, values: impl Iterator<Item = String>) {
        let values: Vec<String> = values.collect();
        self.raw(name, &format!("[{}]", values.join(",")));
    }

    /// A list of names, where there is anything in it.
    pub(crate) fn names(&mut self, name: &str, list: impl Iterator<Item = &'static str>) {
        let list: Vec<String> = list.map(|name| format!("\"{name}\"")).collect();
        if !list.is_empty() {
            self.raw(name, &format!("[{}]", list.join(",")));
        }
    }
}

pub(crate) fn quoted(bytes: &[u8]) -> String {
    let Ok(text) = std::str::from_utf8(bytes) else {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        return format!("{{\"hex\":\"{hex}\"}}");
    };
    let mut json = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\n' => json.push_str("\\n"),
            '\t' => json.push_str("\\t"),
            control if control < ' ' || control == '\u{7f}' => {
                let _ = write!(json, "\\u{:04x}", u32::from(control));
            }
            other => json.push(other),
        }
    }
    json.push('"');
    json
}

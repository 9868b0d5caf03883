//! An event as one line of JSON with the names of the Elastic Common Schema.
//!
//! Names are written with dots (`"process.pid"`), as the schema allows. What it has no
//! name for is under `trapline.`, named as in [`crate::json`]. Bytes that are no UTF-8
//! become U+FFFD, because its fields are text; who needs the bytes reads
//! [`crate::json`]'s lines.
//!
//! Source: Elastic Common Schema 8.17, <https://www.elastic.co/guide/en/ecs/8.17/>.

mod file;
mod network;
mod process;
mod time;

use crate::abi;
use crate::change::Change;
use crate::event::{Event, Kind, Strings, Text};
use crate::json::Object;
use crate::{Family, Item};

pub use time::rfc3339;

/// The version of the Elastic Common Schema, told as `ecs.version`.
pub const VERSION: &str = "8.17.0";

/// The JSON Schema (draft 2020-12) of the lines: names and types.
pub const SCHEMA: &str = include_str!("../schema/ecs.schema.json");

/// How times of the kernel become those of a clock on the wall.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clock {
    /// `CLOCK_REALTIME` minus `CLOCK_BOOTTIME`, nanoseconds.
    pub offset_ns: i64,
    /// `CLOCK_REALTIME` when the record was read, nanoseconds.
    pub read_ns: i64,
}

impl Clock {
    /// A time of the kernel's as text.
    fn told(self, boottime_ns: u64) -> String {
        let boottime = i64::try_from(boottime_ns).unwrap_or(i64::MAX);
        rfc3339(boottime.saturating_add(self.offset_ns))
    }
}

/// One line, without a line break.
///
/// ```
/// use trapline_sensors::ecs::{self, Clock};
/// use trapline_sensors::Item;
///
/// let lost = Item::Lost { cpu: 2, lane: None, records: 40 };
/// let line = ecs::line(&lost, Clock::default());
/// assert!(line.starts_with(r#"{"@timestamp":"1970-01-01T00:00:00.000000000Z","ecs.version":"#));
/// assert!(line.contains(r#""event.action":"lost""#));
/// ```
pub fn line(item: &Item, clock: Clock) -> String {
    let mut json = Object::new();
    match item {
        Item::Lost { cpu, lane, records } => lost(&mut json, clock, *cpu, *lane, *records),
        Item::Event(event) => members(&mut json, event, clock),
    }
    json.close()
}

fn lost(json: &mut Object, clock: Clock, cpu: u32, lane: Option<u32>, records: u64) {
    json.string("@timestamp", rfc3339(clock.read_ns).as_bytes());
    json.string("ecs.version", VERSION.as_bytes());
    json.string("event.kind", b"pipeline_error");
    json.string("event.module", b"trapline");
    json.string("event.action", b"lost");
    let message = format!("{records} events of processor {cpu} are lost");
    json.string("error.message", message.as_bytes());
    json.number("trapline.cpu", cpu);
    if let Some(lane) = lane {
        json.number("trapline.lane", lane);
    }
    json.number("trapline.records", records);
}

/// What somebody else did to the sensors, as an alert.
pub fn change_line(change: &Change, clock: Clock) -> String {
    let mut json = Object::new();
    json.string("@timestamp", rfc3339(clock.read_ns).as_bytes());
    json.string("ecs.version", VERSION.as_bytes());
    json.string("event.kind", b"alert");
    json.string("event.module", b"trapline");
    json.string("event.action", b"tampered");
    json.string("message", change.told().as_bytes());
    json.string("trapline.part", change.part.name().as_bytes());
    json.string("trapline.name", change.name.as_bytes());
    json.close()
}

fn members(json: &mut Object, event: &Event, clock: Clock) {
    json.string("@timestamp", clock.told(event.time_ns).as_bytes());
    json.string("ecs.version", VERSION.as_bytes());
    json.string("event.created", rfc3339(clock.read_ns).as_bytes());
    json.string("event.kind", b"event");
    json.string("event.module", b"trapline");
    let dataset = format!("trapline.{}", event.kind.family().name());
    json.string("event.dataset", dataset.as_bytes());
    json.names("event.category", [category(&event.kind)].into_iter());
    json.names("event.type", types(&event.kind).iter().copied());
    json.string("event.action", event.kind.name().as_bytes());
    json.number("event.sequence", event.sequence);
    if let Some(error) = error(&event.kind) {
        let outcome: &[u8] = match error {
            0 => b"success",
            _ => b"failure",
        };
        json.string("event.outcome", outcome);
        if error != 0 {
            json.string("error.code", error.to_string().as_bytes());
        }
    }
    json.number("trapline.cpu", event.cpu);
    json.number("trapline.lane", event.lane);
    process::members(json, event, clock);
    match &event.kind {
        Kind::Fork(_) => {}
        Kind::Exec(exec) => process::exec(json, exec),
        Kind::Exit(exit) => process::exit(json, exit),
        Kind::File(file) => file::members(json, file),
        Kind::Socket(socket) => network::members(json, event.time_ns, clock, socket),
    }
}

fn category(kind: &Kind) -> &'static str {
    match kind.family() {
        Family::Process => "process",
        Family::Network => "network",
        // Mounts have no category of their own.
        Family::File | Family::Mount => "file",
    }
}

fn types(kind: &Kind) -> &'static [&'static str] {
    match kind {
        Kind::Fork(_) | Kind::Exec(_) => &["start"],
        Kind::Exit(_) => &["end"],
        Kind::File(file) => file::types(file.operation),
        Kind::Socket(socket) => network::types(socket),
    }
}

/// errno of what can fail.
fn error(kind: &Kind) -> Option<u32> {
    match kind {
        Kind::Fork(_) | Kind::Exit(_) => None,
        Kind::Exec(exec) => Some(exec.error),
        Kind::File(file) => Some(file.error),
        Kind::Socket(socket) => Some(socket.error),
    }
}

/// A text as text, unless there is none.
fn text(json: &mut Object, name: &str, text: &Text) {
    if !text.flags.has(abi::TEXT_NONE) {
        json.string(name, String::from_utf8_lossy(&text.bytes).as_bytes());
    }
}

fn strings(json: &mut Object, name: &str, strings: &Strings) {
    let list = strings.list.iter();
    let list = list.map(|string| String::from_utf8_lossy(string));
    json.list(
        name,
        list.map(|string| crate::json::quoted(string.as_bytes())),
    );
}

//! A fact about a socket and its event, value by value.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use trapline_sensors::abi;
use trapline_sensors::event::{self, Text};

use super::compare::Differences;
use super::fact::Bytes;
use crate::normalize::text::quoted;

/// Set in the number of a socket that the kernel had given no cookie.
const NUMBER_OF_SENSOR: u64 = 1 << 63;

/// How much is shown of two texts from where they differ.
const SHOWN_BYTES: usize = 24;

/// See [`Fact::Socket`](super::Fact::Socket): what a system call returned, and
/// what getsockname(2), getpeername(2) and getsockopt(2) then showed. Where the
/// workload cannot know a value it says none, and none is compared.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Socket {
    /// Who; of an event that is told by its owner, that one.
    pub pid: u32,
    /// Which thread, if said.
    pub tid: Option<u32>,
    /// The event's name: `connect`, …
    pub operation: String,
    /// errno, 0: it is done.
    #[serde(default)]
    pub error: u32,
    /// `SO_COOKIE`, asked for before anything happened to the socket.
    pub cookie: Option<u64>,
    /// `SO_COOKIE` of a socket that nobody could ask before its first event: the
    /// sensor may have had to give it a number.
    pub late_cookie: Option<u64>,
    /// `192.0.2.1:80`; null: there is none.
    #[serde(default, deserialize_with = "said")]
    pub local: Option<Option<String>>,
    /// As `local`.
    #[serde(default, deserialize_with = "said")]
    pub remote: Option<Option<String>>,
    /// `AF_UNIX`: as given, an abstract name with its NUL; null: there is none.
    #[serde(default, deserialize_with = "said")]
    pub path: Option<Option<Bytes>>,
    /// Names of flags, in the order of the wire format.
    #[serde(default)]
    pub flags: Vec<String>,
    /// listen: the backlog.
    #[serde(default)]
    pub detail: u32,
    /// `AF_`.
    pub family: Option<u16>,
    /// `SOCK_`.
    #[serde(rename = "type")]
    pub socket_type: Option<u16>,
    /// `IPPROTO_`; of a packet socket `ETH_P_`.
    pub protocol: Option<u16>,
    /// The index of the interface that it is bound to.
    #[serde(default)]
    pub interface: u32,
    /// Bytes sent since it was opened, this call's included.
    pub sent: Option<u64>,
    /// Bytes received since it was opened; TCP: read or not.
    pub received: Option<u64>,
    /// Of datagrams.
    pub sent_packets: Option<u64>,
    /// Of datagrams.
    pub received_packets: Option<u64>,
    /// How many bytes were sent before the payload.
    pub payload_offset: Option<u64>,
    /// The bytes, each of them; none: none are told.
    pub payload: Option<Bytes>,
    /// Names of the payload's flags.
    #[serde(default)]
    pub payload_flags: Vec<String>,
    /// Who opened or accepted it; null: nobody knows.
    #[serde(default, deserialize_with = "said")]
    pub owner: Option<Option<u32>>,
    /// The inode number of its network namespace.
    pub net_ns: Option<u32>,
    /// flow_end: between which times its first datagram went, `CLOCK_BOOTTIME` in
    /// nanoseconds.
    pub first_ns: Option<(u64, u64)>,
    /// And its last.
    pub last_ns: Option<(u64, u64)>,
}

/// Tells a null, which is a value here, from a key that is not there.
fn said<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

/// Whether an event is of the flow that a fact is about: they are said when a socket is closed,
/// and told in the order in which they began.
pub fn is_same_flow(event: &event::Event, truth: &Socket) -> bool {
    let event::Kind::Socket(kind) = &event.kind else {
        return false;
    };
    let remote = kind.remote.map(|address| address.to_string());
    truth.cookie == Some(kind.socket_id) && truth.remote == Some(remote)
}

/// A socket event.
pub fn socket(event: &event::Event, kind: &event::Socket, truth: &Socket) -> Differences {
    let mut differences = Differences::default();
    differences.same("operation", kind.operation.name(), &truth.operation);
    differences.same("error", kind.error, truth.error);
    differences.same("detail", kind.detail, truth.detail);
    differences.same("interface", kind.interface, truth.interface);
    let flags: Vec<&str> = kind.flags.names().collect();
    differences.same("flags", flags.join(", "), truth.flags.join(", "));
    let is_own_number = kind.socket_id & NUMBER_OF_SENSOR != 0;
    let late_cookie = truth.late_cookie.filter(|_| !is_own_number);
    let owner = kind.owner.map(|(_, tgid)| tgid);
    let local = kind.local.map(|address| address.to_string());
    let remote = kind.remote.map(|address| address.to_string());
    differences.said("socket_id", kind.socket_id, truth.cookie.or(late_cookie));
    differences.said("owner_tgid", owner, truth.owner);
    differences.said("local", local, truth.local.clone());
    differences.said("remote", remote, truth.remote.clone());
    differences.said("tid", event.process.tid, truth.tid);
    differences.said("net_ns", kind.net_ns, truth.net_ns);
    differences.said("family", kind.family, truth.family);
    differences.said("type", kind.socket_type, truth.socket_type);
    differences.said("protocol", kind.protocol, truth.protocol);
    let totals = &kind.totals;
    differences.said("sent_bytes", totals.sent_bytes, truth.sent);
    differences.said("received_bytes", totals.received_bytes, truth.received);
    differences.said("sent_packets", totals.sent_packets, truth.sent_packets);
    differences.said(
        "received_packets",
        totals.received_packets,
        truth.received_packets,
    );
    let (first_ns, last_ns) = kind.flow_ns.unzip();
    differences.within("first_time_ns", first_ns, truth.first_ns);
    differences.within("last_time_ns", last_ns, truth.last_ns);
    let path = Some(&kind.path).filter(|path| !path.flags.has(abi::TEXT_NONE));
    if let Some(truth) = &truth.path {
        bytes(&mut differences, "path", path, truth.as_ref(), &[]);
    }
    let payload = kind.payload.as_ref();
    let offset = payload.map(|payload| payload.offset_bytes);
    differences.said(
        "payload_offset_bytes",
        offset,
        truth.payload_offset.map(Some),
    );
    bytes(
        &mut differences,
        "payload",
        payload.map(|payload| &payload.data),
        truth.payload.as_ref(),
        &truth.payload_flags,
    );
    differences
}

impl Differences {
    /// Compares what the workload has said, and nothing else.
    fn said<T: PartialEq + std::fmt::Debug>(&mut self, field: &str, event: T, truth: Option<T>) {
        if let Some(truth) = truth {
            self.same(field, event, truth);
        }
    }
}

impl Differences {
    /// A time must be between two that the workload has said, or said nothing of.
    fn within(&mut self, field: &str, event: Option<u64>, truth: Option<(u64, u64)>) {
        let is_within = match (event, truth) {
            (None, None) => true,
            (Some(at), Some((from, to))) => (from..=to).contains(&at),
            _ => false,
        };
        if !is_within {
            self.same(field, event.map(|at| (at, at)), truth);
        }
    }
}

/// A text byte by byte, and its flags.
fn bytes(
    differences: &mut Differences,
    field: &str,
    event: Option<&Text>,
    truth: Option<&Bytes>,
    truth_flags: &[String],
) {
    let (event, truth) = match (event, truth) {
        (None, None) => return,
        (Some(event), Some(truth)) => (event, truth),
        (event, truth) => {
            differences.same(
                &format!("there is a {field}"),
                event.is_some(),
                truth.is_some(),
            );
            return;
        }
    };
    let flags: Vec<&str> = event.flags.names().collect();
    differences.same(
        &format!("{field} flags"),
        flags.join(", "),
        truth_flags.join(", "),
    );
    let (event, truth) = (&event.bytes, &truth.0);
    differences.same(&format!("{field} bytes"), event.len(), truth.len());
    let differs = event
        .iter()
        .zip(truth)
        .position(|(event, truth)| event != truth);
    if let Some(at) = differs {
        let shown = |bytes: &[u8]| {
            let end = bytes.len().min(at + SHOWN_BYTES);
            quoted(bytes.get(at..end).unwrap_or_default())
        };
        differences.same(
            &format!("{field} from byte {at}"),
            shown(event),
            shown(truth),
        );
    }
}

/// Which number the sensor has for which cookie: each always the same, and no two one.
#[derive(Debug, Default)]
pub struct Identities {
    by_cookie: BTreeMap<u64, u64>,
    by_number: BTreeMap<u64, u64>,
}

impl Identities {
    /// What is wrong with the number of this event, if anything is.
    pub fn see(&mut self, kind: &event::Socket, truth: &Socket) -> Option<String> {
        let cookie = truth.cookie.or(truth.late_cookie)?;
        let number = kind.socket_id;
        let number_before = *self.by_cookie.entry(cookie).or_insert(number);
        let cookie_before = *self.by_number.entry(number).or_insert(cookie);
        if number_before != number {
            return Some(format!(
                "socket_id {number:#x} is of a socket that was {number_before:#x} before"
            ));
        }
        (cookie_before != cookie).then(|| format!("socket_id {number:#x} is of two sockets"))
    }
}

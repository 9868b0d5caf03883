//! What must hold of the numbers of socket events that the document does not show.

use std::collections::BTreeMap;

use trapline_sensors::abi::{self, Process};
use trapline_sensors::event::{Socket, SocketOperation, Text, Totals};
use trapline_sensors::{Event, Kind};

use super::checks::PROCESS_ID_TGID_SHIFT;
use super::ends::NO_SOCKET;
use super::names;
use super::sockets::{is_by_owner, is_flow_end};

/// How many packets without a byte in them there may be: to begin and to end, probes, and datagrams.
const EMPTY_PACKETS_MOST: u64 = 1000;

/// Checks one event by itself.
pub fn one_event(event: &Event, socket: &Socket) -> Vec<String> {
    let mut wrong = Vec::new();
    if is_by_owner(event) {
        let is_unknown = |text: &Text| text.bytes.is_empty() && text.flags.0 == abi::TEXT_UNKNOWN;
        if event.parent != Process::default() {
            wrong.push("it is told by the socket's owner, yet has a parent".to_owned());
        }
        if !is_unknown(&event.exe) || !is_unknown(&event.parent_exe) {
            wrong.push("it is told by the socket's owner, yet has programs".to_owned());
        }
        let owner = socket.owner.unwrap_or_default();
        // Another process may have begun a flow.
        if !is_flow_end(socket) && owner != (event.process.process_id, event.process.tgid) {
            wrong.push(format!(
                "it is told by the owner {:#x} of tgid {}, the socket's is {owner:x?}",
                event.process.process_id, event.process.tgid
            ));
        }
    }
    if socket.opened_time_ns > event.time_ns {
        wrong.push(format!(
            "opened_time_ns {} is after time_ns {}",
            socket.opened_time_ns, event.time_ns
        ));
    }
    if let Some((first_ns, _)) = socket.flow_ns {
        let (opened_ns, start_ns) = (socket.opened_time_ns, event.process.start_time_ns);
        if first_ns < opened_ns.max(start_ns) {
            wrong.push(format!(
                "first_time_ns {first_ns} is before the socket's opening at {opened_ns} \
                 or the process's start at {start_ns}"
            ));
        }
    }
    if let Some((process_id, tgid)) = socket.owner {
        let owner_start_ns = process_id ^ u64::from(tgid) << PROCESS_ID_TGID_SHIFT;
        if owner_start_ns > socket.opened_time_ns {
            wrong.push(format!(
                "owner_id {process_id:#x} and owner_tgid {tgid} make a start after opened_time_ns {}",
                socket.opened_time_ns
            ));
        }
    }
    let totals = &socket.totals;
    for (way, bytes, packets) in [
        ("sent", totals.sent_bytes, totals.sent_packets),
        ("received", totals.received_bytes, totals.received_packets),
    ] {
        // MPTCP leaves counting to its subflows.
        if bytes > 0 && packets == 0 && socket.protocol != names::IPPROTO_MPTCP {
            wrong.push(format!("{bytes} bytes were {way} in no packet"));
        }
        let most = totals.sent_bytes.saturating_add(totals.received_bytes);
        if packets > most.saturating_add(EMPTY_PACKETS_MOST) {
            wrong.push(format!(
                "{packets} packets were {way}, for {most} bytes in all"
            ));
        }
    }
    wrong
}

/// What stays the same as long as a socket lives.
type Lasting = (Option<(u64, u32)>, u64, u32);

/// Checks the events of each socket against those before them.
pub fn own_events(events: &[(usize, &Event)]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut sockets: BTreeMap<u64, (Lasting, Totals, bool)> = BTreeMap::new();
    for (place, event) in events {
        let Kind::Socket(socket) = &event.kind else {
            continue;
        };
        if socket.socket_id == NO_SOCKET {
            continue;
        }
        let mut say = |what: String| wrong.push(format!("record {place}: {what}"));
        let lasting = (socket.owner, socket.opened_time_ns, socket.net_ns);
        let first = (lasting, socket.totals, false);
        let (before, totals, is_closed) = sockets.entry(socket.socket_id).or_insert(first);
        if *before != lasting {
            say(format!(
                "owner, opened_time_ns and net_ns are {lasting:x?}, before they were {before:x?}"
            ));
        }
        if is_flow_end(socket) {
            // A flow is a part of its socket, and its end is found later than the socket's.
            if *is_closed && is_less(totals, &socket.totals) {
                let flow = &socket.totals;
                say(format!(
                    "flow of {flow:?}, its socket's totals are {totals:?}"
                ));
            }
            continue;
        }
        if is_less(&socket.totals, totals) {
            let now = &socket.totals;
            say(format!("totals went down: from {totals:?} to {now:?}"));
        }
        if *is_closed {
            let what = event.kind.name();
            say(format!("{what} of a socket whose close has been told"));
        }
        *totals = socket.totals;
        *is_closed |= socket.operation == SocketOperation::Close;
    }
    wrong
}

fn is_less(now: &Totals, before: &Totals) -> bool {
    now.sent_bytes < before.sent_bytes
        || now.received_bytes < before.received_bytes
        || now.sent_packets < before.sent_packets
        || now.received_packets < before.received_packets
}

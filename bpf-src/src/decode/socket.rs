//! Records about sockets.

use super::{DecodeError, Texts, fixed_part, no_reserved_bits};
use crate::abi::{self, Wire};
use crate::event::{Address, Event, Kind, Payload, Socket, SocketFlags, SocketOperation, Totals};

pub(super) fn decode(record: &[u8], operation: SocketOperation) -> Result<Event, DecodeError> {
    let wire: abi::Socket = fixed_part(record)?;
    no_reserved_bits("socket flags", wire.flags, SocketFlags::KNOWN)?;
    no_reserved_bits("socket padding", wire.padding.into(), 0)?;
    let texts = Texts {
        record,
        fixed_bytes: abi::Socket::SIZE,
    };
    let payload = texts.text("payload", wire.payload)?;
    let flags = SocketFlags(wire.flags);
    let flow_ns = flow_times(&wire, operation)?;
    let is_owned = !flags.has(abi::SOCKET_OPENED_UNSEEN);
    let kind = Kind::Socket(Box::new(Socket {
        operation,
        error: wire.error,
        flags,
        socket_id: wire.socket_id,
        family: wire.family,
        socket_type: wire.socket_type,
        protocol: wire.protocol,
        local: address("local", wire.local)?,
        remote: address("remote", wire.remote)?,
        path: texts.text("path", wire.path)?,
        net_ns: wire.net_ns,
        interface: wire.interface,
        detail: wire.detail,
        owner: is_owned.then_some((wire.owner_id, wire.owner_tgid)),
        opened_time_ns: wire.opened_time_ns,
        totals: Totals {
            sent_bytes: wire.sent_bytes,
            received_bytes: wire.received_bytes,
            sent_packets: wire.sent_packets,
            received_packets: wire.received_packets,
        },
        flow_ns,
        payload: (!payload.flags.has(abi::TEXT_NONE)).then_some(Payload {
            offset_bytes: wire.payload_offset_bytes,
            data: payload,
        }),
    }));
    texts.event(
        wire.header,
        (wire.process, wire.exe),
        (wire.parent, wire.parent_exe),
        kind,
    )
}

/// Only the end of a flow has such times, and has both.
fn flow_times(
    wire: &abi::Socket,
    operation: SocketOperation,
) -> Result<Option<(u64, u64)>, DecodeError> {
    let (first, last) = (wire.first_time_ns, wire.last_time_ns);
    let is_flow = operation == SocketOperation::FlowEnd;
    match (is_flow, first, last) {
        (false, 0, 0) => Ok(None),
        (true, 1.., _) if first <= last && last <= wire.header.time_ns => Ok(Some((first, last))),
        _ => Err(DecodeError::new(format!(
            "{}: datagrams from {first} ns to {last} ns, told at {} ns",
            operation.name(),
            wire.header.time_ns
        ))),
    }
}

fn address(name: &str, wire: abi::Address) -> Result<Option<Address>, DecodeError> {
    Address::from_wire(wire)
        .map_err(|family| DecodeError::new(format!("{name} address: family {family} is no IP's")))
}

//! Records about sockets, whole and broken, through the decoder.

mod records;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;
use records::{error, header, record};
use trapline_sensors::abi::{self, Wire};
use trapline_sensors::event::{Address, Kind, Socket, SocketOperation};
use trapline_sensors::{Decoder, Family, Item, decode, json};

const AF_INET: u16 = 2;
const AF_INET6: u16 = 10;
const NONE: abi::Text = abi::Text {
    offset_bytes: 0,
    size_bytes: 0,
    flags: abi::TEXT_NONE,
};

fn address(ip: IpAddr, port: u16) -> abi::Address {
    let mut bytes = [0; 16];
    let family = match ip {
        IpAddr::V4(ip) => {
            bytes[..4].copy_from_slice(&ip.octets());
            AF_INET
        }
        IpAddr::V6(ip) => {
            bytes = ip.octets();
            AF_INET6
        }
    };
    let half = |at: usize| u64::from_ne_bytes(bytes[at..at + 8].try_into().unwrap());
    abi::Address {
        ip_first: half(0),
        ip_second: half(8),
        scope: 0,
        family,
        port,
    }
}

/// A record with the payload `hello`.
fn socket_record(kind: u16, change: impl Fn(&mut abi::Socket)) -> Vec<u8> {
    let mut fixed = abi::Socket {
        header: header(kind, 0),
        local: address(Ipv4Addr::new(192, 0, 2, 1).into(), 40000),
        remote: address(Ipv4Addr::new(192, 0, 2, 127).into(), 80),
        socket_id: 9,
        owner_id: 77,
        owner_tgid: 7,
        family: AF_INET,
        socket_type: 1,
        protocol: 6,
        sent_bytes: 5,
        sent_packets: 3,
        path: NONE,
        ..abi::Socket::default()
    };
    change(&mut fixed);
    record(
        fixed,
        |socket| &mut socket.header,
        |socket| &mut socket.payload,
        b"hello",
    )
}

/// The same, with its fixed part changed when all is written.
fn broken(change: impl Fn(&mut abi::Socket)) -> Vec<u8> {
    let whole = socket_record(abi::KIND_SOCKET_SEND, |_| ());
    let mut socket = abi::Socket::read(&whole).unwrap();
    change(&mut socket);
    let mut record = Vec::new();
    socket.write(&mut record);
    record.extend_from_slice(&whole[abi::Socket::SIZE..]);
    record
}

fn socket(record: &[u8]) -> Socket {
    match decode::decode(record).unwrap().kind {
        Kind::Socket(socket) => *socket,
        other => panic!("{other:?} is no socket event"),
    }
}

fn line(record: &[u8]) -> String {
    let event = decode::decode(record).unwrap();
    json::line(&Item::Event(Box::new(event)))
}

#[test]
fn a_socket_event_has_its_ends_its_owner_and_what_was_sent() {
    let record = socket_record(abi::KIND_SOCKET_SEND, |socket| {
        socket.payload_offset_bytes = 12;
        socket.flags = abi::SOCKET_PAYLOAD_ENDS;
    });
    let event = decode::decode(&record).unwrap();
    assert_eq!(event.kind.name(), "send");
    assert_eq!(event.kind.family(), Family::Network);
    let socket = socket(&record);
    assert_eq!(socket.local.unwrap().to_string(), "192.0.2.1:40000");
    assert_eq!(socket.remote.unwrap().to_string(), "192.0.2.127:80");
    assert_eq!(socket.owner, Some((77, 7)));
    assert_eq!(
        (socket.totals.sent_bytes, socket.totals.sent_packets),
        (5, 3)
    );
    let payload = socket.payload.unwrap();
    assert_eq!(
        (payload.offset_bytes, &*payload.data.bytes),
        (12, &b"hello"[..])
    );
    let names: Vec<_> = socket.flags.names().collect();
    assert_eq!(names, ["payload_ends"]);
}

#[test]
fn every_kind_of_socket_event_has_its_name_and_its_number() {
    for operation in SocketOperation::ALL {
        let kind = (48..57).find(|kind| SocketOperation::from_number(*kind) == Some(*operation));
        let record = socket_record(kind.unwrap(), |socket| {
            if *operation == SocketOperation::FlowEnd {
                (socket.first_time_ns, socket.last_time_ns) = (1, socket.header.time_ns);
            }
        });
        assert_eq!(socket(&record).operation, *operation);
        let kind = format!(r#""kind":"{}""#, operation.name());
        assert!(line(&record).contains(&kind), "{}", line(&record));
    }
}

#[test]
fn only_the_end_of_a_flow_has_two_times_in_their_order() {
    let with = |kind, first, last| {
        let record = socket_record(kind, |socket| {
            socket.header.time_ns = 100;
            (socket.first_time_ns, socket.last_time_ns) = (first, last);
        });
        decode::decode(&record).map(|_| ())
    };
    with(abi::KIND_FLOW_END, 1, 1).unwrap();
    with(abi::KIND_FLOW_END, 99, 100).unwrap();
    for (kind, first, last) in [
        (abi::KIND_FLOW_END, 0, 0),
        (abi::KIND_FLOW_END, 0, 5),
        (abi::KIND_FLOW_END, 6, 5),
        (abi::KIND_FLOW_END, 6, 101),
        (abi::KIND_SOCKET_CLOSE, 0, 5),
        (abi::KIND_SOCKET_CLOSE, 5, 5),
    ] {
        let error = with(kind, first, last).unwrap_err().to_string();
        let times = format!("datagrams from {first} ns to {last} ns, told at 100 ns");
        assert!(error.ends_with(&times), "{error}");
    }
}

#[test]
fn what_is_not_there_is_none() {
    let record = socket_record(abi::KIND_SOCKET_CONNECT, |socket| {
        socket.remote = abi::Address::default();
        socket.flags = abi::SOCKET_OPENED_UNSEEN;
        (socket.owner_id, socket.owner_tgid) = (0, 0);
    });
    let event = socket(&record);
    assert_eq!((event.remote, event.owner), (None, None));
    let without_payload = broken(|socket| {
        socket.payload = NONE;
        socket.header.size_bytes -= 5;
    });
    let event = socket(&without_payload[..without_payload.len() - 5]);
    assert_eq!(event.payload, None);
    // An empty datagram is something that was sent.
    let empty = broken(|socket| {
        socket.payload.size_bytes = 0;
        socket.header.size_bytes -= 5;
    });
    let payload = socket(&empty[..empty.len() - 5]).payload.unwrap();
    assert_eq!(payload.data.bytes, b"");
}

#[test]
fn addresses_are_shown_as_they_are_written() {
    let shown = |ip: IpAddr, scope| {
        let wire = abi::Address {
            scope,
            ..address(ip, 80)
        };
        let record = socket_record(abi::KIND_SOCKET_BIND, |socket| socket.local = wire);
        socket(&record).local.unwrap().to_string()
    };
    let mapped = Ipv4Addr::new(127, 0, 0, 1).to_ipv6_mapped();
    assert_eq!(shown(Ipv4Addr::new(10, 1, 2, 3).into(), 0), "10.1.2.3:80");
    assert_eq!(shown(Ipv6Addr::LOCALHOST.into(), 0), "[::1]:80");
    assert_eq!(shown(mapped.into(), 0), "[::ffff:127.0.0.1]:80");
    let link: Ipv6Addr = "fe80::1".parse().unwrap();
    assert_eq!(shown(link.into(), 2), "[fe80::1%2]:80");
    let address = Address {
        ip: link.into(),
        port: 80,
        scope: 2,
    };
    // As the standard library writes it, which is how others do.
    let standard = std::net::SocketAddrV6::new(link, 80, 0, 2);
    assert_eq!(address.to_string(), standard.to_string());
}

#[test]
fn an_abstract_name_keeps_its_nul() {
    let mut fixed = abi::Socket {
        header: header(abi::KIND_SOCKET_CONNECT, 0),
        family: 1,
        payload: NONE,
        ..abi::Socket::default()
    };
    fixed.flags = abi::SOCKET_OPENED_UNSEEN;
    let record = record(
        fixed,
        |socket| &mut socket.header,
        |socket| &mut socket.path,
        b"\0name",
    );
    assert_eq!(socket(&record).path.bytes, b"\0name");
    assert!(
        line(&record).contains(r#""path":"\u0000name""#),
        "{}",
        line(&record)
    );
}

#[test]
fn socket_events_with_what_means_nothing_are_errors() {
    let with = |change: fn(&mut abi::Socket)| error(&broken(change));
    assert_eq!(
        with(|socket| socket.flags = 1 << 31),
        "socket flags 0x80000000 has bits that mean nothing"
    );
    assert_eq!(
        with(|socket| socket.padding = 1),
        "socket padding 0x1 has bits that mean nothing"
    );
    assert_eq!(
        with(|socket| socket.local.family = 1),
        "local address: family 1 is no IP's"
    );
    assert_eq!(
        with(|socket| socket.remote.family = 0xffff),
        "remote address: family 65535 is no IP's"
    );
    assert_eq!(
        with(|socket| socket.header.kind = 57),
        "record of unknown kind 57"
    );
}

#[test]
fn a_payload_outside_of_its_record_is_an_error() {
    let whole = broken(|_| ());
    let (fixed, end) = (abi::Socket::SIZE, whole.len());
    let place = format!("the texts, which are at {fixed} to {end}");
    let with = |change: fn(&mut abi::Socket)| error(&broken(change));
    assert_eq!(
        with(|socket| socket.payload.size_bytes = 6),
        format!("payload: 6 bytes at {fixed} are not in {place}")
    );
    assert_eq!(
        with(|socket| socket.payload.offset_bytes -= 1),
        format!("payload: 5 bytes at {} are not in {place}", fixed - 1)
    );
    assert_eq!(
        with(|socket| socket.path.size_bytes = u16::MAX),
        format!("path: 65535 bytes at 0 are not in {place}")
    );
    assert_eq!(
        error(&whole[..fixed - 1]),
        format!("record of {} bytes says that it has {end}", fixed - 1)
    );
    let short = broken(|socket| socket.header.size_bytes = 100);
    assert_eq!(
        error(&short[..100]),
        format!("record of 100 bytes, its fixed part alone needs {fixed}")
    );
}

proptest! {
    #[test]
    fn no_bytes_make_the_decoder_of_sockets_panic(
        kind in 47_u16..58,
        at in 0..abi::Socket::SIZE + 5,
        bytes in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let mut record = socket_record(kind, |_| ());
        // Behind the header, so that most get past its checks.
        for (place, byte) in record.iter_mut().skip(abi::Header::SIZE.max(at)).zip(&bytes) {
            *place = *byte;
        }
        if let Ok(items) = Decoder::new().decode(&record) {
            for item in items {
                json::line(&item);
            }
        }
    }

    #[test]
    fn an_address_comes_back_as_it_went(ip in any::<IpAddr>(), port in any::<u16>()) {
        let record = socket_record(abi::KIND_SOCKET_BIND, |socket| {
            socket.local = address(ip, port);
        });
        let expected = Address { ip, port, scope: 0 };
        prop_assert_eq!(socket(&record).local, Some(expected));
    }
}

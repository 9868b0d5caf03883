use super::*;
use crate::{Kind, decode, json};

fn flow() -> (Key, Flow) {
    let key = Key {
        opened_time_ns: 5,
        sk: 0xffff_8880_0000_0000,
        remote: crate::abi::Address {
            ip_first: u64::from_ne_bytes([192, 0, 2, 1, 0, 0, 0, 0]),
            family: 2,
            port: 9000,
            ..Default::default()
        },
    };
    let flow = Flow {
        socket_id: 9,
        first_time_ns: 10,
        last_time_ns: 20,
        sent_bytes: 3,
        sent_packets: 1,
        received_bytes: 40,
        received_packets: 4,
        family: 2,
        socket_type: 2,
        protocol: 17,
        ..Flow::default()
    };
    (key, flow)
}

#[test]
fn the_end_of_a_flow_is_a_record_like_any_other() {
    let mut flows = Flows::new(Duration::from_secs(60), Duration::from_secs(1));
    let (key, flow) = flow();
    flows.tell(30, &key, &flow);
    // The second is noticed by a coarser clock than its last datagram had.
    let later = Flow {
        last_time_ns: 45,
        ..flow
    };
    flows.tell(40, &key, &later);
    assert!(flows.is_pending());
    let mut decoder = decode::Decoder::new();
    let mut told = Vec::new();
    let records = flows.hand_out(|record| told.extend(decoder.decode(record).unwrap()));
    assert_eq!((records, told.len(), flows.told()), (2, 2, 2));
    assert!(!flows.is_pending());
    for (item, time_ns, last_ns) in [(&told[0], 30, 20), (&told[1], 45, 45)] {
        let decode::Item::Event(event) = item else {
            panic!("{item:?}");
        };
        assert_eq!((event.cpu, event.time_ns), (CPU_READER, time_ns));
        assert_eq!(event.kind.name(), "flow_end");
        let Kind::Socket(socket) = &event.kind else {
            panic!("{event:?}");
        };
        assert_eq!(socket.flow_ns, Some((10, last_ns)));
        assert_eq!(socket.totals.received_packets, 4);
        assert_eq!(socket.remote.unwrap().to_string(), "192.0.2.1:9000");
        let line = json::line(item);
        assert!(
            line.contains(r#""first_time_ns":10,"last_time_ns":"#),
            "{line}"
        );
    }
}

#[test]
fn what_the_map_has_is_of_the_size_that_is_read() {
    let error = read::<Flow>("value", &[0; 8]).unwrap_err();
    let expected = format!("a value of 8 bytes, {} are read", Flow::SIZE);
    assert_eq!(error.to_string(), expected);
}

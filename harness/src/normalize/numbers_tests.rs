use super::*;
use trapline_sensors::abi::{self, Wire};

/// A record with this number, of an exit, in which everything else is nothing.
fn record(lane: u32, sequence: u64) -> Vec<u8> {
    let mut bytes = vec![0; abi::Exit::SIZE];
    for (name, _, members) in abi::structures() {
        if name != "event_header" {
            continue;
        }
        for member in members {
            let value = match member.name {
                "size_bytes" => abi::Exit::SIZE as u64,
                "kind" => u64::from(abi::KIND_EXIT),
                "format_version" => u64::from(abi::FORMAT_VERSION),
                "sequence" => sequence,
                "lane" => u64::from(lane),
                _ => 0,
            };
            bytes[member.offset..member.offset + member.size]
                .copy_from_slice(&value.to_ne_bytes()[..member.size]);
        }
    }
    bytes
}

fn sensors() -> Frame {
    Frame::Sensors(Sensors {
        flavour: "fentry".into(),
        load_ns: 1,
        programs: Vec::new(),
    })
}

fn unloaded(sent: u64, lost: &[(&str, u64)]) -> Frame {
    let lost: BTreeMap<String, u64> = lost.iter().map(|(c, n)| ((*c).to_owned(), *n)).collect();
    Frame::Unloaded(Unloaded {
        flavour: "fentry".into(),
        sent,
        received: sent - lost.values().sum::<u64>(),
        lost,
        poorer: BTreeMap::new(),
        missed: BTreeMap::new(),
    })
}

/// What is found when records of these lanes and numbers come and the guest says how many were sent.
fn found(records: &[(u32, u64)], end: Frame) -> Vec<String> {
    let events = records.iter().map(|(l, s)| Frame::Event(record(*l, *s)));
    let frames: Vec<Frame> = [sensors()].into_iter().chain(events).chain([end]).collect();
    numbering(&frames)
}

#[test]
fn numbers_without_a_gap_are_right_in_every_lane_by_itself() {
    let whole = [(0, 0), (1, 0), (0, 1), (0, 2), (1, 1)];
    assert_eq!(found(&whole, unloaded(5, &[])), Vec::<String>::new());
    assert_eq!(found(&[], unloaded(0, &[])), Vec::<String>::new());
}

#[test]
fn any_record_that_is_missing_is_noticed_wherever_it_was() {
    let whole = [(0, 0), (1, 0), (0, 1), (0, 2), (1, 1)];
    for place in 0..whole.len() {
        let mut records = whole.to_vec();
        records.remove(place);
        // Also when the guest never counted what it had received.
        for received in [4, 5] {
            let mut end = unloaded(5, &[]);
            if let Frame::Unloaded(counts) = &mut end {
                counts.received = received;
            }
            assert_ne!(found(&records, end), Vec::<String>::new(), "{place}");
        }
    }
}

#[test]
fn a_record_that_comes_twice_or_late_is_noticed() {
    for records in [[(0, 0), (0, 1), (0, 1)], [(0, 1), (0, 0), (0, 2)]] {
        assert_ne!(found(&records, unloaded(3, &[])), Vec::<String>::new());
    }
}

#[test]
fn losses_are_said_with_their_cause_also_those_without_a_number() {
    let wrong = found(
        &[(0, 0), (0, 2)],
        unloaded(4, &[("ring_full", 1), ("no_lane", 1)]),
    );
    let text = wrong.join("\n");
    assert!(
        text.contains("1 records of cpu 0 lane 0 are lost"),
        "{text}"
    );
    assert!(text.contains(r#""no_lane": 1, "ring_full": 1"#), "{text}");
}

#[test]
fn sensors_that_never_end_or_never_began_are_noticed() {
    assert_eq!(numbering(&[sensors()]).len(), 1);
    assert_eq!(
        numbering(&[sensors(), sensors(), unloaded(0, &[])]).len(),
        1
    );
    assert_eq!(numbering(&[unloaded(0, &[])]).len(), 1);
    assert_eq!(numbering(&[Frame::Event(record(0, 0))]).len(), 1);
}

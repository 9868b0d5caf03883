//! Every defect of a recording, by name and place.

use super::*;

const HELLO: &str = r##"{"nonce":"n1","release":"6.12.1","machine":"x86_64","version":"#1","cpus":1,"btf_sha256":"00"}"##;
const WORKLOAD: &str = r#"{"family":"process","name":"fork","flavour":"fentry","root_tgid":70}"#;
const DONE: &str =
    r#"{"name":"fork","status":{"exit":0},"elapsed_ns":5,"sent":1,"received":1,"lost":{}}"#;

fn expected() -> Expected {
    Expected {
        nonce: "n1".into(),
        release: "6.12.1".into(),
    }
}

fn raw(number: u32, kind: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = b"TLF1".to_vec();
    frame.extend((payload.len() as u32).to_le_bytes());
    frame.extend(number.to_le_bytes());
    frame.extend(kind.to_le_bytes());
    frame.extend([0, 0]);
    frame.extend(payload);
    frame.extend(crc32fast::hash(&frame).to_le_bytes());
    frame
}

fn stream(frames: &[(u16, &str)]) -> Vec<u8> {
    frames
        .iter()
        .enumerate()
        .flat_map(|(number, (kind, payload))| raw(number as u32, *kind, payload.as_bytes()))
        .collect()
}

fn ended(mut bytes: Vec<u8>, count: u32) -> Vec<u8> {
    let sha256: String = Sha256::digest(&bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let end = format!(r#"{{"frames":{count},"sha256":"{sha256}"}}"#);
    bytes.extend(raw(count, 9, end.as_bytes()));
    bytes
}

fn good() -> Vec<u8> {
    ended(
        stream(&[(1, HELLO), (3, WORKLOAD), (4, "raw"), (6, DONE)]),
        4,
    )
}

fn defect_of(bytes: &[u8]) -> Defect {
    parse(bytes, &expected())
        .expect_err("the recording is wrong")
        .defect
}

#[test]
fn a_whole_recording_is_read() {
    let recording = parse(&good(), &expected()).expect("nothing is wrong with it");
    assert_eq!(recording.hello.cpus, 1);
    assert_eq!(recording.frames.len(), 3);
    assert_eq!(recording.frames[1], Frame::Event(b"raw".to_vec()));
    assert!(matches!(&recording.frames[2], Frame::Done(done) if done.status == Status::Exit(0)));
}

#[test]
fn every_status_is_read() {
    for (text, status) in [
        (r#"{"exit":3}"#, Status::Exit(3)),
        (r#"{"signal":9}"#, Status::Signal(9)),
        (r#"{"timeout_ms":20000}"#, Status::TimeoutMs(20_000)),
    ] {
        assert_eq!(serde_json::from_str::<Status>(text).ok(), Some(status));
    }
}

#[test]
fn every_prefix_is_a_defect_with_what_came_before() {
    let bytes = good();
    for length in 0..bytes.len() {
        let incomplete = parse(&bytes[..length], &expected()).expect_err("it is cut");
        assert!(incomplete.defect.offset <= length);
        assert!(incomplete.partial.frames.len() <= 3);
    }
}

#[test]
fn every_flipped_bit_is_a_defect() {
    let bytes = good();
    for bit in 0..bytes.len() * 8 {
        let mut wrong = bytes.clone();
        wrong[bit / 8] ^= 1 << (bit % 8);
        assert!(parse(&wrong, &expected()).is_err(), "bit {bit}");
    }
}

#[test]
fn a_cut_inside_a_frame_is_truncated_and_between_frames_a_missing_end() {
    let bytes = stream(&[(1, HELLO), (3, WORKLOAD)]);
    let first = raw(0, 1, HELLO.as_bytes()).len();
    assert_eq!(
        defect_of(&bytes[..first + 10]),
        Defect::new(
            first,
            1,
            DefectKind::Truncated {
                bytes: 10,
                wanted: 16
            }
        )
    );
    assert_eq!(
        defect_of(&bytes[..first]),
        Defect::new(first, 1, DefectKind::MissingEnd)
    );
    assert_eq!(defect_of(b""), Defect::new(0, 0, DefectKind::MissingHello));
}

#[test]
fn a_missing_frame_is_a_gap() {
    let mut bytes = raw(0, 1, HELLO.as_bytes());
    let at = bytes.len();
    bytes.extend(raw(2, 3, WORKLOAD.as_bytes()));
    assert_eq!(
        defect_of(&bytes),
        Defect::new(at, 1, DefectKind::Gap { found: 2 })
    );
}

#[test]
fn a_changed_byte_is_a_wrong_checksum() {
    let mut bytes = good();
    bytes[20] ^= 1;
    assert_eq!(defect_of(&bytes), Defect::new(0, 0, DefectKind::Checksum));
}

#[test]
fn a_length_beyond_the_limit_is_refused_before_it_is_believed() {
    let mut bytes = raw(0, 1, HELLO.as_bytes());
    bytes[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(
        defect_of(&bytes).kind,
        DefectKind::TooLong {
            payload_bytes: u32::MAX
        }
    );
}

#[test]
fn another_run_or_kernel_is_named_and_its_hello_kept() {
    for (wanted, kind) in [
        (
            HELLO.replace("n1", "n2"),
            DefectKind::WrongNonce { found: "n2".into() },
        ),
        (
            HELLO.replace("6.12.1", "6.1.0"),
            DefectKind::WrongRelease {
                expected: "6.12.1".into(),
                found: "6.1.0".into(),
            },
        ),
    ] {
        let incomplete = parse(&stream(&[(1, &wanted)]), &expected()).expect_err("it is wrong");
        assert_eq!(incomplete.defect.kind, kind);
        assert!(incomplete.partial.hello.is_some());
    }
}

#[test]
fn workloads_begin_and_end_in_pairs() {
    let twice = stream(&[(1, HELLO), (3, WORKLOAD), (3, WORKLOAD)]);
    assert!(matches!(
        defect_of(&twice).kind,
        DefectKind::WorkloadWithoutDone { .. }
    ));
    let open = ended(stream(&[(1, HELLO), (3, WORKLOAD)]), 2);
    assert!(matches!(
        defect_of(&open).kind,
        DefectKind::WorkloadWithoutDone { .. }
    ));
    let alone = stream(&[(1, HELLO), (6, DONE)]);
    assert!(matches!(
        defect_of(&alone).kind,
        DefectKind::DoneWithoutWorkload { .. }
    ));
}

#[test]
fn the_end_must_count_and_digest_what_came_before() {
    let bytes = stream(&[(1, HELLO)]);
    let mut wrong = bytes.clone();
    wrong.extend(raw(1, 9, br#"{"frames":7,"sha256":""}"#));
    assert_eq!(defect_of(&wrong).kind, DefectKind::WrongCount { said: 7 });
    let mut wrong = bytes;
    wrong.extend(raw(1, 9, br#"{"frames":1,"sha256":"00"}"#));
    assert_eq!(defect_of(&wrong).kind, DefectKind::WrongDigest);
    let mut more = good();
    more.extend(b"more");
    assert_eq!(defect_of(&more).kind, DefectKind::AfterEnd { bytes: 4 });
}

#[test]
fn unknown_keys_and_kinds_are_errors() {
    let key = HELLO.replace("cpus", "cpu");
    assert!(matches!(
        defect_of(&stream(&[(1, &key)])).kind,
        DefectKind::Payload { .. }
    ));
    assert_eq!(
        defect_of(&stream(&[(1, HELLO), (77, "{}")])).kind,
        DefectKind::UnknownKind { kind_number: 77 }
    );
    assert_eq!(
        defect_of(&stream(&[(1, HELLO), (1, HELLO)])).kind,
        DefectKind::SecondHello
    );
}

#[test]
fn deeply_nested_json_is_an_error_and_not_a_stack_overflow() {
    let deep = "[".repeat(1 << 19);
    let truth = format!(r#"{{"what":{deep}"#);
    assert!(matches!(
        defect_of(&stream(&[(1, HELLO), (5, &truth)])).kind,
        DefectKind::Payload { .. }
    ));
}

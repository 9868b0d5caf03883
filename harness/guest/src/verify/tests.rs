use super::*;

fn lines_of(bytes: &[u8], name: &str) -> Vec<serde_json::Value> {
    let mut out = Out {
        to: Vec::new(),
        heard: io::repeat(0),
        object: 7,
    };
    object::judge(&mut out, name, bytes, 0, false).unwrap();
    let lines = out.to.split(|byte| *byte == b'\n');
    let lines = lines.filter(|line| !line.is_empty());
    lines
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect()
}

#[test]
fn what_is_no_object_is_one_record_without_a_program() {
    let said = lines_of(&b"#!/bin/sh\n".repeat(10), "x.o");
    assert_eq!(said.len(), 2, "{said:?}");
    assert_eq!(said[0]["verifying"]["step"], "open");
    let verified = &said[1]["verified"];
    assert_eq!(verified["object"], 7);
    assert_eq!(verified["verdict"], "rejected");
    assert_eq!(verified["program"], serde_json::Value::Null);
    assert_eq!(
        verified["chain"][0],
        "no ELF file: it does not start with 7f 45 4c 46"
    );
}

#[test]
fn a_long_log_is_cut_in_its_middle_at_lines() {
    let log: String = (0..1000).map(|line| format!("line {line} é\n")).collect();
    let (text, missing) = cut(&log, 1000);
    assert!(text.starts_with("line 0 é\nline 1 é\n"), "{text}");
    assert!(text.ends_with("line 999 é\n"), "{text}");
    let note = format!("\n[{missing} bytes of the log are left out here]\n");
    let at = text.find(&note).unwrap();
    assert_eq!(text.len() - note.len() + 1 + missing, log.len());
    assert!(at > 100 && text.len() < 1100);
    assert_eq!(cut("short", 1000), ("short".to_owned(), 0));
}

#[test]
fn a_log_of_one_endless_line_is_left_out_whole() {
    let (text, missing) = cut(&"é".repeat(2000), 1000);
    assert_eq!((text.lines().count(), missing), (1, 4000));
}

#[test]
fn a_record_fits_into_a_frame_whatever_its_log_is_made_of() {
    for log in ["\u{1}".repeat(3 << 20), "\u{1}\n".repeat(1 << 20)] {
        let mut out = Out {
            to: Vec::new(),
            heard: io::repeat(0),
            object: 0,
        };
        let verified = Verified {
            log: Some(log),
            ..Verified::default()
        };
        out.verified(verified).unwrap();
        assert!(out.to.len() <= 1 << 20, "{}", out.to.len());
        let said: serde_json::Value = serde_json::from_slice(&out.to).unwrap();
        assert!(said["verified"]["log_cut_bytes"].as_u64().unwrap() > 1 << 20);
    }
}

#[test]
fn a_process_that_dies_is_named_with_what_it_was_about_to_do() {
    let last = Verifying {
        object: 2,
        position: Some(4),
        program: Some("p".to_owned()),
        section: Some("xdp".to_owned()),
        step: "attach".to_owned(),
    };
    let verified = died(&last, "no answer within 5 s");
    assert_eq!(
        (verified.verdict, verified.attached),
        ("loaded", Some(false))
    );
    assert_eq!(
        verified.chain,
        ["attaching the program", "no answer within 5 s"]
    );
    let load = Verifying {
        step: "load".to_owned(),
        ..last
    };
    assert_eq!(died(&load, "x").verdict, "rejected");
}

#[test]
fn a_silent_process_is_late_and_one_that_ends_has_ended() {
    let (read, write) = io::pipe().unwrap();
    let mut lines = Lines::new(read).unwrap();
    (&write).write_all(b"one\ntw").unwrap();
    let wait = Duration::from_millis(20);
    assert!(matches!(lines.next(wait).unwrap(), Next::Line(line) if line == b"one\n"));
    assert!(matches!(lines.next(wait).unwrap(), Next::Late));
    (&write).write_all(b"o\n").unwrap();
    assert!(matches!(lines.next(wait).unwrap(), Next::Line(line) if line == b"two\n"));
    drop(write);
    assert!(matches!(lines.next(wait).unwrap(), Next::End));
}

#[test]
fn an_order_with_an_unknown_key_is_an_error() {
    let order = r#"{"attach":true,"timeout_ms":5,"objects":[{"name":"a","path":"/a","from":0}]}"#;
    assert!(serde_json::from_str::<Order>(order).is_ok());
    assert!(serde_json::from_str::<Order>(&order.replace("from", "form")).is_err());
}

//! Events with the names of the Elastic Common Schema.

mod records;

use records::{header, record};
use trapline_sensors::abi::{self, Wire};
use trapline_sensors::ecs::{self, Clock};
use trapline_sensors::{Item, decode};

/// 2026-01-01 less the three nanoseconds that the events are old.
const CLOCK: Clock = Clock {
    offset_ns: 1_767_225_600_000_000_000 - 3,
    read_ns: 1_767_225_601_000_000_000,
};

fn line<T: Wire + Copy>(
    fixed: T,
    of_header: fn(&mut T) -> &mut abi::Header,
    of_text: fn(&mut T) -> &mut abi::Text,
    text: &[u8],
) -> String {
    let mut fixed = fixed;
    of_header(&mut fixed).time_ns = 3;
    let event = decode::decode(&record(fixed, of_header, of_text, text)).unwrap();
    ecs::line(&Item::Event(Box::new(event)), CLOCK)
}

fn has(line: &str, members: &[&str]) {
    for member in members {
        assert!(line.contains(member), "no {member} in {line}");
    }
}

#[test]
fn what_a_signal_ended_has_the_code_that_a_shell_gives_it() {
    let exit = abi::Exit {
        header: header(abi::KIND_EXIT, 0),
        signal: 11,
        ..abi::Exit::default()
    };
    let line = line(
        exit,
        |exit| &mut exit.header,
        |exit| &mut exit.exe,
        b"/bin/x",
    );
    has(
        &line,
        &[
            r#""@timestamp":"2026-01-01T00:00:00.000000000Z""#,
            r#""event.created":"2026-01-01T00:00:01.000000000Z""#,
            r#""event.category":["process"],"event.type":["end"]"#,
            r#""process.exit_code":139"#,
            r#""process.executable":"/bin/x","process.name":"x""#,
        ],
    );
    assert!(!line.contains("event.outcome"), "{line}");
}

#[test]
fn a_path_is_told_whole_and_in_parts() {
    let file = |path: &[u8]| {
        let file = abi::File {
            header: header(abi::KIND_FILE_DELETE, 0),
            error: 2,
            other_path: abi::Text {
                flags: abi::TEXT_NONE,
                ..abi::Text::default()
            },
            ..abi::File::default()
        };
        line(file, |file| &mut file.header, |file| &mut file.path, path)
    };
    has(
        &file(b"/etc/a.b.conf"),
        &[
            r#""file.path":"/etc/a.b.conf","file.name":"a.b.conf","file.directory":"/etc","file.extension":"conf""#,
            r#""event.outcome":"failure","error.code":"2""#,
        ],
    );
    let hidden = file(b"/.profile");
    has(&hidden, &[r#""file.name":".profile","file.directory":"/""#]);
    assert!(!hidden.contains("file.extension"), "{hidden}");
}

#[test]
fn who_began_is_the_source() {
    let socket = |kind| {
        let end = |last: u8, port| abi::Address {
            ip_first: u64::from_ne_bytes([192, 0, 2, last, 0, 0, 0, 0]),
            family: 2,
            port,
            ..abi::Address::default()
        };
        let socket = abi::Socket {
            header: header(kind, 0),
            family: 2,
            socket_type: 1,
            protocol: 6,
            local: end(1, 80),
            remote: end(2, 40_000),
            path: abi::Text {
                flags: abi::TEXT_NONE,
                ..abi::Text::default()
            },
            ..abi::Socket::default()
        };
        line(
            socket,
            |socket| &mut socket.header,
            |socket| &mut socket.payload,
            b"",
        )
    };
    let accepted = socket(abi::KIND_SOCKET_ACCEPT);
    has(
        &accepted,
        &[
            r#""source.ip":"192.0.2.2""#,
            r#""destination.ip":"192.0.2.1""#,
            r#""network.direction":"ingress","network.transport":"tcp""#,
        ],
    );
    has(
        &socket(abi::KIND_SOCKET_CONNECT),
        &[r#""source.ip":"192.0.2.1""#],
    );
}

//! Records, whole and broken, through the decoder.

mod records;

use proptest::prelude::*;
use records::{error, header, record};
use trapline_sensors::abi::{self, Wire};
use trapline_sensors::event::{FileHow, Kind};
use trapline_sensors::{Decoder, Item, decode, json};

fn exec_record(sequence: u64, argv: &[u8]) -> Vec<u8> {
    let fixed = abi::Exec {
        header: header(abi::KIND_EXEC, sequence),
        ..abi::Exec::default()
    };
    record(fixed, |exec| &mut exec.header, |exec| &mut exec.argv, argv)
}

fn exit_record(sequence: u64, exe: &[u8]) -> Vec<u8> {
    let fixed = abi::Exit {
        header: header(abi::KIND_EXIT, sequence),
        signal: 11,
        flags: abi::EXIT_CORE_DUMPED,
        ..abi::Exit::default()
    };
    record(fixed, |exit| &mut exit.header, |exit| &mut exit.exe, exe)
}

fn file_record(kind: u16, path: &[u8], change: impl Fn(&mut abi::File)) -> Vec<u8> {
    let mut fixed = abi::File {
        header: header(kind, 0),
        inode: abi::Inode {
            inode: 12,
            mode: 0o100_644,
            ..abi::Inode::default()
        },
        other_path: abi::Text {
            flags: abi::TEXT_NONE,
            ..abi::Text::default()
        },
        ..abi::File::default()
    };
    change(&mut fixed);
    record(fixed, |file| &mut file.header, |file| &mut file.path, path)
}

fn argv(record: &[u8]) -> Vec<Vec<u8>> {
    match decode::decode(record).unwrap().kind {
        Kind::Exec(exec) => exec.argv.list,
        other => panic!("{other:?} is no exec"),
    }
}

#[test]
fn an_exit_keeps_signal_core_and_path() {
    let event = decode::decode(&exit_record(0, b"/bin/x")).unwrap();
    assert_eq!(event.exe.bytes, b"/bin/x");
    let Kind::Exit(exit) = event.kind else {
        panic!("{:?} is no exit", event.kind)
    };
    assert_eq!(
        (exit.code, exit.signal, exit.core_dumped, exit.early),
        (0, 11, true, false)
    );
}

#[test]
fn arguments_may_be_empty_and_the_last_may_be_cut() {
    assert_eq!(argv(&exec_record(0, b"")), Vec::<Vec<u8>>::new());
    assert_eq!(argv(&exec_record(0, b"\0")), [b""]);
    assert_eq!(argv(&exec_record(0, b"a\0\0b\0")), [&b"a"[..], b"", b"b"]);
    assert_eq!(argv(&exec_record(0, b"a\0bc")), [&b"a"[..], b"bc"]);
}

#[test]
fn a_gap_is_a_loss_and_a_number_that_comes_again_is_an_error() {
    let mut decoder = Decoder::new();
    assert_eq!(decoder.decode(&exit_record(7, b"/x")).unwrap().len(), 1);
    let items = decoder.decode(&exit_record(10, b"/x")).unwrap();
    assert_eq!(
        items[0],
        Item::Lost {
            cpu: 1,
            lane: Some(0),
            records: 2
        }
    );
    let error = decoder.decode(&exit_record(10, b"/x")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cpu 1 lane 0: record 10 comes after record 10"
    );
}

#[test]
fn broken_records_are_errors_that_name_what_and_where() {
    let whole = exit_record(0, b"/bin/x");
    assert_eq!(
        error(&whole[..9]),
        "record of 9 bytes, its fixed part alone needs 32"
    );
    assert_eq!(
        error(&whole[..whole.len() - 1]),
        format!(
            "record of {} bytes says that it has {}",
            whole.len() - 1,
            whole.len()
        )
    );

    let with = |change: fn(&mut abi::Exit)| {
        let mut exit = abi::Exit::read(&whole).unwrap();
        change(&mut exit);
        let mut record = Vec::new();
        exit.write(&mut record);
        record.extend_from_slice(&whole[abi::Exit::SIZE..]);
        error(&record)
    };
    assert_eq!(
        with(|exit| exit.header.kind = 77),
        "record of unknown kind 77"
    );
    assert_eq!(
        with(|exit| exit.header.format_version = 2),
        "record format 2, this decoder reads format 1"
    );
    assert_eq!(
        with(|exit| exit.flags = 4),
        "exit flags 0x4 has bits that mean nothing"
    );
    let place = format!("{} to {}", abi::Exit::SIZE, whole.len());
    assert_eq!(
        with(|exit| exit.exe.offset_bytes = u32::MAX),
        format!("exe: 6 bytes at 4294967295 are not in the texts, which are at {place}")
    );
    assert_eq!(
        with(|exit| exit.exe.offset_bytes = 0),
        format!("exe: 6 bytes at 0 are not in the texts, which are at {place}")
    );
}

#[test]
fn a_file_event_has_its_operation_its_way_and_the_file_it_replaced() {
    let record = file_record(abi::KIND_FILE_RENAME, b"/new", |file| {
        file.other.inode = 9;
        file.flags = abi::FILE_REPLACED;
    });
    let event = decode::decode(&record).unwrap();
    assert_eq!(event.kind.name(), "file_rename");
    let Kind::File(file) = &event.kind else {
        panic!("{:?} is no file event", event.kind)
    };
    assert_eq!(file.path.bytes, b"/new");
    assert_eq!(file.other.map(|other| other.inode), Some(9));
    assert_eq!(file.flags.names().collect::<Vec<_>>(), ["replaced"]);
    assert_eq!(file.how, None);
    let line = json::line(&Item::Event(Box::new(event)));
    assert!(line.contains(r#""path":"/new","old_path":null"#), "{line}");
    assert!(line.contains(r#""flags":["replaced"]"#), "{line}");
}

#[test]
fn a_file_event_without_a_second_file_has_none() {
    let record = file_record(abi::KIND_FILE_CREATE, b"/x", |file| {
        file.how = abi::FILE_HOW_MKDIR;
    });
    let Kind::File(file) = decode::decode(&record).unwrap().kind else {
        panic!("no file event")
    };
    assert_eq!((file.other, file.how), (None, Some(FileHow::Mkdir)));
}

#[test]
fn file_events_with_what_means_nothing_are_errors() {
    let with =
        |change: fn(&mut abi::File)| error(&file_record(abi::KIND_FILE_WRITE, b"/x", change));
    assert_eq!(
        with(|file| file.flags = 1 << 31),
        "file flags 0x80000000 has bits that mean nothing"
    );
    assert_eq!(
        with(|file| file.how = 99),
        "file: 99 is no way to do anything"
    );
    let whole = file_record(abi::KIND_FILE_WRITE, b"/x", |_| ());
    let fixed = abi::File::SIZE;
    assert_eq!(
        error(&whole[..fixed - 1]),
        format!(
            "record of {} bytes says that it has {}",
            fixed - 1,
            fixed + 2
        )
    );
}

#[test]
fn json_escapes_what_json_cannot_hold() {
    let line = |record: &[u8]| {
        let event = decode::decode(record).unwrap();
        json::line(&Item::Event(Box::new(event)))
    };
    assert!(line(&exec_record(0, b"a\"\n\0\xff\0")).contains(r#""argv":["a\"\n",{"hex":"ff"}]"#));
    assert!(line(&exit_record(0, b"/bin/x")).contains(r#""exe":"/bin/x"}"#));
}

proptest! {
    #[test]
    fn no_bytes_make_the_decoder_panic(
        is_file in any::<bool>(),
        at in 0..exec_record(0, b"a\0b\0").len(),
        bytes in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let mut record = match is_file {
            true => file_record(abi::KIND_FILE_LINK, b"/x", |_| ()),
            false => exec_record(0, b"a\0b\0"),
        };
        for (place, byte) in record.iter_mut().skip(at).zip(&bytes) {
            *place = *byte;
        }
        let mut decoder = Decoder::new();
        if let Ok(items) = decoder.decode(&record) {
            for item in items {
                json::line(&item);
            }
        }
    }
}

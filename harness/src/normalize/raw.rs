//! What a decoded event no longer shows: whether every byte of a record was
//! written on purpose.

use trapline_sensors::abi::{self, Address, Text, Wire};
use trapline_sensors::event::SocketOperation;

/// A text of a record: its name, where it is, and whether each of its strings ends with a NUL.
type Placed = (&'static str, Text, bool);

/// Checks a record that has been decoded without an error.
///
/// Its texts must lie one after the other behind the fixed part, without a gap,
/// an overlap or a rest; blocks of strings must end with a NUL unless they say
/// that they are cut; a value that is said to be unknown must be zero.
pub fn check(record: &[u8]) -> Vec<String> {
    let mut wrong = Vec::new();
    let Some(header) = abi::Header::read(record) else {
        return vec!["the record has no header".to_owned()];
    };
    let (fixed_bytes, texts) = match header.kind {
        abi::KIND_FORK => fork(record, &mut wrong),
        abi::KIND_EXEC => exec(record),
        abi::KIND_EXIT => exit(record),
        kind if SocketOperation::from_number(kind).is_some() => socket(record, &mut wrong),
        _ => file(record),
    };
    layout(record, fixed_bytes, &texts, &mut wrong);
    for (name, text, is_block) in texts {
        let start = text.offset_bytes as usize;
        let end = start.saturating_add(usize::from(text.size_bytes));
        let cut = text.flags & (abi::TEXT_CUT_END | abi::TEXT_FAULT) != 0;
        let last = record.get(start..end).and_then(<[u8]>::last);
        if is_block && !cut && last.is_some_and(|byte| *byte != 0) {
            wrong.push(format!("{name} does not end with a NUL and is not cut"));
        }
    }
    wrong
}

fn layout(record: &[u8], fixed_bytes: usize, texts: &[Placed], wrong: &mut Vec<String>) {
    let mut filled: Vec<&Placed> = texts.iter().filter(|(_, t, _)| t.size_bytes > 0).collect();
    filled.sort_by_key(|(_, text, _)| text.offset_bytes);
    let mut boundaries = vec![0, fixed_bytes];
    let mut at = fixed_bytes;
    for (name, text, _) in filled {
        let start = text.offset_bytes as usize;
        if start != at {
            wrong.push(format!(
                "{name} is at byte {start}, the text before ends at {at}"
            ));
        }
        at = start.saturating_add(usize::from(text.size_bytes));
        boundaries.push(at);
    }
    if at != record.len() {
        wrong.push(format!(
            "the texts end at byte {at}, the record at {}",
            record.len()
        ));
    }
    for (name, text, _) in texts {
        let start = text.offset_bytes as usize;
        if text.size_bytes == 0 && !boundaries.contains(&start) {
            wrong.push(format!("{name} is empty, yet at byte {start}"));
        }
    }
}

fn fork(record: &[u8], wrong: &mut Vec<String>) -> (usize, Vec<Placed>) {
    let fork = abi::Fork::read(record).unwrap_or_default();
    if fork.flags & abi::FORK_CLONE_FLAGS_UNKNOWN != 0 && fork.clone_flags != 0 {
        wrong.push("clone_flags are said to be unknown, yet not zero".to_owned());
    }
    let texts = vec![
        ("exe", fork.exe, false),
        ("parent_exe", fork.parent_exe, false),
    ];
    (abi::Fork::SIZE, texts)
}

fn exec(record: &[u8]) -> (usize, Vec<Placed>) {
    let exec = abi::Exec::read(record).unwrap_or_default();
    let texts = vec![
        ("exe", exec.exe, false),
        ("parent_exe", exec.parent_exe, false),
        ("filename", exec.filename, false),
        ("interpreter", exec.interpreter, false),
        ("script", exec.script, false),
        ("cwd", exec.cwd, false),
        ("argv", exec.argv, true),
        ("env", exec.env, true),
    ];
    (abi::Exec::SIZE, texts)
}

fn file(record: &[u8]) -> (usize, Vec<Placed>) {
    let file = abi::File::read(record).unwrap_or_default();
    let texts = vec![
        ("exe", file.exe, false),
        ("parent_exe", file.parent_exe, false),
        ("path", file.path, false),
        ("other_path", file.other_path, false),
    ];
    (abi::File::SIZE, texts)
}

fn socket(record: &[u8], wrong: &mut Vec<String>) -> (usize, Vec<Placed>) {
    let socket = abi::Socket::read(record).unwrap_or_default();
    let is_unseen = socket.flags & abi::SOCKET_OPENED_UNSEEN != 0;
    if is_unseen && (socket.owner_id, socket.owner_tgid) != (0, 0) {
        wrong.push("the owner is said to be unknown, yet not zero".to_owned());
    }
    for (name, text) in [("path", socket.path), ("payload", socket.payload)] {
        let is_none = text.flags & abi::TEXT_NONE != 0;
        if is_none && (text.flags, text.size_bytes) != (abi::TEXT_NONE, 0) {
            wrong.push(format!("there is no {name}, yet more is said of it"));
        }
    }
    if socket.payload.flags & abi::TEXT_NONE != 0 && socket.payload_offset_bytes != 0 {
        wrong.push("there is no payload, yet its place is not zero".to_owned());
    }
    for (name, address) in [("local", socket.local), ("remote", socket.remote)] {
        if let Some(what) = rest_of_address(address) {
            wrong.push(format!("{name}: {what}"));
        }
    }
    let texts = vec![
        ("exe", socket.exe, false),
        ("parent_exe", socket.parent_exe, false),
        ("path", socket.path, false),
        ("payload", socket.payload, false),
    ];
    (abi::Socket::SIZE, texts)
}

/// What of an address is not zero though it means nothing.
fn rest_of_address(address: Address) -> Option<String> {
    const AF_INET: u16 = 2;
    let first = address.ip_first.to_ne_bytes();
    let is_clean = match address.family {
        0 => address == Address::default(),
        AF_INET => first[4..] == [0; 4] && (address.ip_second, address.scope) == (0, 0),
        _ => true,
    };
    (!is_clean).then(|| {
        format!(
            "family {} with more than it has: {address:?}",
            address.family
        )
    })
}

fn exit(record: &[u8]) -> (usize, Vec<Placed>) {
    let exit = abi::Exit::read(record).unwrap_or_default();
    let texts = vec![
        ("exe", exit.exe, false),
        ("parent_exe", exit.parent_exe, false),
    ];
    (abi::Exit::SIZE, texts)
}

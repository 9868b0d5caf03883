//! What a decoded event no longer shows: whether every byte of a record was
//! written on purpose.

use trapline_sensors::abi::{self, Text, Wire};

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

fn exit(record: &[u8]) -> (usize, Vec<Placed>) {
    let exit = abi::Exit::read(record).unwrap_or_default();
    let texts = vec![
        ("exe", exit.exe, false),
        ("parent_exe", exit.parent_exe, false),
    ];
    (abi::Exit::SIZE, texts)
}

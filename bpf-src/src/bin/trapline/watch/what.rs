//! What happened, and what came of it, in few words.

mod socket;

use std::time::Duration;

use signal_hook::low_level::signal_name;
use trapline_loader::errno_name;
use trapline_sensors::abi;
use trapline_sensors::event::{Event, Exec, Exit, File, FileHow, FileOperation, Fork, Kind, Text};

use super::cell::{base, shown, word};

/// The column `what`.
pub fn what(event: &Event) -> String {
    match &event.kind {
        Kind::Fork(fork) => of_fork(event, fork),
        Kind::Exec(exec) => of_exec(exec),
        Kind::Exit(_) => of_exit(event),
        Kind::File(file) => of_file(file),
        Kind::Socket(socket) => socket::what(socket),
        other => other.name().to_owned(),
    }
}

/// The column `result`, and whether it is a failure.
pub fn result(event: &Event) -> (String, bool) {
    let error = match &event.kind {
        Kind::Exit(exit) => return exit_result(exit),
        Kind::Exec(exec) => exec.error,
        Kind::File(file) => file.error,
        Kind::Socket(socket) => return socket::result(socket),
        _ => 0,
    };
    (errno(error), error != 0)
}

/// `ok`, or the name of the error.
pub fn errno(error: u32) -> String {
    let known = i32::try_from(error).ok().and_then(errno_name);
    match (error, known) {
        (0, _) => "ok".to_owned(),
        (_, Some(name)) => name.to_owned(),
        (number, None) => format!("errno {number}"),
    }
}

fn exit_result(exit: &Exit) -> (String, bool) {
    if exit.signal == 0 {
        return (format!("exit {}", exit.code), exit.code != 0);
    }
    let name = i32::try_from(exit.signal).ok().and_then(signal_name);
    let name = name.map_or_else(|| format!("signal {}", exit.signal), str::to_owned);
    let core = if exit.core_dumped { ", core" } else { "" };
    (format!("{name}{core}"), true)
}

fn of_fork(event: &Event, fork: &Fork) -> String {
    let mut text = format!("by {}", fork.creator_tgid);
    if fork.creator_id == event.parent.process_id {
        text.push(' ');
        text.push_str(&path(&event.parent_exe));
    }
    text
}

fn of_exec(exec: &Exec) -> String {
    let words: Vec<String> = exec.argv.list.iter().map(|one| word(one)).collect();
    let mut text = match words.is_empty() || exec.error != 0 {
        true => path(&exec.filename),
        false => words.join(" "),
    };
    if exec.argv.flags.has(abi::TEXT_CUT_END) {
        text.push('…');
    }
    if !exec.script.flags.has(abi::TEXT_NONE) && !exec.script.bytes.is_empty() {
        text.push_str(&format!(" (script {})", shown(base(&exec.script.bytes))));
    }
    text
}

fn of_exit(event: &Event) -> String {
    let lived = event.time_ns.saturating_sub(event.process.start_time_ns);
    format!("after {}", time(Duration::from_nanos(lived)))
}

/// Three digits or so: `1.23s`, `45.6ms`, `2h 3m`.
pub fn time(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0 if time.as_millis() < 1 => format!("{}us", time.as_micros()),
        0 => format!("{:.1}ms", time.as_secs_f64() * 1000.0),
        1..60 => format!("{:.2}s", time.as_secs_f64()),
        60..3600 => format!("{}m {}s", seconds / 60, seconds % 60),
        _ => format!("{}h {}m", seconds / 3600, seconds / 60 % 60),
    }
}

/// `1,234,567 B`.
pub fn bytes(bytes: u64) -> String {
    format!("{} B", grouped(bytes))
}

/// A number that can be read.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A path, with what is missing of it.
pub fn path(text: &Text) -> String {
    let flags = text.flags;
    if flags.has(abi::TEXT_NONE) {
        return "-".to_owned();
    }
    if text.bytes.is_empty() {
        return "?".to_owned();
    }
    let mut path = shown(&text.bytes);
    if flags.has(abi::TEXT_CUT_FRONT) {
        path.insert(0, '…');
    }
    if flags.has(abi::TEXT_CUT_END) {
        path.push('…');
    }
    path
}

fn of_file(file: &File) -> String {
    let at = path(&file.path);
    let other = || path(&file.other_path);
    let text = match file.operation {
        FileOperation::Rename | FileOperation::Link => format!("{} -> {at}", other()),
        FileOperation::MountMove => format!("{} -> {at}", other()),
        FileOperation::Mount if !file.other_path.flags.has(abi::TEXT_NONE) => {
            format!("{} on {at}", other())
        }
        FileOperation::CloseWrite | FileOperation::Truncate => {
            format!("{at} ({})", bytes(file.inode.size_bytes))
        }
        _ => at,
    };
    match (file.operation, file.how) {
        (FileOperation::Create, Some(FileHow::Symlink)) => format!("symlink {text} -> {}", other()),
        (FileOperation::Create, Some(FileHow::Open)) | (_, None) => text,
        (FileOperation::Delete, Some(FileHow::Unlink)) => text,
        (FileOperation::Mount, Some(FileHow::Mount)) => text,
        (FileOperation::Attributes, Some(FileHow::Chmod)) => {
            format!("chmod {:04o} {text}", file.detail & 0o7777)
        }
        (FileOperation::Attributes, Some(how @ (FileHow::Setxattr | FileHow::Removexattr))) => {
            format!("{} {} {text}", how.name(), other())
        }
        (_, Some(how)) => format!("{} {text}", how.name()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_are_short() {
        assert_eq!(bytes(1_234_567), "1,234,567 B");
        assert_eq!(bytes(0), "0 B");
        assert_eq!(grouped(999), "999");
        for (ns, said) in [
            (900, "0us"),
            (12_345_678, "12.3ms"),
            (1_234_000_000, "1.23s"),
            (61_000_000_000, "1m 1s"),
            (7_380_000_000_000, "2h 3m"),
        ] {
            assert_eq!(time(Duration::from_nanos(ns)), said);
        }
    }

    #[test]
    fn errors_have_their_names() {
        assert_eq!(errno(0), "ok");
        assert_eq!(errno(2), "ENOENT");
        assert_eq!(errno(115), "EINPROGRESS");
        assert_eq!(errno(9999), "errno 9999");
    }

    #[test]
    fn an_end_by_a_signal_names_it() {
        let mut exit = Exit {
            code: 0,
            signal: 11,
            core_dumped: true,
            early: false,
        };
        assert_eq!(exit_result(&exit), ("SIGSEGV, core".to_owned(), true));
        exit.signal = 0;
        assert_eq!(exit_result(&exit), ("exit 0".to_owned(), false));
    }
}

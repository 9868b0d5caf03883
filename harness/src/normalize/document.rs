//! The document: what a reviewer reads and a snapshot keeps.

use std::fmt::Write as _;

use trapline_sensors::event::{Exec, Exit, Fork};
use trapline_sensors::{Event, Kind};

use super::block::Said;
use super::identity::{Cast, acting_thread};
use super::{Entry, files, names, sockets, text};
use crate::truth::{Fact, Verdict};

/// What a document is made of.
#[derive(Debug)]
pub struct Parts<'a> {
    /// `process::fork`
    pub title: &'a str,
    /// Losses and the tree's events, in record order.
    pub entries: &'a [&'a Entry],
    /// Who is who.
    pub cast: &'a Cast,
    /// What the workload says, and which event shows it.
    pub verdict: &'a Verdict,
}

/// Writes the document.
pub fn write(parts: &Parts<'_>) -> String {
    let mut text = format!("{}\n\nThe workload says:\n", parts.title);
    for (fact, event) in parts.verdict.in_order() {
        let place = event.map_or_else(|| "?".to_owned(), |event| (event + 1).to_string());
        let _ = writeln!(text, "{place}. {}", fact_line(fact, parts.cast));
    }
    text.push_str("\nThe sensor reports:\n");
    let mut said = Said::default();
    let mut number = 0;
    for entry in parts.entries {
        match entry {
            Entry::Lost { records, .. } => {
                let _ = writeln!(text, "LOST {records}");
            }
            Entry::Broken(what) => {
                let _ = writeln!(text, "BROKEN {what}");
            }
            Entry::Event(event) => {
                number += 1;
                text.push_str(&event_lines(number, event, parts.cast, &mut said));
            }
        }
    }
    let _ = writeln!(text, "\n{}", parts.verdict.summary());
    text
}

fn event_lines(number: usize, event: &Event, cast: &Cast, said: &mut Said) -> String {
    let label = cast.process(event.process.process_id);
    let mut lines = format!("{number}. {} {label}", event.kind.name());
    let details = match &event.kind {
        Kind::Fork(fork) => fork_line(fork, cast),
        Kind::Exec(exec) if exec.error == 0 => String::new(),
        Kind::Exec(exec) => format!(" fails: {}", names::error(exec.error)),
        Kind::Exit(exit) => exit_line(exit),
        Kind::File(file) => files::headline(file),
        Kind::Socket(socket) => sockets::headline(socket),
        // The sensors' kinds may grow; a new one must never look like an old one.
        other => format!(" {other:?}"),
    };
    let _ = writeln!(lines, "{details}");
    for (role, process, exe) in [
        ("process", &event.process, &event.exe),
        ("parent", &event.parent, &event.parent_exe),
    ] {
        let shown = (process, acting_thread(event, process));
        lines.push_str(&if sockets::is_by_owner(event) {
            said.block_of_owner(cast, role, shown, exe)
        } else {
            said.block(cast, role, shown, exe)
        });
    }
    match &event.kind {
        Kind::Exec(exec) => lines.push_str(&exec_lines(exec)),
        Kind::File(file) => lines.push_str(&files::lines(file, cast)),
        Kind::Socket(socket) => lines.push_str(&sockets::lines(socket, cast)),
        _ => {}
    }
    lines
}

fn fork_line(fork: &Fork, cast: &Cast) -> String {
    let flags = fork
        .clone_flags
        .map_or_else(|| "unknown".to_owned(), names::clone_flags);
    format!(
        " by {}, clone_flags {flags}, exit_signal {}",
        cast.thread(fork.creator_id, fork.creator_tid),
        names::signal(fork.exit_signal.into())
    )
}

fn exit_line(exit: &Exit) -> String {
    let mut line = if exit.signal == 0 {
        format!(" code {}", exit.code)
    } else {
        format!(" {}", names::signal(exit.signal.into()))
    };
    if exit.signal != 0 && exit.code != 0 {
        let _ = write!(line, " code {}", exit.code);
    }
    if exit.core_dumped {
        line.push_str(", core dumped");
    }
    if exit.early {
        line.push_str(", early");
    }
    line
}

fn exec_lines(exec: &Exec) -> String {
    let mut lines = String::new();
    for (name, value) in [
        ("file", text::text(&exec.filename)),
        ("interp", text::text(&exec.interpreter)),
        ("script", text::text(&exec.script)),
        ("cwd", text::text(&exec.cwd)),
        ("argv", text::strings(&exec.argv)),
        ("env", text::strings(&exec.env)),
    ] {
        let _ = writeln!(lines, "  {name:<8}{value}");
    }
    lines
}

fn fact_line(fact: &Fact, cast: &Cast) -> String {
    match fact {
        Fact::Ready => "it is ready".to_owned(),
        Fact::Fork(fork) => format!(
            "{} makes {}, child of {}",
            cast.pid(fork.caller),
            cast.pid(fork.child),
            cast.pid(fork.parent)
        ),
        Fact::Exec(exec) => format!(
            "{} becomes {}",
            cast.pid(exec.pid),
            text::text_of(&exec.filename)
        ),
        Fact::ExecFailed(exec) => format!(
            "{} cannot become {}{}",
            cast.pid(exec.pid),
            text::text_of(&exec.filename),
            exec.errno
                .map_or_else(String::new, |errno| format!(": {}", names::error(errno)))
        ),
        Fact::Exit(exit) => format!("{} ends: {}", cast.pid(exit.pid), exit.status),
        Fact::File(file) => format!("{}: {file}", cast.pid(file.pid)),
        Fact::Socket(socket) => format!(
            "{}: {}",
            cast.pid(socket.pid),
            sockets::fact_line(socket, cast)
        ),
    }
}

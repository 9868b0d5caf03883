//! What the processes of a workload did, for a person: real numbers, one line per event.

use std::fmt::{self, Write as _};

use trapline_sensors::abi;
use trapline_sensors::event::{Address, File, FileOperation, Socket, Strings, Text};
use trapline_sensors::{Event, Kind};

use crate::normalize::{Entry, Take, files, names, quoted, sockets};

/// Prints the events of one take as a table, the foreign ones included.
#[derive(Clone, Copy, Debug)]
pub struct Events<'a>(pub &'a Take);

/// A row of the table, a cell for each of [`HEADS`].
type Line = [String; 6];

const HEADS: [&str; 6] = ["ms", "pid", "parent", "uid", "event", ""];

impl fmt::Display for Events<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first_ns = self.0.entries.iter().find_map(|entry| match entry {
            Entry::Event(event) => Some(event.time_ns),
            _ => None,
        });
        let mut lines: Vec<Line> = vec![HEADS.map(str::to_owned)];
        for entry in &self.0.entries {
            lines.push(match entry {
                Entry::Event(event) => line(event, first_ns.unwrap_or(0)),
                Entry::Lost { records, cpu, lane } => note(
                    "LOST",
                    format!("{records} records of cpu {cpu} lane {lane}"),
                ),
                Entry::Broken(what) => note("BROKEN", what.clone()),
            });
        }
        let width = |column: usize| {
            lines
                .iter()
                .map(|l| l[column].chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = (0..HEADS.len()).map(width).collect();
        for line in &lines {
            let [ms, pid, parent, uid, event, what] = line;
            let text = format!(
                "{ms:>a$}  {pid:>b$}  {parent:>c$}  {uid:>d$}  {event:<e$}  {what}",
                a = widths[0],
                b = widths[1],
                c = widths[2],
                d = widths[3],
                e = widths[4],
            );
            writeln!(f, "{}", text.trim_end())?;
        }
        Ok(())
    }
}

fn note(event: &str, what: String) -> Line {
    let mut line = Line::default();
    line[4] = event.to_owned();
    line[5] = what;
    line
}

fn line(event: &Event, first_ns: u64) -> Line {
    let after_ms = event.time_ns.saturating_sub(first_ns) as f64 / 1e6;
    let process = &event.process;
    let exe = String::from_utf8_lossy(&event.exe.bytes);
    let what = match &event.kind {
        Kind::Fork(fork) => {
            let flags = fork
                .clone_flags
                .map_or_else(|| "unknown".to_owned(), names::clone_flags);
            format!("by {}, flags {flags}, of {exe}", fork.creator_tgid)
        }
        Kind::Exec(exec) if exec.error == 0 => command(&exec.argv),
        Kind::Exec(exec) => {
            let file = String::from_utf8_lossy(&exec.filename.bytes);
            format!("{} {file}", names::error(exec.error))
        }
        Kind::Exit(exit) if exit.signal != 0 => {
            let core = if exit.core_dumped {
                ", core dumped"
            } else {
                ""
            };
            format!("{}{core}, was {exe}", names::signal(exit.signal.into()))
        }
        Kind::Exit(exit) => format!("code {}, was {exe}", exit.code),
        Kind::File(file) => of_file(file),
        Kind::Socket(socket) => of_socket(socket),
        other => format!("{other:?}"),
    };
    [
        format!("{after_ms:.3}"),
        process.tgid.to_string(),
        event.parent.tgid.to_string(),
        process.euid.to_string(),
        event.kind.name().to_owned(),
        what,
    ]
}

/// The command as one would type it, cut where a terminal would wrap it away.
fn command(argv: &Strings) -> String {
    const MOST_CHARS: usize = 120;
    let mut text = String::new();
    for word in &argv.list {
        let plain = |byte: &u8| byte.is_ascii_graphic() && !b"\"'\\$`".contains(byte);
        let separator = if text.is_empty() { "" } else { " " };
        let word = if !word.is_empty() && word.iter().all(plain) {
            String::from_utf8_lossy(word).into_owned()
        } else {
            quoted(word)
        };
        let _ = write!(text, "{separator}{word}");
        if text.len() > 4 * MOST_CHARS {
            break;
        }
    }
    if text.chars().count() > MOST_CHARS {
        text = text.chars().take(MOST_CHARS).collect::<String>() + "…";
    }
    text
}

/// What was done to which file: the words of its headline, then its paths.
fn of_file(file: &File) -> String {
    let path = |text: &Text| String::from_utf8_lossy(&text.bytes).into_owned();
    let mut what = path(&file.path);
    if !file.other_path.flags.has(abi::TEXT_NONE) {
        let joined = match file.operation {
            FileOperation::Rename
            | FileOperation::Link
            | FileOperation::Mount
            | FileOperation::MountMove => "from",
            _ => "to",
        };
        what = format!("{what} {joined} {}", path(&file.other_path));
    }
    format!("{}{}", what, files::headline(file))
}

/// Which protocol between whom, then the words of its headline and what went through.
fn of_socket(socket: &Socket) -> String {
    let end = |address: Option<Address>| address.map_or("-".to_owned(), |it| it.to_string());
    let mut what = names::protocol(socket.family, socket.protocol);
    if (socket.local, socket.remote) != (None, None) {
        let _ = write!(what, " {} -> {}", end(socket.local), end(socket.remote));
    }
    if !socket.path.flags.has(abi::TEXT_NONE) {
        let _ = write!(what, " {}", quoted(&socket.path.bytes));
    }
    what.push_str(&sockets::headline(socket));
    let (sent, received) = (socket.totals.sent_bytes, socket.totals.received_bytes);
    if (sent, received) != (0, 0) {
        let _ = write!(what, ", sent {sent}, received {received}");
    }
    what
}

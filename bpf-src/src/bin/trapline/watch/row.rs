//! An event as a row for people: time, kind, process, pid, what, result.

use trapline_sensors::change::Change;
use trapline_sensors::ecs::Clock;
use trapline_sensors::event::Event;
use trapline_sensors::{Family, Item};

use super::cell::{base, padded, shown};
use super::{clock, what};

const TIME: usize = 12;
const KIND: usize = 16;
const PROCESS: usize = 15;
const PID: usize = 7;
const RESULT: usize = 12;
/// Of `what`, where nobody knows how wide the page is.
const WHAT: usize = 60;
/// Of `what`, at least.
const LEAST: usize = 20;

const PLAIN: &str = "\x1b[0m";
const FAINT: &str = "\x1b[2m";
const RED: &str = "\x1b[31m";
const LOST: &str = "\x1b[1;37;41m";

/// How rows look.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// With colours.
    pub coloured: bool,
    /// Columns of the terminal; where there is none, nothing is cut.
    pub columns: Option<usize>,
}

impl Look {
    /// How wide `what` is.
    fn what(self) -> usize {
        let others = TIME + KIND + PROCESS + PID + RESULT + 5;
        let rest = |columns: usize| columns.saturating_sub(others).max(LEAST);
        self.columns.map_or(WHAT, rest)
    }

    fn colour(self, colour: &str, text: &str) -> String {
        match self.coloured {
            true => format!("{colour}{text}{PLAIN}"),
            false => text.to_owned(),
        }
    }

    /// The names of the columns.
    pub fn head(self) -> String {
        let cells = ["TIME", "KIND", "PROCESS", "PID", "WHAT", "RESULT"].map(str::to_owned);
        let line = self.line(&cells);
        self.colour(FAINT, line.trim_end())
    }

    /// Cells in their columns, without what only makes the last one wide.
    fn line(self, [time, kind, process, pid, what, result]: &[String; 6]) -> String {
        let is_cut = self.columns.is_some();
        format!(
            "{time:TIME$} {kind:KIND$} {} {pid:>PID$} {} {result}",
            padded(process, PROCESS, true),
            padded(what, self.what(), is_cut),
        )
    }

    /// What somebody else did to the sensors.
    pub fn change(self, change: &Change, clock: Clock) -> String {
        self.alarm("TAMPERED", &change.told(), clock)
    }

    /// A row of now that nobody overlooks.
    fn alarm(self, kind: &str, what: &str, clock: Clock) -> String {
        let boottime = clock.read_ns.saturating_sub(clock.offset_ns);
        let time = clock::of_day(clock, u64::try_from(boottime).unwrap_or(0));
        self.colour(LOST, &format!("{time:TIME$} {kind:KIND$} {what}"))
    }

    /// One row.
    pub fn row(self, item: &Item, clock: Clock) -> String {
        match item {
            Item::Lost { cpu, records, .. } => {
                let events = if *records == 1 { "event" } else { "events" };
                let what = format!("{records} {events} of processor {cpu} found no room");
                self.alarm("LOST", &what, clock)
            }
            Item::Event(event) => self.event(event, clock),
        }
    }

    fn event(self, event: &Event, clock: Clock) -> String {
        let (result, is_failure) = what::result(event);
        let is_cut = self.columns.is_some();
        let exe = base(&event.exe.bytes);
        let process = match exe.is_empty() {
            true => "-".to_owned(),
            false => shown(exe),
        };
        let kind = format!("{:KIND$}", event.kind.name());
        let result = match is_failure {
            true => self.colour(RED, &result),
            false => result,
        };
        format!(
            "{} {} {} {:>PID$} {} {result}",
            self.colour(
                FAINT,
                &format!("{:TIME$}", clock::of_day(clock, event.time_ns))
            ),
            self.colour(of_family(event.kind.family()), &kind),
            padded(&process, PROCESS, true),
            event.process.tgid,
            padded(&what::what(event), self.what(), is_cut),
        )
    }
}

fn of_family(family: Family) -> &'static str {
    match family {
        Family::Process => "\x1b[32m",
        Family::File => "\x1b[34m",
        Family::Mount => "\x1b[35m",
        Family::Network => "\x1b[36m",
        _ => PLAIN,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{exec, exit, file, none, text};
    use super::*;
    use trapline_sensors::change::Part;
    use trapline_sensors::event::FileOperation;

    const PAGE: Look = Look {
        coloured: false,
        columns: None,
    };
    const TERMINAL: Look = Look {
        coloured: true,
        columns: Some(100),
    };

    fn row(look: Look, event: Event) -> String {
        look.row(&Item::Event(Box::new(event)), Clock::default())
    }

    #[test]
    fn cells_stand_below_the_names_of_their_columns() {
        let created = file((42, 1), FileOperation::Create, 13, text("/etc/x"), none());
        let row = row(PAGE, created);
        let head = PAGE.head();
        for (name, cell) in [
            ("TIME", "01:02:03"),
            ("KIND", "file_create"),
            ("PROCESS", "vi"),
            ("WHAT", "/etc/x"),
            ("RESULT", "EACCES"),
        ] {
            assert_eq!(head.find(name), row.find(cell), "{name}\n{head}\n{row}");
        }
        assert_eq!(
            head.find("PID").map(|at| at + 3),
            row.find("42").map(|at| at + 2)
        );
    }

    #[test]
    fn rows_are_as_wide_as_the_terminal_and_coloured() {
        let long = "/very".repeat(100);
        let created = file((42, 1), FileOperation::Create, 0, text(&long), none());
        let row = row(TERMINAL, created);
        let mut shown = row.clone();
        for colour in [PLAIN, FAINT, of_family(Family::File)] {
            assert!(shown.contains(colour));
            shown = shown.replace(colour, "");
        }
        assert!(shown.chars().count() <= 100, "{shown}");
        assert!(shown.contains('…') && !shown.contains('\x1b'), "{shown}");
    }

    #[test]
    fn a_failure_is_red_and_a_loss_cannot_be_overlooked() {
        assert!(row(TERMINAL, exit((42, 1), (1, 1))).ends_with("\x1b[31mexit 3\x1b[0m"));
        let lost = Item::Lost {
            cpu: 1,
            lane: None,
            records: 7,
        };
        let row = PAGE.row(&lost, Clock::default());
        assert!(
            row.ends_with("LOST             7 events of processor 1 found no room"),
            "{row}"
        );
        assert!(TERMINAL.row(&lost, Clock::default()).starts_with(LOST));
        let change = Change::new(Part::Map, "excluded", "left out process 7");
        let row = PAGE.change(&change, Clock::default());
        assert!(
            row.ends_with("TAMPERED         map excluded left out process 7"),
            "{row}"
        );
    }

    #[test]
    fn arguments_cannot_speak_to_the_terminal() {
        let row = row(
            PAGE,
            exec((42, 1), "/bin/sh", &["sh", "-c", "\x1b]0;x\x07 y"], &[]),
        );
        assert!(row.contains("sh -c '\\u{1b}]0;x\\u{7} y'"), "{row}");
    }
}

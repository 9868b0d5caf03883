//! What is told: each item as a line, losses once, and the count of all.

use std::collections::BTreeMap;
use std::os::fd::AsFd;
use std::time::Duration;

use trapline_sensors::ecs::Clock;
use trapline_sensors::{Account, Change, DecodeError, Item, ecs, json};

use super::clock;
use super::losses::Losses;
use super::orders::Orders;
use super::output::{Output, say};
use super::row::Look;

/// After how long without room the reader is spoken of.
const SLOW: Duration = Duration::from_secs(5);

/// What a line is.
#[derive(Clone, Copy, Debug)]
pub enum Format {
    /// For people.
    Rows(Look),
    /// [`json::line`].
    Json,
    /// [`ecs::line`].
    Ecs,
}

/// Items on their way out.
#[derive(Debug)]
pub struct Told<W> {
    pub output: Output<W>,
    pub format: Format,
    /// Events that nobody asked for.
    pub left_out: u64,
    /// As it was when the records were read.
    pub clock: Clock,
    losses: Losses,
    kinds: BTreeMap<&'static str, u64>,
    malformed: u64,
    changes: u64,
    /// Whether the reader was spoken of, and has not read since.
    is_slow: bool,
}

impl<W: AsFd> Told<W> {
    pub fn new(to: W, format: Format) -> Self {
        Self {
            output: Output::new(to),
            format,
            left_out: 0,
            clock: Clock::default(),
            losses: Losses::default(),
            kinds: BTreeMap::new(),
            malformed: 0,
            changes: 0,
            is_slow: false,
        }
    }

    /// Names the columns, where there are any.
    pub fn head(&mut self, orders: &mut Orders) {
        if let Format::Rows(look) = self.format {
            self.line(&look.head(), orders);
        }
    }

    /// Counts what came, told or not.
    pub fn came(&mut self, item: &Item) {
        if let Item::Event(event) = item {
            *self.kinds.entry(event.kind.name()).or_default() += 1;
        }
    }

    /// A loss or an event.
    pub fn item(&mut self, item: &Item, orders: &mut Orders) {
        let Item::Lost { cpu, lane, records } = item else {
            return self.tell(item, orders);
        };
        if let Some(lost) = self.losses.found(*cpu, *lane, *records) {
            self.tell(&lost, orders);
        }
    }

    /// A record that is none.
    pub fn malformed(&mut self, error: &DecodeError) {
        self.malformed += 1;
        if self.malformed == 1 {
            say(&format!("error: a record that cannot be read: {error}"));
        }
    }

    /// What the kernel has counted and nothing has followed.
    pub fn account(&mut self, account: &Account, orders: &mut Orders) {
        for lost in self.losses.counted(account) {
            self.tell(&lost, orders);
        }
    }

    /// What somebody else did to the sensors: in the stream, and on the standard error
    /// for whoever has put the stream into a file.
    pub fn change(&mut self, change: &Change, orders: &mut Orders) {
        self.changes += 1;
        say(&format!("error: tampered with: {}", change.told()));
        self.clock = clock::now();
        let line = match self.format {
            Format::Rows(look) => look.change(change, self.clock),
            Format::Json => json::change_line(change),
            Format::Ecs => ecs::change_line(change, self.clock),
        };
        self.line(&line, orders);
    }

    /// How often somebody did.
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// Writes what was gathered.
    pub fn flush(&mut self, orders: &mut Orders) {
        let Self {
            output, is_slow, ..
        } = self;
        output.flush(&mut |elapsed| waits(is_slow, elapsed, orders));
        if !self.output.is_waiting() {
            self.is_slow = false;
        }
    }

    /// Events by kind.
    pub fn kinds(&self) -> &BTreeMap<&'static str, u64> {
        &self.kinds
    }

    /// Records that could not be read.
    pub fn malformed_records(&self) -> u64 {
        self.malformed
    }

    fn tell(&mut self, item: &Item, orders: &mut Orders) {
        let line = match self.format {
            Format::Rows(look) => look.row(item, self.clock),
            Format::Json => json::line(item),
            Format::Ecs => ecs::line(item, self.clock),
        };
        self.line(&line, orders);
    }

    fn line(&mut self, line: &str, orders: &mut Orders) {
        let Self {
            output, is_slow, ..
        } = self;
        output.line(line, &mut |elapsed| waits(is_slow, elapsed, orders));
    }
}

/// Whether to go on waiting; says once that somebody is waited for.
fn waits(is_slow: &mut bool, elapsed: Duration, orders: &mut Orders) -> bool {
    if elapsed >= SLOW && !*is_slow {
        *is_slow = true;
        say(
            "warning: nobody reads the standard output: what the ring buffer has no room for \
             is lost, and will be told as such",
        );
    }
    orders.waits(elapsed)
}

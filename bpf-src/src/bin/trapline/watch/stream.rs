//! From the ring buffer to the standard output, until somebody says that it is enough.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use trapline_loader::Result;
use trapline_sensors::event::Kind;
use trapline_sensors::{Account, Change, Decoder, Family, Item, Sensors};

use super::clock;
use super::defence::Defence;
use super::exclude::Exclusion;
use super::mounts::Mounts;
use super::orders::Orders;
use super::output::{State, say};
use super::select::Selection;
use super::settings::Settings;
use super::stats::Stats;
use super::told::{Format, Told};

/// How late a signal may be noticed.
const LOOK: Duration = Duration::from_millis(100);
/// How late a loss may be told that nothing follows. Asking the kernel takes some
/// hundred system calls.
const ACCOUNT: Duration = Duration::from_secs(10);

/// The sensors, and what is told of them.
#[derive(Debug)]
pub struct Stream<W> {
    sensors: Sensors,
    decoder: Decoder,
    rules: Rules,
    pub told: Told<W>,
    orders: Orders,
    stats: Option<Stats>,
    defence: Defence,
    began: Instant,
    accounted: Instant,
}

/// What is told of what comes.
#[derive(Debug)]
pub struct Rules {
    settings: Settings,
    selection: Selection,
    exclusion: Exclusion,
    mounts: Mounts,
    /// Something was mounted since the kernel was last told about mounts.
    has_mounted: bool,
}

/// How it ended.
#[derive(Debug)]
pub struct Ending {
    /// The account after the last record was read.
    pub account: Account,
    /// How long it took.
    pub time: Duration,
    /// What is to be said of what it cost.
    pub stats: Vec<String>,
}

impl Rules {
    /// Looks up what the settings mean now.
    ///
    /// # Errors
    /// A control group that is not there; /proc that cannot be read.
    pub fn new(settings: Settings) -> Result<Self> {
        Ok(Self {
            selection: Selection::new(&settings.wanted)?,
            exclusion: Exclusion::new(&settings.excluded)?,
            mounts: Mounts::default(),
            has_mounted: true,
            settings,
        })
    }

    /// The event as it is told, if it is.
    fn take(&mut self, item: Item) -> Option<Item> {
        let Item::Event(mut event) = item else {
            return Some(item);
        };
        if event.kind.family() == Family::Mount {
            self.has_mounted = true;
        }
        // Both learn from every event.
        let is_excluded = self.exclusion.holds(&event);
        let is_taken = self.selection.takes(&event);
        if let Kind::Exec(exec) = &mut event.kind {
            self.settings.environment.keep(&mut exec.env);
        }
        (is_taken && !is_excluded).then_some(Item::Event(event))
    }

    /// Tells the kernel what it can do for us.
    fn tell(&mut self, sensors: &Sensors) -> Result<()> {
        // The maps that it takes are those of the file sensors.
        if !self.settings.at_start.families.contains(&Family::File) {
            return Ok(());
        }
        self.exclusion.tell(sensors)?;
        if std::mem::take(&mut self.has_mounted) {
            self.mounts.tell(sensors, &self.settings.mounts)?;
        }
        Ok(())
    }

    /// Takes the place of others that were in force.
    fn replaces(&mut self, others: Self) {
        self.exclusion.replaces(&others.exclusion);
        self.mounts = others.mounts;
        self.settings.at_start = others.settings.at_start;
    }
}

impl<W: AsFd> Stream<W> {
    /// A stream of what these sensors send.
    ///
    /// # Errors
    /// What the kernel says when it is asked how they are.
    pub fn new(mut sensors: Sensors, rules: Rules, orders: Orders, told: Told<W>) -> Result<Self> {
        let now = Instant::now();
        Ok(Self {
            defence: Defence::new(&mut sensors)?,
            sensors,
            decoder: Decoder::new(),
            rules,
            told,
            orders,
            stats: None,
            began: now,
            accounted: now,
        })
    }

    /// The same, and how it goes said this often.
    pub fn with_stats(mut self, every: Option<Duration>) -> Self {
        let is_json = !matches!(self.told.format, Format::Rows(_));
        self.stats = every.map(|every| Stats::new(every, is_json));
        self
    }

    /// The sensors.
    pub fn sensors(&self) -> &Sensors {
        &self.sensors
    }

    /// Tells what comes, until a signal says to end or nothing can be written any more;
    /// then all that is left. `reload` reads the settings again.
    ///
    /// # Errors
    /// A ring buffer that is not as the kernel writes it, and what the kernel says
    /// when it is asked or told something.
    pub fn run(&mut self, reload: impl Fn() -> Result<Settings>) -> Result<Ending> {
        self.rules.tell(&self.sensors)?;
        self.told.head(&mut self.orders);
        loop {
            self.orders.look();
            if self.orders.end() || !matches!(self.told.output.state(), State::Open) {
                break;
            }
            if self.orders.take_reload() {
                self.reload(&reload)?;
            }
            if self.sensors.poll(Some(LOOK))? {
                self.take()?;
                self.rules.tell(&self.sensors)?;
            } else {
                self.told.output.look();
            }
            self.told.flush(&mut self.orders);
            self.say_how_it_goes()?;
            let changes = self.defence.look_if_due(&mut self.sensors)?;
            self.tell_changes(&changes);
        }
        self.end()
    }

    fn take(&mut self) -> Result<usize> {
        let Self {
            sensors,
            decoder,
            rules,
            told,
            orders,
            ..
        } = self;
        told.clock = clock::now();
        sensors.consume(|record| match decoder.decode(record) {
            Ok(items) => {
                for item in items {
                    told.came(&item);
                    match rules.take(item) {
                        Some(item) => told.item(&item, orders),
                        None => told.left_out += 1,
                    }
                }
            }
            Err(error) => told.malformed(&error),
        })
    }

    /// Tells losses that nothing has followed, and says how it goes, where it is time.
    fn say_how_it_goes(&mut self) -> Result<()> {
        // After a wait there may be much that found no room.
        let has_waited = self.told.output.take_has_waited();
        let is_due = self.stats.as_ref().is_some_and(Stats::is_due);
        if has_waited || is_due || self.accounted.elapsed() >= ACCOUNT {
            let account = self.account()?;
            if let (Some(stats), true) = (&mut self.stats, is_due) {
                say(&stats.line(&self.sensors, &account));
            }
        }
        Ok(())
    }

    fn tell_changes(&mut self, changes: &[Change]) {
        for change in changes {
            self.told.change(change, &mut self.orders);
        }
    }

    fn account(&mut self) -> Result<Account> {
        let account = self.sensors.account()?;
        self.accounted = Instant::now();
        self.told.account(&account, &mut self.orders);
        Ok(account)
    }

    /// New settings in the place of the old ones, if there is nothing wrong with them.
    fn reload(&mut self, reload: &impl Fn() -> Result<Settings>) -> Result<()> {
        let rules = reload().and_then(|settings| {
            let missing = self.rules.settings.at_start.missing(&settings.at_start);
            Ok((Rules::new(settings)?, missing))
        });
        let (rules, missing) = match rules {
            Ok(rules) => rules,
            Err(error) => {
                say(&format!("error: the old policy stays in force: {error:#}"));
                return Ok(());
            }
        };
        let old = std::mem::replace(&mut self.rules, rules);
        self.rules.replaces(old);
        self.rules.tell(&self.sensors)?;
        say("the policy was read again, and is in force");
        if !missing.is_empty() {
            let missing = missing.join(", ");
            say(&format!(
                "warning: takes effect when trapline is started again: {missing}"
            ));
        }
        Ok(())
    }

    /// Nothing more is sent; what was is told.
    fn end(&mut self) -> Result<Ending> {
        let time = self.began.elapsed();
        let stats = match &self.stats {
            Some(stats) => vec![stats.own(), stats.programs(&self.sensors)?],
            None => Vec::new(),
        };
        let changes = self.defence.look(&mut self.sensors)?;
        self.tell_changes(&changes);
        let detached = self.sensors.detach();
        // Of sockets that were closed since it last looked by itself.
        self.sensors.look_at_flows()?;
        while self.take()? > 0 {}
        let account = self.account()?;
        self.told.flush(&mut self.orders);
        detached?;
        Ok(Ending {
            account,
            time,
            stats,
        })
    }
}

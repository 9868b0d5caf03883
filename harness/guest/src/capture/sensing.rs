//! What capture asks of loaded sensors, whoever loads them.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use trapline_loader::kernel_btf::KernelBtf;
use trapline_sensors::sensors::{Flavour, Options, Sensors, Transport};

/// One loaded and attached program.
#[derive(Clone, Debug)]
pub struct Program {
    /// Its name in the object.
    pub name: String,
    /// Its family: `process`, `file`, …
    pub family: &'static str,
    /// How it was attached: `fentry`, `kprobe/link`, …
    pub attach: String,
    /// How many instructions the verifier processed, where the kernel says so.
    pub verified_insns: Option<u32>,
    /// The size of its machine code.
    pub jited_bytes: u32,
}

impl Program {
    /// As the `sensors` frame has it.
    #[must_use]
    pub fn said(&self) -> Value {
        json!({
            "name": self.name, "family": self.family, "attach": self.attach,
            "verified_insns": self.verified_insns, "jited_bytes": self.jited_bytes,
        })
    }
}

/// Records counted since the sensors were loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Records that the programs wanted to send.
    pub sent: u64,
    /// Records that came out of the ring.
    pub received: u64,
    /// Records that did not, by cause.
    pub lost: BTreeMap<String, u64>,
    /// Records that came but lack something, by cause.
    pub poorer: BTreeMap<String, u64>,
    /// Runs that the kernel left out, by program.
    pub missed: BTreeMap<String, u64>,
}

impl Account {
    /// Nothing is under way: every record has come or is known to be lost.
    #[must_use]
    pub fn balances(&self) -> bool {
        let lost = self
            .lost
            .values()
            .fold(0_u64, |sum, count| sum.saturating_add(*count));
        self.sent == self.received.saturating_add(lost)
    }

    /// What has been counted since an earlier account; causes that did not grow are left out.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            sent: self.sent.saturating_sub(earlier.sent),
            received: self.received.saturating_sub(earlier.received),
            lost: grown(&self.lost, &earlier.lost),
            poorer: grown(&self.poorer, &earlier.poorer),
            missed: grown(&self.missed, &earlier.missed),
        }
    }
}

/// By how much each cause has grown; those that have not are left out.
fn grown(now: &BTreeMap<String, u64>, earlier: &BTreeMap<String, u64>) -> BTreeMap<String, u64> {
    let grown = now.iter().filter_map(|(cause, count)| {
        let grown = count.saturating_sub(earlier.get(cause).copied().unwrap_or(0));
        (grown > 0).then(|| (cause.clone(), grown))
    });
    grown.collect()
}

/// Sensors that are loaded and attached until dropped.
pub trait Sensing {
    /// What was loaded.
    fn programs(&self) -> Vec<Program>;

    /// Hands over every record that is in the ring now, in its order; returns how many.
    ///
    /// # Errors
    /// What the ring says is wrong with itself.
    fn consume(&mut self, each: &mut dyn FnMut(&[u8])) -> Result<usize, String>;

    /// Looks for what no record tells of by itself: flows of datagrams that have ended. The records
    /// then come with the next [`Sensing::consume`].
    ///
    /// # Errors
    /// When the sensors' maps cannot be read.
    fn look(&mut self) -> Result<(), String>;

    /// Counts since load.
    ///
    /// # Errors
    /// When the counters cannot be read.
    fn account(&mut self) -> Result<Account, String>;
}

/// No sensors at all: what a bench compares with, and what a rehearsal runs under.
#[derive(Clone, Copy, Debug)]
pub struct Nothing;

impl Sensing for Nothing {
    fn programs(&self) -> Vec<Program> {
        Vec::new()
    }

    fn consume(&mut self, _: &mut dyn FnMut(&[u8])) -> Result<usize, String> {
        Ok(0)
    }

    fn look(&mut self) -> Result<(), String> {
        Ok(())
    }

    fn account(&mut self) -> Result<Account, String> {
        Ok(Account::default())
    }
}

/// Trapline's sensors, attached.
#[derive(Debug)]
struct Attached {
    sensors: Sensors,
    programs: Vec<Program>,
}

impl Attached {
    fn load(
        flavour: Flavour,
        transport: Transport,
        kernel: &mut KernelBtf,
    ) -> trapline_loader::Result<Self> {
        let mut options = Options::default();
        options.transport = transport;
        options.want_stats = true;
        // Only when a workload is over, so that every run has the same events in the same order.
        options.network.flow_look = Duration::MAX;
        // Each look goes through all the room that there is, and no workload needs more.
        options.network.flows = 1 << 10;
        let sensors = Sensors::load_on(kernel, flavour, &options)?;
        let programs = sensors.programs()?.into_iter().map(|program| Program {
            name: program.name,
            family: program.family.name(),
            attach: program.attach.to_owned(),
            verified_insns: program.verified_insns,
            jited_bytes: program.jited_bytes,
        });
        let programs = programs.collect();
        Ok(Self { sensors, programs })
    }
}

impl Sensing for Attached {
    fn programs(&self) -> Vec<Program> {
        self.programs.clone()
    }

    fn consume(&mut self, each: &mut dyn FnMut(&[u8])) -> Result<usize, String> {
        self.sensors
            .consume(each)
            .map_err(|error| format!("{error:#}"))
    }

    fn look(&mut self) -> Result<(), String> {
        let looked = self.sensors.look_at_flows();
        looked.map_err(|error| format!("{error:#}"))
    }

    fn account(&mut self) -> Result<Account, String> {
        let account = self
            .sensors
            .account()
            .map_err(|error| format!("{error:#}"))?;
        let named = |counts: BTreeMap<&str, u64>| {
            counts
                .into_iter()
                .map(|(cause, count)| (cause.to_owned(), count))
                .collect()
        };
        Ok(Account {
            sent: account.sent,
            received: account.received,
            lost: named(account.lost),
            poorer: named(account.poorer),
            missed: named(account.missed),
        })
    }
}

/// Loads and attaches the sensors of one flavour: `fentry`, `kprobe`, or `none` for none at all.
/// `kernel` keeps what was found in it for the next.
///
/// # Errors
/// Why they cannot be loaded or attached.
pub fn load(
    flavour: &str,
    transport: Transport,
    kernel: &mut KernelBtf,
) -> Result<Box<dyn Sensing>, String> {
    let flavour = match flavour {
        "none" => return Ok(Box::new(Nothing)),
        "fentry" => Flavour::Fentry,
        "kprobe" => Flavour::Kprobe,
        other => return Err(format!("there are no sensors of the flavour {other}")),
    };
    // The long form has the verifier's log, whose end says why it refused; a frame has its limit.
    let attached = Attached::load(flavour, transport, kernel);
    let attached = attached.map_err(|error| end_of(&format!("{error:?}")))?;
    Ok(Box::new(attached))
}

/// The last 100,000 characters at most.
fn end_of(text: &str) -> String {
    const KEPT: usize = 100_000;
    let skipped = text.chars().count().saturating_sub(KEPT);
    text.chars().skip(skipped).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(sent: u64, received: u64, lost: &[(&str, u64)]) -> Account {
        let lost = lost
            .iter()
            .map(|(cause, count)| ((*cause).to_owned(), *count))
            .collect();
        Account {
            sent,
            received,
            lost,
            poorer: BTreeMap::new(),
            missed: BTreeMap::new(),
        }
    }

    #[test]
    fn an_account_balances_when_nothing_is_under_way() {
        assert!(account(5, 3, &[("ring_full", 2)]).balances());
        assert!(!account(5, 4, &[]).balances());
        assert!(!account(u64::MAX - 1, u64::MAX, &[("a", u64::MAX)]).balances());
    }

    #[test]
    fn a_difference_counts_from_the_earlier_account() {
        let early = account(5, 3, &[("a", 2)]);
        let late = account(9, 5, &[("a", 2), ("b", 2)]);
        assert_eq!(late.since(&early), account(4, 2, &[("b", 2)]));
    }
}

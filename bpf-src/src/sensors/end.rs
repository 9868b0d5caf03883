//! The end of the sensors' work, and what is to be known of it meanwhile.

use std::collections::BTreeMap;
use std::time::Duration;

use trapline_loader::Result;

use super::{Loaded, Sensors, guard};
use crate::account::Account;

/// How full the ring buffer is, or all perf buffers together are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RingFill {
    /// Bytes of records that were not read yet.
    pub pending_bytes: usize,
    /// Its size in bytes.
    pub capacity_bytes: usize,
}

/// What a program has run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Runs {
    /// Its name in C.
    pub name: &'static str,
    /// How often, since statistics are on.
    pub runs: u64,
    /// How long in all.
    pub time: Duration,
}

impl Sensors {
    /// Detaches all programs: no more is sent from now on. What was sent can still be
    /// read, and the account stays.
    ///
    /// # Errors
    /// What keeps a program attached: the first of them; all others are detached.
    pub fn detach(&mut self) -> Result<()> {
        // Links are asked for what they missed, so as long as they are there.
        let mut account = Account::default();
        for family in &self.families {
            family.add_missed(&mut account)?;
        }
        self.missed_until_detached = account.missed;
        let mut first = Ok(());
        let links = self.families.iter_mut().flat_map(|it| it.links.drain(..));
        for (_, link) in links {
            first = first.and(link.detach());
        }
        first
    }

    /// How full the ring buffer is, or all perf buffers together are.
    pub fn ring_fill(&self) -> RingFill {
        self.source.fill()
    }

    /// What each attached program has run, while the kernel counted it: sysctl
    /// `kernel.bpf_stats_enabled`, or
    /// [`enable_run_stats`](trapline_loader::program::enable_run_stats). Programs that
    /// have not run then are left out.
    ///
    /// # Errors
    /// `System` with the errno of BPF_OBJ_GET_INFO_BY_FD, about one of them.
    pub fn runs(&self) -> Result<Vec<Runs>> {
        let mut all: Vec<Runs> = Vec::new();
        for family in &self.families {
            for (name, _) in &family.links {
                if all.iter().any(|known| known.name == *name) {
                    continue;
                }
                let info = family.program(name)?.info()?;
                all.push(Runs {
                    name,
                    runs: info.run_count,
                    time: Duration::from_nanos(info.run_time_ns),
                });
            }
        }
        all.retain(|one| one.runs > 0);
        Ok(all)
    }
}

impl Loaded {
    /// Adds the runs that the kernel left out.
    pub(super) fn add_missed(&self, account: &mut Account) -> Result<()> {
        // A run that a kprobe misses may count with its link and with its
        // program, which several links can share.
        let mut missed_by_links = BTreeMap::<_, u64>::new();
        for (name, link) in &self.links {
            let missed = match link.missed() {
                // Which `Sensors::changes` tells.
                Err(error) if guard::is_gone(&error) => None,
                other => other?,
            };
            *missed_by_links.entry(name).or_default() += missed.unwrap_or(0);
        }
        for (name, missed) in missed_by_links {
            let recursion = self.program(name)?.info()?.recursion_misses;
            account.add_missed(name, missed.max(recursion.unwrap_or(0)));
        }
        Ok(())
    }
}

//! What of the losses has been told, so that each is told once.
//!
//! Two see them: the decoder, by a number that is missing before the next record of a
//! lane, and the account, which counts them in the kernel. The account knows more, such
//! as what nothing has followed, and says it later.

use std::collections::BTreeMap;

use trapline_sensors::{Account, Item};

/// By processor.
#[derive(Debug, Default)]
pub struct Losses {
    cpus: BTreeMap<u32, Cpu>,
}

#[derive(Debug, Default)]
struct Cpu {
    /// Missing numbers that the decoder has found.
    missing: u64,
    /// Records that were said to be lost.
    told: u64,
}

impl Losses {
    /// A loss that the decoder has found, as far as it was not told yet.
    pub fn found(&mut self, cpu: u32, lane: Option<u32>, records: u64) -> Option<Item> {
        let of_cpu = self.cpus.entry(cpu).or_default();
        of_cpu.missing += records;
        let lost = of_cpu.missing;
        self.tell(cpu, lane, lost)
    }

    /// What the account has lost and nobody has told.
    pub fn counted(&mut self, account: &Account) -> Vec<Item> {
        let cpus = account.cpus.iter().zip(0u32..);
        let lost = cpus.filter_map(|(of_cpu, cpu)| self.tell(cpu, None, of_cpu.lost));
        lost.collect()
    }

    fn tell(&mut self, cpu: u32, lane: Option<u32>, lost: u64) -> Option<Item> {
        let of_cpu = self.cpus.entry(cpu).or_default();
        let records = lost.checked_sub(of_cpu.told).filter(|more| *more > 0)?;
        of_cpu.told = lost;
        Some(Item::Lost { cpu, lane, records })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use trapline_sensors::sensors::CpuAccount;

    fn account(lost: &[u64]) -> Account {
        let mut account = Account::default();
        for lost in lost {
            let mut cpu = CpuAccount::default();
            cpu.lost = *lost;
            account.cpus.push(cpu);
        }
        account
    }

    fn lost(cpu: u32, lane: Option<u32>, records: u64) -> Item {
        Item::Lost { cpu, lane, records }
    }

    #[test]
    fn what_nothing_follows_is_told_by_the_account() {
        let mut losses = Losses::default();
        assert_eq!(losses.found(1, Some(0), 5), Some(lost(1, Some(0), 5)));
        let told = losses.counted(&account(&[2, 5]));
        assert_eq!(told, [lost(0, None, 2)]);
        assert_eq!(losses.counted(&account(&[2, 5])), []);
    }

    #[test]
    fn what_the_account_told_is_not_told_again_by_the_next_record() {
        let mut losses = Losses::default();
        assert_eq!(losses.counted(&account(&[5])), [lost(0, None, 5)]);
        assert_eq!(losses.found(0, Some(1), 3), None);
        assert_eq!(losses.found(0, Some(0), 4), Some(lost(0, Some(0), 2)));
        assert_eq!(losses.counted(&account(&[7])), []);
    }
}

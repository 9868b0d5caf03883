//! The account: what was sent, received and lost, and why.

use std::collections::BTreeMap;

use trapline_loader::map::Map;
use trapline_loader::{Error, Result};

use crate::abi;

/// Counts since the sensors were loaded. `sent` is `received`, what is still in
/// the ring buffer, and the sum of `lost`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Account {
    /// Records that programs set out to send.
    pub sent: u64,
    /// Records that were read from the ring buffer.
    pub received: u64,
    /// Records that were never in the ring buffer, by cause.
    pub lost: BTreeMap<&'static str, u64>,
    /// Records that were sent but are poorer than they could be, by cause.
    pub poorer: BTreeMap<&'static str, u64>,
}

impl Account {
    /// All records that were lost, whatever the cause.
    pub fn lost_total(&self) -> u64 {
        self.lost.values().sum()
    }

    /// Adds runs of programs that the kernel left out. Each may have been a
    /// record, so each counts as one that was sent and lost.
    pub(crate) fn add_missed(&mut self, runs: u64) {
        self.sent += runs;
        *self.lost.entry("missed").or_default() += runs;
    }
}

/// Offset of `sequence` in the `struct lane` of c/lane.bpf.h.
const LANE_SEQUENCE_OFFSET: usize = 8;

/// What the maps of c/lane.bpf.h say.
pub(crate) fn of_maps(lanes: &Map, losses: &Map) -> Result<Account> {
    let mut account = Account::default();
    for index in 0..lanes.max_entries() {
        let lane = entry(lanes, index)?;
        account.sent += counter(lanes, &lane, LANE_SEQUENCE_OFFSET)?;
    }
    let mut counts = [0; abi::LOSS_CAUSES as usize];
    for cpu in 0..losses.max_entries() {
        let row = entry(losses, cpu)?;
        for (cause, count) in counts.iter_mut().enumerate() {
            *count += counter(losses, &row, cause * size_of::<u64>())?;
        }
    }
    let count = |cause: u32| counts[cause as usize];
    // Without a lane a record does not get a number either.
    account.sent += count(abi::LOSS_NO_LANE);
    account.lost = BTreeMap::from([
        ("ring_full", count(abi::LOSS_RING_FULL)),
        ("no_lane", count(abi::LOSS_NO_LANE)),
        ("lane_taken", count(abi::LOSS_LANE_TAKEN)),
        ("missed", 0),
    ]);
    account.poorer = BTreeMap::from([("state_full", count(abi::LOSS_STATE_FULL))]);
    Ok(account)
}

fn entry(map: &Map, index: u32) -> Result<Vec<u8>> {
    let found = map.lookup(&index.to_ne_bytes())?;
    found.ok_or_else(|| Error::not_found(format!("map {}: no entry {index}", map.name())))
}

fn counter(map: &Map, entry: &[u8], offset: usize) -> Result<u64> {
    let bytes = entry.get(offset..).and_then(<[u8]>::first_chunk);
    bytes.map(|bytes| u64::from_ne_bytes(*bytes)).ok_or_else(|| {
        Error::malformed(format!(
            "map {}: no counter at byte {offset} of {}",
            map.name(),
            entry.len()
        ))
    })
}

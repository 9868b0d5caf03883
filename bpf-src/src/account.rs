//! The account: what was sent, received and lost, and why.

use std::collections::BTreeMap;

use trapline_loader::map::Map;
use trapline_loader::{Error, Result};

use crate::abi;

/// Counts since the sensors were loaded. `sent` is `received`, what is still in
/// the buffer or ready to be handed out, and the sum of `lost`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Account {
    /// Records that programs set out to send, and the ends of flows.
    pub sent: u64,
    /// Records that were handed out.
    pub received: u64,
    /// Runs that the kernel left out, by program: no records, and no telling
    /// whether there would have been any. A kprobe does not run while another
    /// BPF program, or a call that changes a map, has the CPU. `returns`: calls
    /// that a kretprobe did not see return, as too many were under way.
    pub missed: BTreeMap<&'static str, u64>,
    /// Records that were never in the buffer, by cause: `ring_full`; `no_lane`, as
    /// every lane of the CPU was busy; `lane_taken`, by another program meanwhile.
    pub lost: BTreeMap<&'static str, u64>,
    /// Records that were sent but are poorer than they could be, by cause:
    /// `state_full`, a map with room for no more.
    pub poorer: BTreeMap<&'static str, u64>,
    /// The same by CPU, from 0; ends of flows are of none.
    pub cpus: Vec<CpuAccount>,
}

/// The part of one CPU in an [`Account`]: of `sent`, all but `lost` came or will.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CpuAccount {
    /// Records that programs on it set out to send.
    pub sent: u64,
    /// Records that were never in the buffer, whatever the cause.
    pub lost: u64,
}

impl Account {
    /// All records that were lost, whatever the cause.
    pub fn lost_total(&self) -> u64 {
        self.lost.values().sum()
    }

    /// Adds runs of a program that the kernel left out.
    pub(crate) fn add_missed(&mut self, program: &'static str, runs: u64) {
        if runs > 0 {
            *self.missed.entry(program).or_default() += runs;
        }
    }
}

/// The causes by which a record does not get to the buffer.
const LOST: [u32; 3] = [abi::LOSS_RING_FULL, abi::LOSS_NO_LANE, abi::LOSS_LANE_TAKEN];

/// Offset of `sequence` in the `struct lane` of c/lane.bpf.h.
const LANE_SEQUENCE_OFFSET: usize = 8;

/// What the maps of c/lane.bpf.h say.
pub(crate) fn of_maps(lanes: &Map, losses: &Map) -> Result<Account> {
    let mut account = Account::default();
    let lanes_per_cpu = (lanes.max_entries() / losses.max_entries().max(1)).max(1);
    let mut counts = [0; abi::LOSS_CAUSES as usize];
    for cpu in 0..losses.max_entries() {
        let row = entry(losses, cpu)?;
        let mut of_cpu = CpuAccount::default();
        for (cause, count) in counts.iter_mut().enumerate() {
            let of_cause = counter(losses, &row, cause * size_of::<u64>())?;
            *count += of_cause;
            let cause = cause as u32;
            if LOST.contains(&cause) {
                of_cpu.lost += of_cause;
            }
            // Without a lane a record does not get a number either.
            if cause == abi::LOSS_NO_LANE {
                of_cpu.sent += of_cause;
            }
        }
        for lane in cpu * lanes_per_cpu..(cpu + 1) * lanes_per_cpu {
            let lane = entry(lanes, lane)?;
            of_cpu.sent += counter(lanes, &lane, LANE_SEQUENCE_OFFSET)?;
        }
        account.sent += of_cpu.sent;
        account.cpus.push(of_cpu);
    }
    let count = |cause: u32| counts[cause as usize];
    account.lost = BTreeMap::from([
        ("ring_full", count(abi::LOSS_RING_FULL)),
        ("no_lane", count(abi::LOSS_NO_LANE)),
        ("lane_taken", count(abi::LOSS_LANE_TAKEN)),
    ]);
    // Older kernels do not count these themselves, and it is seen late: when
    // the same task calls again, or is gone.
    account.add_missed("returns", count(abi::LOSS_RETURN_UNSEEN));
    account.poorer = BTreeMap::from([("state_full", count(abi::LOSS_STATE_FULL))]);
    Ok(account)
}

fn entry(map: &Map, index: u32) -> Result<Vec<u8>> {
    let found = map.lookup(&index.to_ne_bytes())?;
    found.ok_or_else(|| Error::not_found(format!("map {}: no entry {index}", map.name())))
}

fn counter(map: &Map, entry: &[u8], offset: usize) -> Result<u64> {
    let bytes = entry.get(offset..).and_then(<[u8]>::first_chunk);
    bytes
        .map(|bytes| u64::from_ne_bytes(*bytes))
        .ok_or_else(|| {
            Error::malformed(format!(
                "map {}: no counter at byte {offset} of {}",
                map.name(),
                entry.len()
            ))
        })
}

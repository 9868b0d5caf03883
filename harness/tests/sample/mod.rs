//! Recordings of one workload each, built by hand: what the sensors would write and
//! what the workload would say, small and with every kind of event in it.

pub mod process;
mod record;
pub mod sockets;

use std::collections::BTreeMap;

use serde_json::Value;
use trapline_harness::recording::{Done, Frame, Status, Workload};

use record::Record;

/// The workload's root process.
pub const ROOT: u32 = 200;
/// A second in nanoseconds.
const S: u64 = 1_000_000_000;

/// A workload called `story`.
#[derive(Clone)]
pub struct Story {
    /// What its sensors are for.
    pub family: &'static str,
    /// What they write.
    pub records: Vec<Vec<u8>>,
    /// What it says.
    pub facts: Vec<Value>,
    /// How many records the guest counted, whatever becomes of them afterwards.
    counted: u64,
}

impl Story {
    fn new(family: &'static str, records: Vec<Record>, facts: Vec<Value>) -> Self {
        let mut next = BTreeMap::new();
        let records: Vec<_> = records
            .into_iter()
            .zip(0_u64..)
            .map(|(record, place)| {
                let next: &mut u64 = next.entry(record.cpu()).or_default();
                let sequence = *next;
                *next += 1;
                record.at(10 * S + place * 1000, sequence)
            })
            .collect();
        Self {
            family,
            counted: records.len() as u64,
            records,
            facts,
        }
    }

    /// The same with other records.
    pub fn with(&self, records: Vec<Vec<u8>>) -> Self {
        Self {
            records,
            ..self.clone()
        }
    }

    /// The same with other facts.
    pub fn saying(&self, facts: Vec<Value>) -> Self {
        Self {
            facts,
            ..self.clone()
        }
    }

    /// The frames of the workload, as a guest would send them.
    pub fn frames(&self) -> Vec<Frame> {
        let mut frames = vec![Frame::Workload(Workload {
            family: self.family.into(),
            name: "story".into(),
            flavour: "fentry".into(),
            root_tgid: ROOT,
        })];
        frames.extend(self.records.iter().cloned().map(Frame::Event));
        let facts = self
            .facts
            .iter()
            .filter_map(|fact| fact.as_object().cloned());
        frames.extend(facts.map(Frame::Truth));
        frames.push(Frame::Done(Done {
            name: "story".into(),
            status: Status::Exit(0),
            elapsed_ns: S,
            sent: self.counted,
            received: self.counted,
            lost: [("ring_full".to_owned(), 0)].into(),
            poorer: [].into(),
            missed: [].into(),
        }));
        frames
    }
}

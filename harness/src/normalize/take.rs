//! One workload under one flavour, cut out of a recording.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use trapline_sensors::{Decoder, Event, Item};

use super::raw;
use crate::recording::{Done, Frame, Recording, Workload};

/// Everything that a recording says about one run of one workload.
#[derive(Clone, Debug)]
pub struct Take {
    /// Which workload, under which flavour, with which root process.
    pub workload: Workload,
    /// What its records bring, in their order.
    pub entries: Vec<Entry>,
    /// What the workload says it did, in its order.
    pub truth: Vec<Map<String, Value>>,
    /// How it ended, and what was counted.
    pub done: Done,
    /// How many CPUs the guest has.
    pub cpus: u32,
}

/// What one record brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Records were lost before the next one of that lane.
    Lost {
        /// The CPU.
        cpu: u32,
        /// The lane of that CPU.
        lane: u32,
        /// How many.
        records: u64,
    },
    /// An event.
    Event(Box<Event>),
    /// A record that is not what it should be, though an event may have been
    /// decoded from it; why.
    Broken(String),
}

/// Cuts a recording into its takes.
///
/// Numbers of records go on from workload to workload as long as the same
/// sensors are loaded, so a record that is missing between two workloads shows
/// as lost in the second.
pub fn takes(recording: &Recording) -> Vec<Take> {
    takes_of(&recording.frames, recording.hello.cpus)
}

/// As [`takes`], from the frames after `hello`; a workload without its `done` is left out.
pub fn takes_of(frames: &[Frame], cpus: u32) -> Vec<Take> {
    let mut takes = Vec::new();
    let mut open: Option<Open> = None;
    let mut reader = Reader::default();
    for frame in frames {
        match frame {
            Frame::Sensors(_) => reader = Reader::default(),
            Frame::Workload(workload) => {
                open = Some(Open {
                    workload: workload.clone(),
                    entries: Vec::new(),
                    truth: Vec::new(),
                });
            }
            Frame::Event(record) => {
                let entries = reader.read(record);
                if let Some(open) = &mut open {
                    open.entries.extend(entries);
                }
            }
            Frame::Truth(fact) => {
                if let Some(open) = &mut open {
                    open.truth.push(fact.clone());
                }
            }
            Frame::Done(done) => {
                takes.extend(open.take().map(|open| Take {
                    workload: open.workload,
                    entries: open.entries,
                    truth: open.truth,
                    done: done.clone(),
                    cpus,
                }));
            }
            Frame::Measure(_) | Frame::Failure(_) => {}
        }
    }
    takes
}

/// A workload that has begun and not yet ended.
struct Open {
    workload: Workload,
    entries: Vec<Entry>,
    truth: Vec<Map<String, Value>>,
}

/// Reads the records that one load of the sensors makes.
#[derive(Debug, Default)]
struct Reader {
    decoder: Decoder,
    lanes: BTreeSet<(u32, u32)>,
}

impl Reader {
    fn read(&mut self, record: &[u8]) -> Vec<Entry> {
        let items = match self.decoder.decode(record) {
            Ok(items) => items,
            Err(error) => return vec![Entry::Broken(error.to_string())],
        };
        let mut entries: Vec<Entry> = raw::check(record).into_iter().map(Entry::Broken).collect();
        for item in items {
            match item {
                Item::Lost { cpu, lane, records } => {
                    entries.push(Entry::Lost { cpu, lane, records });
                }
                Item::Event(event) => {
                    entries.extend(self.first_of_lane(&event));
                    entries.push(Entry::Event(event));
                }
            }
        }
        entries
    }

    /// A lane counts from 0, so one that begins later has lost its beginning.
    fn first_of_lane(&mut self, event: &Event) -> Option<Entry> {
        let (cpu, lane, records) = (event.cpu, event.lane, event.sequence);
        let is_first = self.lanes.insert((cpu, lane));
        (is_first && records > 0).then_some(Entry::Lost { cpu, lane, records })
    }
}

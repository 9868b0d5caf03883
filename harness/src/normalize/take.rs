//! One workload under one flavour, cut out of a recording.

use serde_json::{Map, Value};
use trapline_sensors::{Event, Item};

use super::numbers::Stream;
use crate::recording::{Done, Failed, Frame, Recording, Workload};

/// Everything that a recording says about one run of one workload.
#[derive(Clone, Debug)]
pub struct Take {
    /// Which workload, under which flavour, with which root process.
    pub workload: Workload,
    /// What its records bring, in their order.
    pub entries: Vec<Entry>,
    /// What the workload says it did, in its order.
    pub truth: Vec<Map<String, Value>>,
    /// What the guest could not do meanwhile.
    pub failed: Vec<Failed>,
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
/// Records outside of workloads, such as those of a root process that starts,
/// belong to none, but their numbers count: a record that is missing shows in
/// the take of the next one, or by what [`super::numbering`] finds.
pub fn takes(recording: &Recording) -> Vec<Take> {
    takes_of(&recording.frames, recording.hello.cpus)
}

/// As [`takes`], from the frames after `hello`; a workload without its `done` is left out.
pub fn takes_of(frames: &[Frame], cpus: u32) -> Vec<Take> {
    let mut takes = Vec::new();
    let mut open: Option<Open> = None;
    let mut stream = Stream::default();
    for frame in frames {
        match frame {
            Frame::Sensors(_) => stream = Stream::default(),
            Frame::Workload(workload) => {
                open = Some(Open {
                    workload: workload.clone(),
                    entries: Vec::new(),
                    truth: Vec::new(),
                    failed: Vec::new(),
                });
            }
            Frame::Event(record) => {
                let entries = stream.read(record);
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
                    failed: open.failed,
                    done: done.clone(),
                    cpus,
                }));
            }
            Frame::Failure(failed) => {
                if let Some(open) = &mut open {
                    open.failed.push(failed.clone());
                }
            }
            Frame::Measure(_)
            | Frame::Unloaded(_)
            | Frame::Case(_)
            | Frame::Verifying(_)
            | Frame::Verified(_) => {}
        }
    }
    takes
}

/// A workload that has begun and not yet ended.
struct Open {
    workload: Workload,
    entries: Vec<Entry>,
    truth: Vec<Map<String, Value>>,
    failed: Vec<Failed>,
}

impl From<Item> for Entry {
    fn from(item: Item) -> Self {
        match item {
            // A decoder knows the lane.
            Item::Lost { cpu, lane, records } => Self::Lost {
                cpu,
                lane: lane.unwrap_or_default(),
                records,
            },
            Item::Event(event) => Self::Event(event),
        }
    }
}

//! One workload of a recording, ready to be judged again under a bug.

use std::collections::BTreeMap;

use trapline_sensors::abi::{Header, Wire};

use super::bugs::{Bug, Fault, Slip};
use super::layout::structure_of;
use crate::normalize::{self, Take};
use crate::recording::{Frame, Recording};
use crate::rows::Workload;

/// One workload under one flavour.
#[derive(Clone, Debug)]
pub struct Scene {
    /// Which.
    pub workload: Workload,
    /// From `workload` to `done`, without what other processes did meanwhile:
    /// that is none of the workload's business, whatever a bug makes of it.
    /// Every lane counts from 0, so that the scene is whole by itself.
    frames: Vec<Frame>,
    cpus: u32,
}

/// All workloads that a recording holds of this flavour, in their order.
pub fn scenes(recording: &Recording, flavour: &str) -> Vec<Scene> {
    let mut scenes = Vec::new();
    let mut open: Option<Scene> = None;
    for frame in &recording.frames {
        if let Frame::Workload(workload) = frame
            && workload.flavour == flavour
        {
            open = Some(Scene {
                workload: Workload {
                    family: workload.family.clone(),
                    name: workload.name.clone(),
                },
                frames: Vec::new(),
                cpus: recording.hello.cpus,
            });
        }
        if let Some(scene) = &mut open {
            scene.frames.push(frame.clone());
        }
        if matches!(frame, Frame::Done(_)) {
            scenes.extend(open.take());
        }
    }
    for scene in &mut scenes {
        scene.keep_own();
    }
    scenes
}

impl Scene {
    /// Its records, in their order.
    pub fn records(&self) -> impl Iterator<Item = &[u8]> {
        self.frames.iter().filter_map(|frame| match frame {
            Frame::Event(record) => Some(record.as_slice()),
            _ => None,
        })
    }

    /// How much there is to judge, in bytes.
    pub fn size_bytes(&self) -> usize {
        self.records().map(<[u8]>::len).sum()
    }

    /// What there is to judge, as it was recorded.
    pub fn take(&self) -> Option<Take> {
        take(&self.frames, self.cpus)
    }

    /// What there would have been to judge with this bug; `None` when the bug changes
    /// no byte of it. `place` is that of the scene among all.
    pub fn take_with(&self, bug: &Bug, place: usize) -> Option<Take> {
        let frames = self.with(bug, place)?;
        take(&frames, self.cpus)
    }

    /// Its frames with this bug.
    fn with(&self, bug: &Bug, place: usize) -> Option<Vec<Frame>> {
        match &bug.fault {
            Fault::Edited(edits) => {
                let mut changed = false;
                let mut frames = self.frames.clone();
                for frame in &mut frames {
                    let Frame::Event(record) = frame else {
                        continue;
                    };
                    let edit = structure_of(record).and_then(|kind| edits.get(&kind));
                    let Some(edit) = edit else { continue };
                    let new = edit.apply(record);
                    changed |= new != *record;
                    *record = new;
                }
                changed.then_some(frames)
            }
            Fault::Dropped(kind) => self.repeated(|_, record| 1 - is_of(record, *kind)),
            Fault::Doubled(kind) => self.repeated(|_, record| 1 + is_of(record, *kind)),
            Fault::Single {
                scene,
                place: at,
                slip,
            } => {
                let is_it = |record: usize| usize::from(record == *at);
                match slip {
                    _ if *scene != place => None,
                    Slip::Dropped => self.repeated(|record, _| 1 - is_it(record)),
                    Slip::Doubled => self.repeated(|record, _| 1 + is_it(record)),
                    Slip::Swapped => self.swapped(*at),
                }
            }
        }
    }

    /// Leaves out the records of processes outside the workload's tree.
    fn keep_own(&mut self) {
        let foreign = |frames: &[Frame]| {
            let take = take(frames, self.cpus);
            take.map_or(0, |take| normalize::judge_events(&take).foreign.len())
        };
        let all = foreign(&self.frames);
        let mut own = Vec::new();
        let mut before = 0;
        for place in 0..self.records().count() {
            // Whose a record is hangs on those before it.
            let so_far = |record: usize, _: &[u8]| usize::from(record <= place);
            let now = match self.repeated(so_far) {
                Some(frames) if before < all => foreign(&frames),
                _ => all,
            };
            own.push(usize::from(now == before));
            before = now;
        }
        let kept = self.repeated(|record, _| own.get(record).copied().unwrap_or(1));
        self.frames = kept.unwrap_or_else(|| self.frames.clone());
        renumber(&mut self.frames);
    }

    /// Every record as often as told by its place and its bytes, all counted and
    /// numbered as sensors would; `None` when that changes nothing.
    fn repeated(&self, times: impl Fn(usize, &[u8]) -> usize) -> Option<Vec<Frame>> {
        let mut frames: Vec<Frame> = Vec::new();
        let (mut before, mut now) = (0, 0);
        for frame in &self.frames {
            let mut copies = 1;
            if let Frame::Event(record) = frame {
                copies = times(before, record);
                before += 1;
                now += copies;
            }
            frames.extend(std::iter::repeat_n(frame, copies).cloned());
        }
        for frame in &mut frames {
            if let Frame::Done(done) = frame {
                for count in [&mut done.sent, &mut done.received] {
                    *count = count.saturating_add(now as u64);
                    *count = count.saturating_sub(before as u64);
                }
            }
        }
        renumber(&mut frames);
        (now != before).then_some(frames)
    }

    /// The record at `place` and the next, each at the other's time and number.
    fn swapped(&self, place: usize) -> Option<Vec<Frame>> {
        let mut frames = self.frames.clone();
        let mut records = frames.iter_mut().filter_map(|frame| match frame {
            Frame::Event(record) => Some(record),
            _ => None,
        });
        let (one, other) = (records.nth(place)?, records.next()?);
        std::mem::swap(one, other);
        let (mut header, mut next) = (Header::read(one)?, Header::read(other)?);
        std::mem::swap(&mut header.time_ns, &mut next.time_ns);
        std::mem::swap(&mut header.sequence, &mut next.sequence);
        std::mem::swap(&mut header.cpu, &mut next.cpu);
        std::mem::swap(&mut header.lane, &mut next.lane);
        set_header(one, &header);
        set_header(other, &next);
        Some(frames)
    }
}

/// 1 for a record of this kind, 0 for another.
fn is_of(record: &[u8], kind: u16) -> usize {
    usize::from(structure_of(record) == Some(kind))
}

fn take(frames: &[Frame], cpus: u32) -> Option<Take> {
    let takes = normalize::takes_of(frames, cpus);
    takes.into_iter().next()
}

fn set_header(record: &mut [u8], header: &Header) {
    let mut bytes = Vec::new();
    header.write(&mut bytes);
    if let Some(place) = record.get_mut(..bytes.len()) {
        place.copy_from_slice(&bytes);
    }
}

/// Numbers the records of every CPU and lane anew, from 0 and without a gap.
fn renumber(frames: &mut [Frame]) {
    let mut next = BTreeMap::<(u32, u32), u64>::new();
    for frame in frames {
        let Frame::Event(record) = frame else {
            continue;
        };
        let Some(mut header) = Header::read(record) else {
            continue;
        };
        let number = next.entry((header.cpu, header.lane)).or_default();
        header.sequence = *number;
        *number += 1;
        set_header(record, &header);
    }
}

#[cfg(test)]
#[path = "scene_tests.rs"]
mod tests;

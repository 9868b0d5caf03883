//! The numbers of all records of a flavour: from load to unload none may be missing.

use std::collections::{BTreeMap, BTreeSet};

use trapline_sensors::Decoder;

use super::{Entry, raw};
use crate::recording::payload::Unloaded;
use crate::recording::{Frame, Sensors};

/// The records of one flavour, in their order.
#[derive(Debug, Default)]
pub struct Stream {
    decoder: Decoder,
    /// CPUs and lanes that have had a record.
    lanes: BTreeSet<(u32, u32)>,
}

impl Stream {
    /// What the next record brings: the event, before it what is missing or wrong.
    pub fn read(&mut self, record: &[u8]) -> Vec<Entry> {
        let items = match self.decoder.decode(record) {
            Ok(items) => items,
            Err(error) => return vec![Entry::Broken(error.to_string())],
        };
        let broken = raw::check(record).into_iter().map(Entry::Broken);
        let mut entries: Vec<Entry> = broken.chain(items.into_iter().map(Entry::from)).collect();
        if let Some(missing) = entries.iter().find_map(|entry| self.beginning(entry)) {
            entries.insert(0, missing);
        }
        entries
    }

    /// The decoder takes a lane's first number as it comes; here the stream is
    /// heard from its beginning, where every lane counts from 0.
    fn beginning(&mut self, entry: &Entry) -> Option<Entry> {
        let Entry::Event(event) = entry else {
            return None;
        };
        let (cpu, lane, records) = (event.cpu, event.lane, event.sequence);
        let is_first = self.lanes.insert((cpu, lane));
        (is_first && records > 0).then_some(Entry::Lost { cpu, lane, records })
    }
}

/// What one flavour has brought so far.
#[derive(Debug)]
struct Flavour {
    name: String,
    stream: Stream,
    frames: u64,
    /// The numbers that were seen or are known to be missing.
    numbered: u64,
}

/// Checks the numbers of all records of every flavour: none is missing, none
/// comes twice, and there are as many as the sensors say in the end. Each
/// finding is a sentence.
pub fn numbering(frames: &[Frame]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut open: Option<Flavour> = None;
    for frame in frames {
        match frame {
            Frame::Sensors(sensors) => {
                wrong.extend(open.replace(Flavour::new(sensors)).map(unended));
            }
            Frame::Event(record) => match &mut open {
                Some(flavour) => wrong.extend(flavour.take(record)),
                None => wrong.push("a record came while no sensors were loaded".to_owned()),
            },
            Frame::Unloaded(counts) => match open.take() {
                Some(flavour) => wrong.extend(flavour.sum(counts)),
                None => wrong.push(format!("{} sensors ended, never began", counts.flavour)),
            },
            _ => {}
        }
    }
    wrong.extend(open.map(unended));
    wrong
}

fn unended(flavour: Flavour) -> String {
    format!(
        "the {} sensors never said how many records they sent in all",
        flavour.name
    )
}

impl Flavour {
    fn new(sensors: &Sensors) -> Self {
        Self {
            name: sensors.flavour.clone(),
            stream: Stream::default(),
            frames: 0,
            numbered: 0,
        }
    }

    fn take(&mut self, record: &[u8]) -> Vec<String> {
        let mut wrong = Vec::new();
        let place = self.frames;
        self.frames += 1;
        for entry in self.stream.read(record) {
            match entry {
                Entry::Event(_) => self.numbered = self.numbered.saturating_add(1),
                Entry::Lost { cpu, lane, records } => {
                    self.numbered = self.numbered.saturating_add(records);
                    wrong.push(format!(
                        "{}: {records} records of cpu {cpu} lane {lane} are lost before record {place}",
                        self.name
                    ));
                }
                Entry::Broken(what) => wrong.push(format!("{}: record {place}: {what}", self.name)),
            }
        }
        wrong
    }

    fn sum(self, counts: &Unloaded) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut say =
            |what: String| wrong.push(format!("{}, from load to unload: {what}", self.name));
        if counts.flavour != self.name {
            say(format!("the {} sensors ended", counts.flavour));
        }
        for (sort, causes) in [("lost", &counts.lost), ("lack something", &counts.poorer)] {
            let causes: BTreeMap<_, _> = causes.iter().filter(|(_, count)| **count > 0).collect();
            if !causes.is_empty() {
                say(format!("records {sort}: {causes:?}"));
            }
        }
        if self.frames != counts.received {
            let (received, came) = (counts.received, self.frames);
            say(format!(
                "the guest received {received} records, {came} came"
            ));
        }
        // Where some were lost without a number, that has been said.
        if counts.sent != self.numbered {
            let (sent, numbered) = (counts.sent, self.numbered);
            say(format!(
                "{sent} records were sent, the numbers tell of {numbered}"
            ));
        }
        wrong
    }
}

#[cfg(test)]
#[path = "numbers_tests.rs"]
mod tests;

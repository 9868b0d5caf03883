//! Every bug that one wrong line of a sensor could be, made from the layout of
//! the records alone: a field that is added later is covered by itself.

use std::collections::BTreeMap;

use trapline_sensors::abi;

use super::edit::{self, Edit, Value, Way};
use super::layout::{Field, Layout, layouts, structure_of};

/// One bug of a sensor. It changes all records of its kinds alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bug {
    /// `exec: process.uid := process.euid`; `all:` where every kind has it.
    pub name: String,
    /// What it does.
    pub fault: Fault,
}

/// What a bug does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Records of these kinds are changed.
    Edited(BTreeMap<u16, Edit>),
    /// Records of this kind are never sent.
    Dropped(u16),
    /// Records of this kind are sent twice.
    Doubled(u16),
    /// One record comes otherwise.
    Single {
        /// The scene in which it is.
        scene: usize,
        /// Which of the scene's records.
        place: usize,
        /// How it comes.
        slip: Slip,
    },
}

/// What becomes of one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slip {
    /// It is never sent.
    Dropped,
    /// It is sent twice.
    Doubled,
    /// It comes in the next one's place, the next one in its own.
    Swapped,
}

/// All bugs but those of single records, for sensors that wrote these records.
pub fn bugs(records: &[&[u8]]) -> Vec<Bug> {
    let layouts = layouts();
    let mut bugs = everywhere(&layouts, records);
    for layout in &layouts {
        let first = records
            .iter()
            .find(|record| structure_of(record) == Some(layout.kind));
        let edits = edits(layout, &First::of(layout, first.copied()));
        bugs.extend(edits.into_iter().map(|(what, edit)| Bug {
            name: format!("{}: {what}", layout.event),
            fault: Fault::Edited([(layout.kind, edit)].into()),
        }));
        for (what, fault) in [
            ("dropped", Fault::Dropped(layout.kind)),
            ("doubled", Fault::Doubled(layout.kind)),
        ] {
            let name = format!("{}: {what}", layout.event);
            bugs.push(Bug { name, fault });
        }
    }
    bugs
}

/// Bugs in what all kinds have in common, which one line of code fills.
fn everywhere(layouts: &[Layout], records: &[&[u8]]) -> Vec<Bug> {
    let first = records.first().and_then(|record| {
        let layout = layouts
            .iter()
            .find(|l| structure_of(record) == Some(l.kind))?;
        Some(First::of(layout, Some(record)))
    });
    let first = first.unwrap_or_default();
    let mut common: BTreeMap<String, BTreeMap<u16, Edit>> = BTreeMap::new();
    let mut order = Vec::new();
    for layout in layouts {
        for (what, edit) in edits(layout, &first) {
            let of_bug = common.entry(what.clone()).or_insert_with(|| {
                order.push(what);
                BTreeMap::new()
            });
            of_bug.insert(layout.kind, edit);
        }
    }
    let of_all = order.into_iter().filter_map(|what| {
        let edits = common.remove(&what)?;
        (edits.len() == layouts.len()).then(|| Bug {
            name: format!("all: {what}"),
            fault: Fault::Edited(edits),
        })
    });
    of_all.collect()
}

/// What the first record says: where a sensor is stuck.
#[derive(Debug, Default)]
struct First {
    numbers: BTreeMap<String, u64>,
    texts: BTreeMap<String, (Vec<u8>, u16)>,
}

impl First {
    fn of(layout: &Layout, record: Option<&[u8]>) -> Self {
        let Some(record) = record else {
            return Self::default();
        };
        let numbers = layout.fields.iter();
        let numbers = numbers.filter_map(|field| Some((field.name.clone(), field.value(record)?)));
        let texts = layout.texts.iter().filter_map(|text| {
            let (_, bytes, flags) = edit::content(record, text.at.start)?;
            Some((text.name.clone(), (bytes, flags)))
        });
        Self {
            numbers: numbers.collect(),
            texts: texts.collect(),
        }
    }
}

/// Every change to one kind of record, and how it is called.
fn edits(layout: &Layout, first: &First) -> Vec<(String, Edit)> {
    let mut edits = Vec::new();
    for field in &layout.fields {
        for (what, value) in values(layout, field, first) {
            let at = field.at.clone();
            edits.push((format!("{} {what}", field.name), Edit::Number { at, value }));
        }
    }
    for to in &layout.processes {
        for from in layout.processes.iter().filter(|from| *from != to) {
            let block = Edit::Block {
                to: to.at.clone(),
                from: from.at.clone(),
            };
            edits.push((format!("{} := {}", to.name, from.name), block));
        }
    }
    for (which, text) in layout.texts.iter().enumerate() {
        for (what, way) in ways(layout, which, first) {
            let text_edit = Edit::Text {
                fixed_bytes: layout.fixed_bytes,
                places: layout.texts.iter().map(|text| text.at.start).collect(),
                which,
                way,
            };
            edits.push((format!("{} {what}", text.name), text_edit));
        }
    }
    edits
}

fn values(layout: &Layout, field: &Field, first: &First) -> Vec<(String, Value)> {
    let usual = Value::usual(field.at.len());
    let named = |(what, value): (&str, Value)| (what.to_owned(), value);
    let mut values: Vec<(String, Value)> = usual.into_iter().map(named).collect();
    let stuck = first.numbers.get(&field.name);
    values.extend(stuck.map(|value| ("stuck".to_owned(), Value::Number(*value))));
    if field.short() == "flags" {
        for bit in 0..field.at.len() * 8 {
            values.push((format!("with bit {bit}"), Value::Bits(1 << bit)));
        }
    }
    let others = layout.fields.iter().filter(|other| {
        *other != field && other.at.len() == field.at.len() && is_near(layout, field, other)
    });
    values.extend(others.map(|other| {
        let what = format!(":= {}", other.name);
        (what, Value::Of(other.at.clone()))
    }));
    values
}

/// Whether one could be filled in the other's place: siblings of one block; the
/// same field of the other process; for an event's own field, any of a process.
fn is_near(layout: &Layout, field: &Field, other: &Field) -> bool {
    let is_process = |field: &Field| {
        let block = field.block();
        layout.processes.iter().any(|process| process.name == block)
    };
    if field.block() == other.block() {
        return true;
    }
    is_process(other)
        && (field.block().is_empty() || is_process(field) && field.short() == other.short())
}

fn ways(layout: &Layout, which: usize, first: &First) -> Vec<(String, Way)> {
    let mut ways: Vec<(String, Way)> = [
        ("emptied", Way::Empty(None)),
        ("emptied, as if none", Way::Empty(Some(abi::TEXT_NONE))),
        ("without its first byte", Way::WithoutFirst),
        ("without its last byte", Way::WithoutLast),
    ]
    .map(|(what, way)| (what.to_owned(), way))
    .into();
    for (other, text) in layout.texts.iter().enumerate() {
        if other != which {
            ways.push((format!(":= {}", text.name), Way::Of(other)));
        }
    }
    let name = layout.texts.get(which).map(|text| &text.name);
    if let Some((bytes, flags)) = name.and_then(|name| first.texts.get(name)) {
        ways.push(("stuck".to_owned(), Way::Fixed(bytes.clone(), *flags)));
    }
    ways
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_and_every_text_of_the_wire_format_has_its_bugs() {
        let names: Vec<String> = bugs(&[]).into_iter().map(|bug| bug.name).collect();
        for layout in layouts() {
            for field in &layout.fields {
                let name = format!("{}: {} := 0", layout.event, field.name);
                assert!(names.contains(&name), "{name}");
            }
            for text in &layout.texts {
                let name = format!("{}: {} emptied", layout.event, text.name);
                assert!(names.contains(&name), "{name}");
            }
        }
        for name in [
            "all: header.time_ns := 0",
            "all: process.uid := process.euid",
            "all: process.uid := parent.uid",
            "all: process := parent",
            "all: exe := parent_exe",
            "fork: creator_id := parent.process_id",
            "exec: script := interpreter",
            "exec: exe.flags with bit 5",
            "exit: dropped",
        ] {
            assert!(names.iter().any(|known| known == name), "{name}");
        }
        assert!(!names.iter().any(|name| name.starts_with("all: argv")));
    }

    #[test]
    fn no_bug_is_there_twice() {
        let mut names: Vec<String> = bugs(&[]).into_iter().map(|bug| bug.name).collect();
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn a_stuck_field_has_the_value_of_the_first_record_of_its_kind() {
        let layout = &layouts()[0];
        let mut record = vec![0; layout.fixed_bytes];
        record[4..6].copy_from_slice(&layout.kind.to_ne_bytes());
        let uid = layout.field("process.uid").unwrap();
        record[uid.at.clone()].copy_from_slice(&77u32.to_ne_bytes());
        let bugs = bugs(&[&record]);
        let stuck = bugs
            .iter()
            .find(|bug| bug.name == "fork: process.uid stuck");
        let Some(Fault::Edited(edits)) = stuck.map(|bug| &bug.fault) else {
            panic!("no such bug");
        };
        let mut other = record.clone();
        other[uid.at.clone()].fill(0);
        assert_eq!(uid.value(&edits[&layout.kind].apply(&other)), Some(77));
    }
}

//! One change to one record, as a wrong line of a sensor would make it.

use std::ops::Range;

use trapline_sensors::abi::{Header, Text, Wire};

/// A change. A record that is too short for it stays as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// An integer of up to eight bytes takes another value.
    Number {
        /// Where it is.
        at: Range<usize>,
        /// What it becomes.
        value: Value,
    },
    /// A structure becomes a copy of another of the same size.
    Block {
        /// What changes.
        to: Range<usize>,
        /// What it becomes.
        from: Range<usize>,
    },
    /// A text takes another content; all texts are laid out anew.
    Text {
        /// Where the texts begin.
        fixed_bytes: usize,
        /// Where the places of all texts of the record are.
        places: Vec<usize>,
        /// Which of them changes.
        which: usize,
        /// How.
        way: Way,
    },
}

/// What an integer becomes. Values are cut to its width.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// This.
    Number(u64),
    /// More by this, around the end.
    More(u64),
    /// Itself with these bits set.
    Bits(u64),
    /// Itself with these bits flipped.
    Flipped(u64),
    /// The integer that is there in the same record.
    Of(Range<usize>),
}

impl Value {
    /// What an integer of so many bytes can become whatever it means, with names.
    pub fn usual(width_bytes: usize) -> Vec<(&'static str, Self)> {
        let top_bit = 1 << (width_bytes.clamp(1, 8) * 8 - 1);
        vec![
            (":= 0", Self::Number(0)),
            (":= 1", Self::Number(1)),
            (":= all ones", Self::Number(u64::MAX)),
            ("one more", Self::More(1)),
            ("one less", Self::More(u64::MAX)),
            ("top bit flipped", Self::Flipped(top_bit)),
        ]
    }
}

/// What becomes of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// No bytes; with these flags instead of its own, if any.
    Empty(Option<u16>),
    /// Its first byte is missing.
    WithoutFirst,
    /// Its last byte is missing.
    WithoutLast,
    /// The content and the flags of another text of the record.
    Of(usize),
    /// This content and these flags.
    Fixed(Vec<u8>, u16),
}

impl Edit {
    /// The record after the change.
    pub fn apply(&self, record: &[u8]) -> Vec<u8> {
        self.changed(record).unwrap_or_else(|| record.to_vec())
    }

    fn changed(&self, record: &[u8]) -> Option<Vec<u8>> {
        let mut new = record.to_vec();
        match self {
            Self::Number { at, value } => {
                let old = number(record, at)?;
                let value = match value {
                    Value::Number(value) => *value,
                    Value::More(more) => old.wrapping_add(*more),
                    Value::Bits(bits) => old | bits,
                    Value::Flipped(bits) => old ^ bits,
                    Value::Of(from) => number(record, from)?,
                };
                let bytes = value.to_ne_bytes();
                new.get_mut(at.clone())?
                    .copy_from_slice(bytes.get(..at.len())?);
            }
            Self::Block { to, from } => {
                let from = record.get(from.clone())?;
                new.get_mut(to.clone())
                    .filter(|to| to.len() == from.len())?
                    .copy_from_slice(from);
            }
            Self::Text {
                fixed_bytes,
                places,
                which,
                way,
            } => {
                let mut texts = Vec::new();
                for place in places {
                    texts.push(content(record, *place)?);
                }
                let (bytes, flags) = way.of(&texts, *which)?;
                let at = texts.get(*which)?.0;
                *texts.get_mut(*which)? = (at, bytes, flags);
                new = laid_out(record.get(..*fixed_bytes)?, places, &texts)?;
            }
        }
        Some(new)
    }
}

/// Where a text is, its bytes, its flags.
type Content = (u32, Vec<u8>, u16);

impl Way {
    fn of(&self, texts: &[Content], which: usize) -> Option<(Vec<u8>, u16)> {
        let (_, bytes, flags) = texts.get(which)?;
        Some(match self {
            Self::Empty(new) => (Vec::new(), new.unwrap_or(*flags)),
            Self::WithoutFirst => (bytes.get(1..).unwrap_or_default().to_vec(), *flags),
            Self::WithoutLast => {
                let kept_bytes = bytes.len().saturating_sub(1);
                (bytes.get(..kept_bytes)?.to_vec(), *flags)
            }
            Self::Of(other) => {
                let (_, bytes, flags) = texts.get(*other)?;
                (bytes.clone(), *flags)
            }
            Self::Fixed(bytes, flags) => (bytes.clone(), *flags),
        })
    }
}

/// The text whose place is described at this byte of the record.
pub fn content(record: &[u8], place: usize) -> Option<Content> {
    let text = Text::read(record.get(place..)?)?;
    let start = text.offset_bytes as usize;
    let end = start.checked_add(usize::from(text.size_bytes))?;
    let bytes = if text.size_bytes == 0 {
        &[]
    } else {
        record.get(start..end)?
    };
    Some((text.offset_bytes, bytes.to_vec(), text.flags))
}

fn number(record: &[u8], at: &Range<usize>) -> Option<u64> {
    let bytes = record.get(at.clone())?;
    let mut wide = [0; 8];
    wide.get_mut(..bytes.len())?.copy_from_slice(bytes);
    Some(u64::from_ne_bytes(wide))
}

/// A record of these texts, one behind the other in their order, as sensors write them.
fn laid_out(fixed: &[u8], places: &[usize], texts: &[Content]) -> Option<Vec<u8>> {
    let mut record = fixed.to_vec();
    let mut order: Vec<(usize, &Content)> = places.iter().copied().zip(texts).collect();
    order.sort_by_key(|(_, (at, _, _))| *at);
    for (place, (old, bytes, flags)) in order {
        // What was never there stays nowhere; an empty text has its place.
        let is_nowhere = bytes.is_empty() && *old == 0;
        let at = if is_nowhere { 0 } else { record.len() };
        let text = Text {
            offset_bytes: u32::try_from(at).ok()?,
            size_bytes: u16::try_from(bytes.len()).ok()?,
            flags: *flags,
        };
        let mut written = Vec::new();
        text.write(&mut written);
        record
            .get_mut(place..place + written.len())?
            .copy_from_slice(&written);
        record.extend(bytes);
    }
    let mut header = Header::read(&record)?;
    header.size_bytes = u32::try_from(record.len()).ok()?;
    let mut written = Vec::new();
    header.write(&mut written);
    record.get_mut(..written.len())?.copy_from_slice(&written);
    Some(record)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mutate::layout::layouts;
    use trapline_sensors::decode::decode;

    /// An exit whose texts are `a` and `bc`.
    fn record() -> Vec<u8> {
        let layout = layouts().into_iter().find(|l| l.event == "exit").unwrap();
        let mut fixed = vec![0; layout.fixed_bytes];
        let kind = layout.field("header.kind").unwrap();
        fixed[kind.at.clone()].copy_from_slice(&layout.kind.to_ne_bytes());
        let version = layout.field("header.format_version").unwrap();
        fixed[version.at.clone()].copy_from_slice(&1u16.to_ne_bytes());
        let places: Vec<usize> = layout.texts.iter().map(|text| text.at.start).collect();
        laid_out(
            &fixed,
            &places,
            &[(0, b"a".to_vec(), 0), (1, b"bc".to_vec(), 2)],
        )
        .unwrap()
    }

    fn text(which: usize, way: Way) -> Edit {
        let layout = layouts().into_iter().find(|l| l.event == "exit").unwrap();
        Edit::Text {
            fixed_bytes: layout.fixed_bytes,
            places: layout.texts.iter().map(|text| text.at.start).collect(),
            which,
            way,
        }
    }

    #[test]
    fn a_changed_text_leaves_a_whole_record() {
        let show = |edit: Edit| {
            let event = decode(&edit.apply(&record())).unwrap();
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let [exe, parent] = [&event.exe, &event.parent_exe];
            (
                text(&exe.bytes),
                exe.flags.0,
                text(&parent.bytes),
                parent.flags.0,
            )
        };
        let said = |exe: &str, flags, parent: &str, parent_flags| {
            (exe.to_owned(), flags, parent.to_owned(), parent_flags)
        };
        assert_eq!(show(text(0, Way::Empty(None))), said("", 0, "bc", 2));
        assert_eq!(show(text(1, Way::Empty(Some(1)))), said("a", 0, "", 1));
        assert_eq!(show(text(1, Way::WithoutFirst)), said("a", 0, "c", 2));
        assert_eq!(show(text(1, Way::WithoutLast)), said("a", 0, "b", 2));
        assert_eq!(show(text(0, Way::Of(1))), said("bc", 2, "bc", 2));
        let fixed = Way::Fixed(b"xyz".to_vec(), 4);
        assert_eq!(show(text(0, fixed)), said("xyz", 4, "bc", 2));
    }

    #[test]
    fn a_number_is_cut_to_its_width() {
        let changed = |value| Edit::Number { at: 0..2, value }.apply(&[3, 0, 9, 0]);
        assert_eq!(changed(Value::Number(u64::MAX)), [255, 255, 9, 0]);
        assert_eq!(changed(Value::More(1)), [4, 0, 9, 0]);
        assert_eq!(changed(Value::Bits(4)), [7, 0, 9, 0]);
        assert_eq!(changed(Value::Flipped(1)), [2, 0, 9, 0]);
        assert_eq!(changed(Value::Of(2..4)), [9, 0, 9, 0]);
        let usual = Value::usual(2).into_iter();
        let top = usual.last().map(|(_, value)| changed(value));
        assert_eq!(top, Some(vec![3, 128, 9, 0]));
    }

    #[test]
    fn a_record_that_is_too_short_stays_as_it_is() {
        let short = [1, 2, 3];
        let number = Edit::Number {
            at: 2..6,
            value: Value::Number(0),
        };
        let block = Edit::Block {
            to: 0..2,
            from: 2..4,
        };
        for edit in [number, block, text(0, Way::Empty(None))] {
            assert_eq!(edit.apply(&short), short);
        }
    }
}

//! Where every field of every record is, taken from the wire format itself, so
//! that a new field is found by itself.

use std::ops::Range;

use trapline_sensors::abi::{self, CONSTANTS, Header, Member, Wire};

/// One integer of a record's fixed part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name with dots: `process.uid`.
    pub name: String,
    /// From the start of the record, in bytes.
    pub at: Range<usize>,
}

impl Field {
    /// The structure that it is part of: `process` of `process.uid`, empty for
    /// the event's own.
    pub fn block(&self) -> &str {
        self.name.rsplit_once('.').map_or("", |(block, _)| block)
    }

    /// Its name within its block.
    pub fn short(&self) -> &str {
        self.name.rsplit('.').next().unwrap_or_default()
    }

    /// Its value, widened; `None` if the record is too short.
    pub fn value(&self, record: &[u8]) -> Option<u64> {
        let bytes = record.get(self.at.clone())?;
        let mut wide = [0; 8];
        wide.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(u64::from_ne_bytes(wide))
    }
}

/// The layout of one kind of record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The `kind` in its header.
    pub kind: u16,
    /// `fork`
    pub event: String,
    /// Where the texts begin.
    pub fixed_bytes: usize,
    /// Every integer, those of inner structures too.
    pub fields: Vec<Field>,
    /// The processes: `process`, `parent`.
    pub processes: Vec<Field>,
    /// The places of texts.
    pub texts: Vec<Field>,
}

impl Layout {
    /// The field of this name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

/// The layouts of all kinds of event.
pub fn layouts() -> Vec<Layout> {
    let structures = abi::structures();
    let mut layouts = Vec::new();
    for (enumeration, name, value) in CONSTANTS {
        let structure = name.to_lowercase();
        let of_kind = structures.iter().find(|(name, _, _)| *name == structure);
        let (Some((_, fixed_bytes, members)), true) = (of_kind, *enumeration == "event_kind")
        else {
            continue;
        };
        let inner = |kind: &str| {
            let of_kind = members.iter().filter(|member| member.kind == kind);
            let field = |member: &Member| Field {
                name: member.name.to_owned(),
                at: member.offset..member.offset + member.size,
            };
            of_kind.map(field).collect()
        };
        layouts.push(Layout {
            kind: u16::try_from(*value).unwrap_or_default(),
            event: structure.trim_start_matches("event_").to_owned(),
            fixed_bytes: *fixed_bytes,
            fields: fields(&structure),
            processes: inner("Process"),
            texts: inner("Text"),
        });
    }
    layouts
}

/// Every integer of a structure of `event.h`; none if there is no such structure.
pub fn fields(structure: &str) -> Vec<Field> {
    let structures = abi::structures();
    let members = structures
        .into_iter()
        .find(|(name, _, _)| *name == structure)
        .map(|(_, _, members)| members);
    let mut flat = Vec::new();
    for member in members.unwrap_or_default() {
        let inner = fields(&format!("event_{}", member.kind.to_lowercase()));
        if inner.is_empty() {
            flat.push(Field {
                name: member.name.to_owned(),
                at: member.offset..member.offset + member.size,
            });
        }
        flat.extend(inner.into_iter().map(|field| Field {
            name: format!("{}.{}", member.name, field.name),
            at: member.offset + field.at.start..member.offset + field.at.end,
        }));
    }
    flat
}

/// The `kind` in a record's header.
pub fn kind_of(record: &[u8]) -> Option<u16> {
    Header::read(record).map(|header| header.kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_of_every_kind_of_event_is_in_exactly_one_field() {
        let layouts = layouts();
        let events: Vec<_> = layouts.iter().map(|layout| layout.event.as_str()).collect();
        assert_eq!(events, ["fork", "exec", "exit"]);
        for layout in layouts {
            let mut at = 0;
            for field in &layout.fields {
                assert_eq!(field.at.start, at, "{} {}", layout.event, field.name);
                at = field.at.end;
            }
            assert_eq!(at, layout.fixed_bytes);
            assert_eq!(layout.processes.len(), 2);
            assert!(layout.texts.len() >= 2);
        }
    }

    #[test]
    fn a_field_knows_its_block_and_its_value() {
        let layouts = layouts();
        let uid = layouts[0].field("parent.uid").unwrap();
        assert_eq!((uid.block(), uid.short()), ("parent", "uid"));
        assert_eq!(layouts[0].field("clone_flags").unwrap().block(), "");
        let mut record = vec![0; layouts[0].fixed_bytes];
        record[uid.at.clone()].copy_from_slice(&7u32.to_ne_bytes());
        assert_eq!(uid.value(&record), Some(7));
        assert_eq!(uid.value(&record[..9]), None);
    }
}

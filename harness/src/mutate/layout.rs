//! Where every field of every record is, taken from the wire format itself, so
//! that a new field is found by itself.

use std::ops::Range;

use trapline_sensors::Family;
use trapline_sensors::abi::{self, Header, Member, Wire};
use trapline_sensors::event::{FileOperation, SocketOperation};

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
    /// The kind that stands for all that have it.
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

/// The layouts of all events: one for each structure, as a bug in what fills it
/// is a bug of every kind of event that it is for.
pub fn layouts() -> Vec<Layout> {
    let structures = abi::structures();
    let mut layouts = Vec::new();
    for (name, kind) in STRUCTURES {
        let of_kind = structures
            .iter()
            .find(|(structure, _, _)| structure == name);
        let Some((structure, fixed_bytes, members)) = of_kind else {
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
            kind: *kind,
            event: structure.trim_start_matches("event_").to_owned(),
            fixed_bytes: *fixed_bytes,
            fields: fields(structure),
            processes: inner("Process"),
            texts: inner("Text"),
        });
    }
    layouts
}

/// The structures of events, and the kind that stands for each.
const STRUCTURES: &[(&str, u16)] = &[
    ("event_fork", abi::KIND_FORK),
    ("event_exec", abi::KIND_EXEC),
    ("event_exit", abi::KIND_EXIT),
    ("event_file", abi::KIND_FILE_CREATE),
    ("event_socket", abi::KIND_SOCKET_CREATE),
];

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

/// The kind that stands for the structure of a record.
pub fn structure_of(record: &[u8]) -> Option<u16> {
    let kind = kind_of(record)?;
    let of_file = FileOperation::from_number(kind).map(|_| abi::KIND_FILE_CREATE);
    let of_socket = SocketOperation::from_number(kind).map(|_| abi::KIND_SOCKET_CREATE);
    Some(of_file.or(of_socket).unwrap_or(kind))
}

/// The family of sensors that sends this record.
pub fn family_of(record: &[u8]) -> &'static str {
    let kind = kind_of(record).unwrap_or_default();
    match FileOperation::from_number(kind) {
        Some(operation) => operation.family().name(),
        None if SocketOperation::from_number(kind).is_some() => Family::Network.name(),
        None => Family::Process.name(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_of_every_kind_of_event_is_in_exactly_one_field() {
        let layouts = layouts();
        let events: Vec<_> = layouts.iter().map(|layout| layout.event.as_str()).collect();
        assert_eq!(events, ["fork", "exec", "exit", "file", "socket"]);
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

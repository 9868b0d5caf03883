//! From the bytes of a record to an [`Event`], and from gaps to losses.
//!
//! Records come from a buffer that other programs may write to as well, or
//! from a file: nothing about them is taken for granted.

mod socket;

use std::collections::BTreeMap;
use std::fmt;

use crate::abi::{self, Header, Wire};
use crate::event::{
    Event, Exec, Exit, File, FileFlags, FileHow, FileOperation, Fork, Inode, Kind, SocketOperation,
    Strings, Text, TextFlags,
};

/// A record that is not what `c/event.h` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError {
    what: String,
}

impl DecodeError {
    fn new(what: impl Into<String>) -> Self {
        Self { what: what.into() }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for DecodeError {}

/// What a record brings to the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// Records of this CPU and lane were lost before the event that follows.
    Lost {
        /// The CPU.
        cpu: u32,
        /// The lane of that CPU; `None` where the loss is known from the account alone:
        /// nothing has followed, or there was no lane.
        lane: Option<u32>,
        /// How many.
        records: u64,
    },
    /// An event.
    Event(Box<Event>),
}

/// Decodes one stream of records, and remembers each lane's last number.
///
/// ```
/// # use trapline_sensors::abi::{self, Wire};
/// # let numbered = |sequence| {
/// #     let mut fork = abi::Fork::default();
/// #     fork.header.size_bytes = abi::Fork::SIZE as u32;
/// #     fork.header.kind = abi::KIND_FORK;
/// #     fork.header.format_version = abi::FORMAT_VERSION;
/// #     fork.header.sequence = sequence;
/// #     let mut record = Vec::new();
/// #     fork.write(&mut record);
/// #     record
/// # };
/// # let (fourth, seventh) = (numbered(4), numbered(7));
/// use trapline_sensors::{Decoder, Item};
///
/// let mut decoder = Decoder::new();
/// decoder.decode(&fourth)?;
/// let items = decoder.decode(&seventh)?;
/// assert_eq!(items[0], Item::Lost { cpu: 0, lane: Some(0), records: 2 });
/// assert!(matches!(items[1], Item::Event(_)));
/// # assert!(decoder.decode(&fourth).is_err());
/// # Ok::<(), trapline_sensors::DecodeError>(())
/// ```
#[derive(Debug, Default)]
pub struct Decoder {
    /// The number that comes next, by CPU and lane.
    next: BTreeMap<(u32, u32), u64>,
}

impl Decoder {
    /// A decoder that takes the first number it sees of each lane as the start.
    pub fn new() -> Self {
        Self::default()
    }

    /// Decodes `record` into its event, preceded by the loss before it, if any.
    ///
    /// # Errors
    /// A record that is too short, of another size, format or kind than it
    /// says, with a text outside it, or with a number that was there before.
    pub fn decode(&mut self, record: &[u8]) -> Result<Vec<Item>, DecodeError> {
        let event = decode(record)?;
        let lane = (event.cpu, event.lane);
        let next = self.next.get(&lane).copied().unwrap_or(event.sequence);
        let Some(records) = event.sequence.checked_sub(next) else {
            return Err(DecodeError::new(format!(
                "cpu {} lane {}: record {} comes after record {}",
                event.cpu,
                event.lane,
                event.sequence,
                next - 1
            )));
        };
        self.next.insert(lane, event.sequence.wrapping_add(1));
        let lost = (records > 0).then_some(Item::Lost {
            cpu: lane.0,
            lane: Some(lane.1),
            records,
        });
        Ok(lost
            .into_iter()
            .chain([Item::Event(Box::new(event))])
            .collect())
    }
}

/// Decodes one record by itself.
///
/// # Errors
/// As [`Decoder::decode`], but for the number.
pub fn decode(record: &[u8]) -> Result<Event, DecodeError> {
    let header: Header = fixed_part(record)?;
    if header.format_version != abi::FORMAT_VERSION {
        return Err(DecodeError::new(format!(
            "record format {}, this decoder reads format {}",
            header.format_version,
            abi::FORMAT_VERSION
        )));
    }
    if header.size_bytes as usize != record.len() {
        return Err(DecodeError::new(format!(
            "record of {} bytes says that it has {}",
            record.len(),
            header.size_bytes
        )));
    }
    match header.kind {
        abi::KIND_FORK => decode_fork(record),
        abi::KIND_EXEC => decode_exec(record),
        abi::KIND_EXIT => decode_exit(record),
        kind => match (
            FileOperation::from_number(kind),
            SocketOperation::from_number(kind),
        ) {
            (Some(operation), _) => decode_file(record, operation),
            (_, Some(operation)) => socket::decode(record, operation),
            _ => Err(DecodeError::new(format!("record of unknown kind {kind}"))),
        },
    }
}

fn fixed_part<T: Wire>(record: &[u8]) -> Result<T, DecodeError> {
    T::read(record).ok_or_else(|| {
        DecodeError::new(format!(
            "record of {} bytes, its fixed part alone needs {}",
            record.len(),
            T::SIZE
        ))
    })
}

fn decode_fork(record: &[u8]) -> Result<Event, DecodeError> {
    let wire: abi::Fork = fixed_part(record)?;
    let unknown = wire.flags & abi::FORK_CLONE_FLAGS_UNKNOWN != 0;
    no_reserved_bits("fork flags", wire.flags, abi::FORK_CLONE_FLAGS_UNKNOWN)?;
    let texts = Texts {
        record,
        fixed_bytes: abi::Fork::SIZE,
    };
    let kind = Kind::Fork(Fork {
        clone_flags: (!unknown).then_some(wire.clone_flags),
        creator_id: wire.creator_id,
        creator_tgid: wire.creator_tgid,
        creator_tid: wire.creator_tid,
        exit_signal: wire.exit_signal,
    });
    texts.event(
        wire.header,
        (wire.process, wire.exe),
        (wire.parent, wire.parent_exe),
        kind,
    )
}

fn decode_exec(record: &[u8]) -> Result<Event, DecodeError> {
    let wire: abi::Exec = fixed_part(record)?;
    no_reserved_bits("exec padding", wire.padding, 0)?;
    let texts = Texts {
        record,
        fixed_bytes: abi::Exec::SIZE,
    };
    let kind = Kind::Exec(Box::new(Exec {
        error: wire.error,
        filename: texts.text("filename", wire.filename)?,
        interpreter: texts.text("interpreter", wire.interpreter)?,
        script: texts.text("script", wire.script)?,
        cwd: texts.text("cwd", wire.cwd)?,
        argv: texts.strings("argv", wire.argv)?,
        env: texts.strings("env", wire.env)?,
    }));
    texts.event(
        wire.header,
        (wire.process, wire.exe),
        (wire.parent, wire.parent_exe),
        kind,
    )
}

fn decode_exit(record: &[u8]) -> Result<Event, DecodeError> {
    let wire: abi::Exit = fixed_part(record)?;
    no_reserved_bits(
        "exit flags",
        wire.flags,
        abi::EXIT_CORE_DUMPED | abi::EXIT_EARLY,
    )?;
    no_reserved_bits("exit padding", wire.padding, 0)?;
    let texts = Texts {
        record,
        fixed_bytes: abi::Exit::SIZE,
    };
    let kind = Kind::Exit(Exit {
        code: wire.exit_code,
        signal: wire.signal,
        core_dumped: wire.flags & abi::EXIT_CORE_DUMPED != 0,
        early: wire.flags & abi::EXIT_EARLY != 0,
    });
    texts.event(
        wire.header,
        (wire.process, wire.exe),
        (wire.parent, wire.parent_exe),
        kind,
    )
}

fn decode_file(record: &[u8], operation: FileOperation) -> Result<Event, DecodeError> {
    let wire: abi::File = fixed_part(record)?;
    no_reserved_bits("file flags", wire.flags, FileFlags::KNOWN)?;
    let texts = Texts {
        record,
        fixed_bytes: abi::File::SIZE,
    };
    let how =
        match wire.how {
            0 => None,
            number => Some(FileHow::from_number(number).ok_or_else(|| {
                DecodeError::new(format!("file: {number} is no way to do anything"))
            })?),
        };
    let kind = Kind::File(Box::new(File {
        operation,
        how,
        error: wire.error,
        inode: wire.inode,
        other: (wire.other != Inode::default()).then_some(wire.other),
        flags: FileFlags(wire.flags),
        detail: wire.detail,
        path: texts.text("path", wire.path)?,
        other_path: texts.text("other_path", wire.other_path)?,
    }));
    texts.event(
        wire.header,
        (wire.process, wire.exe),
        (wire.parent, wire.parent_exe),
        kind,
    )
}

fn no_reserved_bits(what: &str, value: u32, known: u32) -> Result<(), DecodeError> {
    if value & !known == 0 {
        return Ok(());
    }
    Err(DecodeError::new(format!(
        "{what} {value:#x} has bits that mean nothing"
    )))
}

/// The part of a record that its fixed part points into.
struct Texts<'a> {
    record: &'a [u8],
    fixed_bytes: usize,
}

impl Texts<'_> {
    fn event(
        &self,
        header: Header,
        (process, exe): (abi::Process, abi::Text),
        (parent, parent_exe): (abi::Process, abi::Text),
        kind: Kind,
    ) -> Result<Event, DecodeError> {
        Ok(Event {
            time_ns: header.time_ns,
            cpu: header.cpu,
            lane: header.lane,
            sequence: header.sequence,
            process,
            parent,
            exe: self.text("exe", exe)?,
            parent_exe: self.text("parent_exe", parent_exe)?,
            kind,
        })
    }

    fn bytes(&self, name: &str, text: abi::Text) -> Result<&[u8], DecodeError> {
        let (start, size) = (text.offset_bytes as usize, usize::from(text.size_bytes));
        if size == 0 {
            return Ok(&[]);
        }
        let bytes = start
            .checked_add(size)
            .and_then(|end| self.record.get(start..end));
        bytes.filter(|_| start >= self.fixed_bytes).ok_or_else(|| {
            DecodeError::new(format!(
                "{name}: {size} bytes at {start} are not in the texts, which are at {} to {}",
                self.fixed_bytes,
                self.record.len()
            ))
        })
    }

    fn text(&self, name: &str, text: abi::Text) -> Result<Text, DecodeError> {
        let bytes = self.bytes(name, text)?.to_vec();
        Ok(Text {
            bytes,
            flags: TextFlags(text.flags),
        })
    }

    fn strings(&self, name: &str, text: abi::Text) -> Result<Strings, DecodeError> {
        let bytes = self.bytes(name, text)?;
        let whole = bytes.strip_suffix(&[0]).unwrap_or(bytes);
        let list = if bytes.is_empty() {
            Vec::new()
        } else {
            whole.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect()
        };
        Ok(Strings {
            list,
            flags: TextFlags(text.flags),
        })
    }
}

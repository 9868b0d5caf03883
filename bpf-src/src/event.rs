//! Events, decoded: what the sensors report, as values that own their bytes.

use crate::abi;

pub use crate::abi::Process;

/// One event: where and when it was recorded, and what happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// `CLOCK_BOOTTIME` in nanoseconds.
    pub time_ns: u64,
    /// The CPU that recorded it.
    pub cpu: u32,
    /// The lane of that CPU.
    pub lane: u32,
    /// Its number among the records of that CPU and lane.
    pub sequence: u64,
    /// Who acts: after a fork, the new process.
    pub process: Process,
    /// The parent of `process`.
    pub parent: Process,
    /// The program that `process` runs.
    pub exe: Text,
    /// The program that `parent` runs.
    pub parent_exe: Text,
    /// What happened.
    pub kind: Kind,
}

/// What happened, with what only this kind of event tells.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// A process came into being.
    Fork(Fork),
    /// A process replaced its program, or failed to.
    Exec(Box<Exec>),
    /// The last thread of a process is gone, and its files are closed.
    Exit(Exit),
}

impl Kind {
    /// The name of the kind: `fork`, `exec`, `exit`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Fork(_) => "fork",
            Self::Exec(_) => "exec",
            Self::Exit(_) => "exit",
        }
    }
}

/// See [`Kind::Fork`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fork {
    /// `CLONE_` bits, without the exit signal; `None` where the sensor had no
    /// room to remember them.
    pub clone_flags: Option<u64>,
    /// `process_id` of the process that called; with `CLONE_PARENT` it is not
    /// the new process's parent.
    pub creator_id: u64,
    /// Who called.
    pub creator_tgid: u32,
    /// The thread that called.
    pub creator_tid: u32,
    /// The signal that the parent is sent at the end; 0: none.
    pub exit_signal: i32,
}

/// See [`Kind::Exec`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exec {
    /// errno; 0: the new program runs.
    pub error: u32,
    /// The file name as given to execve; `/dev/fd/N` for a descriptor.
    pub filename: Text,
    /// The interpreter, as the script names it.
    pub interpreter: Text,
    /// The path of the script; of the outermost one, if scripts nest.
    pub script: Text,
    /// The working directory.
    pub cwd: Text,
    /// The arguments.
    pub argv: Strings,
    /// The environment.
    pub env: Strings,
}

/// See [`Kind::Exit`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exit {
    /// 0 to 255; 0 when a signal ended the process.
    pub code: u32,
    /// The signal that ended it; 0: none.
    pub signal: u32,
    /// Whether a core was dumped.
    pub core_dumped: bool,
    /// Sent before the files of the process were closed, for want of room.
    pub early: bool,
}

/// Bytes of varying length, and what is known to be missing of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// As the kernel has them: any byte but NUL.
    pub bytes: Vec<u8>,
    /// What is missing or odd.
    pub flags: TextFlags,
}

/// Several strings, and what is known to be missing of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strings {
    /// Each without its NUL.
    pub list: Vec<Vec<u8>>,
    /// What is missing or odd; a string that is cut is the last one.
    pub flags: TextFlags,
}

/// `TEXT_` bits of [`abi`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TextFlags(pub u16);

/// The bits and their names, in the order in which they are told.
const TEXT_FLAG_NAMES: [(u16, &str); 8] = [
    (abi::TEXT_NONE, "none"),
    (abi::TEXT_CUT_FRONT, "cut_front"),
    (abi::TEXT_CUT_END, "cut_end"),
    (abi::TEXT_FAULT, "fault"),
    (abi::TEXT_UNREACHABLE, "unreachable"),
    (abi::TEXT_DELETED, "deleted"),
    (abi::TEXT_CHANGED, "changed"),
    (abi::TEXT_UNKNOWN, "unknown"),
];

impl TextFlags {
    /// Whether `bit`, one of the `TEXT_` bits, is set.
    pub fn has(self, bit: u16) -> bool {
        self.0 & bit != 0
    }

    /// The names of the bits that are set; of bits nobody knows, `reserved`.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let known = TEXT_FLAG_NAMES.iter().fold(0, |bits, (bit, _)| bits | bit);
        let reserved = (self.0 & !known != 0).then_some("reserved");
        TEXT_FLAG_NAMES
            .into_iter()
            .filter(move |(bit, _)| self.has(*bit))
            .map(|(_, name)| name)
            .chain(reserved)
    }
}

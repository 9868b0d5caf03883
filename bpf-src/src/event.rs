//! Events, decoded: what the sensors report, as values that own their bytes.

use crate::abi;
use crate::family::Family;

pub use crate::abi::{Inode, Process};
pub use socket::{Address, Payload, Socket, SocketFlags, SocketOperation, Totals};

/// Declares an enum whose values are named as in JSON, by their number on the wire.
macro_rules! wire_names {
    ($(#[$doc:meta])* $name:ident: $number:ty { $($(#[$value_doc:meta])* $value:ident = $constant:ident $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum $name { $($(#[$value_doc])* $value,)* }

        impl $name {
            /// Every value.
            pub const ALL: &[Self] = &[$(Self::$value),*];

            /// The value with this number on the wire.
            pub fn from_number(number: $number) -> Option<Self> {
                match number {
                    $(abi::$constant => Some(Self::$value),)*
                    _ => None,
                }
            }

            /// Its name.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$value => $text,)*
                }
            }
        }
    };
}

mod socket;

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
    /// Something happened to a file or a mount.
    File(Box<File>),
    /// Something happened to a socket.
    Socket(Box<Socket>),
}

impl Kind {
    /// The family of sensors that reports it.
    pub fn family(&self) -> Family {
        match self {
            Self::Fork(_) | Self::Exec(_) | Self::Exit(_) => Family::Process,
            Self::File(file) => file.operation.family(),
            Self::Socket(_) => Family::Network,
        }
    }

    /// The name of the kind: `fork`, `exec`, `exit`, `file_create`, …
    pub fn name(&self) -> &'static str {
        match self {
            Self::Fork(_) => "fork",
            Self::Exec(_) => "exec",
            Self::Exit(_) => "exit",
            Self::File(file) => file.operation.name(),
            Self::Socket(socket) => socket.operation.name(),
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

/// See [`Kind::File`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// What was done.
    pub operation: FileOperation,
    /// In which of several ways, where there are several.
    pub how: Option<FileHow>,
    /// errno; 0: it is done.
    pub error: u32,
    /// The file after the operation; before it, where it failed or the file is gone. Of a mount, the
    /// root of what is mounted.
    pub inode: Inode,
    /// The file that was replaced or exchanged, before that.
    pub other: Option<Inode>,
    /// What else is known.
    pub flags: FileFlags,
    /// rename: `RENAME_` bits; map: `PROT_` bits; chmod: the mode asked for; mounts:
    /// `MS_` and `MNT_` flags as given; otherwise 0.
    pub detail: u32,
    /// Its path; after a rename or link the new one; of a mount, where it is or was.
    pub path: Text,
    /// rename, link, bind, move of a mount: the old path; symlink: what it says; setxattr,
    /// removexattr: the attribute's name; mount: its source as given.
    pub other_path: Text,
}

wire_names! {
    /// What was done to a file or a mount.
    FileOperation: u16 {
        /// A name came into being, and what it names.
        Create = KIND_FILE_CREATE "file_create",
        /// It got another name.
        Link = KIND_FILE_LINK "file_link",
        /// It got another name in place of the one it had.
        Rename = KIND_FILE_RENAME "file_rename",
        /// A name is gone.
        Delete = KIND_FILE_DELETE "file_delete",
        /// A process read it for the first time in a while.
        Read = KIND_FILE_READ "file_read",
        /// A process wrote it for the first time in a while.
        Write = KIND_FILE_WRITE "file_write",
        /// Its size was set.
        Truncate = KIND_FILE_TRUNCATE "file_truncate",
        /// It was mapped shared and writable.
        Map = KIND_FILE_MAP "file_map",
        /// It was released after it was changed.
        CloseWrite = KIND_FILE_CLOSE_WRITE "file_close_write",
        /// Permissions, owner, times or extended attributes.
        Attributes = KIND_FILE_ATTRIBUTES "file_attributes",
        /// A mount came into the tree.
        Mount = KIND_MOUNT "mount",
        /// A mount was taken away.
        Umount = KIND_UMOUNT "umount",
        /// A mount has another place.
        MountMove = KIND_MOUNT_MOVE "mount_move",
        /// A mount has other options.
        MountChange = KIND_MOUNT_CHANGE "mount_change",
    }
}

impl FileOperation {
    /// The family of sensors that reports it.
    pub fn family(self) -> Family {
        match self {
            Self::Mount | Self::Umount | Self::MountMove | Self::MountChange => Family::Mount,
            _ => Family::File,
        }
    }
}

wire_names! {
    /// In which way.
    FileHow: u32 {
        /// open with `O_CREAT`.
        Open = FILE_HOW_OPEN "open",
        /// open with `O_TMPFILE`.
        Tmpfile = FILE_HOW_TMPFILE "tmpfile",
        /// mknod.
        Mknod = FILE_HOW_MKNOD "mknod",
        /// mkdir.
        Mkdir = FILE_HOW_MKDIR "mkdir",
        /// symlink.
        Symlink = FILE_HOW_SYMLINK "symlink",
        /// unlink.
        Unlink = FILE_HOW_UNLINK "unlink",
        /// rmdir.
        Rmdir = FILE_HOW_RMDIR "rmdir",
        /// Permissions.
        Chmod = FILE_HOW_CHMOD "chmod",
        /// Owner or group.
        Chown = FILE_HOW_CHOWN "chown",
        /// Times.
        Utimes = FILE_HOW_UTIMES "utimes",
        /// An extended attribute was set.
        Setxattr = FILE_HOW_SETXATTR "setxattr",
        /// An extended attribute was removed.
        Removexattr = FILE_HOW_REMOVEXATTR "removexattr",
        /// memfd_create.
        Memfd = FILE_HOW_MEMFD "memfd",
        /// A new mount of a file system.
        Mount = FILE_HOW_MOUNT "mount",
        /// A tree is shown at another place as well.
        Bind = FILE_HOW_BIND "bind",
        /// A mount that was made before, by fsmount or open_tree.
        Attach = FILE_HOW_ATTACH "attach",
        /// Other options.
        Remount = FILE_HOW_REMOUNT "remount",
        /// Shared, slave, private or unbindable.
        Propagation = FILE_HOW_PROPAGATION "propagation",
    }
}

/// `FILE_` bits of [`abi`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileFlags(pub u32);

/// The bits and their names, in the order in which they are told.
const FILE_FLAG_NAMES: [(u32, &str); 8] = [
    (abi::FILE_BY_KERNEL, "by_kernel"),
    (abi::FILE_LAST_LINK, "last_link"),
    (abi::FILE_STILL_OPEN, "still_open"),
    (abi::FILE_REPLACED, "replaced"),
    (abi::FILE_EXCHANGED, "exchanged"),
    (abi::FILE_MAPPED, "mapped"),
    (abi::FILE_REMOTE, "remote"),
    (abi::FILE_SCANNABLE, "scannable"),
];

impl FileFlags {
    /// Every bit that means something.
    pub const KNOWN: u32 = (1 << FILE_FLAG_NAMES.len()) - 1;

    /// Whether `bit`, one of the `FILE_` bits, is set.
    pub fn has(self, bit: u32) -> bool {
        self.0 & bit != 0
    }

    /// The names of the bits that are set.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        flag_names(self.0, &FILE_FLAG_NAMES)
    }
}

/// The names of the bits that are set, in the order of the table.
fn flag_names(
    bits: u32,
    names: &'static [(u32, &'static str)],
) -> impl Iterator<Item = &'static str> {
    let set = names.iter().filter(move |(bit, _)| bits & bit != 0);
    set.map(|(_, name)| *name)
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
const TEXT_FLAG_NAMES: [(u16, &str); 9] = [
    (abi::TEXT_NONE, "none"),
    (abi::TEXT_CUT_FRONT, "cut_front"),
    (abi::TEXT_CUT_END, "cut_end"),
    (abi::TEXT_FAULT, "fault"),
    (abi::TEXT_UNREACHABLE, "unreachable"),
    (abi::TEXT_DELETED, "deleted"),
    (abi::TEXT_CHANGED, "changed"),
    (abi::TEXT_UNKNOWN, "unknown"),
    (abi::TEXT_FOREIGN, "foreign"),
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

//! What a workload says it did, typed. Unknown facts and unknown keys are
//! errors: guest and host come from one checkout.

use std::fmt;

use serde::Deserialize;
use serde_json::{Map, Value};

use trapline_sensors::Family;
use trapline_sensors::event::{FileOperation, SocketOperation};

use super::sockets::Socket;
use crate::normalize::{names, text};

/// One fact. Pids are those of the initial pid namespace.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Fact {
    /// The root process stands ready; nothing has happened.
    Ready,
    /// A process came into being.
    Fork(Fork),
    /// A process runs another program.
    Exec(Box<Exec>),
    /// A process tried to and could not.
    ExecFailed(ExecFailed),
    /// A process has ended.
    Exit(Exit),
    /// A process did something to a file.
    File(Box<File>),
    /// A process did something to a socket, or something happened to one of its.
    Socket(Box<Socket>),
}

/// See [`Fact::Fork`].
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fork {
    /// Whose child it is.
    pub parent: u32,
    /// The new process.
    pub child: u32,
    /// Who called.
    pub caller: u32,
    /// Which of its threads.
    pub caller_tid: u32,
    /// `CLONE_` bits without the exit signal.
    pub flags: u64,
    /// As asked for; with `CLONE_PARENT` the kernel takes the caller's.
    pub exit_signal: i32,
    /// Of the child.
    pub standing: Standing,
    /// Of the parent.
    pub parent_standing: Standing,
}

/// See [`Fact::Exec`]: what was asked for, and what /proc then showed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exec {
    /// Who.
    pub pid: u32,
    /// As given to the kernel.
    pub filename: String,
    /// With execveat, the folder or file it is relative to.
    pub fd: Option<i32>,
    /// With execveat, its flags.
    pub at_flags: Option<i32>,
    /// Its parent.
    pub ppid: u32,
    /// From the initial namespace to its own.
    pub nspid: Vec<u32>,
    /// Likewise.
    pub pgid: Vec<u32>,
    /// Likewise.
    pub sid: Vec<u32>,
    /// Real, effective, saved, file system.
    pub uid: Vec<u32>,
    /// Real, effective, saved, file system.
    pub gid: Vec<u32>,
    /// Its own.
    pub standing: Standing,
    /// Its parent's.
    pub parent_standing: Standing,
    /// Inode numbers.
    pub ns: Namespaces,
    /// `None` where it is longer than /proc tells.
    pub exe: Option<String>,
    /// `None` where it is longer than /proc tells.
    pub cwd: Option<String>,
    /// All arguments.
    pub argv: Vec<String>,
    /// The whole environment.
    pub env: Vec<String>,
    /// The interpreter that runs, as the innermost script names it.
    pub interpreter: Option<String>,
    /// The outermost script's path.
    pub script: Option<String>,
}

/// What a process has inherited and may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Standing {
    /// Who logged in; 4294967295: nobody.
    pub loginuid: u32,
    /// The inode number of the folder of its cgroup.
    pub cgroup: u64,
}

/// Inode numbers of namespaces.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Namespaces {
    /// Mounts.
    pub mnt: u32,
    /// Pids.
    pub pid: u32,
    /// Network.
    pub net: u32,
    /// Users.
    pub user: u32,
}

/// See [`Fact::ExecFailed`].
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExecFailed {
    /// Who.
    pub pid: u32,
    /// Which thread.
    pub tid: u32,
    /// `None` where nobody is left to ask.
    pub standing: Option<Standing>,
    /// As given to the kernel.
    pub filename: String,
    /// With execveat, the folder or file it is relative to.
    pub fd: Option<i32>,
    /// With execveat, its flags.
    pub at_flags: Option<i32>,
    /// `None` where nobody is left to ask.
    pub errno: Option<u32>,
    /// All arguments, if said.
    pub argv: Option<Vec<String>>,
}

/// See [`Fact::Exit`].
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exit {
    /// Who.
    pub pid: u32,
    /// The thread that left last; `None` where chance decides.
    pub tid: Option<u32>,
    /// Whose child it was, if said.
    pub parent: Option<u32>,
    /// Its own, if said.
    pub standing: Option<Standing>,
    /// Its parent's, if said.
    pub parent_standing: Option<Standing>,
    /// How.
    pub status: Ended,
    /// Real, effective, saved, file system, if said.
    pub uid: Option<Vec<u32>>,
    /// Likewise.
    pub gid: Option<Vec<u32>>,
    /// The program's path at the end, if said.
    pub exe: Option<String>,
}

/// See [`Fact::File`]: what a system call returned, and what stat(2) and
/// /proc/self/fd then showed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Who.
    pub pid: u32,
    /// The event's name: `file_create`, …
    pub operation: String,
    /// In which way, where there are several.
    pub how: Option<String>,
    /// errno, 0: it is done.
    #[serde(default)]
    pub error: u32,
    /// As readlink(2) shows it.
    pub path: Bytes,
    /// rename, link: the old one.
    pub old_path: Option<Bytes>,
    /// symlink: what it says; setxattr, removexattr: the attribute's name.
    pub target: Option<Bytes>,
    /// The file, if there is one to look at.
    pub stat: Option<Stat>,
    /// The file that was replaced or exchanged.
    pub other: Option<Stat>,
    /// Names of flags, in the order of the wire format.
    #[serde(default)]
    pub flags: Vec<String>,
    /// rename: `RENAME_` bits; map: `PROT_` bits; chmod: the mode asked for.
    #[serde(default)]
    pub detail: u32,
    /// Names of the path's flags, but for what its text shows.
    #[serde(default)]
    pub path_flags: Vec<String>,
}

/// What stat(2) said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stat {
    /// Number.
    pub inode: u64,
    /// Size in bytes.
    pub size: u64,
    /// Type and permissions.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Names.
    pub links: u32,
    /// Of the device.
    pub major: u32,
    /// Of the device.
    pub minor: u32,
    /// ctime in nanoseconds since 1970, if it stands still.
    pub ctime_ns: Option<u64>,
    /// The kind of file system, as in statfs(2).
    pub fs_magic: u32,
    /// As a handle of the file has it.
    pub generation: Option<u32>,
}

/// Bytes as JSON has them: a string, or hexadecimal digits where they are no UTF-8.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "BytesSaid")]
pub struct Bytes(pub Vec<u8>);

#[derive(Deserialize)]
#[serde(untagged)]
enum BytesSaid {
    Text(String),
    Hex { hex: String },
}

impl From<BytesSaid> for Bytes {
    fn from(said: BytesSaid) -> Self {
        match said {
            BytesSaid::Text(text) => Self(text.into_bytes()),
            BytesSaid::Hex { hex } => {
                let digits = hex.as_bytes().chunks(2);
                let byte = |pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
                Self(digits.map(|pair| byte(pair).unwrap_or(b'?')).collect())
            }
        }
    }
}

impl fmt::Display for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.operation)?;
        if let Some(how) = &self.how {
            write!(f, " by {how}")?;
        }
        if let Some(old) = &self.old_path {
            write!(f, " {} to", text::text_of(&old.0))?;
        }
        write!(f, " {}", text::text_of(&self.path.0))?;
        if self.error != 0 {
            write!(f, ": {}", names::error(self.error))?;
        }
        Ok(())
    }
}

/// How a process ended, as wait(2) tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ended {
    /// Its code, if it left by itself.
    #[serde(default)]
    pub exit: Option<u32>,
    /// The signal that killed it.
    #[serde(default)]
    pub signal: Option<u32>,
    /// Whether a core file was written.
    #[serde(default)]
    pub core: bool,
}

impl Fact {
    /// Reads one `truth` frame.
    ///
    /// # Errors
    /// What is unknown, missing or of another kind, with the fact itself.
    pub fn read(fact: &Map<String, Value>) -> Result<Self, String> {
        let value = Value::Object(fact.clone());
        serde_json::from_value(value.clone())
            .map_err(|error| format!("the workload says something unknown: {error}: {value}"))
    }

    /// The family whose sensors show it.
    pub fn family(&self) -> &'static str {
        match self {
            Self::File(file) => {
                let mut operations = FileOperation::ALL.iter();
                let known = operations.find(|it| it.name() == file.operation);
                known.map_or(Family::File, |it| it.family()).name()
            }
            Self::Socket(_) => Family::Network.name(),
            _ => "process",
        }
    }

    /// The process that the fact is about.
    pub fn pid(&self) -> Option<u32> {
        match self {
            Self::Ready => None,
            Self::Fork(fork) => Some(fork.child),
            Self::Exec(exec) => Some(exec.pid),
            Self::ExecFailed(exec) => Some(exec.pid),
            Self::Exit(exit) => Some(exit.pid),
            Self::File(file) => Some(file.pid),
            Self::Socket(socket) => Some(socket.pid),
        }
    }

    /// Whether it is about the end of a flow, which is found some time after it.
    pub fn is_flow_end(&self) -> bool {
        matches!(self, Self::Socket(socket) if socket.operation == SocketOperation::FlowEnd.name())
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(code) = self.exit {
            write!(f, "code {code}")?;
        }
        if let Some(signal) = self.signal {
            f.write_str(&names::signal(signal.into()))?;
        }
        if self.core {
            f.write_str(", core dumped")?;
        }
        Ok(())
    }
}

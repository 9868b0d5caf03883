//! What a workload says it did, typed. Unknown facts and unknown keys are
//! errors: guest and host come from one checkout.

use std::fmt;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::normalize::names;

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

    /// The process that the fact is about.
    pub fn pid(&self) -> Option<u32> {
        match self {
            Self::Ready => None,
            Self::Fork(fork) => Some(fork.child),
            Self::Exec(exec) => Some(exec.pid),
            Self::ExecFailed(exec) => Some(exec.pid),
            Self::Exit(exit) => Some(exit.pid),
        }
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

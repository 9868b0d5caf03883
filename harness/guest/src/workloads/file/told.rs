//! What a file workload says it did: system calls' results, and what stat(2) and readlink(2) then show.

use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::disks;
use crate::sys::{file, handle};
use crate::workloads::failure::{Failure, Outcome, Tried};
use crate::workloads::truth;

/// One fact about a file, while it is put together.
#[derive(Clone, Debug)]
pub struct Told(Map<String, Value>);

impl Told {
    /// This process did this (the event's name) to what has this path now.
    ///
    /// # Errors
    /// Without /proc.
    pub fn new(operation: &str, path: impl AsRef<Path>) -> Outcome<Self> {
        Ok(Self::by(truth::own_pid()?, operation, path))
    }

    /// This other process, of the initial pid namespace, did this.
    pub fn by(pid: i32, operation: &str, path: impl AsRef<Path>) -> Self {
        let mut fact = Map::new();
        fact.insert("what".into(), "file".into());
        fact.insert("pid".into(), pid.into());
        fact.insert("operation".into(), operation.into());
        fact.insert("path".into(), bytes_of(path.as_ref()));
        Self(fact)
    }

    fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.0.insert(key.into(), value.into());
        self
    }

    /// In which of several ways.
    #[must_use]
    pub fn how(self, how: &str) -> Self {
        self.with("how", how)
    }

    /// What the file looks like.
    #[must_use]
    pub fn stat(self, stat: Stat) -> Self {
        self.with("stat", stat.said())
    }

    /// What was replaced, or the other of two that changed places.
    #[must_use]
    pub fn other(self, stat: Stat) -> Self {
        self.with("other", stat.said())
    }

    /// Names of flags, in the order of the wire format.
    #[must_use]
    pub fn flags(self, flags: &[&str]) -> Self {
        self.with("flags", flags)
    }

    /// rename: `RENAME_` bits; chmod: the mode asked for.
    #[must_use]
    pub fn detail(self, detail: u32) -> Self {
        self.with("detail", detail)
    }

    /// The path before.
    #[must_use]
    pub fn old_path(self, path: impl AsRef<Path>) -> Self {
        self.with("old_path", bytes_of(path.as_ref()))
    }

    /// What a symbolic link says; an extended attribute's name.
    #[must_use]
    pub fn target(self, target: impl AsRef<Path>) -> Self {
        self.with("target", bytes_of(target.as_ref()))
    }

    /// Another process did it.
    #[must_use]
    pub fn of(self, pid: i32) -> Self {
        self.with("pid", pid)
    }

    /// What the path's flags say besides what its text shows.
    #[must_use]
    pub fn path_flags(self, flags: &[&str]) -> Self {
        self.with("path_flags", flags)
    }

    /// It failed so.
    ///
    /// # Errors
    /// When it did not.
    pub fn fails<T>(self, result: io::Result<T>) -> Outcome<Self> {
        let Err(error) = result else {
            return Err(Failure(format!("{:?} succeeded", self.0)));
        };
        Ok(self.with("error", error.raw_os_error()))
    }

    /// Says it.
    ///
    /// # Errors
    /// When nobody listens any more.
    pub fn say(self) -> Outcome {
        truth::say(&self.0.into())
    }
}

/// What stat(2) says of a file.
#[derive(Clone, Copy, Debug)]
pub struct Stat {
    inode: u64,
    size: u64,
    mode: u32,
    uid: u32,
    gid: u32,
    links: u64,
    device: u64,
    ctime_ns: Option<i64>,
    /// As statfs(2) has it.
    fs_magic: u32,
    /// As a handle has it, where there is one to be had.
    generation: Option<u32>,
}

impl Stat {
    /// Of what has this name, be it a link.
    ///
    /// # Errors
    /// When there is no such file.
    pub fn of(path: impl AsRef<Path>) -> Outcome<Self> {
        let path = path.as_ref();
        let metadata = fs::symlink_metadata(path).tried(path.display())?;
        // A link's target may be anywhere: its folder is where the link is.
        let folder = path.parent().unwrap_or(path);
        let magic = file::fs_magic(folder).tried(folder.display())?;
        Ok(Self {
            generation: handle::generation(path, metadata.ino()).tried(path.display())?,
            ..Self::new(&metadata, magic)?
        })
    }

    /// Of an open file.
    ///
    /// # Errors
    /// What fstat(2) says.
    pub fn of_file(file: &fs::File) -> Outcome<Self> {
        let magic = file::fs_magic_of(file.as_fd()).tried("fstatfs")?;
        Self::new(&file.metadata().tried("fstat")?, magic)
    }

    /// As it must be once it has so many names fewer; when that will be is not known.
    #[must_use]
    pub fn less_links(self, fewer: u64) -> Self {
        Self {
            links: self.links.saturating_sub(fewer),
            ctime_ns: None,
            ..self
        }
    }

    fn said(self) -> Value {
        json!({
            "inode": self.inode, "size": self.size, "mode": self.mode, "uid": self.uid,
            "gid": self.gid, "links": self.links, "major": libc::major(self.device),
            "minor": libc::minor(self.device), "ctime_ns": self.ctime_ns,
            "fs_magic": self.fs_magic, "generation": self.generation,
        })
    }

    fn new(metadata: &fs::Metadata, fs_magic: u32) -> Outcome<Self> {
        let device = match fs_magic {
            disks::BTRFS_MAGIC => disks::device_told(metadata.dev())?,
            _ => metadata.dev(),
        };
        Ok(Self {
            fs_magic,
            generation: None,
            inode: metadata.ino(),
            size: metadata.size(),
            mode: metadata.mode(),
            uid: metadata.uid(),
            gid: metadata.gid(),
            links: metadata.nlink(),
            device,
            ctime_ns: Some(metadata.ctime() * 1_000_000_000 + metadata.ctime_nsec()),
        })
    }
}

/// The path of an open file as readlink(2) shows it.
///
/// # Errors
/// Without /proc.
pub fn path_of(file: &impl AsFd) -> Outcome<std::path::PathBuf> {
    let link = format!("/proc/self/fd/{}", file.as_fd().as_raw_fd());
    fs::read_link(&link).tried(link)
}

fn bytes_of(path: &Path) -> Value {
    truth::bytes(path.as_os_str().as_bytes())
}

//! Calls that open, read, write, map and release files, and which of them are told.

use super::names::{Kind, Lost, NameId, Place};
use super::operation::Operation;
use super::processes::{Open, Released};
use super::strace::{Call, Returned, number, string};
use super::world::{Told, Touch, World};

/// All calls that are known here, as strace is asked to write them down. What a program
/// does to files by others is an event that no line explains.
pub const CALLS: &str = "open,openat,openat2,creat,close,close_range,dup,dup2,dup3,fcntl,read,pread64,readv,\
    preadv,preadv2,write,pwrite64,writev,pwritev,pwritev2,sendfile,splice,\
    copy_file_range,fallocate,ftruncate,truncate,ioctl,mmap,munmap,mkdir,mkdirat,mknod,\
    mknodat,symlink,symlinkat,link,linkat,unlink,unlinkat,rmdir,rename,renameat,\
    renameat2,chmod,fchmod,fchmodat,?fchmodat2,chown,fchown,lchown,fchownat,utime,utimes,futimesat,\
    utimensat,setxattr,lsetxattr,fsetxattr,removexattr,lremovexattr,fremovexattr,chdir,\
    fchdir,chroot,fork,vfork,clone,clone3,execve,execveat,exit,exit_group";

/// What a call that came from there was asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    pub pid: u32,
    pub call: &'a Call,
}

impl<'a> Asked<'a> {
    pub fn text(&self, index: usize) -> Result<&'a str, String> {
        let argument = self.call.arguments.get(index);
        argument
            .map(String::as_str)
            .ok_or_else(|| format!("no argument {index}"))
    }

    pub fn number(&self, index: usize) -> Result<u64, String> {
        let text = self.text(index)?;
        number(text).ok_or_else(|| format!("{text} is no number"))
    }

    pub fn string(&self, index: usize) -> Result<Vec<u8>, String> {
        let text = self.text(index)?;
        string(text).ok_or_else(|| format!("{text} is no string"))
    }

    /// Whether one of the names that are or-ed in an argument is this.
    pub fn has(&self, index: usize, flag: &str) -> bool {
        let argument = self.call.arguments.get(index);
        argument.is_some_and(|argument| argument.split('|').any(|it| it == flag))
    }

    /// What it returned, if it did and that was no error.
    pub fn value(&self) -> Option<u64> {
        match self.call.result {
            Returned::Value(value) => Some(value),
            _ => None,
        }
    }

    pub fn is_name(&self, name: &str) -> bool {
        self.call.name == name
    }
}

impl World {
    /// A call, but for those that make processes and programs.
    pub fn apply(&mut self, pid: u32, call: &Call) -> Result<Told, String> {
        let asked = &Asked { pid, call };
        match &*call.name {
            "open" | "openat" | "openat2" | "creat" => self.opens(asked),
            "close" | "close_range" | "dup" | "dup2" | "dup3" | "fcntl" => self.descriptor(asked),
            "read" | "pread64" | "readv" | "preadv" | "preadv2" => {
                self.moves(asked, Some(asked.number(0)?), None)
            }
            "write" | "pwrite64" | "writev" | "pwritev" | "pwritev2" => {
                self.moves(asked, None, Some(asked.number(0)?))
            }
            "sendfile" => self.moves(asked, Some(asked.number(1)?), Some(asked.number(0)?)),
            "splice" | "copy_file_range" => {
                self.moves(asked, Some(asked.number(0)?), Some(asked.number(2)?))
            }
            "fallocate" | "ioctl" | "ftruncate" => self.changes(asked),
            "mmap" | "munmap" => self.maps(asked),
            "chdir" | "fchdir" => self.goes(asked),
            "exit" | "exit_group" => Ok(Told::new()),
            "chroot" => Err("paths begin elsewhere now, which is not known here".to_owned()),
            _ => self.names_or_attributes(asked),
        }
    }

    fn opens(&mut self, asked: &Asked<'_>) -> Result<Told, String> {
        let Some(descriptor) = asked.value() else {
            return Ok(Told::new());
        };
        let is_at = asked.call.name.starts_with("openat");
        let at = usize::from(is_at);
        let flags = Flags::of(asked, at + 1)?;
        let folder = if is_at { Some(asked.text(0)?) } else { None };
        let follow = !(flags.has("O_NOFOLLOW") || flags.has("O_CREAT") && flags.has("O_EXCL"));
        let place = match self.walk(asked.pid, folder, &asked.string(at)?, follow) {
            Ok(Some(place)) => place,
            Ok(None) => return Ok(Told::new()),
            Err(lost) => return Err(format!("it opens what is not there ({lost:?})")),
        };
        if flags.has("O_TMPFILE") {
            return Err("a file without a name, which is not known here".to_owned());
        }
        let (name, is_new) = match place.there {
            Some(_) if flags.has("O_CREAT") && flags.has("O_EXCL") => {
                return Err("it creates what is there".to_owned());
            }
            Some(name) => (name, false),
            None if flags.has("O_CREAT") => (self.new_name(&place, Kind::Regular), true),
            None => return Err("it opens what is not there".to_owned()),
        };
        let open = self.opened(asked.pid, descriptor, name, flags.has("O_CLOEXEC"))?;
        if is_new {
            let path = self.names.path(name);
            return Ok(vec![Operation::new("file_create", "open", path)]);
        }
        let is_regular = *self.names.kind(self.names.file(name)) == Kind::Regular;
        if !flags.has("O_TRUNC") || !is_regular {
            return Ok(Told::new());
        }
        open.is_changed.set(true);
        let path = self.path(open.name);
        Ok(vec![Operation::new("file_truncate", "", path)])
    }

    pub fn new_name(&mut self, place: &Place, kind: Kind) -> NameId {
        let file = self.names.new_file(kind);
        self.names.add(place, file)
    }

    fn descriptor(&mut self, asked: &Asked<'_>) -> Result<Told, String> {
        let Some(value) = asked.value() else {
            return Ok(Told::new());
        };
        let process = self.process(asked.pid)?;
        let first = asked.number(0)?;
        let freed = match &*asked.call.name {
            "close" => process.close(first, first),
            "close_range" if asked.has(2, "CLOSE_RANGE_CLOEXEC") => {
                return Err("it is not known here".to_owned());
            }
            "close_range" => process.close(first, asked.number(1)?),
            "fcntl" if asked.has(1, "F_SETFD") => {
                process.set_closes_on_exec(first, asked.has(2, "FD_CLOEXEC"));
                Released::new()
            }
            "fcntl" if !asked.text(1)?.starts_with("F_DUPFD") => Released::new(),
            "dup2" if first == value => Released::new(),
            // A new number, also by fcntl.
            _ => {
                let closes = asked.has(1, "F_DUPFD_CLOEXEC") || asked.has(2, "O_CLOEXEC");
                process.set(value, process.open(first), closes)
            }
        };
        Ok(self.released(freed))
    }

    /// Some bytes went from one open file to another; either may be memory.
    fn moves(
        &mut self,
        asked: &Asked<'_>,
        from: Option<u64>,
        to: Option<u64>,
    ) -> Result<Told, String> {
        if asked.value().is_none_or(|bytes| bytes == 0) {
            return Ok(Told::new());
        }
        let mut told = self.touches(asked.pid, from, Touch::Read)?;
        told.extend(self.touches(asked.pid, to, Touch::Write)?);
        Ok(told)
    }

    fn touches(&mut self, pid: u32, of: Option<u64>, touch: Touch) -> Result<Told, String> {
        let process = self.process(pid)?;
        match of.and_then(|descriptor| process.open(descriptor)) {
            Some(open) => self.touched(pid, &open, touch),
            None => Ok(Told::new()),
        }
    }

    /// Changes that are no bytes that a call brings.
    fn changes(&mut self, asked: &Asked<'_>) -> Result<Told, String> {
        if asked.value().is_none() {
            return Ok(Told::new());
        }
        let descriptor = asked.number(0)?;
        match &*asked.call.name {
            "fallocate" => self.touches(asked.pid, Some(descriptor), Touch::Write),
            // Its number is that of another as well, and strace names both.
            "ioctl" if asked.text(1)?.split(' ').any(|name| name == "FICLONE") => {
                let mut told = self.touches(asked.pid, Some(asked.number(2)?), Touch::Read)?;
                told.extend(self.touches(asked.pid, Some(descriptor), Touch::Write)?);
                Ok(told)
            }
            "ioctl" => match asked.text(1)?.contains("CLONE_RANGE") {
                true => Err("it is not known here".to_owned()),
                false => Ok(Told::new()),
            },
            _ => {
                let Some(open) = self.process(asked.pid)?.open(descriptor) else {
                    return Ok(Told::new());
                };
                open.is_changed.set(true);
                let path = self.path(open.name);
                Ok(vec![Operation::new("file_truncate", "", path)])
            }
        }
    }

    fn maps(&mut self, asked: &Asked<'_>) -> Result<Told, String> {
        let Some(value) = asked.value() else {
            return Ok(Told::new());
        };
        let process = self.process(asked.pid)?;
        let bytes = asked.number(1)?;
        if asked.is_name("munmap") {
            let freed = process.map(asked.number(0)?, bytes, None);
            return Ok(self.released(freed));
        }
        let open = number(asked.text(4)?).and_then(|descriptor| process.open(descriptor));
        let freed = process.map(value, bytes, open.clone());
        let mut told = self.released(freed);
        let is_shared = asked.has(3, "MAP_SHARED") || asked.has(3, "MAP_SHARED_VALIDATE");
        if let Some(open) = open.filter(|_| is_shared && asked.has(2, "PROT_WRITE")) {
            told.extend(self.shown(asked, &open));
        }
        Ok(told)
    }

    /// A file is in memory, and may change there.
    fn shown(&self, asked: &Asked<'_>, open: &Open) -> Option<Operation> {
        if *self.names.kind(self.names.file(open.name)) != Kind::Regular {
            return None;
        }
        open.is_changed.set(true);
        open.is_mapped.set(true);
        let mut told = Operation::new("file_map", "", self.path(open.name));
        let bits = [("PROT_READ", 1), ("PROT_WRITE", 2), ("PROT_EXEC", 4)];
        let asked_for = bits.into_iter().filter(|(name, _)| asked.has(2, name));
        told.detail = asked_for.map(|(_, bit)| bit).sum();
        told.flags.push("mapped");
        Some(told)
    }

    fn goes(&mut self, asked: &Asked<'_>) -> Result<Told, String> {
        if asked.value().is_none() {
            return Ok(Told::new());
        }
        let folder = match asked.is_name("fchdir") {
            true => {
                let open = self.process(asked.pid)?.open(asked.number(0)?);
                open.map(|open| open.name)
            }
            false => match self.walk(asked.pid, None, &asked.string(0)?, true) {
                Ok(Some(place)) => Some(place.there.ok_or("it goes where nothing is")?),
                Ok(None) => None,
                Err(Lost::Missing | Lost::Untold) => {
                    return Err("it goes where nothing is".to_owned());
                }
            },
        };
        self.process(asked.pid)?.folder.set(folder);
        Ok(Told::new())
    }
}

/// Flags of an open.
struct Flags(Vec<String>);

impl Flags {
    fn of(asked: &Asked<'_>, index: usize) -> Result<Self, String> {
        if asked.is_name("creat") {
            return Ok(Self(["O_CREAT", "O_TRUNC"].map(str::to_owned).to_vec()));
        }
        let flags = asked.text(index)?.trim_start_matches("{flags=");
        let flags = flags.split([',', '}']).next().unwrap_or_default();
        Ok(Self(flags.split('|').map(str::to_owned).collect()))
    }

    fn has(&self, flag: &str) -> bool {
        self.0.iter().any(|it| it == flag)
    }
}

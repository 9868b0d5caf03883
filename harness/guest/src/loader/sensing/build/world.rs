//! All of what a log is about: names, processes and open files, changed call by call;
//! and what the sensors must say of each.

use std::cell::Cell;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use super::names::{FileId, Kind, Lost, NameId, Names, Place, ROOT};
use super::operation::{DELETED, Done, Operation};
use super::processes::{Open, Process, Released, Shares};
use super::strace::{Call, Returned, Step, What};

/// A name that there was before the log begins.
#[derive(Clone, Debug)]
pub struct Listed {
    pub path: Vec<u8>,
    pub kind: Kind,
    /// Device and inode: the same for all names of a file.
    pub file: (u64, u64),
}

/// A link in here leads to an open file, whatever it says.
const DESCRIPTORS: &[u8] = b"/proc/self/fd/";

/// What a log says was done.
#[derive(Debug)]
pub struct Truth {
    pub done: Vec<Done>,
    pub processes: u64,
    /// Their pids.
    pub tgids: BTreeSet<u32>,
}

/// What was done, by the names that there were and a log whose first process starts in
/// `folder`.
///
/// # Errors
/// The line that cannot be, or that asks for more than is known here.
pub fn truth(listed: &[Listed], folder: &str, steps: &[Step]) -> Result<Truth, String> {
    let mut world = World::new(listed, folder)?;
    for step in steps {
        let told = match &step.what {
            What::Called(call) => world.called(step.pid, call),
            What::Ended => world.ended(step.pid),
        };
        let wrong = |why| {
            format!(
                "strace, line {}: {why}: {} {}",
                step.line, step.pid, step.what
            )
        };
        let tgid = world.tgid(step.pid).map_err(wrong)?;
        let told = told.map_err(wrong)?;
        if step.what == What::Ended {
            world.processes.remove(&step.pid);
        }
        world.done.extend(told.into_iter().map(|operation| Done {
            tgid,
            line: step.line,
            operation,
        }));
    }
    if let Some(pid) = world.processes.keys().min() {
        return Err(format!("strace does not say that process {pid} ended"));
    }
    Ok(Truth {
        done: world.done,
        processes: world.made,
        tgids: world.tgids,
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Touch {
    Read,
    Write,
}

pub(super) type Told = Vec<Operation>;

#[derive(Debug)]
pub(super) struct World {
    pub names: Names,
    start: NameId,
    processes: HashMap<u32, Process>,
    touches: BTreeSet<(u64, FileId, Touch)>,
    done: Vec<Done>,
    made: u64,
    tgids: BTreeSet<u32>,
}

impl World {
    fn new(listed: &[Listed], folder: &str) -> Result<Self, String> {
        let mut names = Names::new();
        let mut files = HashMap::new();
        for one in listed {
            let path = String::from_utf8_lossy(&one.path);
            let place = names.walk(ROOT, &one.path, false);
            let place = place.map_err(|lost| format!("{path} is listed: {lost:?}"))?;
            let file = *files
                .entry(one.file)
                .or_insert_with(|| names.new_file(one.kind.clone()));
            names.add(&place, file);
        }
        let place = names.walk(ROOT, folder.as_bytes(), true);
        let start = place.ok().and_then(|place| place.there);
        Ok(Self {
            names,
            start: start.ok_or_else(|| format!("{folder} is not listed"))?,
            processes: HashMap::new(),
            touches: BTreeSet::new(),
            done: Vec::new(),
            made: 0,
            tgids: BTreeSet::new(),
        })
    }

    fn tgid(&self, pid: u32) -> Result<u32, String> {
        self.process(pid).map(|process| process.tgid)
    }

    pub fn process(&self, pid: u32) -> Result<&Process, String> {
        let process = self.processes.get(&pid);
        process.ok_or_else(|| "nobody has made this process".to_owned())
    }

    fn called(&mut self, pid: u32, call: &Call) -> Result<Told, String> {
        if self.made == 0 {
            self.made = 1;
            self.tgids.insert(pid);
            self.processes.insert(pid, Process::new(pid, self.start));
        }
        if call.makes_process() {
            return self.made_process(pid, call).map(|()| Told::new());
        }
        if call.name == "execve" || call.name == "execveat" {
            let process = self.processes.get_mut(&pid).ok_or("nobody")?;
            let freed = match call.result {
                Returned::Value(_) => process.exec(),
                _ => Released::new(),
            };
            return Ok(self.released(freed));
        }
        self.apply(pid, call)
    }

    fn made_process(&mut self, pid: u32, call: &Call) -> Result<(), String> {
        let Returned::Value(new) = call.result else {
            return Ok(());
        };
        let new = u32::try_from(new).map_err(|_| "a pid that is none")?;
        let flags = call.arguments.iter().find_map(|argument| {
            let flags = argument.trim_start_matches('{').strip_prefix("flags=");
            flags.map(|flags| flags.split('|').collect::<Vec<_>>())
        });
        let flags = flags.unwrap_or_default();
        let has = |flag: &str| flags.contains(&flag);
        let shares = Shares {
            descriptors: has("CLONE_FILES"),
            folder: has("CLONE_FS"),
            memory: has("CLONE_VM") || call.name == "vfork",
            all: has("CLONE_THREAD"),
        };
        let child = self.process(pid)?.fork(new, self.made, shares);
        if !shares.all {
            self.made += 1;
            self.tgids.insert(new);
        }
        self.processes.insert(new, child);
        Ok(())
    }

    /// The process stays known until the line is told.
    fn ended(&mut self, pid: u32) -> Result<Told, String> {
        let process = self.process(pid)?;
        let stands_for = Process::new(process.tgid, ROOT);
        let freed = self.processes.insert(pid, stands_for).map(Process::end);
        Ok(self.released(freed.unwrap_or_default()))
    }

    /// What is told of open files that nobody holds any more.
    pub fn released(&self, released: Released) -> Told {
        let changed = released.into_iter().filter(|open| open.is_changed.get());
        let told = changed.map(|open| {
            let mut told = Operation::new("file_close_write", "", self.path(open.name));
            told.flags.extend(open.is_mapped.get().then_some("mapped"));
            told
        });
        told.collect()
    }

    /// The path of a name, as `readlink /proc/self/fd/N` has it.
    pub fn path(&self, name: NameId) -> Vec<u8> {
        let mut path = self.names.path(name);
        if self.names.is_gone(name) {
            path.extend_from_slice(DELETED);
        }
        path
    }

    /// A process has read or changed a regular file: told the first time.
    pub fn touched(&mut self, pid: u32, open: &Open, touch: Touch) -> Result<Told, String> {
        let file = self.names.file(open.name);
        if *self.names.kind(file) != Kind::Regular {
            return Ok(Told::new());
        }
        if touch == Touch::Write {
            open.is_changed.set(true);
        }
        let number = self.process(pid)?.number;
        if !self.touches.insert((number, file, touch)) {
            return Ok(Told::new());
        }
        let kind = match touch {
            Touch::Read => "file_read",
            Touch::Write => "file_write",
        };
        Ok(vec![Operation::new(kind, "", self.path(open.name))])
    }

    /// Where a path leads, from a descriptor or the working folder; none: where nobody
    /// looks.
    pub fn walk(
        &self,
        pid: u32,
        folder: Option<&str>,
        path: &[u8],
        follow: bool,
    ) -> Result<Option<Place>, Lost> {
        let Ok(process) = self.process(pid) else {
            return Err(Lost::Missing);
        };
        let shown = path.strip_prefix(DESCRIPTORS).filter(|_| follow);
        let shown = shown.and_then(|number| std::str::from_utf8(number).ok()?.parse().ok());
        if let Some(open) = shown.and_then(|descriptor| process.open(descriptor)) {
            return Ok(Some(self.names.place(open.name)));
        }
        let from = match folder {
            _ if path.starts_with(b"/") => Some(ROOT),
            None | Some("AT_FDCWD") => process.folder.get(),
            Some(descriptor) => {
                let open = descriptor.parse().ok().and_then(|it| process.open(it));
                open.map(|open| open.name)
            }
        };
        match from.map(|from| self.names.walk(from, path, follow)) {
            None | Some(Err(Lost::Untold)) => Ok(None),
            Some(place) => place.map(Some),
        }
    }

    /// Whether anybody holds a file open by this name, or is in it.
    pub fn is_held(&self, name: NameId) -> bool {
        let mut processes = self.processes.values();
        processes.any(|process| process.holds(name))
    }

    /// Has a descriptor of a process stand for a file that was opened now.
    pub fn opened(
        &self,
        pid: u32,
        descriptor: u64,
        name: NameId,
        closes_on_exec: bool,
    ) -> Result<Rc<Open>, String> {
        let open = Rc::new(Open {
            name,
            is_changed: Cell::new(false),
            is_mapped: Cell::new(false),
        });
        let process = self.process(pid)?;
        match process.open(descriptor) {
            Some(_) => Err(format!("descriptor {descriptor} is taken")),
            None => {
                process.set(descriptor, Some(Rc::clone(&open)), closes_on_exec);
                Ok(open)
            }
        }
    }
}

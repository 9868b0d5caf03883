//! Processes and what they hold: descriptors, mappings, a working folder. Who holds
//! an open file last is who releases it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use super::names::NameId;

/// An open file: what several descriptors and mappings can share.
#[derive(Debug)]
pub struct Open {
    pub name: NameId,
    pub is_changed: Cell<bool>,
    pub is_mapped: Cell<bool>,
}

#[derive(Clone, Debug)]
struct Descriptor {
    open: Rc<Open>,
    closes_on_exec: bool,
}

/// Part of a process's memory that shows a file.
#[derive(Clone, Debug)]
struct Mapping {
    start: u64,
    end: u64,
    open: Rc<Open>,
}

type Descriptors = BTreeMap<u64, Descriptor>;

#[derive(Debug)]
pub struct Process {
    /// The thread group's.
    pub tgid: u32,
    /// Counts processes: a pid is used again.
    pub number: u64,
    /// None: it is where nobody looks.
    pub folder: Rc<Cell<Option<NameId>>>,
    descriptors: Rc<RefCell<Descriptors>>,
    memory: Rc<RefCell<Vec<Mapping>>>,
}

/// What a new process shares with the one that made it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shares {
    pub descriptors: bool,
    pub folder: bool,
    pub memory: bool,
    /// It is a thread of that process.
    pub all: bool,
}

/// Open files that nobody holds any more.
pub type Released = Vec<Open>;

impl Process {
    pub fn new(pid: u32, folder: NameId) -> Self {
        Self {
            tgid: pid,
            number: 0,
            folder: Rc::new(Cell::new(Some(folder))),
            descriptors: Rc::default(),
            memory: Rc::default(),
        }
    }

    /// The process or thread that this one makes.
    pub fn fork(&self, pid: u32, number: u64, shares: Shares) -> Self {
        let (tgid, number) = match shares.all {
            true => (self.tgid, self.number),
            false => (pid, number),
        };
        Self {
            tgid,
            number,
            folder: match shares.folder {
                true => Rc::clone(&self.folder),
                false => Rc::new(Cell::new(self.folder.get())),
            },
            descriptors: shared(&self.descriptors, shares.descriptors),
            memory: shared(&self.memory, shares.memory),
        }
    }

    pub fn open(&self, descriptor: u64) -> Option<Rc<Open>> {
        let descriptors = self.descriptors.borrow();
        descriptors.get(&descriptor).map(|it| Rc::clone(&it.open))
    }

    /// Has a descriptor stand for an open file, or for what nobody looks at.
    pub fn set(&self, descriptor: u64, open: Option<Rc<Open>>, closes_on_exec: bool) -> Released {
        let mut descriptors = self.descriptors.borrow_mut();
        let before = match open {
            Some(open) => {
                let new = Descriptor {
                    open,
                    closes_on_exec,
                };
                descriptors.insert(descriptor, new)
            }
            None => descriptors.remove(&descriptor),
        };
        released(before.map(|it| it.open))
    }

    pub fn set_closes_on_exec(&self, descriptor: u64, closes: bool) {
        if let Some(known) = self.descriptors.borrow_mut().get_mut(&descriptor) {
            known.closes_on_exec = closes;
        }
    }

    pub fn close(&self, from: u64, to: u64) -> Released {
        self.close_all(|number, _| (from..=to).contains(&number))
    }

    pub fn map(&self, start: u64, bytes: u64, open: Option<Rc<Open>>) -> Released {
        let mut memory = self.memory.borrow_mut();
        let end = start.saturating_add(bytes);
        let mut gone = Vec::new();
        for mapping in std::mem::take(&mut *memory) {
            let piece = |start: u64, end: u64| Mapping {
                start,
                end,
                open: Rc::clone(&mapping.open),
            };
            let before = piece(mapping.start, mapping.end.min(start));
            let after = piece(mapping.start.max(end), mapping.end);
            let left = [before, after].into_iter().filter(|it| it.start < it.end);
            memory.extend(left);
            gone.push(mapping.open);
        }
        memory.extend(open.map(|open| Mapping { start, end, open }));
        released(gone)
    }

    /// It has a new program, with memory and descriptors of its own.
    pub fn exec(&mut self) -> Released {
        let mut freed = drained(std::mem::take(&mut self.memory));
        let kept = shared(&self.descriptors, false);
        let old = std::mem::replace(&mut self.descriptors, kept);
        freed.extend(drained(old));
        freed.extend(self.close_all(|_, it| it.closes_on_exec));
        freed
    }

    fn close_all(&self, closes: impl Fn(u64, &Descriptor) -> bool) -> Released {
        let mut descriptors = self.descriptors.borrow_mut();
        let all = std::mem::take(&mut *descriptors).into_iter();
        let (closed, kept): (Descriptors, _) = all.partition(|(number, it)| closes(*number, it));
        *descriptors = kept;
        released(closed.held())
    }

    /// It is gone.
    pub fn end(self) -> Released {
        let mut freed = drained(self.memory);
        freed.extend(drained(self.descriptors));
        freed
    }

    /// Whether something here holds a name's file open by that name.
    pub fn holds(&self, name: NameId) -> bool {
        let descriptors = self.descriptors.borrow();
        let memory = self.memory.borrow();
        descriptors.values().any(|it| it.open.name == name)
            || memory.iter().any(|it| it.open.name == name)
    }
}

fn shared<T: Clone>(of: &Rc<RefCell<T>>, is_shared: bool) -> Rc<RefCell<T>> {
    match is_shared {
        true => Rc::clone(of),
        false => Rc::new(RefCell::new(of.borrow().clone())),
    }
}

/// Those of which this was the last.
fn released(held: impl IntoIterator<Item = Rc<Open>>) -> Released {
    held.into_iter().filter_map(Rc::into_inner).collect()
}

/// What a table held, if nobody else has it.
trait Holds {
    fn held(self) -> Vec<Rc<Open>>;
}

impl Holds for Descriptors {
    fn held(self) -> Vec<Rc<Open>> {
        self.into_values().map(|it| it.open).collect()
    }
}

impl Holds for Vec<Mapping> {
    fn held(self) -> Vec<Rc<Open>> {
        self.into_iter().map(|it| it.open).collect()
    }
}

fn drained<T: Holds>(table: Rc<RefCell<T>>) -> Released {
    Rc::into_inner(table).map_or_else(Vec::new, |table| released(table.into_inner().held()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(name: NameId) -> Rc<Open> {
        Rc::new(Open {
            name,
            is_changed: Cell::new(false),
            is_mapped: Cell::new(false),
        })
    }

    fn names(released: Released) -> Vec<NameId> {
        released.into_iter().map(|open| open.name).collect()
    }

    #[test]
    fn the_last_of_several_holders_releases() {
        let process = Process::new(7, 0);
        process.set(3, Some(open(1)), false);
        let _ = process.set(4, process.open(3), true);
        let child = process.fork(8, 1, Shares::default());
        assert!(process.close(3, 4).is_empty());
        assert!(child.set(3, None, false).is_empty());
        assert_eq!(names(child.end()), [1]);
    }

    #[test]
    fn a_program_that_is_replaced_lets_go_of_some() {
        let mut process = Process::new(7, 0);
        process.set(3, Some(open(1)), false);
        process.set(4, Some(open(2)), true);
        process.map(0x1000, 0x1000, Some(open(3)));
        assert_eq!(names(process.exec()), [3, 2]);
        assert_eq!(names(process.end()), [1]);
    }

    #[test]
    fn what_is_shared_is_held_by_both() {
        let process = Process::new(7, 0);
        process.set(3, Some(open(1)), true);
        process.map(0x1000, 0x1000, Some(open(2)));
        let shares = Shares {
            descriptors: true,
            memory: true,
            ..Shares::default()
        };
        let mut child = process.fork(8, 1, shares);
        assert!(child.exec().is_empty(), "its parent still has them");
        assert!(child.open(3).is_none());
        assert_eq!(names(process.end()), [2, 1]);
    }

    #[test]
    fn a_mapping_is_gone_with_its_last_piece() {
        let process = Process::new(7, 0);
        process.map(0x1000, 0x3000, Some(open(1)));
        assert!(process.map(0x2000, 0x1000, None).is_empty());
        assert!(process.map(0x1000, 0x1000, None).is_empty());
        assert!(process.holds(1));
        assert_eq!(names(process.map(0x3000, 0x1000, None)), [1]);
    }
}

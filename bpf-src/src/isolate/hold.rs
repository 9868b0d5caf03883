//! Holding all interfaces of a network namespace: a program of ours at both ends
//! of each, as the first of all, however they and others come and go.

use std::collections::BTreeMap;
use std::path::PathBuf;

use trapline_loader::attach::{Interface, Link, TcDirection, interfaces, query_filters};
use trapline_loader::map::UpdateFlag;
use trapline_loader::object::Object;

use super::abi::{self, LINK_ETHERNET, LINKS, StoredInterface};
use super::cover::{self, Attached, DIRECTIONS};
use super::place::{self, PROGRAMS, Run};
use super::{Error, Result, maps};

const ENODEV: i32 = 19;

/// Interfaces, but for the loopback one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CoveredCount {
    /// All.
    pub all: usize,
    /// Those covered at both ends.
    pub whole: usize,
}

/// The interfaces of one run.
#[derive(Debug)]
pub(super) struct Hold {
    pub(super) object: Object,
    run: Run,
    /// What is attached is pinned.
    stays: bool,
    /// The gate is shut: what is loaded from now on judges at once.
    is_shut: bool,
    covered: BTreeMap<u32, Covered>,
    pub(super) count: CoveredCount,
    /// Why an interface could not be covered.
    pub(super) failures: Vec<Error>,
    /// Of which interface and end that has been told.
    told: Vec<(u32, TcDirection, String)>,
}

/// One interface.
#[derive(Debug, Default)]
struct Covered {
    ends: BTreeMap<TcDirection, End>,
    made_qdisc: bool,
}

/// One end of an interface.
#[derive(Debug)]
struct End {
    /// Number of the program that is attached.
    prog_id: u32,
    /// Which of the two entrances that is.
    again: bool,
    /// What its packets began with then.
    kind: u32,
    _link: Option<Link>,
}

impl Hold {
    /// Loads what most interfaces need; nothing is attached yet.
    pub(super) fn new(mut object: Object, run: Run, stays: bool) -> Result<Self> {
        for direction in DIRECTIONS {
            object.load_program(cover::judge_name(direction, LINK_ETHERNET))?;
        }
        Ok(Self {
            object,
            run,
            stays,
            is_shut: false,
            covered: BTreeMap::new(),
            count: CoveredCount::default(),
            failures: Vec::new(),
            told: Vec::new(),
        })
    }

    /// From now on whatever is attached judges.
    pub(super) fn shut(&mut self) -> Result<()> {
        for kind in (0..LINKS).filter(|kind| self.is_loaded(*kind)) {
            self.shut_kind(kind)?;
        }
        self.is_shut = true;
        Ok(())
    }

    fn shut_kind(&self, kind: u32) -> Result<()> {
        let gate = self.object.map(maps::GATE_NAMES[0])?;
        for direction in DIRECTIONS {
            let judge = self.object.program(cover::judge_name(direction, kind))?;
            let slot = maps::slot(cover::number_of(direction), kind);
            gate.update_fd(&slot, judge, UpdateFlag::Any)?;
        }
        Ok(())
    }

    fn is_loaded(&self, kind: u32) -> bool {
        let mut names = DIRECTIONS.iter().map(|way| cover::judge_name(*way, kind));
        names.all(|name| self.object.program(name).is_ok())
    }

    /// Brings all interfaces to where they should be. `old` are runs that this one
    /// takes the place of: the qdiscs that were made for them are ours then.
    pub(super) fn cover_all(&mut self, old: &[Run]) -> Result<()> {
        let all = interfaces()?;
        let is_there = |index: u32| all.iter().any(|one| one.index == index);
        let known: Vec<u32> = self.covered.keys().copied().collect();
        for index in known.into_iter().filter(|index| !is_there(*index)) {
            self.forget(index)?;
        }
        self.count = CoveredCount::default();
        for interface in all.iter().filter(|one| !one.is_loopback()) {
            let mut ends = 0;
            for direction in DIRECTIONS {
                match self.cover(interface, direction, old) {
                    Ok(()) => ends += 1,
                    // It has gone since it was listed.
                    Err(error) if error.errno() == Some(ENODEV) => {}
                    Err(error) => self.tell(interface, direction, error),
                }
            }
            self.count.all += 1;
            self.count.whole += usize::from(ends == DIRECTIONS.len());
        }
        Ok(())
    }

    /// An interface that is gone took its programs along.
    fn forget(&mut self, index: u32) -> Result<()> {
        self.covered.remove(&index);
        self.told.retain(|(told, ..)| *told != index);
        let stored = self.object.map("interfaces")?;
        stored.delete(&index.to_ne_bytes())?;
        for direction in DIRECTIONS {
            // Filters have no pin, nor has what ends with us.
            let _ = std::fs::remove_file(self.pin_path(index, direction));
        }
        Ok(())
    }

    /// Keeps a failure to be told, unless it was.
    fn tell(&mut self, interface: &Interface, direction: TcDirection, error: Error) {
        let end = match direction {
            TcDirection::Ingress => "what comes in",
            TcDirection::Egress => "what goes out",
        };
        let error = error.context(format!("{} is not covered: {end}", interface.name));
        let key = (interface.index, direction, format!("{error:#}"));
        if !self.told.contains(&key) {
            self.told.push(key);
            self.failures.push(error);
        }
    }

    fn pin_path(&self, index: u32, direction: TcDirection) -> PathBuf {
        let end = match direction {
            TcDirection::Ingress => "in",
            TcDirection::Egress => "out",
        };
        self.run.path(place::LINKS, &format!("{index}-{end}"))
    }

    /// Puts a program at one end of an interface, unless it is there as the first.
    fn cover(&mut self, interface: &Interface, direction: TcDirection, old: &[Run]) -> Result<()> {
        let kind = cover::link_of(interface);
        let ends = self.covered.get(&interface.index).map(|one| &one.ends);
        let end = ends.and_then(|ends| ends.get(&direction));
        let current = end.map(|end| (end.prog_id, end.again, end.kind));
        if let Some((prog_id, _, was)) = current {
            match cover::find(interface.index, direction, &[prog_id])? {
                Some(found) if found.before == 0 && was == kind => return Ok(()),
                Some(found) if found.how == "clsact" && is_last(interface, direction)? => {
                    let cause = "a filter of another kind has priority 1, and so runs before ours";
                    return Err(Error::invalid_input(cause));
                }
                _ => {}
            }
        }
        self.prepare(kind)?;
        // The other entrance: a program can be only once at a hook, and ours must
        // not go before it has come.
        let again = current.is_some_and(|(_, again, was)| !again && was == kind);
        self.attach(interface, direction, (kind, again), old)?;
        if let Some((prog_id, ..)) = current {
            cover::remove_filters(interface.index, direction, &[prog_id])?;
        }
        Ok(())
    }

    /// Loads what judges packets that begin so.
    fn prepare(&mut self, kind: u32) -> Result<()> {
        if self.is_loaded(kind) {
            return Ok(());
        }
        for direction in DIRECTIONS {
            let name = cover::judge_name(direction, kind);
            self.object.load_program(name)?;
        }
        match self.is_shut {
            true => self.shut_kind(kind),
            false => Ok(()),
        }
    }

    fn attach(
        &mut self,
        interface: &Interface,
        direction: TcDirection,
        (kind, again): (u32, bool),
        old: &[Run],
    ) -> Result<()> {
        let pin = self.pin_path(interface.index, direction);
        let first = if again { "again" } else { "enter" };
        let name = format!("{first}_{}", cover::judge_name(direction, kind));
        let is_new = self.object.program(&name).is_err();
        let program = self.object.load_program(&name)?;
        if is_new {
            // Filters are found again by the numbers of their programs.
            program.pin(self.run.path(PROGRAMS, &name))?;
        }
        let prog_id = program.info()?.id;
        let pin = self.stays.then_some(pin);
        let Attached { link, made_qdisc } = cover::attach(program, interface, direction, pin)?;
        let made_before = old.iter().any(|run| has_made_qdisc(run, interface.index));
        let covered = self.covered.entry(interface.index).or_default();
        covered.made_qdisc |= made_qdisc | made_before;
        let end = End {
            prog_id,
            again,
            kind,
            _link: link,
        };
        covered.ends.insert(direction, end);
        let stored = StoredInterface {
            link: kind,
            made_qdisc: u32::from(covered.made_qdisc),
        };
        let key = interface.index.to_ne_bytes();
        let map = self.object.map("interfaces")?;
        map.update(&key, &abi::bytes(&stored), UpdateFlag::Any)
    }

    /// Removes our filters; links go with us.
    pub(super) fn uncover(&self) -> Result<()> {
        for (index, covered) in &self.covered {
            for (direction, end) in &covered.ends {
                cover::remove_filters(*index, *direction, &[end.prog_id])?;
            }
        }
        Ok(())
    }
}

/// Did a run make the qdisc of an interface?
pub(super) fn has_made_qdisc(run: &Run, index: u32) -> bool {
    let map = run.map("interfaces").ok();
    let value = map.and_then(|map| map.lookup(&index.to_ne_bytes()).ok().flatten());
    let stored = value.and_then(|value| maps::read::<StoredInterface>(&value).ok());
    stored.is_some_and(|stored| stored.made_qdisc != 0)
}

/// Is the first filter of a kind that ours cannot get before?
fn is_last(interface: &Interface, direction: TcDirection) -> Result<bool> {
    let filters = query_filters(interface.index, direction)?;
    let mut first = filters.iter().take(1);
    Ok(first.any(|first| first.priority == 1 && first.kind != "bpf"))
}

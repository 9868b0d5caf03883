//! Processes and those that come of them.

use std::collections::BTreeSet;

use trapline_sensors::event::{Event, Kind, Process};

/// Some processes and their descendants, as events tell of them. Each event names the
/// parent, so that nothing is missed while all forks are seen.
#[derive(Debug, Default)]
pub struct Tree {
    /// Processes that were there already; by their pid, which is only good for those.
    living: BTreeSet<u32>,
    /// Until when processes count as such, `CLOCK_BOOTTIME` in nanoseconds.
    until_ns: u64,
    /// By `process_id`.
    known: BTreeSet<u64>,
}

impl Tree {
    /// These processes as they are now, with the descendants that `parents` knows: each
    /// process with its parent.
    pub fn of(pids: &[u32], parents: &[(u32, u32)], now_ns: u64) -> Self {
        let mut living: BTreeSet<u32> = pids.iter().copied().collect();
        let mut before = 0;
        while living.len() > before {
            before = living.len();
            let more = parents.iter().filter(|(_, parent)| living.contains(parent));
            let more: Vec<u32> = more.map(|(pid, _)| *pid).collect();
            living.extend(more);
        }
        Self {
            living,
            until_ns: now_ns,
            known: BTreeSet::new(),
        }
    }

    /// Adds a process, and so those that come of it from now on.
    pub fn add(&mut self, process: &Process) {
        self.known.insert(process.process_id);
    }

    /// Whether this process is one of them, without those that come of it.
    pub fn has(&self, process: &Process) -> bool {
        let was_there = process.start_time_ns <= self.until_ns;
        self.known.contains(&process.process_id) || was_there && self.living.contains(&process.tgid)
    }

    /// Whether this event is of one of them or a descendant. Has to be asked of every
    /// event, in order.
    pub fn holds(&mut self, event: &Event) -> bool {
        let by_creator = match &event.kind {
            Kind::Fork(fork) => self.known.contains(&fork.creator_id),
            _ => false,
        };
        let holds = by_creator || self.has(&event.process) || self.has(&event.parent);
        if holds {
            self.known.insert(event.process.process_id);
        }
        if let Kind::Exit(_) = event.kind {
            self.known.remove(&event.process.process_id);
            self.living.remove(&event.process.tgid);
        }
        holds
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{exit, fork};
    use super::*;

    #[test]
    fn who_was_there_is_known_by_pid_and_who_comes_by_identity() {
        let mut tree = Tree::of(&[10], &[(11, 10), (12, 11), (20, 1)], 1000);
        // As (pid, start), (parent's pid, start).
        assert!(tree.holds(&fork((30, 2000), (12, 50))));
        assert!(tree.holds(&fork((31, 2001), (30, 2000))));
        assert!(!tree.holds(&fork((40, 2002), (20, 60))));
        // The pid is given to another.
        assert!(tree.holds(&exit((31, 2001), (30, 2000))));
        assert!(!tree.holds(&fork((31, 3000), (20, 60))));
        assert!(!tree.holds(&fork((12, 3000), (20, 60))));
    }
}

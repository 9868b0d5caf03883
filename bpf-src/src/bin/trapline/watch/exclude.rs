//! Processes that are not told of: here, and for files, mounts and sockets already in
//! the kernel, where they then cost next to nothing.

use std::collections::BTreeMap;

use trapline_loader::{ErrorKind, Result};
use trapline_sensors::Sensors;
use trapline_sensors::event::{Event, Kind};
use trapline_sensors::sensors::Descendants;

use super::output::say;
use super::proc;
use super::tree::Tree;

/// What is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Excluded {
    /// Processes.
    pub pids: Vec<u32>,
    /// Whatever runs these programs: absolute paths.
    pub exes: Vec<String>,
    /// With all that come of them.
    pub descendants: bool,
}

impl Excluded {
    fn reach(&self) -> Descendants {
        match self.descendants {
            true => Descendants::Excluded,
            false => Descendants::Reported,
        }
    }
}

/// What the kernel is to do about a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Exclude,
    Include,
}

/// Exclusions at work.
#[derive(Debug)]
pub struct Exclusion {
    excluded: Excluded,
    own: u32,
    tree: Tree,
    /// Excluded in the kernel for its program; by pid.
    by_exe: BTreeMap<u32, Order>,
    /// What the kernel has not been told yet.
    orders: BTreeMap<u32, Order>,
}

impl Exclusion {
    /// Begins: ourselves are always left out, so that a line which is written is not
    /// the cause of the next.
    ///
    /// # Errors
    /// /proc that cannot be read.
    pub fn new(excluded: &Excluded) -> Result<Self> {
        let running = proc::running(&excluded.exes)?;
        let roots = match excluded.descendants {
            true => [excluded.pids.clone(), running.clone()].concat(),
            false => Vec::new(),
        };
        let to_exclude = |pids: &[u32]| -> BTreeMap<u32, Order> {
            pids.iter().map(|pid| (*pid, Order::Exclude)).collect()
        };
        let own = std::process::id();
        let mut orders = to_exclude(&[own]);
        orders.extend(to_exclude(&excluded.pids));
        orders.extend(to_exclude(&running));
        Ok(Self {
            excluded: excluded.clone(),
            own,
            tree: match roots.is_empty() {
                true => Tree::default(),
                false => proc::tree(&roots)?,
            },
            by_exe: to_exclude(&running),
            orders,
        })
    }

    /// Takes back what the kernel was told of other exclusions than these.
    pub fn replaces(&mut self, others: &Self) {
        let told = others.by_exe.keys().chain(&others.excluded.pids);
        for pid in told {
            self.orders.entry(*pid).or_insert(Order::Include);
        }
    }

    /// Whether the event is left out. Has to be asked of every event, in order.
    pub fn holds(&mut self, event: &Event) -> bool {
        let tgid = event.process.tgid;
        if tgid == self.own {
            return true;
        }
        let is_of_tree = self.tree.holds(event);
        let mut exes = self.excluded.exes.iter();
        let has_exe = exes.any(|exe| exe.as_bytes() == event.exe.bytes.as_slice());
        if has_exe && self.excluded.descendants {
            self.tree.add(&event.process);
        }
        self.follow(event, tgid, has_exe);
        is_of_tree || has_exe || self.excluded.pids.contains(&tgid)
    }

    /// What the kernel has to know of a process that has another program now.
    fn follow(&mut self, event: &Event, tgid: u32, has_exe: bool) {
        if let Kind::Exit(_) = event.kind {
            // The kernel forgets it by itself.
            self.by_exe.remove(&tgid);
            self.orders.remove(&tgid);
            return;
        }
        let is_told = self.by_exe.contains_key(&tgid);
        if has_exe && !is_told {
            self.by_exe.insert(tgid, Order::Exclude);
            self.orders.insert(tgid, Order::Exclude);
        } else if !has_exe && is_told && !self.excluded.descendants {
            self.by_exe.remove(&tgid);
            if !self.excluded.pids.contains(&tgid) {
                self.orders.insert(tgid, Order::Include);
            }
        }
    }

    /// Tells the kernel what it does not know yet.
    ///
    /// # Errors
    /// What it says, but that there are too many: those are left out here alone.
    pub fn tell(&mut self, sensors: &Sensors) -> Result<()> {
        for (pid, order) in std::mem::take(&mut self.orders) {
            let done = match order {
                Order::Include => sensors.include(pid).map(drop),
                Order::Exclude => sensors.exclude(pid, self.excluded.reach()),
            };
            match done {
                Err(error) if error.kind() == TOO_MANY => {
                    say(&format!(
                        "warning: {error:#}: its events are only left out here"
                    ));
                }
                other => other?,
            }
        }
        Ok(())
    }
}

/// E2BIG.
const TOO_MANY: ErrorKind = ErrorKind::System { errno: 7 };

#[cfg(test)]
mod tests {
    use super::super::testing::{exec, exit, fork};
    use super::*;

    fn of_exe(descendants: bool) -> Exclusion {
        let mut exclusion = Exclusion::new(&Excluded {
            exes: vec!["/bin/noisy".to_owned()],
            descendants,
            ..Excluded::default()
        })
        .unwrap();
        // Ourselves.
        assert_eq!(exclusion.orders.len(), 1);
        exclusion.orders.clear();
        exclusion
    }

    #[test]
    fn a_program_is_left_out_until_it_is_another() {
        let mut exclusion = of_exe(false);
        assert!(!exclusion.holds(&fork((30, 5), (2, 2))));
        assert!(exclusion.holds(&exec((30, 5), "/bin/noisy", &[], &[])));
        assert_eq!(exclusion.orders, BTreeMap::from([(30, Order::Exclude)]));
        assert!(!exclusion.holds(&fork((31, 6), (30, 5))));
        assert!(!exclusion.holds(&exec((30, 5), "/bin/quiet", &[], &[])));
        assert_eq!(exclusion.orders, BTreeMap::from([(30, Order::Include)]));
    }

    #[test]
    fn descendants_are_left_out_with_it() {
        let mut exclusion = of_exe(true);
        assert!(exclusion.holds(&exec((30, 5), "/bin/noisy", &[], &[])));
        assert!(exclusion.holds(&fork((31, 6), (30, 5))));
        assert!(exclusion.holds(&exec((31, 6), "/bin/quiet", &[], &[])));
        assert!(exclusion.holds(&exec((30, 5), "/bin/quiet", &[], &[])));
        assert!(exclusion.holds(&exit((31, 6), (30, 5))));
        assert!(!exclusion.holds(&fork((31, 9), (2, 2))));
    }

    #[test]
    fn we_are_left_out() {
        let own = (std::process::id(), 5);
        let mut exclusion = Exclusion::new(&Excluded::default()).unwrap();
        assert!(exclusion.holds(&exec(own, "/bin/trapline", &[], &[])));
    }

    #[test]
    fn other_exclusions_are_taken_back() {
        let of = |pids: &[u32]| Excluded {
            pids: pids.to_vec(),
            ..Excluded::default()
        };
        let before = Exclusion::new(&of(&[7, 8])).unwrap();
        let mut after = Exclusion::new(&of(&[8, 9])).unwrap();
        after.replaces(&before);
        after.orders.remove(&std::process::id());
        let orders = [
            (7, Order::Include),
            (8, Order::Exclude),
            (9, Order::Exclude),
        ];
        assert_eq!(after.orders, BTreeMap::from(orders));
    }
}

//! Which events belong to a workload: those of its root process and of all
//! that descends from it.

use std::collections::BTreeSet;

use trapline_sensors::{Event, Kind};

/// The processes that are known to descend from the root.
#[derive(Debug)]
pub struct Tree {
    root_tgid: u32,
    members: BTreeSet<u64>,
}

impl Tree {
    /// The tree of the process with this tgid.
    pub fn new(root_tgid: u32) -> Self {
        Self {
            root_tgid,
            members: BTreeSet::new(),
        }
    }

    /// Whether the event is one of the tree's; if so, its process is from now on a member.
    ///
    /// A child whose fork is missing still belongs, by its parent: what is
    /// missing must show, not hide the rest.
    pub fn takes(&mut self, event: &Event) -> bool {
        for process in [&event.process, &event.parent] {
            if process.tgid == self.root_tgid {
                self.members.insert(process.process_id);
            }
        }
        let creator = match &event.kind {
            Kind::Fork(fork) => fork.creator_id,
            _ => event.process.process_id,
        };
        let known = [event.process.process_id, event.parent.process_id, creator];
        let belongs = known.iter().any(|id| self.members.contains(id));
        if belongs {
            self.members.insert(event.process.process_id);
        }
        belongs
    }
}

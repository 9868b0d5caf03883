//! Who is who in a workload: labels in the place of numbers that differ from
//! run to run, with every identity kept.

use std::collections::BTreeMap;

use trapline_sensors::abi::{Inode, Process};
use trapline_sensors::event::Address;
use trapline_sensors::{Event, Kind};

use super::ends::Ends;

/// The processes of a workload and how they are called.
///
/// `P1` is the workload's root, `P0` its parent, `P2` and so on are the others
/// in the order in which events first name them.
#[derive(Debug, Default)]
pub struct Cast {
    labels: BTreeMap<u64, String>,
    by_tgid: BTreeMap<u32, u64>,
    namespaces: BTreeMap<(Space, u64), usize>,
    threads: BTreeMap<(u64, u32), usize>,
    outsiders: BTreeMap<u32, usize>,
    /// By device, number and generation.
    files: BTreeMap<(u64, u64, u32), usize>,
    /// Of file systems.
    devices: BTreeMap<u64, usize>,
    ends: Ends,
    members: usize,
}

/// In the place of a process that nobody knows: of a socket event that no task brings
/// about, the parent.
pub const NO_PROCESS: u64 = 0;

/// The inode number of the root of a cgroup hierarchy.
const CGROUP_ROOT: u64 = 1;

/// A kind of number that is labelled by its first appearance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Space {
    /// Mount namespace: `M1`.
    Mnt,
    /// Pid namespace: `PN1`.
    Pid,
    /// Network namespace: `N1`.
    Net,
    /// User namespace: `U1`.
    User,
    /// Cgroup: `/` for the root, `C1`.
    Cgroup,
}

impl Space {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Mnt => "M",
            Self::Pid => "PN",
            Self::Net => "N",
            Self::User => "U",
            Self::Cgroup => "C",
        }
    }
}

impl Cast {
    /// Casts the processes of these events, which are those of the tree of `root_tgid`.
    pub fn new(events: &[&Event], root_tgid: u32) -> Self {
        let mut cast = Self::default();
        let blocks = || {
            events
                .iter()
                .flat_map(|event| [&event.process, &event.parent])
        };
        if let Some(root) = blocks().find(|process| process.tgid == root_tgid) {
            cast.name(root.process_id, root.tgid, Some("P1"));
            cast.see_namespaces(root);
        }
        // What is told by a socket's owner has no parent.
        let is_of_root = |event: &&&Event| {
            event.process.tgid == root_tgid && event.parent.process_id != NO_PROCESS
        };
        if let Some(event) = events.iter().find(is_of_root) {
            cast.name(event.parent.process_id, event.parent.tgid, Some("P0"));
        }
        cast.members = 2;
        for event in events {
            for process in [&event.process, &event.parent] {
                cast.name(process.process_id, process.tgid, None);
                cast.see_namespaces(process);
            }
            match &event.kind {
                Kind::Fork(fork) => cast.name(fork.creator_id, fork.creator_tgid, None),
                Kind::File(file) => {
                    cast.see_file(&file.inode);
                    file.other.iter().for_each(|other| cast.see_file(other));
                }
                Kind::Socket(socket) => {
                    if let Some((process_id, tgid)) = socket.owner {
                        cast.name(process_id, tgid, None);
                    }
                    cast.see_namespace(Space::Net, socket.net_ns.into());
                    cast.ends.see(socket);
                }
                _ => {}
            }
        }
        cast.see_numbers(events);
        cast
    }

    /// Threads, and the groups and sessions of others: when all processes are known.
    fn see_numbers(&mut self, events: &[&Event]) {
        for event in events {
            for process in [&event.process, &event.parent] {
                let tid = acting_thread(event, process);
                self.see_thread(process.process_id, process.tgid, tid);
                for number in [process.pgid, process.sid] {
                    if number != 0 && !self.by_tgid.contains_key(&number) {
                        let next = self.outsiders.len() + 1;
                        self.outsiders.entry(number).or_insert(next);
                    }
                }
            }
            if let Kind::Fork(fork) = &event.kind {
                self.see_thread(fork.creator_id, fork.creator_tgid, fork.creator_tid);
            }
        }
    }

    fn see_thread(&mut self, process_id: u64, tgid: u32, tid: u32) {
        let of_process = (process_id, 0)..=(process_id, u32::MAX);
        if tid != tgid && !self.threads.contains_key(&(process_id, tid)) {
            let next = self.threads.range(of_process).count() + 1;
            self.threads.insert((process_id, tid), next);
        }
    }

    fn name(&mut self, process_id: u64, tgid: u32, label: Option<&str>) {
        if process_id == NO_PROCESS || self.labels.contains_key(&process_id) {
            return;
        }
        let label = label.map_or_else(
            || {
                self.members += 1;
                format!("P{}", self.members - 1)
            },
            str::to_owned,
        );
        self.labels.insert(process_id, label);
        self.by_tgid.insert(tgid, process_id);
    }

    fn see_namespaces(&mut self, process: &Process) {
        for (space, number) in spaces(process) {
            self.see_namespace(space, number);
        }
    }

    fn see_namespace(&mut self, space: Space, number: u64) {
        let is_root = space == Space::Cgroup && number == CGROUP_ROOT;
        if number == 0 || is_root || self.namespaces.contains_key(&(space, number)) {
            return;
        }
        let before = self.namespaces.keys().filter(|(s, _)| *s == space).count();
        self.namespaces.insert((space, number), before + 1);
    }

    fn see_file(&mut self, inode: &Inode) {
        if *inode == Inode::default() {
            return;
        }
        let (next_file, next_device) = (self.files.len() + 1, self.devices.len() + 1);
        self.files.entry(file_key(inode)).or_insert(next_file);
        self.devices.entry(device(inode)).or_insert(next_device);
    }

    /// `F2` of the file system `D1`.
    pub fn file(&self, inode: &Inode) -> String {
        let file = self.files.get(&file_key(inode)).copied().unwrap_or(0);
        let device = self.devices.get(&device(inode)).copied().unwrap_or(0);
        format!("F{file} on D{device}")
    }

    /// `S1`: a socket, by first appearance.
    pub fn socket(&self, socket_id: u64) -> String {
        self.ends.socket(socket_id)
    }

    /// One end of a flow, with a label for a port of the kernel's choice.
    pub fn address(&self, address: &Address) -> String {
        self.ends.address(address)
    }

    /// The same as a workload says it.
    pub fn address_said(&self, address: &str) -> String {
        self.ends.said(address)
    }

    /// `P2`; a process that no event named keeps its number, `-` is none.
    pub fn process(&self, process_id: u64) -> String {
        if process_id == NO_PROCESS {
            return "-".to_owned();
        }
        let known = self.labels.get(&process_id).cloned();
        known.unwrap_or_else(|| format!("process_id {process_id:#x}"))
    }

    /// `P2` for its leader, `P2.t1` for another thread of it.
    pub fn thread(&self, process_id: u64, tid: u32) -> String {
        let process = self.process(process_id);
        match self.threads.get(&(process_id, tid)) {
            Some(index) => format!("{process}.t{index}"),
            None => process,
        }
    }

    /// Whose group or session: `P2`, `X1` for one that is no process here, 0 for none.
    pub fn number(&self, number: u32) -> String {
        match (self.by_tgid.get(&number), self.outsiders.get(&number)) {
            (Some(process_id), _) if number != 0 => self.process(*process_id),
            (_, Some(index)) => format!("X{index}"),
            _ => number.to_string(),
        }
    }

    /// `P2` for its tgid, or the number in words for a report of a failure.
    pub fn pid(&self, tgid: u32) -> String {
        match self.by_tgid.get(&tgid) {
            Some(process_id) => self.process(*process_id),
            None => format!("pid {tgid}"),
        }
    }

    /// `PN2`; `0` where the process has left it.
    pub fn space(&self, space: Space, number: u64) -> String {
        match self.namespaces.get(&(space, number)) {
            // The root of the hierarchy has this number on every kernel.
            _ if space == Space::Cgroup && number == CGROUP_ROOT => "/".to_owned(),
            Some(index) => format!("{}{index}", space.prefix()),
            None => number.to_string(),
        }
    }

    /// Whether it is the pid namespace of the workload's root, which is the initial one.
    pub fn is_initial_pid_ns(&self, pid_ns: u32) -> bool {
        self.namespaces.get(&(Space::Pid, u64::from(pid_ns))) == Some(&1)
    }

    /// The process whose tgid this is.
    pub fn process_id(&self, tgid: u32) -> Option<u64> {
        self.by_tgid.get(&tgid).copied()
    }
}

fn device(inode: &Inode) -> u64 {
    u64::from(inode.device_major) << 32 | u64::from(inode.device_minor)
}

fn file_key(inode: &Inode) -> (u64, u64, u32) {
    (device(inode), inode.inode, inode.generation)
}

/// The thread to show of an event's process. Which one of several goes last when
/// a signal ends them all is chance: then the leader stands for it.
pub fn acting_thread(event: &Event, process: &Process) -> u32 {
    match &event.kind {
        Kind::Exit(exit) if exit.signal != 0 && *process == event.process => process.tgid,
        _ => process.tid,
    }
}

/// The numbers of a process that are labelled by first appearance.
fn spaces(process: &Process) -> [(Space, u64); 5] {
    [
        (Space::Mnt, u64::from(process.mnt_ns)),
        (Space::Pid, u64::from(process.pid_ns)),
        (Space::Net, u64::from(process.net_ns)),
        (Space::User, u64::from(process.user_ns)),
        (Space::Cgroup, process.cgroup_id),
    ]
}

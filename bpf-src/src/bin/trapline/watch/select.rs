//! Which events are told.

use std::collections::BTreeSet;
use std::net::IpAddr;

use trapline_loader::Result;
use trapline_sensors::Family;
use trapline_sensors::event::{Address, Event, Exec, Kind, Text};
use trapline_sensors::isolate::Rule;

use super::groups::Groups;
use super::proc;
use super::tree::Tree;

/// What is asked for: of each, where there are several, any will do; and all of them
/// together have to fit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Empty: all.
    pub families: Vec<Family>,
    /// Empty: all.
    pub kinds: BTreeSet<&'static str>,
    /// Processes with all that come of them.
    pub trees: Vec<u32>,
    /// A path of the event is one of these or below it.
    pub paths: Vec<String>,
    /// The real or the effective user.
    pub uids: Vec<u32>,
    /// Names of control groups.
    pub groups: Vec<String>,
    /// An end of the socket is one of these.
    pub addresses: Vec<Rule>,
}

impl Wanted {
    /// The families whose sensors are needed.
    pub fn families(&self) -> Vec<Family> {
        let of_kinds = || super::kinds::all().filter(|(name, _)| self.kinds.contains(name));
        let is_wanted = |family: Family| match (self.families.is_empty(), self.kinds.is_empty()) {
            (true, true) => true,
            (true, false) => of_kinds().any(|(_, of)| of == family),
            (false, _) => self.families.contains(&family),
        };
        let all = Family::ALL.iter().copied();
        all.filter(|family| is_wanted(*family)).collect()
    }
}

/// What is asked for, and what it takes to know.
#[derive(Debug)]
pub struct Selection {
    wanted: Wanted,
    families: Vec<Family>,
    tree: Option<Tree>,
    groups: Option<Groups>,
}

impl Selection {
    /// Looks up what the names mean now.
    ///
    /// # Errors
    /// A control group that is not there; /proc that cannot be read.
    pub fn new(wanted: &Wanted) -> Result<Self> {
        let tree = match wanted.trees.as_slice() {
            [] => None,
            pids => Some(proc::tree(pids)?),
        };
        let groups = match wanted.groups.as_slice() {
            [] => None,
            names => Some(Groups::find(names)?),
        };
        Ok(Self {
            families: wanted.families(),
            wanted: wanted.clone(),
            tree,
            groups,
        })
    }

    /// Whether the event is told. Has to be asked of every event, in order: who comes of
    /// whom is learnt on the way.
    pub fn takes(&mut self, event: &Event) -> bool {
        let is_in_tree = self.tree.as_mut().is_none_or(|tree| tree.holds(event));
        let Wanted {
            kinds,
            paths,
            uids,
            addresses,
            ..
        } = &self.wanted;
        let process = &event.process;
        is_in_tree
            && self.families.contains(&event.kind.family())
            && (kinds.is_empty() || kinds.contains(event.kind.name()))
            && (uids.is_empty()
                || [process.uid, process.euid]
                    .iter()
                    .any(|uid| uids.contains(uid)))
            && (paths.is_empty() || has_path(event, paths))
            && (addresses.is_empty() || has_address(event, addresses))
            && (self.groups.as_mut()).is_none_or(|groups| groups.have(process.cgroup_id))
    }
}

fn has_path(event: &Event, wanted: &[String]) -> bool {
    let is_wanted = |text: &Text| {
        wanted
            .iter()
            .any(|path| is_below(&text.bytes, path.as_bytes()))
    };
    match &event.kind {
        Kind::Exec(exec) => {
            let Exec {
                filename, script, ..
            } = &**exec;
            [&event.exe, filename, script].into_iter().any(is_wanted)
        }
        Kind::File(file) => is_wanted(&file.path) || is_wanted(&file.other_path),
        Kind::Socket(socket) => is_wanted(&socket.path),
        _ => false,
    }
}

/// Whether a path is another or below it: not merely longer.
fn is_below(path: &[u8], above: &[u8]) -> bool {
    let above = above.strip_suffix(b"/").unwrap_or(above);
    let rest = path.strip_prefix(above);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

fn has_address(event: &Event, wanted: &[Rule]) -> bool {
    let Kind::Socket(socket) = &event.kind else {
        return false;
    };
    let ends = [socket.local, socket.remote];
    let ips: Vec<IpAddr> = ends
        .iter()
        .flatten()
        .map(|end| end.ip.to_canonical())
        .collect();
    wanted.iter().any(|rule| {
        let is_service = |end: &Address| {
            rule.service.is_none_or(|service| {
                let number = u16::from(service.protocol.number());
                end.port == service.port && socket.protocol == number
            })
        };
        ips.iter().any(|ip| rule.network.contains(*ip)) && ends.iter().flatten().any(is_service)
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{exec, exit, file, none, text};
    use super::*;
    use trapline_sensors::event::FileOperation;

    fn takes(wanted: Wanted, event: &Event) -> bool {
        Selection::new(&wanted).unwrap().takes(event)
    }

    #[test]
    fn a_path_is_meant_with_all_below_and_nothing_beside() {
        for (path, above, is_it) in [
            ("/etc", "/etc", true),
            ("/etc/passwd", "/etc/", true),
            ("/etcetera", "/etc", false),
            ("/", "/etc", false),
            ("/etc", "/", true),
        ] {
            assert_eq!(
                is_below(path.as_bytes(), above.as_bytes()),
                is_it,
                "{path} {above}"
            );
        }
        let wanted = || Wanted {
            paths: vec!["/etc".to_owned()],
            ..Wanted::default()
        };
        let renamed = |path, old| file((2, 2), FileOperation::Rename, 0, text(path), text(old));
        assert!(takes(wanted(), &renamed("/tmp/x", "/etc/x")));
        assert!(!takes(wanted(), &renamed("/tmp/x", "/tmp/y")));
        assert!(takes(wanted(), &exec((2, 2), "/etc/init.d/x", &["x"], &[])));
        assert!(!takes(wanted(), &exit((2, 2), (1, 1))));
    }

    #[test]
    fn kinds_choose_the_families_that_are_needed() {
        let kinds = Wanted {
            kinds: BTreeSet::from(["mount", "exec"]),
            ..Wanted::default()
        };
        assert_eq!(kinds.families(), [Family::Process, Family::Mount]);
        assert_eq!(Wanted::default().families(), Family::ALL);
        assert!(takes(kinds.clone(), &exec((2, 2), "/x", &[], &[])));
        assert!(!takes(kinds, &exit((2, 2), (1, 1))));
        let families = Wanted {
            families: vec![Family::File],
            ..Wanted::default()
        };
        let created = file((2, 2), FileOperation::Create, 0, text("/x"), none());
        assert!(takes(families.clone(), &created));
        assert!(!takes(families, &exit((2, 2), (1, 1))));
    }

    #[test]
    fn the_effective_user_is_meant_as_well() {
        let wanted = Wanted {
            uids: vec![1000],
            ..Wanted::default()
        };
        let mut event = exit((2, 2), (1, 1));
        assert!(!takes(wanted.clone(), &event));
        event.process.euid = 1000;
        assert!(takes(wanted, &event));
    }
}

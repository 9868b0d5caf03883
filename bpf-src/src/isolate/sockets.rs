//! Programs for the sockets of all control groups, on their root.
//!
//! They see what the programs at interfaces cannot: interfaces that came when
//! nobody watched, in the moment before one is covered, and those of other network
//! namespaces. They do not see what no socket sends or receives (frames past the
//! network stack, what the host forwards), so they are in addition.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use trapline_loader::attach::{CgroupOptions, Link, Via};
use trapline_loader::map::UpdateFlag;
use trapline_loader::object::Object;

use super::place::{LINKS, Run};
use super::{Error, Result};

/// Where control groups of version 2 are mounted.
const MOUNTS: &str = "/proc/self/mounts";
/// Entrance, judge, gate.
const PROGRAMS: [(&str, &str, &str); 2] = [
    ("enter_socket_in", "socket_in", "gate_socket_in"),
    ("enter_socket_out", "socket_out", "gate_socket_out"),
];

/// Attaches the entrances; with `stays` they are pinned. The links keep them.
pub(super) fn cover(object: &mut Object, run: &Run, stays: bool) -> Result<Vec<Link>> {
    let root = cgroup_root()?;
    let folder = File::open(&root).map_err(|error| Error::io(&root, &error))?;
    let mut links = Vec::new();
    for (entrance, judge, _) in PROGRAMS {
        object.load_program(judge)?;
        let program = object.load_program(entrance)?;
        // By a link, which goes with us or stays pinned.
        let options = CgroupOptions {
            via: Via::Link,
            ..CgroupOptions::default()
        };
        let mut link = program.attach_cgroup(&folder, &options)?;
        if stays {
            link.pin(run.path(LINKS, entrance))?;
        }
        links.push(link);
    }
    Ok(links)
}

/// Has them judged.
pub(super) fn shut(object: &Object) -> Result<()> {
    for (_, judge, gate) in PROGRAMS {
        let judge = object.program(judge)?;
        object
            .map(gate)?
            .update_fd(&[0; 4], judge, UpdateFlag::Any)?;
    }
    Ok(())
}

/// Are both pinned?
pub(super) fn are_pinned(run: &Run) -> Result<bool> {
    let links = run.names(LINKS)?;
    let mut entrances = PROGRAMS.iter().map(|(entrance, ..)| *entrance);
    Ok(entrances.all(|entrance| links.iter().any(|link| link == entrance)))
}

/// Where the root of the control groups is.
fn cgroup_root() -> Result<PathBuf> {
    let mounts = Path::new(MOUNTS);
    let text = fs::read_to_string(mounts).map_err(|error| Error::io(mounts, &error))?;
    find_cgroup2(&text).ok_or_else(|| {
        Error::not_found("no control groups of version 2 are mounted (mount -t cgroup2 ...)")
    })
}

fn find_cgroup2(mounts: &str) -> Option<PathBuf> {
    mounts.lines().find_map(|line| {
        let mut words = line.split_whitespace().skip(1);
        let (point, kind) = (words.next()?, words.next()?);
        (kind == "cgroup2").then(|| PathBuf::from(point))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_groups_are_found_wherever_they_are_mounted() {
        let mounts = "cgroup /sys/fs/cgroup/cpu cgroup rw 0 0\n\
                      cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n";
        let found = find_cgroup2(mounts);
        assert_eq!(found, Some(PathBuf::from("/sys/fs/cgroup/unified")));
        assert_eq!(find_cgroup2("bpf /sys/fs/bpf bpf rw 0 0\n"), None);
    }
}

//! Where a process stands in the machine, whoever it is: the login that it goes back to, its cgroup.
//!
//! Both are inherited and both may change while a process lives, so every fact says them anew.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::failure::{Failure, Outcome, Tried};

/// Where the v2 hierarchy may be mounted: beside the first one, or alone.
const MOUNTS: [&str; 2] = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"];

/// The folder of the root of the v2 hierarchy.
///
/// # Errors
/// When it is not mounted at a usual place.
pub fn cgroup_root() -> Outcome<&'static Path> {
    // The first hierarchy has no such file.
    let is_v2 = |place: &&&Path| place.join("cgroup.controllers").exists();
    MOUNTS
        .map(Path::new)
        .iter()
        .find(is_v2)
        .copied()
        .ok_or_else(|| Failure(format!("cgroup2 is not mounted at any of {MOUNTS:?}")))
}

/// Keys `loginuid cgroup` of a process, which may have ended but must not have been waited for:
/// 4294967295 is nobody; a cgroup's id is the inode number of its folder.
///
/// # Errors
/// When the process is gone, or its cgroup's folder.
pub fn of(pid: i32) -> Outcome<Value> {
    let at = |name: &str| format!("/proc/{pid}/{name}");
    let login = fs::read_to_string(at("loginuid")).tried(at("loginuid"))?;
    let login: u32 = login.trim().parse().tried(at("loginuid"))?;
    let groups = fs::read_to_string(at("cgroup")).tried(at("cgroup"))?;
    let folder = folder_in(&groups)
        .ok_or_else(|| Failure(format!("{} has no cgroup: {groups:?}", at("cgroup"))))?;
    let folder = cgroup_root()?.join(folder);
    let inode = fs::metadata(&folder).tried(folder.display())?.ino();
    Ok(json!({"loginuid": login, "cgroup": inode}))
}

/// The folder of this process's cgroup.
///
/// # Errors
/// When it has none.
pub fn folder_of_own() -> Outcome<PathBuf> {
    let path = "/proc/self/cgroup";
    let groups = fs::read_to_string(path).tried(path)?;
    let folder = folder_in(&groups);
    let folder = folder.ok_or_else(|| Failure(format!("{path} has no cgroup: {groups:?}")))?;
    Ok(cgroup_root()?.join(folder))
}

/// The line of the v2 hierarchy, `0::/a/b`, as a path below its root.
fn folder_in(groups: &str) -> Option<PathBuf> {
    let path = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    Some(PathBuf::from(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_the_second_hierarchy_is_found_among_those_of_the_first() {
        let both = "9:name=systemd:/x\n4:memory:/y\n0::/w1/deep\n";
        assert_eq!(folder_in(both), Some(PathBuf::from("w1/deep")));
        assert_eq!(folder_in("0::/\n"), Some(PathBuf::new()));
        assert_eq!(folder_in("4:memory:/y\n"), None);
    }
}

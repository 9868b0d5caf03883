//! Control groups, and so containers, by name.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use trapline_loader::{Error, Result};

/// Names that are shorter would be found in too many others.
const SHORTEST: usize = 4;

/// Some control groups, and those below them.
#[derive(Debug)]
pub struct Groups {
    roots: Vec<PathBuf>,
    inside: BTreeSet<u64>,
    /// Those that were asked for and are elsewhere.
    outside: BTreeSet<u64>,
}

impl Groups {
    /// The control groups that are meant: each the path of one, or a part of its name,
    /// such as a container's id.
    ///
    /// # Errors
    /// `NotFound` for a name that none has, or without the v2 hierarchy.
    pub fn find(names: &[String]) -> Result<Self> {
        Self::find_below(&hierarchy()?, names)
    }

    fn find_below(mount: &Path, names: &[String]) -> Result<Self> {
        let mut roots = Vec::new();
        for name in names {
            let relative = name.strip_prefix('/').unwrap_or(name);
            let places = [PathBuf::from(name), mount.join(relative)].into_iter();
            let mut places = places.filter_map(|place| place.canonicalize().ok());
            let place = places.find(|place| place.starts_with(mount) && place.is_dir());
            match place {
                Some(place) => roots.push(place),
                None => roots.extend(named(mount, name)?),
            }
        }
        let mut groups = Self {
            roots,
            inside: BTreeSet::new(),
            outside: BTreeSet::new(),
        };
        groups.scan();
        Ok(groups)
    }

    /// Whether the control group with this id is one of them. One that is new is
    /// looked for.
    pub fn have(&mut self, id: u64) -> bool {
        if self.inside.contains(&id) {
            return true;
        }
        if self.outside.contains(&id) {
            return false;
        }
        self.scan();
        let is_inside = self.inside.contains(&id);
        if !is_inside {
            self.outside.insert(id);
        }
        is_inside
    }

    fn scan(&mut self) {
        let inside = &mut self.inside;
        for root in &self.roots {
            walk(root, &mut |folder| {
                inside.extend(fs::metadata(folder).map(|metadata| metadata.ino()));
            });
        }
    }
}

/// Where the v2 hierarchy is mounted.
fn hierarchy() -> Result<PathBuf> {
    let mounts = "/proc/self/mountinfo";
    let text = fs::read_to_string(mounts).map_err(|error| Error::io(Path::new(mounts), &error))?;
    let mut mounts = text.lines().filter(|line| line.contains(" - cgroup2 "));
    let place = mounts.find_map(|line| line.split(' ').nth(4));
    let none = || Error::not_found("control groups: no cgroup2 file system is mounted");
    place.map(PathBuf::from).ok_or_else(none)
}

/// Every control group with a name that holds this.
fn named(mount: &Path, name: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    if name.len() >= SHORTEST && !name.contains('/') {
        walk(mount, &mut |folder| {
            let own = folder.file_name().unwrap_or_default();
            if own.to_string_lossy().contains(name) {
                found.push(folder.to_owned());
            }
        });
    }
    match found.is_empty() {
        true => Err(Error::not_found(format!(
            "no control group is called {name}, and none at {} has that in its name",
            mount.display()
        ))),
        false => Ok(found),
    }
}

/// Visits a folder and all below it; what goes meanwhile is not there.
fn walk(folder: &Path, visit: &mut impl FnMut(&Path)) {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        visit(&folder);
        let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
        let below = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        folders.extend(below.map(|entry| entry.path()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_found_by_path_and_by_a_part_of_their_name() {
        let mount = std::env::temp_dir().join(format!("trapline-groups-{}", std::process::id()));
        let inner = mount.join("system.slice/docker-0123456789ab.scope/inner");
        fs::create_dir_all(&inner).unwrap();
        let id = |path: &Path| fs::metadata(path).unwrap().ino();
        let find = |name: &str| Groups::find_below(&mount, &[name.to_owned()]);
        for name in ["system.slice", "/system.slice", "0123456789ab"] {
            let mut groups = find(name).unwrap();
            assert!(groups.have(id(&inner)), "{name}");
            assert!(!groups.have(id(&mount)), "{name}");
        }
        let mut groups = find("docker").unwrap();
        let later = inner.join("later");
        fs::create_dir(&later).unwrap();
        assert!(groups.have(id(&later)));
        let error = find("podman").unwrap_err();
        assert!(
            error
                .to_string()
                .contains("no control group is called podman")
        );
        assert!(find("../..").is_err());
        fs::remove_dir_all(&mount).unwrap();
    }
}

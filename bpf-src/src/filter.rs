//! What the sensors leave out: processes, file systems, and what was told of a file a
//! moment ago.

use std::collections::BTreeSet;
use std::time::Duration;

use trapline_loader::error::ResultExt;
use trapline_loader::map::{Map, UpdateFlag};
use trapline_loader::spec::ObjectSpec;
use trapline_loader::{Error, Result};

use crate::family::Family;
use crate::sensors::{Filter, Sensors};

/// What can be chosen of the file sensors at load.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FileOptions {
    /// How long reads of a file by one process count as one, and writes.
    pub touch_window: Duration,
    /// How many such touches are remembered; the oldest are forgotten first, and
    /// then told again.
    pub touches: u32,
    /// How many open files may be changed at a time. The close of one more is not
    /// told; that is counted as `state_full`.
    pub changed_files: u32,
    /// How many processes can be excluded at a time, descendants included.
    pub excluded: u32,
    /// How many file systems can have a [`MountState`].
    pub mounts: u32,
}

impl Default for FileOptions {
    /// Ten seconds; room for some 16,000 files, 4,096 processes, 1,024 file systems.
    fn default() -> Self {
        Self {
            touch_window: Duration::from_secs(10),
            touches: 1 << 14,
            changed_files: 1 << 14,
            excluded: 1 << 12,
            mounts: 1 << 10,
        }
    }
}

impl FileOptions {
    /// Of the maps that more than one family has.
    pub(crate) fn apply_filters(&self, spec: &mut ObjectSpec) -> Result<()> {
        self.apply_excluded(spec)?;
        spec.map_mut("mounts")?.max_entries = self.mounts;
        Ok(())
    }

    /// Of the map of excluded processes alone.
    pub(crate) fn apply_excluded(&self, spec: &mut ObjectSpec) -> Result<()> {
        spec.map_mut("excluded")?.max_entries = self.excluded;
        Ok(())
    }

    pub(crate) fn apply(&self, spec: &mut ObjectSpec) -> Result<()> {
        spec.map_mut("touches")?.max_entries = self.touches;
        spec.map_mut("changed_files")?.max_entries = self.changed_files;
        let window_ns = u64::try_from(self.touch_window.as_nanos()).unwrap_or(u64::MAX);
        spec.set_global("touch_window_ns", &window_ns.to_ne_bytes())
    }
}

/// Whether an exclusion is passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Descendants {
    /// This process alone.
    Reported,
    /// Also what it has started and will start, and what those start.
    Excluded,
}

impl Descendants {
    /// The value of an entry of the map `excluded` in c/file_actor.bpf.h.
    fn flags(self) -> u32 {
        u32::from(self == Self::Excluded)
    }
}

/// What to do with the files of a file system, `enum mount_state` of c/file.bpf.h.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MountState {
    /// Reported, as any.
    Local,
    /// Not reported.
    NotMonitored,
    /// Reported as `remote`.
    NotScannable,
    /// Reported as `remote` and `scannable`.
    Scannable,
}

impl MountState {
    /// As the map has it, where anything has to be there.
    fn number(self) -> Option<u32> {
        match self {
            Self::Local => None,
            Self::NotMonitored => Some(1),
            Self::NotScannable => Some(2),
            Self::Scannable => Some(3),
        }
    }
}

impl Sensors {
    /// Leaves out what a process does to files, mounts and sockets, until it ends or is
    /// included again.
    ///
    /// # Errors
    /// `InvalidInput` without the file family; E2BIG when too many are excluded,
    /// see [`FileOptions::excluded`].
    pub fn exclude(&self, tgid: u32, descendants: Descendants) -> Result<()> {
        let excluded = self.filter(Filter::Excluded)?;
        let add = |tgid: u32| {
            let flags = descendants.flags();
            excluded
                .update(&tgid.to_ne_bytes(), &flags.to_ne_bytes(), UpdateFlag::Any)
                .with_context(|| format!("process {tgid} cannot be excluded"))?;
            self.filters().write(Filter::Excluded, tgid, Some(flags));
            Ok(())
        };
        add(tgid)?;
        if descendants == Descendants::Reported {
            return Ok(());
        }
        self.filters().passes_on = true;
        // From now on the kernel's side adds who is started. Who was before is found
        // here; and as one may start another while we look, until nobody is new.
        let mut found = BTreeSet::from([tgid]);
        loop {
            let more: Vec<u32> = parents()?
                .into_iter()
                .filter(|(child, parent)| found.contains(parent) && !found.contains(child))
                .map(|(child, _)| child)
                .collect();
            if more.is_empty() {
                return Ok(());
            }
            for child in more {
                add(child)?;
                found.insert(child);
            }
        }
    }

    /// Reports again what a process does; its descendants stay as they are. `false`
    /// if it was not excluded.
    ///
    /// # Errors
    /// `InvalidInput` without the file family.
    pub fn include(&self, tgid: u32) -> Result<bool> {
        let excluded = self.loaded(Family::File)?.map("excluded")?;
        let was_there = excluded.delete(&tgid.to_ne_bytes())?;
        self.filters().write(Filter::Excluded, tgid, None);
        Ok(was_there)
    }

    /// Says what to do with the file system of a device, as the third column of
    /// /proc/self/mountinfo has it: the kernel's own number, which differs from that
    /// of stat(2), and of events, on btrfs.
    ///
    /// # Errors
    /// `InvalidInput` without the file family, or for a number that no device has;
    /// E2BIG when there are too many, see [`FileOptions::mounts`].
    pub fn set_mount(&self, major: u32, minor: u32, state: MountState) -> Result<()> {
        let mounts = self.filter(Filter::Mounts)?;
        let (device, number) = (device(major, minor)?, state.number());
        let key = device.to_ne_bytes();
        let set = match number {
            None => mounts.delete(&key).map(drop),
            Some(number) => mounts.update(&key, &number.to_ne_bytes(), UpdateFlag::Any),
        };
        set.with_context(|| format!("file system on device {major}:{minor}"))?;
        self.filters().write(Filter::Mounts, device, number);
        Ok(())
    }
}

impl Sensors {
    /// The map of a filter, at which the kernel's side looks from now on.
    fn filter(&self, filter: Filter) -> Result<&Map> {
        let file = self.loaded(Family::File)?;
        let used = file.map("filters_used")?;
        // `enum filter` of c/exclude.bpf.h.
        let index = u32::from(filter == Filter::Excluded);
        used.update(&index.to_ne_bytes(), &1_u32.to_ne_bytes(), UpdateFlag::Any)?;
        self.filters().write(Filter::Used, index, Some(1));
        file.map(filter.map())
    }
}

/// A device as the kernel keeps it: 12 bits and 20.
fn device(major: u32, minor: u32) -> Result<u32> {
    if major >= 1 << 12 || minor >= 1 << 20 {
        return Err(Error::invalid_input(format!(
            "no device has the number {major}:{minor}"
        )));
    }
    Ok(major << 20 | minor)
}

/// Every process and its parent, as /proc has them now.
///
/// # Errors
/// `NotFound` where /proc cannot be read.
pub fn parents() -> Result<Vec<(u32, u32)>> {
    let folder = std::fs::read_dir("/proc")
        .map_err(|error| Error::not_found(format!("descendants: /proc: {error}")))?;
    let pair = |entry: std::fs::DirEntry| {
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        // One that has ended meanwhile is nobody's descendant.
        let stat = std::fs::read(entry.path().join("stat")).ok()?;
        Some((pid, parent_in(&stat)?))
    };
    Ok(folder.flatten().filter_map(pair).collect())
}

/// The parent in a line of /proc/PID/stat, unless the process has ended. The name in
/// parentheses may hold any byte, so it is the last one that closes it.
fn parent_in(stat: &[u8]) -> Option<u32> {
    let end = stat.iter().rposition(|byte| *byte == b')')?;
    let rest = std::str::from_utf8(stat.get(end + 1..)?).ok()?;
    let mut words = rest.split_ascii_whitespace();
    let state = words.next()?;
    let parent = words.next()?.parse().ok()?;
    (!matches!(state, "Z" | "X")).then_some(parent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parent_is_found_behind_any_name() {
        assert_eq!(parent_in(b"7 (a) S 3 (x) R 5 7 7"), Some(5));
        assert_eq!(parent_in(b"7 (\xff) S 3 7"), Some(3));
        assert_eq!(parent_in(b"7 (dead) Z 3 7"), None);
        assert_eq!(parent_in(b"7 (cut"), None);
    }

    #[test]
    fn our_own_parent_is_in_proc() {
        let own = (std::process::id(), std::os::unix::process::parent_id());
        assert!(parents().unwrap().contains(&own));
    }

    #[test]
    fn devices_are_as_the_kernel_keeps_them() {
        assert_eq!(device(8, 1).unwrap(), 0x0080_0001);
        assert!(device(1 << 12, 0).is_err());
        assert!(device(0, 1 << 20).is_err());
    }

    #[test]
    fn options_reach_the_object() {
        let mut kernel = trapline_loader::kernel_btf::KernelBtf::from_file(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../vm-images/btf/6.12.btf"
        ));
        let mut options = crate::Options::default();
        options.file.touch_window = Duration::from_millis(50);
        options.file.touches = 77;
        let mut spec = Family::File.spec(&[], 1, &options, &mut kernel).unwrap();
        let window_ns = 50_000_000u64.to_ne_bytes();
        assert_eq!(spec.global("touch_window_ns").unwrap(), window_ns);
        assert_eq!(spec.map_mut("touches").unwrap().max_entries, 77);
        assert_eq!(spec.map_mut("mounts").unwrap().max_entries, 1024);
    }
}

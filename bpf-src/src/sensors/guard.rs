//! Whether somebody else has changed what the sensors have in the kernel, and how
//! little they can.
//!
//! Maps that programs alone write to are frozen: the kernel refuses everybody else, root
//! as well. What is left are links, and the few maps that we write to ourselves: what
//! those are to hold is remembered here, and compared.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use trapline_loader::attach::{Link, LinkInfo};
use trapline_loader::map::{Elements, Map, UpdateFlag};
use trapline_loader::{Error, Result};

use super::{Loaded, SHARED_MAPS, Sensors};
use crate::change::{Change, Part};

/// Maps that this side writes to while the sensors are in place, or has mapped to.
const WRITTEN: [&str; 5] = ["events", "excluded", "filters_used", "flows", "mounts"];
/// The flags of an exclusion that descendants have as well.
const PASSED_ON: u32 = 1;
/// What a descriptor that is closed says, and one that is open on something else.
const GONE: [i32; 3] = [9, 22, 77];
/// A map changes faster than it can be read: the next look will do.
const EAGAIN: i32 = 11;

/// What is to be in the kernel.
#[derive(Debug, Default)]
pub(super) struct Guard {
    /// Of each link how it was, in the order of families, since somebody asked first;
    /// `None` for what is no link of the kernel.
    links: Vec<Option<LinkInfo>>,
    filters: Mutex<Filters>,
}

/// What this side has written to maps.
#[derive(Debug, Default)]
pub(crate) struct Filters {
    /// Flags by process.
    excluded: BTreeMap<u32, u32>,
    /// Some have been passed on, and so there are entries that are not ours.
    pub(crate) passes_on: bool,
    /// States by device.
    mounts: BTreeMap<u32, u32>,
    used: BTreeMap<u32, u32>,
}

/// A map whose every element is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Filter {
    Excluded,
    Mounts,
    Used,
}

impl Filter {
    pub(crate) fn map(self) -> &'static str {
        match self {
            Self::Excluded => "excluded",
            Self::Mounts => "mounts",
            Self::Used => "filters_used",
        }
    }
}

impl Filters {
    fn of(&mut self, filter: Filter) -> &mut BTreeMap<u32, u32> {
        match filter {
            Filter::Excluded => &mut self.excluded,
            Filter::Mounts => &mut self.mounts,
            Filter::Used => &mut self.used,
        }
    }

    /// This side has written that; `None`: taken it out.
    pub(crate) fn write(&mut self, filter: Filter, key: u32, value: Option<u32>) {
        match value {
            Some(value) => drop(self.of(filter).insert(key, value)),
            None => drop(self.of(filter).remove(&key)),
        }
    }

    /// What is not as this side wrote it: each key with what is to be there instead.
    fn differences(&mut self, filter: Filter, found: &BTreeMap<u32, u32>) -> Vec<Difference> {
        let passes_on = self.passes_on;
        let known = self.of(filter);
        if filter == Filter::Excluded {
            // The kernel's side takes out who has ended.
            known.retain(|key, _| found.contains_key(key));
        }
        // A number that ours had may be that of one of their descendants now.
        let is_passed_on =
            |value: u32| filter == Filter::Excluded && passes_on && value == PASSED_ON;
        let is_plain = |value: u32| filter == Filter::Used && value == 0;
        let more = found.iter().filter(|(key, value)| {
            !known.contains_key(key) && !is_passed_on(**value) && !is_plain(**value)
        });
        let more = more.map(|(key, value)| (*key, Some(*value), None));
        let others = known.iter().filter_map(|(key, value)| {
            let has = found.get(key).copied();
            let is_right = has == Some(*value) || has.is_some_and(is_passed_on);
            (!is_right).then_some((*key, has, Some(*value)))
        });
        more.chain(others).collect()
    }
}

/// A key, what it has, and what it is to have.
type Difference = (u32, Option<u32>, Option<u32>);

/// Whether somebody has closed the descriptor that was asked.
pub(super) fn is_gone(error: &Error) -> bool {
    error.errno().is_some_and(|errno| GONE.contains(&errno))
}

/// Has the kernel refuse everybody who would write to what programs alone write to.
pub(super) fn freeze(families: &[Loaded]) -> Result<()> {
    let mut shared = BTreeSet::new();
    for map in families.iter().flat_map(Loaded::maps) {
        let name = map.name();
        // Variables are frozen where they are constant.
        let is_free = WRITTEN.contains(&name) || name.contains('.');
        // What families share is frozen once.
        let is_done = SHARED_MAPS.contains(&name) && !shared.insert(name);
        if !is_free && !is_done {
            map.freeze()?;
        }
    }
    Ok(())
}

impl Sensors {
    /// What somebody else has changed since this was last asked, or the sensors were
    /// loaded: a link that is gone or is another, and a process, a file system or a
    /// switch in the maps of filters that nobody put there by [`Sensors::exclude`],
    /// [`Sensors::include`] or [`Sensors::set_mount`]. What is found in maps is put right.
    ///
    /// All other maps are frozen. Where descendants are excluded, programs add to the
    /// map themselves, and one more of those is not noticed. Takes a system call for
    /// each link, and some for maps.
    ///
    /// # Errors
    /// `System` or `PermissionDenied` with what asking about a link, or reading or mending a
    /// map ended with; a link that is gone is a change, no error.
    pub fn changes(&mut self) -> Result<Vec<Change>> {
        let mut changes = self.changed_links()?;
        for filter in [Filter::Used, Filter::Excluded, Filter::Mounts] {
            self.changed_filter(filter, &mut changes)?;
        }
        Ok(changes)
    }

    pub(crate) fn filters(&self) -> MutexGuard<'_, Filters> {
        let filters = &self.guard.filters;
        filters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn changed_links(&mut self) -> Result<Vec<Change>> {
        let links = || self.families.iter().flat_map(|family| &family.links);
        if self.guard.links.is_empty() {
            let known = links().map(|(_, link)| link.info());
            self.guard.links = known.collect::<Result<_>>()?;
        }
        let how = |((_, link), known): (&(_, Link), &Option<LinkInfo>)| match link.info() {
            Ok(info) if info == *known => Ok(None),
            Ok(_) => Ok(Some("is another than the one that was attached".to_owned())),
            Err(error) if is_gone(&error) => Ok(Some(format!("is gone: {error:#}"))),
            Err(error) => Err(error),
        };
        let how: Vec<Option<String>> = links()
            .zip(&self.guard.links)
            .map(how)
            .collect::<Result<_>>()?;
        if how.iter().all(Option::is_none) {
            return Ok(Vec::new());
        }
        Ok(self.without_changed(how))
    }

    /// Forgets the links of which there is something to be said.
    fn without_changed(&mut self, how: Vec<Option<String>>) -> Vec<Change> {
        let known = std::mem::take(&mut self.guard.links);
        let mut all = how.into_iter().zip(known);
        let mut changes = Vec::new();
        for family in &mut self.families {
            for (name, link) in std::mem::take(&mut family.links) {
                match all.next() {
                    Some((Some(how), _)) => {
                        changes.push(Change::new(Part::Link, name, how));
                        // The number of its descriptor may be that of something else
                        // by now, which is not ours to close.
                        std::mem::forget(link);
                    }
                    other => {
                        self.guard.links.extend(other.map(|(_, known)| known));
                        family.links.push((name, link));
                    }
                }
            }
        }
        changes
    }

    fn changed_filter(&self, filter: Filter, changes: &mut Vec<Change>) -> Result<()> {
        let name = filter.map();
        let mut maps = self
            .families
            .iter()
            .filter_map(|family| family.map(name).ok());
        let Some(map) = maps.next() else {
            return Ok(());
        };
        let found = match map.lookup_batch() {
            Ok(elements) => numbers(&elements),
            Err(error) if error.errno() == Some(EAGAIN) => return Ok(()),
            Err(error) => return Err(error),
        };
        for (key, has, is_to_have) in self.filters().differences(filter, &found) {
            changes.push(Change::new(Part::Map, name, told(filter, key, has)));
            put_right(map, filter, key, is_to_have)?;
        }
        Ok(())
    }
}

fn numbers(elements: &Elements) -> BTreeMap<u32, u32> {
    let number = |bytes: &[u8]| bytes.try_into().map_or(0, u32::from_ne_bytes);
    let pairs = elements.iter();
    pairs
        .map(|(key, value)| (number(key), number(value)))
        .collect()
}

fn told(filter: Filter, key: u32, has: Option<u32>) -> String {
    match (filter, has) {
        (Filter::Excluded, _) => format!("left out process {key}"),
        (Filter::Mounts, state) => {
            let (major, minor) = (key >> 20, key & 0xf_ffff);
            let state = state.unwrap_or(0);
            format!("had another state for the file system on device {major}:{minor}: {state}")
        }
        (Filter::Used, state) => {
            let state = state.unwrap_or(0);
            format!("had another value for filter {key}: {state}")
        }
    }
}

fn put_right(map: &Map, filter: Filter, key: u32, value: Option<u32>) -> Result<()> {
    let key = key.to_ne_bytes();
    match (value, filter) {
        (Some(value), _) => map.update(&key, &value.to_ne_bytes(), UpdateFlag::Any),
        // Nothing can be taken out of an array.
        (None, Filter::Used) => map.update(&key, &[0; 4], UpdateFlag::Any),
        (None, _) => map.delete(&key).map(drop),
    }
    .map_err(|error: Error| error.context("putting it right"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn differences(filters: &mut Filters, filter: Filter, found: &[(u32, u32)]) -> Vec<Difference> {
        filters.differences(filter, &found.iter().copied().collect())
    }

    #[test]
    fn who_was_not_left_out_by_us_is_noticed() {
        let mut filters = Filters::default();
        filters.write(Filter::Excluded, 7, Some(0));
        filters.write(Filter::Excluded, 8, Some(0));
        let found = [(7, 0), (9, 0), (10, 1)];
        let foreign = [(9, Some(0), None), (10, Some(1), None)];
        assert_eq!(differences(&mut filters, Filter::Excluded, &found), foreign);
        // 8 has ended, and its number is another's now.
        let again = [(7, 0), (8, 0)];
        let foreign = [(8, Some(0), None)];
        assert_eq!(differences(&mut filters, Filter::Excluded, &again), foreign);
        // Our own, changed.
        filters.write(Filter::Excluded, 7, Some(0));
        let foreign = [(7, Some(1), Some(0))];
        assert_eq!(
            differences(&mut filters, Filter::Excluded, &[(7, 1)]),
            foreign
        );
        filters.write(Filter::Excluded, 7, None);
        assert_eq!(differences(&mut filters, Filter::Excluded, &[]), []);
    }

    #[test]
    fn what_programs_pass_on_is_not_foreign() {
        let mut filters = Filters {
            passes_on: true,
            ..Filters::default()
        };
        let found = [(9, 0), (10, 1)];
        let foreign = [(9, Some(0), None)];
        assert_eq!(differences(&mut filters, Filter::Excluded, &found), foreign);
    }

    #[test]
    fn states_of_file_systems_and_switches_are_ours_alone() {
        let mut filters = Filters::default();
        filters.write(Filter::Mounts, 50, Some(2));
        filters.write(Filter::Used, 0, Some(1));
        let of = |filters: &mut Filters, found: &[(u32, u32)]| {
            differences(filters, Filter::Mounts, found)
        };
        assert_eq!(of(&mut filters, &[(50, 2)]), []);
        let changed = [(51, Some(1), None), (50, None, Some(2))];
        assert_eq!(of(&mut filters, &[(51, 1)]), changed);
        let used = differences(&mut filters, Filter::Used, &[(0, 0), (1, 1)]);
        assert_eq!(used, [(1, Some(1), None), (0, Some(0), Some(1))]);
        let used = differences(&mut filters, Filter::Used, &[(0, 1), (1, 0)]);
        assert_eq!(used, []);
    }

    #[test]
    fn a_change_is_a_sentence() {
        let device = told(Filter::Mounts, 8 << 20 | 1, Some(1));
        let change = Change::new(Part::Map, "mounts", device);
        let sentence = "map mounts had another state for the file system on device 8:1: 1";
        assert_eq!(change.told(), sentence);
    }
}

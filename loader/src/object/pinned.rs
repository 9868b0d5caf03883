//! Maps that are there already: pinned by an earlier run, or the caller's own.

use super::LoadOptions;
use crate::error::{Error, Result, ResultExt};
use crate::map::{Map, pin};
use crate::spec::MapSpec;
use crate::sys::{Errno, MapFd, MapInfo};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// Where pinned maps are looked for when the options name no other folder.
const PIN_ROOT: &str = "/sys/fs/bpf";
/// BPF_F_RDONLY_PROG, which the kernel sets on maps of devices by itself.
const RDONLY_PROG: u32 = 1 << 7;
/// DEVMAP and DEVMAP_HASH.
const DEVMAPS: [u32; 2] = [14, 25];

/// Where a map of this name is pinned.
pub(super) fn path(name: &str, options: &LoadOptions) -> PathBuf {
    let root = options.pin_root.as_deref();
    root.unwrap_or(Path::new(PIN_ROOT)).join(name)
}

/// The map that is pinned at `path`, or `None` where nothing is.
///
/// # Errors
/// `InvalidInput`, naming the first attribute that differs from what the
/// object asks for: `max_entries` and `flags` are those it would be created
/// with.
pub(super) fn find(
    path: &Path,
    spec: &mut MapSpec,
    max_entries: u32,
    flags: u32,
) -> Result<Option<Map>> {
    let fd = match pin::open(path) {
        Ok(fd) => fd,
        Err(Errno::NOENT) => return Ok(None),
        Err(errno) => {
            let error = errno.error("BPF_OBJ_GET");
            return Err(error.context(path.display().to_string()));
        }
    };
    let existing = existing(fd, spec).and_then(|(fd, info)| {
        check_all(spec, &info, max_entries, flags)?;
        Ok((fd, info))
    });
    let (fd, info) = existing.with_context(|| format!("pinned map {}", path.display()))?;
    Ok(Some(Map::new(spec, info.max_entries, info.map_flags, fd)))
}

/// The map that the caller gave to be used instead of a new one, if any.
///
/// # Errors
/// `InvalidInput` where type, key or value are others than the object's
/// programs expect.
pub(super) fn given(spec: &mut MapSpec, options: &LoadOptions) -> Result<Option<Map>> {
    let mut reuse = options.reuse.iter();
    let Some((_, fd)) = reuse.find(|(name, _)| *name == spec.name) else {
        return Ok(None);
    };
    let fd = fd.try_clone();
    let fd = fd.map_err(|error| Errno::from_io(&error).error("dup"))?;
    let (fd, info) = existing(fd, spec).with_context(|| "the map to be used")?;
    Ok(Some(Map::new(spec, info.max_entries, info.map_flags, fd)))
}

/// Pins a new map; `false` where somebody else was faster.
pub(super) fn pin_new(map: &Map, path: &Path) -> Result<bool> {
    let mut pinned = map.try_pin(path);
    if pinned == Err(Errno::NOENT) {
        // The last folder of the path, as libbpf has it.
        let folder = path.parent().map(std::fs::create_dir);
        if folder.is_some_and(|made| made.is_ok()) {
            pinned = map.try_pin(path);
        }
    }
    match pinned {
        Ok(()) => Ok(true),
        Err(Errno::EXIST) => Ok(false),
        Err(errno) => Err(map.pin_error(path, errno)),
    }
}

/// A map with its sizes, which have to be those that programs were built for.
fn existing(fd: OwnedFd, spec: &MapSpec) -> Result<(MapFd, MapInfo)> {
    let existing = MapFd::existing(fd);
    let (fd, info) = existing.map_err(|errno| errno.error("map info"))?;
    same("the type", info.map_type, spec.map_type)?;
    same("the key size", info.key_bytes, spec.key_size)?;
    same("the value size", info.value_bytes, spec.value_size)?;
    Ok((fd, info))
}

fn check_all(spec: &MapSpec, info: &MapInfo, max_entries: u32, flags: u32) -> Result<()> {
    same("max_entries", info.max_entries, max_entries)?;
    let set_by_kernel = match DEVMAPS.contains(&spec.map_type) {
        true => RDONLY_PROG,
        false => 0,
    };
    same(
        "the set of flags",
        info.map_flags & !set_by_kernel,
        flags & !set_by_kernel,
    )?;
    same("map_extra", info.map_extra, spec.map_extra)
}

fn same<T: PartialEq + core::fmt::Display>(what: &str, found: T, wanted: T) -> Result<()> {
    match found == wanted {
        true => Ok(()),
        false => Err(Error::invalid_input(format!(
            "{what} is {found}, the object asks for {wanted}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info() -> MapInfo {
        MapInfo {
            id: 1,
            map_type: 1,
            key_bytes: 4,
            value_bytes: 8,
            max_entries: 16,
            map_flags: 0,
            name: [0; 16],
            map_extra: 0,
        }
    }

    #[test]
    fn the_attribute_that_differs_is_named() {
        let spec = MapSpec {
            map_type: 1,
            ..MapSpec::default()
        };
        let text = |info: &MapInfo| match check_all(&spec, info, 16, 0) {
            Ok(()) => String::new(),
            Err(error) => error.to_string(),
        };
        assert_eq!(text(&info()), "");
        let larger = MapInfo {
            max_entries: 17,
            ..info()
        };
        assert_eq!(text(&larger), "max_entries is 17, the object asks for 16");
        let flagged = MapInfo {
            map_flags: 1,
            ..info()
        };
        assert_eq!(
            text(&flagged),
            "the set of flags is 1, the object asks for 0"
        );
        let extra = MapInfo {
            map_extra: 3,
            ..info()
        };
        assert_eq!(text(&extra), "map_extra is 3, the object asks for 0");
    }

    #[test]
    fn what_the_kernel_adds_to_a_map_of_devices_makes_no_difference() {
        let spec = MapSpec {
            map_type: 14,
            ..MapSpec::default()
        };
        let info = MapInfo {
            map_flags: RDONLY_PROG,
            ..info()
        };
        assert!(check_all(&spec, &info, 16, 0).is_ok());
    }

    #[test]
    fn maps_are_pinned_below_the_root() {
        let mut options = LoadOptions::default();
        assert_eq!(path("a", &options), Path::new("/sys/fs/bpf/a"));
        options.pin_root = Some("/run/bpf".into());
        assert_eq!(path("a", &options), Path::new("/run/bpf/a"));
    }
}

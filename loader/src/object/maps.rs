//! Creating the maps of an object and filling its global data.

use super::kernel_name;
use crate::error::{Error, Result, ResultExt};
use crate::map::{Map, UpdateFlag};
use crate::memlock::with_memlock;
use crate::spec::{MapKind, MapSpec, ObjectSpec};
use crate::sys::{self, Errno};
use std::os::fd::{AsFd, OwnedFd};

const PERF_EVENT_ARRAY: u32 = 4;
const RINGBUF: u32 = 27;
/// LIBBPF_PIN_NONE.
const PIN_NONE: u32 = 0;
const BPF_F_NUMA_NODE: u32 = 1 << 2;

/// Map types whose keys and values the kernel does not want described.
const WITHOUT_BTF: &[u32] = &[
    PERF_EVENT_ARRAY,
    7,  // STACK_TRACE
    8,  // CGROUP_ARRAY
    12, // ARRAY_OF_MAPS
    13, // HASH_OF_MAPS
    14, // DEVMAP
    15, // SOCKMAP
    16, // CPUMAP
    17, // XSKMAP
    18, // SOCKHASH
    22, // QUEUE
    23, // STACK
    25, // DEVMAP_HASH
    RINGBUF,
];

/// Creates all maps, in order, and fills those that hold global data.
pub(super) fn create_all(spec: &ObjectSpec, btf: Option<&OwnedFd>) -> Result<Vec<Map>> {
    let create = |map: &MapSpec| {
        let created = create_one(&spec.name, map, btf);
        created.with_context(|| format!("map {}", map.name))
    };
    spec.maps.iter().map(create).collect()
}

fn create_one(object: &str, spec: &MapSpec, btf: Option<&OwnedFd>) -> Result<Map> {
    if spec.pinning != PIN_NONE {
        return Err(Error::unsupported("pinning a map", None));
    }
    let max_entries = max_entries(spec)?;
    let with_btf = btf.filter(|_| {
        let typed = spec.key_type_id != 0 || spec.value_type_id != 0;
        typed && !WITHOUT_BTF.contains(&spec.map_type)
    });
    let mut create = sys::MapCreate {
        map_type: spec.map_type,
        key_bytes: spec.key_size,
        value_bytes: spec.value_size,
        max_entries,
        map_flags: spec.flags | spec.numa_node.map_or(0, |_| BPF_F_NUMA_NODE),
        numa_node: spec.numa_node.unwrap_or(0),
        map_extra: spec.map_extra,
        name: kernel_name(&full_name(object, spec)),
        btf: with_btf.map(|fd| (fd.as_fd(), spec.key_type_id, spec.value_type_id)),
    };
    let mut created = with_memlock(|| sys::map_create(&create));
    if matches!(created, Err(Errno::INVAL | Errno::NOTSUPP)) && create.btf.is_some() {
        // A type that the kernel cannot describe; the map is the same without.
        create.btf = None;
        created = with_memlock(|| sys::map_create(&create));
    }
    let fd = created.map_err(|errno| refusal(errno, spec, max_entries))?;
    let map = Map::new(spec, max_entries, fd);
    fill(&map, spec)?;
    Ok(map)
}

/// The size to create a map with.
fn max_entries(spec: &MapSpec) -> Result<u32> {
    match (spec.map_type, spec.max_entries) {
        (PERF_EVENT_ARRAY, 0) => {
            let cpus = sys::possible_cpus().map_err(|errno| errno.error("possible CPUs"))?;
            Ok(u32::try_from(cpus).unwrap_or(u32::MAX))
        }
        (RINGBUF, 0) => Err(Error::invalid_input(
            "the ring buffer has no size; set max_entries before loading",
        )),
        (RINGBUF, bytes) => ring_bytes(bytes, sys::page_bytes()),
        (_, entries) => Ok(entries),
    }
}

/// The next size that a ring buffer can have: a power of two and whole pages.
fn ring_bytes(bytes: u32, page_bytes: usize) -> Result<u32> {
    let page_bytes = u32::try_from(page_bytes).unwrap_or(u32::MAX);
    let rounded = bytes.max(page_bytes).checked_next_power_of_two();
    rounded.ok_or_else(|| Error::invalid_input(format!("a ring buffer of {bytes} bytes")))
}

/// Global data is named after its object, as every object has the same
/// sections; a section of its own name is named after itself alone. How much
/// of the object's name is taken is libbpf's choice, also for short sections.
fn full_name(object: &str, spec: &MapSpec) -> String {
    let is_custom = || spec.name.bytes().filter(|byte| *byte == b'.').count() > 1;
    if spec.kind == MapKind::Defined || is_custom() {
        return spec.name.clone();
    }
    let file = object.rsplit('/').next().unwrap_or(object);
    let stem = file.split('.').next().unwrap_or(file);
    let room = 15usize.saturating_sub(spec.name.len().max(".rodata".len()));
    let stem: String = stem.chars().filter(char::is_ascii).take(room).collect();
    stem + &spec.name
}

/// Writes the initial bytes of global data, and makes constants constant: the
/// verifier follows only what nobody can change any more.
fn fill(map: &Map, spec: &MapSpec) -> Result<()> {
    let Some(content) = &spec.content else {
        return Ok(());
    };
    // A new map is zero.
    if content.iter().any(|byte| *byte != 0) {
        map.update(&[0; 4], content, UpdateFlag::Any)?;
    }
    if spec.kind == MapKind::Rodata {
        map.freeze()?;
    }
    Ok(())
}

/// What a refusal to create a map means.
fn refusal(errno: Errno, spec: &MapSpec, max_entries: u32) -> Error {
    let error = errno.error("BPF_MAP_CREATE");
    if errno != Errno::INVAL && errno != Errno::TOO_BIG && errno != Errno::NOMEM {
        return error;
    }
    error.context(format!(
        "type {}, key {} bytes, value {} bytes, {max_entries} entries, flags {:#x}",
        spec.map_type, spec.key_size, spec.value_size, spec.flags
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data_map(name: &str) -> MapSpec {
        MapSpec {
            name: name.to_owned(),
            kind: MapKind::Rodata,
            ..MapSpec::default()
        }
    }

    #[test]
    fn ring_sizes_are_rounded_up_to_what_the_kernel_takes() {
        assert_eq!(ring_bytes(1, 4096).unwrap(), 4096);
        assert_eq!(ring_bytes(4096, 65536).unwrap(), 65536);
        assert_eq!(ring_bytes(300_000, 4096).unwrap(), 524_288);
        assert!(ring_bytes(u32::MAX, 4096).is_err());
    }

    #[test]
    fn a_ring_without_a_size_is_an_error_that_says_what_to_do() {
        let spec = MapSpec {
            map_type: RINGBUF,
            ..MapSpec::default()
        };
        assert!(
            max_entries(&spec)
                .unwrap_err()
                .to_string()
                .contains("max_entries")
        );
    }

    #[test]
    fn global_data_is_named_after_its_object() {
        assert_eq!(full_name("a/net.bpf.o", &data_map(".rodata")), "net.rodata");
        assert_eq!(
            full_name("very_long_name.o", &data_map(".rodata")),
            "very_lon.rodata"
        );
        assert_eq!(
            full_name("x.o", &data_map(".rodata.of_many_letters")),
            ".rodata.of_many_letters"
        );
        assert_eq!(full_name("network.o", &data_map(".rodata.x")), ".rodata.x");
        assert_eq!(full_name("very_long.o", &data_map(".bss")), "very_lon.bss");
    }
}

//! Creating the maps of an object and filling its global data.

use super::{LoadOptions, kernel_name, map_types, pinned};
use crate::error::{Error, Result, ResultExt};
use crate::map::{Map, UpdateFlag};
use crate::memlock::with_memlock;
use crate::spec::{MapKind, MapSpec, MapValue, ObjectSpec};
use crate::sys::{self, Errno, MapCreate, MapFd};
use std::borrow::Cow;
use std::os::fd::{AsFd, OwnedFd};

const PERF_EVENT_ARRAY: u32 = 4;
const RINGBUF: u32 = 27;
const USER_RINGBUF: u32 = 31;
const ARENA: u32 = 33;
/// LIBBPF_PIN_NONE.
const PIN_NONE: u32 = 0;
const BPF_F_NUMA_NODE: u32 = 1 << 2;
/// Kernel: 5.5
const BPF_F_MMAPABLE: u32 = 1 << 10;

/// The first offset into a map's memory that no instruction can load on a
/// kernel before 7.0.
///
/// Source: BPF_MAX_VAR_OFF, include/linux/bpf_verifier.h
const MAX_DIRECT_OFFSET: usize = 1 << 29;

/// Map types whose keys and values the kernel does not want described.
const WITHOUT_BTF: &[u32] = &[
    3, // PROG_ARRAY
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
    20, // REUSEPORT_SOCKARRAY
    22, // QUEUE
    23, // STACK
    25, // DEVMAP_HASH
    RINGBUF,
    USER_RINGBUF,
    ARENA,
];

/// Creates all maps, in order, and fills those that hold global data. Tables of
/// functions, which come last, are left out.
pub(super) fn create_all(
    spec: &mut ObjectSpec,
    btf: Option<&OwnedFd>,
    options: &LoadOptions,
) -> Result<Vec<Map>> {
    let object = &spec.name;
    let create = |map: &mut MapSpec| {
        let created = create_one(object, map, btf, options);
        created.with_context(|| format!("map {}", map.name))
    };
    let maps = spec.maps.iter_mut();
    let maps = maps.filter(|map| map.kind != MapKind::StructOps);
    maps.map(create).collect()
}

/// One map: the caller's, the one that is pinned, or a new one.
fn create_one(
    object: &str,
    spec: &mut MapSpec,
    btf: Option<&OwnedFd>,
    options: &LoadOptions,
) -> Result<Map> {
    if let Some(map) = pinned::given(spec, options)? {
        return existing(map, spec);
    }
    if spec.pinning == PIN_NONE {
        return create_new(object, spec, btf);
    }
    let path = pinned::path(&spec.name, options);
    // Somebody else may create and pin it between the look and our own try.
    for _ in 0..2 {
        let (entries, flags) = (max_entries(spec)?, flags(spec));
        if let Some(map) = pinned::find(&path, spec, entries, flags)? {
            return existing(map, spec);
        }
        let variables = spec.variables.clone();
        let map = create_new(object, spec, btf)?;
        if pinned::pin_new(&map, &path)? {
            return Ok(map);
        }
        spec.variables = variables;
    }
    let path = path.display();
    Err(Error::not_found(format!("{path} comes and goes")))
}

/// A map that keeps what is in it. The programs in it are this object's from
/// now on, as those that were there may be gone.
fn existing(map: Map, spec: &mut MapSpec) -> Result<Map> {
    let is_program = |value: &MapValue| matches!(value, MapValue::Program(_));
    spec.values.retain(|(_, value)| is_program(value));
    with_arena(map, spec, false)
}

fn create_new(object: &str, spec: &mut MapSpec, btf: Option<&OwnedFd>) -> Result<Map> {
    let max_entries = max_entries(spec)?;
    let inner = match &spec.inner {
        // Only its shape counts; it is gone again when this function ends.
        Some(inner) => {
            let created = create(
                &full_name(object, inner),
                inner,
                self::max_entries(inner)?,
                btf,
                None,
            );
            Some(created.with_context(|| "inner map")?)
        }
        None => None,
    };
    let inner = inner.as_ref().map(|(fd, _)| fd);
    let (fd, flags) = create(&full_name(object, spec), spec, max_entries, btf, inner)?;
    let map = Map::new(spec, max_entries, flags, fd);
    fill(&map, spec)?;
    with_arena(map, spec, true)
}

/// The flags to create a map with.
fn flags(spec: &MapSpec) -> u32 {
    spec.flags | spec.numa_node.map_or(0, |_| BPF_F_NUMA_NODE)
}

/// Creates a map, leaving out what the kernel does not take and the map can do
/// without; returns the flags that it took, too.
fn create(
    name: &str,
    spec: &MapSpec,
    max_entries: u32,
    btf: Option<&OwnedFd>,
    inner: Option<&MapFd>,
) -> Result<(MapFd, u32)> {
    let with_btf = btf.filter(|_| {
        let typed = spec.key_type_id != 0 || spec.value_type_id != 0;
        typed && !WITHOUT_BTF.contains(&spec.map_type)
    });
    let best = MapCreate {
        map_type: spec.map_type,
        key_bytes: spec.key_size,
        value_bytes: spec.value_size,
        max_entries,
        map_flags: flags(spec),
        numa_node: spec.numa_node.unwrap_or(0),
        map_extra: spec.map_extra,
        inner: inner.map(AsFd::as_fd),
        name: kernel_name(name),
        btf: with_btf.map(|fd| (fd.as_fd(), spec.key_type_id, spec.value_type_id)),
    };
    let first = match with_memlock(|| sys::map_create(&best)) {
        Ok(fd) => return Ok((fd, best.map_flags)),
        Err(errno) => errno,
    };
    if matches!(first, Errno::INVAL | Errno::NOTSUPP) {
        // Types that the kernel cannot describe, and memory that it cannot map:
        // global data is the same without either.
        let is_data = spec.kind != MapKind::Defined && best.map_flags & BPF_F_MMAPABLE != 0;
        let unmapped = best.map_flags & !BPF_F_MMAPABLE;
        let poorer = [
            (best.btf.is_some(), None, best.map_flags),
            (is_data, best.btf, unmapped),
            (is_data && best.btf.is_some(), None, unmapped),
        ];
        for (_, btf, map_flags) in poorer.into_iter().filter(|(differs, ..)| *differs) {
            let create = MapCreate {
                btf,
                map_flags,
                ..best
            };
            if let Ok(fd) = with_memlock(|| sys::map_create(&create)) {
                return Ok((fd, map_flags));
            }
        }
    }
    Err(refusal(first, spec, max_entries))
}

/// Maps an arena's memory, without which the kernel takes no program that uses
/// it, and writes its global variables, if it is new.
///
/// They lie at the end, as far from the null pointer as can be, or at the start
/// of an arena so large that not every kernel can load the end's offset.
fn with_arena(mut map: Map, spec: &MapSpec, is_new: bool) -> Result<Map> {
    if spec.map_type != ARENA {
        return Ok(map);
    }
    let content = spec.content.as_deref().unwrap_or_default();
    let base = arena_base(map.max_entries(), content.len(), sys::page_bytes())?;
    map.map_arena(if is_new { content } else { &[] }, base)?;
    Ok(map)
}

/// Where the global variables of an arena begin, in bytes.
fn arena_base(pages: u32, content_bytes: usize, page_bytes: usize) -> Result<usize> {
    let all = (pages as usize).saturating_mul(page_bytes);
    let rounded = content_bytes.checked_next_multiple_of(page_bytes);
    let base = rounded.and_then(|bytes| all.checked_sub(bytes));
    let base = base.ok_or_else(|| {
        Error::invalid_input(format!(
            "{content_bytes} bytes of global variables in an arena of {pages} pages"
        ))
    })?;
    let reaches = base.saturating_add(content_bytes) <= MAX_DIRECT_OFFSET;
    Ok(if reaches { base } else { 0 })
}

/// The size to create a map with.
fn max_entries(spec: &MapSpec) -> Result<u32> {
    match (spec.map_type, spec.max_entries) {
        (PERF_EVENT_ARRAY, 0) => {
            let cpus = sys::possible_cpus().map_err(|errno| errno.error("possible CPUs"))?;
            Ok(u32::try_from(cpus).unwrap_or(u32::MAX))
        }
        (RINGBUF | USER_RINGBUF, 0) => Err(Error::invalid_input(
            "the ring buffer has no size; set max_entries before loading",
        )),
        (RINGBUF | USER_RINGBUF, bytes) => ring_bytes(bytes, sys::page_bytes()),
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
    if spec.kind == MapKind::Defined {
        // That of an arena goes through memory.
        return Ok(());
    }
    // A new map is zero.
    if content.iter().any(|byte| *byte != 0) {
        let mut value = Cow::Borrowed(content.as_slice());
        if value.len() < map.value_bytes() {
            value.to_mut().resize(map.value_bytes(), 0);
        }
        map.update(&[0; 4], &value, UpdateFlag::Any)?;
    }
    if matches!(spec.kind, MapKind::Rodata | MapKind::Kconfig) {
        map.freeze()?;
    }
    Ok(())
}

/// What a refusal to create a map means.
fn refusal(errno: Errno, spec: &MapSpec, max_entries: u32) -> Error {
    let error = errno.error("BPF_MAP_CREATE");
    let is_unknown = matches!(errno, Errno::INVAL | Errno::TOO_BIG);
    if let Some((name, since)) = map_types::too_new(spec.map_type).filter(|_| is_unknown) {
        return Error::unsupported(name, Some(since)).context(format!("BPF_MAP_CREATE: {errno}"));
    }
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
    fn global_variables_lie_at_the_end_of_an_arena_that_is_not_too_large() {
        assert_eq!(arena_base(16, 12, 4096).unwrap(), 15 * 4096);
        assert_eq!(arena_base(2, 4097, 4096).unwrap(), 0);
        assert_eq!(arena_base(1 << 17, 12, 4096).unwrap(), (1 << 29) - 4096);
        assert_eq!(arena_base(1 << 18, 12, 4096).unwrap(), 0);
        assert!(arena_base(1, 4097, 4096).is_err());
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

//! The map commands.
//!
//! The kernel copies keys and values without being told how long the caller's
//! buffers are, so a descriptor keeps the sizes that it was created with, and
//! each element command checks its buffers against them.

use super::attr::{Command, MapCreateAttr, MapElemAttr, MapFreezeAttr};
use super::{Errno, MapInfo, Result, address, address_mut, bpf, owned, possible_cpus};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// One map to create.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct MapCreate<'a> {
    pub(crate) map_type: u32,
    pub(crate) key_bytes: u32,
    pub(crate) value_bytes: u32,
    pub(crate) max_entries: u32,
    pub(crate) map_flags: u32,
    /// Counts only with BPF_F_NUMA_NODE in `map_flags`.
    pub(crate) numa_node: u32,
    pub(crate) map_extra: u64,
    /// What a map of maps holds: its members have to be like this one.
    pub(crate) inner: Option<BorrowedFd<'a>>,
    /// NUL-padded.
    pub(crate) name: [u8; 16],
    /// The object's BTF with the ids of key and value in it.
    pub(crate) btf: Option<(BorrowedFd<'a>, u32, u32)>,
}

/// A map's descriptor and the sizes of what is copied in and out of it.
#[derive(Debug)]
pub(crate) struct MapFd {
    fd: OwnedFd,
    key_bytes: usize,
    value_bytes: usize,
    per_cpu: bool,
    cpus: usize,
}

impl MapFd {
    /// A map's descriptor with the sizes that the kernel knows it by.
    ///
    /// # Errors
    /// E2BIG for sizes beyond this machine; where CPUs cannot be counted.
    fn new(fd: OwnedFd, map_type: u32, key_bytes: u32, value_bytes: u32) -> Result<Self> {
        let (value_bytes, cpus) = element(map_type, value_bytes)?;
        Ok(Self {
            fd,
            key_bytes: key_bytes as usize,
            value_bytes,
            per_cpu: is_per_cpu(map_type),
            cpus,
        })
    }

    /// A map that exists, with what the kernel says about it.
    ///
    /// # Errors
    /// What the kernel says; as for a map that is created otherwise.
    pub(crate) fn existing(fd: OwnedFd) -> Result<(Self, MapInfo)> {
        let info = super::map_info(fd.as_fd())?;
        let map = Self::new(fd, info.map_type, info.key_bytes, info.value_bytes)?;
        Ok((map, info))
    }

    /// The bytes of a key.
    pub(super) fn key_bytes(&self) -> usize {
        self.key_bytes
    }

    /// Has each element one value per possible CPU?
    pub(crate) fn is_per_cpu(&self) -> bool {
        self.per_cpu
    }

    /// The bytes of a value as user space sees it: for a per-CPU map one value
    /// for each possible CPU, each rounded up to eight bytes.
    pub(crate) fn value_bytes(&self) -> usize {
        self.value_bytes
    }

    /// The values that one element holds: the possible CPUs, or 1.
    pub(crate) fn values_per_element(&self) -> usize {
        self.cpus
    }

    /// The same map by another descriptor.
    pub(crate) fn try_clone(&self) -> Result<Self> {
        let fd = self.fd.try_clone();
        let fd = fd.map_err(|error| Errno::from_io(&error))?;
        Ok(Self { fd, ..*self })
    }

    fn check_key(&self, key: &[u8]) -> Result<u64> {
        (key.len() == self.key_bytes)
            .then(|| address(key))
            .ok_or(Errno::INVAL)
    }

    fn elem(&self, key: u64, value: u64, flags: u64) -> MapElemAttr {
        MapElemAttr {
            map_fd: super::raw(self.fd.as_fd()),
            zero: 0,
            key,
            value,
            flags,
        }
    }
}

impl AsFd for MapFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Has a map of this type one value per possible CPU?
fn is_per_cpu(map_type: u32) -> bool {
    // PERCPU_HASH, PERCPU_ARRAY, LRU_PERCPU_HASH, PERCPU_CGROUP_STORAGE
    matches!(map_type, 5 | 6 | 10 | 21)
}

/// Creates a map.
pub(crate) fn map_create(map: &MapCreate<'_>) -> Result<MapFd> {
    let mut attr = MapCreateAttr {
        map_type: map.map_type,
        key_bytes: map.key_bytes,
        value_bytes: map.value_bytes,
        max_entries: map.max_entries,
        map_flags: map.map_flags,
        numa_node: map.numa_node,
        map_name: map.name,
        map_extra: map.map_extra,
        ..MapCreateAttr::default()
    };
    if let Some((btf, key_type_id, value_type_id)) = map.btf {
        attr.btf_fd = super::raw(btf);
        attr.btf_key_type_id = key_type_id;
        attr.btf_value_type_id = value_type_id;
    }
    if let Some(inner) = map.inner {
        attr.inner_map_fd = super::raw(inner);
    }
    // Before the map exists: its sizes are counted first.
    element(map.map_type, map.value_bytes)?;
    let fd = owned(bpf(Command::MapCreate, &mut attr)?);
    MapFd::new(fd, map.map_type, map.key_bytes, map.value_bytes)
}

/// The bytes that user space sees of one element, and the values in it.
fn element(map_type: u32, value_bytes: u32) -> Result<(usize, usize)> {
    let value_bytes = value_bytes as usize;
    if !is_per_cpu(map_type) {
        return Ok((value_bytes, 1));
    }
    let cpus = possible_cpus()?;
    let stride = value_bytes.checked_next_multiple_of(8);
    let bytes = stride.and_then(|stride| stride.checked_mul(cpus));
    Ok((bytes.ok_or(Errno::TOO_BIG)?, cpus))
}

/// The map of one table of functions to create.
pub(crate) struct StructOpsCreate<'a> {
    /// NUL-padded.
    pub(crate) name: [u8; 16],
    pub(crate) value_bytes: u32,
    pub(crate) map_flags: u32,
    /// The object's BTF; any will do.
    pub(crate) btf: BorrowedFd<'a>,
    /// The value's type in the kernel's BTF, or in that of `module`.
    pub(crate) value_type_id: u32,
    /// A module's BTF. Kernel: 6.9
    pub(crate) module: Option<BorrowedFd<'a>>,
}

/// Creates the map of a table of functions.
///
/// Kernel: 5.6
pub(crate) fn map_create_struct_ops(map: &StructOpsCreate<'_>) -> Result<MapFd> {
    const BPF_MAP_TYPE_STRUCT_OPS: u32 = 26;
    const BPF_F_VTYPE_BTF_OBJ_FD: u32 = 1 << 15;
    const KEY_BYTES: u32 = 4;
    let of_module = map.module.map_or(0, |_| BPF_F_VTYPE_BTF_OBJ_FD);
    let mut attr = MapCreateAttr {
        map_type: BPF_MAP_TYPE_STRUCT_OPS,
        key_bytes: KEY_BYTES,
        value_bytes: map.value_bytes,
        max_entries: 1,
        map_flags: map.map_flags | of_module,
        map_name: map.name,
        btf_fd: super::raw(map.btf),
        btf_vmlinux_value_type_id: map.value_type_id,
        value_type_btf_obj_fd: map.module.map_or(0, super::raw),
        ..MapCreateAttr::default()
    };
    let fd = owned(bpf(Command::MapCreate, &mut attr)?);
    MapFd::new(fd, BPF_MAP_TYPE_STRUCT_OPS, KEY_BYTES, map.value_bytes)
}

/// Reads the value of `key` into `value`; `flags` is 0 or BPF_F_LOCK.
///
/// # Errors
/// EINVAL for buffers that have not the map's sizes; ENOENT without such a key.
pub(crate) fn map_lookup_elem(map: &MapFd, key: &[u8], value: &mut [u8], flags: u64) -> Result<()> {
    lookup(Command::MapLookupElem, map, key, value, flags)
}

/// The same, and the element is gone.
///
/// Kernel: 4.20 for queues and stacks, 5.14 for hashes
pub(crate) fn map_lookup_and_delete_elem(
    map: &MapFd,
    key: &[u8],
    value: &mut [u8],
    flags: u64,
) -> Result<()> {
    lookup(Command::MapLookupAndDeleteElem, map, key, value, flags)
}

fn lookup(command: Command, map: &MapFd, key: &[u8], value: &mut [u8], flags: u64) -> Result<()> {
    let key = map.check_key(key)?;
    if value.len() != map.value_bytes {
        return Err(Errno::INVAL);
    }
    bpf(command, &mut map.elem(key, address_mut(value), flags)).map(drop)
}

/// Sets the value of `key`; `flags` is one of BPF_ANY, BPF_NOEXIST, BPF_EXIST,
/// and may have BPF_F_LOCK.
///
/// # Errors
/// EINVAL for buffers that have not the map's sizes.
pub(crate) fn map_update_elem(map: &MapFd, key: &[u8], value: &[u8], flags: u64) -> Result<()> {
    let key = map.check_key(key)?;
    if value.len() != map.value_bytes {
        return Err(Errno::INVAL);
    }
    bpf(
        Command::MapUpdateElem,
        &mut map.elem(key, address(value), flags),
    )
    .map(drop)
}

/// Removes `key`.
///
/// # Errors
/// ENOENT without such a key.
pub(crate) fn map_delete_elem(map: &MapFd, key: &[u8]) -> Result<()> {
    let key = map.check_key(key)?;
    bpf(Command::MapDeleteElem, &mut map.elem(key, 0, 0)).map(drop)
}

/// The key after `key`, or the first one, into `next`.
///
/// # Errors
/// ENOENT after the last key.
pub(crate) fn map_get_next_key(map: &MapFd, key: Option<&[u8]>, next: &mut [u8]) -> Result<()> {
    let key = key.map_or(Ok(0), |key| map.check_key(key))?;
    map.check_key(next)?;
    bpf(
        Command::MapGetNextKey,
        &mut map.elem(key, address_mut(next), 0),
    )
    .map(drop)
}

/// Makes a map read-only for user space, for good.
///
/// Kernel: 5.2
pub(crate) fn map_freeze(map: &MapFd) -> Result<()> {
    let mut attr = MapFreezeAttr {
        map_fd: super::raw(map.fd.as_fd()),
    };
    bpf(Command::MapFreeze, &mut attr).map(drop)
}

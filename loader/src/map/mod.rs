//! Maps that exist in the kernel.
//!
//! A [`Map`] speaks in bytes; [`Map::typed`] in integers, arrays and whatever
//! else implements [`Element`]. Nothing is probed: a command that the kernel
//! lacks is replaced by older ones where that is possible.

mod batch;
mod data;
mod keys;
mod memory;
pub(crate) mod pin;
mod queue;
mod typed;

pub use batch::Elements;
pub use data::Data;
pub use keys::Keys;
pub use memory::Memory;
pub use typed::{Element, TypedMap};

use crate::error::{Error, Result};
use crate::spec::{MapSpec, Variable};
use crate::sys::{self, Errno};
use std::os::fd::{AsFd, BorrowedFd};

/// BPF_F_LOCK: the value's spin lock is held while it is copied.
const LOCK: u64 = 4;

/// What an update does about a key that is, or is not, there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UpdateFlag {
    /// Creates or replaces.
    #[default]
    Any,
    /// Creates; an existing key is an error.
    NoExist,
    /// Replaces; a missing key is an error.
    Exist,
}

impl UpdateFlag {
    /// BPF_ANY, BPF_NOEXIST or BPF_EXIST.
    const fn bits(self) -> u64 {
        match self {
            Self::Any => 0,
            Self::NoExist => 1,
            Self::Exist => 2,
        }
    }
}

/// A map in the kernel; gone when this and everything that uses it are.
#[derive(Debug)]
pub struct Map {
    name: String,
    fd: sys::MapFd,
    map_type: u32,
    key_bytes: usize,
    value_bytes: usize,
    max_entries: u32,
    flags: u32,
    map_extra: u64,
    /// Where global variables lie, for a map that holds some.
    variables: Vec<Variable>,
    /// The memory of an arena and where global variables begin in it.
    arena: Option<(sys::MapMemory, usize)>,
}

impl Map {
    /// A map that was created as `spec` says, or that is like it.
    pub(crate) fn new(spec: &mut MapSpec, max_entries: u32, flags: u32, fd: sys::MapFd) -> Self {
        Self {
            name: spec.name.clone(),
            fd,
            map_type: spec.map_type,
            key_bytes: spec.key_size as usize,
            value_bytes: spec.value_size as usize,
            max_entries,
            flags,
            map_extra: spec.map_extra,
            variables: core::mem::take(&mut spec.variables),
            arena: None,
        }
    }

    /// The descriptor with the sizes of what goes in and out.
    pub(crate) fn fd(&self) -> &sys::MapFd {
        &self.fd
    }

    /// The name in the object, in full.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `BPF_MAP_TYPE_*`.
    pub fn map_type(&self) -> u32 {
        self.map_type
    }

    /// Size of a key in bytes.
    pub fn key_bytes(&self) -> usize {
        self.key_bytes
    }

    /// Size of one value in bytes.
    pub fn value_bytes(&self) -> usize {
        self.value_bytes
    }

    /// Entries that fit, or the bytes of a ring buffer.
    pub fn max_entries(&self) -> u32 {
        self.max_entries
    }

    /// `BPF_F_*` flags that it was created with.
    pub fn flags(&self) -> u32 {
        self.flags
    }

    /// The type-specific extra: an arena's address, a bloom filter's hashes.
    ///
    /// Kernel: 5.16
    pub fn map_extra(&self) -> u64 {
        self.map_extra
    }

    /// Has each element one value per possible CPU?
    pub fn is_per_cpu(&self) -> bool {
        self.fd.is_per_cpu()
    }

    /// The kernel's number for the map.
    ///
    /// # Errors
    /// `System` with the errno of BPF_OBJ_GET_INFO_BY_FD.
    ///
    /// Kernel: 4.13
    pub fn id(&self) -> Result<u32> {
        let info = sys::map_info(self.fd.as_fd());
        info.map(|info| info.id)
            .map_err(|errno| self.error("info", errno))
    }

    /// The same map by another descriptor. The memory of an arena, and with it
    /// the way to its global variables, stays with the first.
    ///
    /// # Errors
    /// `System` with the errno of fcntl(2): EMFILE where no descriptor is left.
    pub fn try_clone(&self) -> Result<Self> {
        let fd = self.fd.try_clone();
        let variables = match self.arena {
            Some(_) => Vec::new(),
            None => self.variables.clone(),
        };
        Ok(Self {
            name: self.name.clone(),
            fd: fd.map_err(|errno| self.error("dup", errno))?,
            variables,
            arena: None,
            ..*self
        })
    }

    /// The value of `key`, or `None` where there is none.
    ///
    /// # Errors
    /// `InvalidInput` for a key of another size or a per-CPU map; what the
    /// kernel says otherwise.
    pub fn lookup(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.check_plain()?;
        self.lookup_raw(key, 0)
    }

    /// The same, but no program that takes the value's spin lock writes to it
    /// meanwhile.
    ///
    /// # Errors
    /// As [`Map::lookup`]; EINVAL for a value without a `struct bpf_spin_lock`.
    ///
    /// Kernel: 5.1
    pub fn lookup_locked(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.check_plain()?;
        self.lookup_raw(key, LOCK)
    }

    /// The values of `key`, one per possible CPU in the order of their numbers,
    /// or `None` where there is no such key. A plain map gives one value.
    ///
    /// # Errors
    /// As [`Map::lookup`].
    ///
    /// Kernel: 4.6
    pub fn lookup_per_cpu(&self, key: &[u8]) -> Result<Option<Vec<Vec<u8>>>> {
        let all = self.lookup_raw(key, 0)?;
        Ok(all.map(|all| self.split_per_cpu(&all)))
    }

    /// The values in an element as the kernel gives it.
    fn split_per_cpu(&self, element: &[u8]) -> Vec<Vec<u8>> {
        let cpus = self.fd.values_per_element();
        let stride = element.len() / cpus.max(1);
        let value = |cpu| {
            let value = element.get(cpu * stride..).unwrap_or_default();
            value.get(..self.value_bytes).unwrap_or_default().to_vec()
        };
        (0..cpus).map(value).collect()
    }

    /// Sets the value of `key`.
    ///
    /// # Errors
    /// `InvalidInput` for a key or value of another size or a per-CPU map; what
    /// the kernel says otherwise (E2BIG for a full map, EEXIST, ENOENT).
    pub fn update(&self, key: &[u8], value: &[u8], flag: UpdateFlag) -> Result<()> {
        self.check_plain()?;
        self.check_size("value", value, self.value_bytes)?;
        self.update_raw(key, value, flag.bits())
    }

    /// The same, with the value's spin lock held while it is written.
    ///
    /// # Errors
    /// As [`Map::update`]; EINVAL for a value without a `struct bpf_spin_lock`.
    ///
    /// Kernel: 5.1
    pub fn update_locked(&self, key: &[u8], value: &[u8], flag: UpdateFlag) -> Result<()> {
        self.check_plain()?;
        self.check_size("value", value, self.value_bytes)?;
        self.update_raw(key, value, flag.bits() | LOCK)
    }

    /// Puts a descriptor at `key`: a program into an array of programs, a map
    /// into a map of maps, a socket, a cgroup or a perf event into theirs.
    ///
    /// # Errors
    /// As [`Map::update`]; EINVAL or EBADF for a descriptor of something else.
    pub fn update_fd(&self, key: &[u8], fd: impl AsFd, flag: UpdateFlag) -> Result<()> {
        let mut value = sys::fd_bytes(fd.as_fd()).to_vec();
        // Maps of sockets take eight bytes, too.
        value.resize(self.value_bytes.max(value.len()), 0);
        self.update(key, &value, flag)
    }

    /// Sets the values of `key`, one per possible CPU.
    ///
    /// # Errors
    /// As [`Map::update`]; `InvalidInput` for another number of values.
    ///
    /// Kernel: 4.6
    pub fn update_per_cpu(&self, key: &[u8], values: &[&[u8]], flag: UpdateFlag) -> Result<()> {
        let cpus = self.fd.values_per_element();
        if values.len() != cpus {
            return Err(self.invalid(format!("{} values for {cpus} possible CPUs", values.len())));
        }
        let stride = self.fd.value_bytes() / cpus.max(1);
        let mut all = Vec::with_capacity(self.fd.value_bytes());
        for (cpu, value) in values.iter().enumerate() {
            self.check_size("value", value, self.value_bytes)?;
            all.extend_from_slice(value);
            all.resize(stride * (cpu + 1), 0);
        }
        self.update_raw(key, &all, flag.bits())
    }

    /// Removes `key`; `false` where there was none.
    ///
    /// # Errors
    /// As [`Map::lookup`].
    pub fn delete(&self, key: &[u8]) -> Result<bool> {
        self.check_size("key", key, self.key_bytes)?;
        match sys::map_delete_elem(&self.fd, key) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(errno) => Err(self.error("delete", errno)),
        }
    }

    /// Removes `key` and returns its value, or `None` where there was none.
    ///
    /// Where the kernel cannot do both in one, a write between the two is lost.
    ///
    /// # Errors
    /// As [`Map::lookup`]; EINVAL for arrays, whose elements always exist.
    ///
    /// Kernel: 5.14 for hashes in one; any in two
    pub fn lookup_and_delete(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.check_plain()?;
        self.take_raw(key)
    }

    /// The same for a per-CPU map: one value per possible CPU.
    ///
    /// # Errors
    /// As [`Map::lookup_and_delete`].
    pub fn lookup_and_delete_per_cpu(&self, key: &[u8]) -> Result<Option<Vec<Vec<u8>>>> {
        let all = self.take_raw(key)?;
        Ok(all.map(|all| self.split_per_cpu(&all)))
    }

    fn take_raw(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.check_size("key", key, self.key_bytes)?;
        let mut value = vec![0; self.fd.value_bytes()];
        match sys::map_lookup_and_delete_elem(&self.fd, key, &mut value, 0) {
            Ok(()) => Ok(Some(value)),
            Err(Errno::NOENT) => Ok(None),
            Err(Errno::INVAL | Errno::NOTSUPP | Errno::OPNOTSUPP) => {
                let value = self.lookup_raw(key, 0)?;
                Ok(match self.delete(key)? {
                    true => value,
                    false => None,
                })
            }
            Err(errno) => Err(self.error("lookup and delete", errno)),
        }
    }

    /// All keys, in the kernel's order.
    ///
    /// A map that others change meanwhile may show a key twice or not at all;
    /// one that keeps starting over is given up with an error.
    pub fn keys(&self) -> Keys<'_> {
        Keys::new(self)
    }

    /// All elements, in the kernel's order: as [`Map::keys`], with the value of
    /// each; a key that is gone before its value is read is left out.
    pub fn iter(&self) -> impl Iterator<Item = Result<(Vec<u8>, Vec<u8>)>> + '_ {
        self.keys().filter_map(|key| {
            let value = key.and_then(|key| Ok(self.lookup(&key)?.map(|value| (key, value))));
            value.transpose()
        })
    }

    /// Makes the map read-only for user space, for good.
    ///
    /// # Errors
    /// EBUSY where it is frozen or mapped for writing; what the kernel says
    /// otherwise.
    ///
    /// Kernel: 5.2
    pub fn freeze(&self) -> Result<()> {
        sys::map_freeze(&self.fd).map_err(|errno| self.error("freeze", errno))
    }

    fn lookup_raw(&self, key: &[u8], flags: u64) -> Result<Option<Vec<u8>>> {
        self.check_size("key", key, self.key_bytes)?;
        let mut value = vec![0; self.fd.value_bytes()];
        match sys::map_lookup_elem(&self.fd, key, &mut value, flags) {
            Ok(()) => Ok(Some(value)),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(self.error("lookup", errno)),
        }
    }

    fn update_raw(&self, key: &[u8], value: &[u8], flags: u64) -> Result<()> {
        self.check_size("key", key, self.key_bytes)?;
        let updated = sys::map_update_elem(&self.fd, key, value, flags);
        updated.map_err(|errno| self.error("update", errno))
    }

    fn check_plain(&self) -> Result<()> {
        if self.is_per_cpu() {
            return Err(self.invalid("its elements have one value per CPU".to_owned()));
        }
        Ok(())
    }

    fn check_size(&self, what: &str, bytes: &[u8], expected: usize) -> Result<()> {
        if bytes.len() != expected {
            return Err(self.invalid(format!(
                "a {what} of {} bytes instead of {expected}",
                bytes.len()
            )));
        }
        Ok(())
    }

    fn invalid(&self, cause: String) -> Error {
        Error::invalid_input(cause).context(format!("map {}", self.name))
    }

    fn error(&self, what: &str, errno: Errno) -> Error {
        errno.error(what).context(format!("map {}", self.name))
    }
}

impl AsFd for Map {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// One more than the highest number of a CPU that this machine may ever have:
/// the entries that an array needs which programs index by the CPU they run on.
///
/// # Errors
/// `System` where the file cannot be read, or with EINVAL where it is no list.
///
/// Source: /sys/devices/system/cpu/possible
pub fn possible_cpu_numbers() -> Result<u32> {
    let numbers = sys::possible_cpu_numbers().map_err(|errno| errno.error("possible CPUs"))?;
    u32::try_from(numbers).map_err(|_| Error::malformed(format!("{numbers} possible CPUs")))
}

//! Maps that exist in the kernel.

use crate::error::{Error, Result, ResultExt};
use crate::spec::MapSpec;
use crate::sys::{self, Errno};
use std::os::fd::{AsFd, BorrowedFd};

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

/// A map in the kernel; gone when this and everything that uses it are.
#[derive(Debug)]
pub struct Map {
    name: String,
    fd: sys::MapFd,
    map_type: u32,
    key_bytes: usize,
    value_bytes: usize,
    max_entries: u32,
}

impl Map {
    pub(crate) fn new(spec: &MapSpec, max_entries: u32, fd: sys::MapFd) -> Self {
        Self {
            name: spec.name.clone(),
            fd,
            map_type: spec.map_type,
            key_bytes: spec.key_size as usize,
            value_bytes: spec.value_size as usize,
            max_entries,
        }
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

    /// Has each element one value per possible CPU?
    pub fn is_per_cpu(&self) -> bool {
        self.fd.is_per_cpu()
    }

    /// The kernel's number for the map.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn id(&self) -> Result<u32> {
        let info = sys::map_info(self.fd.as_fd());
        info.map(|info| info.id)
            .map_err(|errno| self.error("info", errno))
    }

    /// The same map by another descriptor.
    ///
    /// # Errors
    /// What the kernel says (EMFILE).
    pub fn try_clone(&self) -> Result<Self> {
        let fd = self.fd.try_clone();
        Ok(Self {
            name: self.name.clone(),
            fd: fd.map_err(|errno| self.error("dup", errno))?,
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
        self.lookup_raw(key)
    }

    /// The values of `key`, one per possible CPU in the order of their numbers,
    /// or `None` where there is no such key. A plain map gives one value.
    ///
    /// # Errors
    /// As [`Map::lookup`].
    ///
    /// Kernel: 4.6
    pub fn lookup_per_cpu(&self, key: &[u8]) -> Result<Option<Vec<Vec<u8>>>> {
        let Some(all) = self.lookup_raw(key)? else {
            return Ok(None);
        };
        if self.value_bytes == 0 {
            return Ok(Some(vec![Vec::new(); self.fd.values_per_element()]));
        }
        let stride = all.len() / self.fd.values_per_element().max(1);
        let values = all
            .chunks_exact(stride)
            .map(|value| value[..self.value_bytes].to_vec());
        Ok(Some(values.collect()))
    }

    /// Sets the value of `key`.
    ///
    /// # Errors
    /// `InvalidInput` for a key or value of another size or a per-CPU map; what
    /// the kernel says otherwise (E2BIG for a full map, EEXIST, ENOENT).
    pub fn update(&self, key: &[u8], value: &[u8], flag: UpdateFlag) -> Result<()> {
        self.check_plain()?;
        self.check_size("value", value, self.value_bytes)?;
        self.update_raw(key, value, flag)
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
        self.update_raw(key, &all, flag)
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

    /// All keys, in the kernel's order.
    ///
    /// A map that others change meanwhile may show a key twice or not at all;
    /// one that keeps starting over is given up with an error.
    pub fn keys(&self) -> Keys<'_> {
        Keys {
            map: self,
            last: None,
            left: u64::from(self.max_entries) * 2 + 16,
            done: false,
        }
    }

    fn lookup_raw(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.check_size("key", key, self.key_bytes)?;
        let mut value = vec![0; self.fd.value_bytes()];
        match sys::map_lookup_elem(&self.fd, key, &mut value) {
            Ok(()) => Ok(Some(value)),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(self.error("lookup", errno)),
        }
    }

    fn update_raw(&self, key: &[u8], value: &[u8], flag: UpdateFlag) -> Result<()> {
        self.check_size("key", key, self.key_bytes)?;
        let flags = match flag {
            UpdateFlag::Any => 0,
            UpdateFlag::NoExist => 1,
            UpdateFlag::Exist => 2,
        };
        let updated = sys::map_update_elem(&self.fd, key, value, flags);
        updated.map_err(|errno| self.error("update", errno))
    }

    /// Makes the map read-only for user space.
    pub(crate) fn freeze(&self) -> Result<()> {
        sys::map_freeze(&self.fd).map_err(|errno| self.error("freeze", errno))
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

/// The keys of a map; see [`Map::keys`].
#[derive(Debug)]
pub struct Keys<'a> {
    map: &'a Map,
    last: Option<Vec<u8>>,
    left: u64,
    done: bool,
}

impl Iterator for Keys<'_> {
    type Item = Result<Vec<u8>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        self.done = self.left == 0;
        if self.done {
            let cause = "the map changes faster than its keys can be read";
            return Some(Err(Errno::AGAIN.error(cause)))
                .map(|error: Result<_>| error.with_context(|| format!("map {}", self.map.name)));
        }
        self.left -= 1;
        let mut next = vec![0; self.map.key_bytes];
        match sys::map_get_next_key(&self.map.fd, self.last.as_deref(), &mut next) {
            Ok(()) => {
                self.last = Some(next.clone());
                Some(Ok(next))
            }
            Err(errno) => {
                self.done = true;
                (errno != Errno::NOENT).then(|| Err(self.map.error("next key", errno)))
            }
        }
    }
}

/// One more than the highest number of a CPU that this machine may ever have:
/// the entries that an array needs which programs index by the CPU they run on.
///
/// # Errors
/// When sysfs does not tell.
///
/// Source: /sys/devices/system/cpu/possible
pub fn possible_cpu_numbers() -> Result<u32> {
    let numbers = sys::possible_cpu_numbers().map_err(|errno| errno.error("possible CPUs"))?;
    u32::try_from(numbers).map_err(|_| Error::malformed(format!("{numbers} possible CPUs")))
}

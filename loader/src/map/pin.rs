//! Maps that others made: by their name in a BPF file system, by number, by
//! descriptor.

use super::Map;
use crate::error::{Error, Result, ResultExt};
use crate::sys::{self, Errno};
use std::ffi::CString;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

impl Map {
    /// Gives the map a name in a BPF file system, where it outlives this
    /// process.
    ///
    /// # Errors
    /// EEXIST where the name is taken; `PermissionDenied` where the folder is
    /// in no BPF file system.
    ///
    /// Kernel: 4.4
    pub fn pin(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        self.try_pin(path)
            .map_err(|errno| self.pin_error(path, errno))
    }

    /// The same, with the errno for who can do something about it.
    pub(crate) fn try_pin(&self, path: &Path) -> sys::Result<()> {
        sys::obj_pin(self.fd.as_fd(), &c_path(path)?)
    }

    pub(crate) fn pin_error(&self, path: &Path, errno: Errno) -> Error {
        let error = self.error("BPF_OBJ_PIN", errno);
        let is_denied = errno == Errno::PERM;
        let hint = if is_denied {
            " (is it in a BPF file system?)"
        } else {
            ""
        };
        error.context(format!("{}{hint}", path.display()))
    }

    /// Takes the name away again.
    ///
    /// # Errors
    /// `InvalidInput` where something else has that name, `NotFound` where
    /// nothing has; what the kernel says otherwise.
    pub fn unpin(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let pinned = Self::from_pin(path)?;
        if pinned.id()? != self.id()? {
            return Err(self.invalid(format!("{} is another map", path.display())));
        }
        let removed = std::fs::remove_file(path);
        removed.map_err(|error| self.error("unlink", Errno::from_io(&error)))
    }

    /// The map that is pinned under a name.
    ///
    /// # Errors
    /// `NotFound` without such a name, `InvalidInput` where it is no map's;
    /// what the kernel says otherwise.
    ///
    /// Kernel: 4.4
    pub fn from_pin(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let opened = match open(path) {
            Err(Errno::NOENT) => Err(Error::not_found("nothing is pinned there")),
            other => other.map_err(|errno| errno.error("BPF_OBJ_GET")),
        };
        opened
            .and_then(Self::from_fd)
            .with_context(|| path.display().to_string())
    }

    /// The map with this number; see [`Map::id`].
    ///
    /// # Errors
    /// `NotFound` without such a map; `PermissionDenied`.
    ///
    /// Kernel: 4.13
    pub fn from_id(id: u32) -> Result<Self> {
        match sys::map_get_fd_by_id(id) {
            Err(Errno::NOENT) => Err(Error::not_found(format!("no map has number {id}"))),
            Err(errno) => Err(errno.error("BPF_MAP_GET_FD_BY_ID")),
            Ok(fd) => Self::from_fd(fd),
        }
    }

    /// The map behind a descriptor, under the name that the kernel knows (15
    /// bytes at most).
    ///
    /// # Errors
    /// `InvalidInput` where it is no map; what the kernel says otherwise.
    pub fn from_fd(fd: OwnedFd) -> Result<Self> {
        // The kernel describes programs, too, in the same bytes.
        if sys::fd_path(fd.as_fd()).is_some_and(|path| !path.contains("bpf-map")) {
            return Err(Error::invalid_input("it is no map"));
        }
        let existing = sys::MapFd::existing(fd).map_err(|errno| errno.error("map info"))?;
        let (fd, info) = existing;
        let name = info.name.split(|byte| *byte == 0).next();
        Ok(Self {
            name: String::from_utf8_lossy(name.unwrap_or_default()).into_owned(),
            fd,
            map_type: info.map_type,
            key_bytes: info.key_bytes as usize,
            value_bytes: info.value_bytes as usize,
            max_entries: info.max_entries,
            flags: info.map_flags,
            map_extra: info.map_extra,
            variables: Vec::new(),
            arena: None,
        })
    }
}

/// Opens what is pinned under a name.
pub(crate) fn open(path: &Path) -> sys::Result<OwnedFd> {
    sys::obj_get(&c_path(path)?)
}

fn c_path(path: &Path) -> sys::Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(|_| Errno::INVAL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_a_nul_inside_never_reaches_the_kernel() {
        assert_eq!(open(Path::new("/a\0b")).err(), Some(Errno::INVAL));
    }
}

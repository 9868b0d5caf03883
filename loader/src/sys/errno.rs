//! The kernel's error numbers, by name.

use crate::error::{Error, ErrorKind};
use core::fmt;
use std::borrow::Cow;

/// A positive errno value. Open: unknown values are legal.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Errno(i32);

impl Errno {
    pub(crate) const PERM: Self = Self(libc::EPERM);
    pub(crate) const NOENT: Self = Self(libc::ENOENT);
    pub(crate) const SRCH: Self = Self(libc::ESRCH);
    pub(crate) const INTR: Self = Self(libc::EINTR);
    pub(crate) const TOO_BIG: Self = Self(libc::E2BIG);
    pub(crate) const BADF: Self = Self(libc::EBADF);
    pub(crate) const AGAIN: Self = Self(libc::EAGAIN);
    pub(crate) const NOMEM: Self = Self(libc::ENOMEM);
    pub(crate) const ACCES: Self = Self(libc::EACCES);
    pub(crate) const FAULT: Self = Self(libc::EFAULT);
    pub(crate) const BUSY: Self = Self(libc::EBUSY);
    pub(crate) const EXIST: Self = Self(libc::EEXIST);
    pub(crate) const NODEV: Self = Self(libc::ENODEV);
    pub(crate) const BADMSG: Self = Self(libc::EBADMSG);
    pub(crate) const NOPROTOOPT: Self = Self(libc::ENOPROTOOPT);
    pub(crate) const INVAL: Self = Self(libc::EINVAL);
    pub(crate) const NOBUFS: Self = Self(libc::ENOBUFS);
    pub(crate) const NOSPC: Self = Self(libc::ENOSPC);
    pub(crate) const OPNOTSUPP: Self = Self(libc::EOPNOTSUPP);
    pub(crate) const ADDRNOTAVAIL: Self = Self(libc::EADDRNOTAVAIL);
    /// The kernel's own ENOTSUPP, which leaks out of BTF checks of map types.
    pub(crate) const NOTSUPP: Self = Self(524);

    /// An errno that came in a message.
    pub(crate) fn from_raw(errno: i32) -> Self {
        Self(errno)
    }

    /// What the last failed system call of this thread left.
    pub(super) fn last() -> Self {
        Self::from_io(&std::io::Error::last_os_error())
    }

    /// The errno behind a standard library error; EIO where there is none.
    pub(crate) fn from_io(error: &std::io::Error) -> Self {
        Self(error.raw_os_error().unwrap_or(libc::EIO))
    }

    /// The errno as an [`Error`] whose text is `what`, then the errno.
    pub(crate) fn error(self, what: impl fmt::Display) -> Error {
        let kind = match self {
            Self::PERM | Self::ACCES => ErrorKind::PermissionDenied,
            Self(errno) => ErrorKind::System { errno },
        };
        Error::new(kind, Cow::Owned(format!("{what}: {self}")))
    }

    fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            libc::EPERM => "EPERM",
            libc::ENOENT => "ENOENT",
            libc::ESRCH => "ESRCH",
            libc::EINTR => "EINTR",
            libc::EIO => "EIO",
            libc::ENXIO => "ENXIO",
            libc::E2BIG => "E2BIG",
            libc::EBADF => "EBADF",
            libc::EAGAIN => "EAGAIN",
            libc::ENOMEM => "ENOMEM",
            libc::EACCES => "EACCES",
            libc::EFAULT => "EFAULT",
            libc::EBUSY => "EBUSY",
            libc::EEXIST => "EEXIST",
            libc::ENODEV => "ENODEV",
            libc::EISDIR => "EISDIR",
            libc::EINVAL => "EINVAL",
            libc::ENOTDIR => "ENOTDIR",
            libc::EMFILE => "EMFILE",
            libc::ENOBUFS => "ENOBUFS",
            libc::ENOSPC => "ENOSPC",
            libc::EILSEQ => "EILSEQ",
            libc::ERANGE => "ERANGE",
            libc::ENOSYS => "ENOSYS",
            libc::ELOOP => "ELOOP",
            libc::EBADMSG => "EBADMSG",
            libc::ENOTSOCK => "ENOTSOCK",
            libc::ENOPROTOOPT => "ENOPROTOOPT",
            libc::EAFNOSUPPORT => "EAFNOSUPPORT",
            libc::EADDRINUSE => "EADDRINUSE",
            libc::ESTALE => "ESTALE",
            libc::EOPNOTSUPP => "EOPNOTSUPP",
            libc::EADDRNOTAVAIL => "EADDRNOTAVAIL",
            524 => "ENOTSUPP",
            _ => return None,
        })
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "errno {}", self.0),
        }
    }
}

impl fmt::Debug for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permission_errnos_become_permission_denied() {
        for errno in [Errno::PERM, Errno::ACCES] {
            assert_eq!(errno.error("x").kind(), ErrorKind::PermissionDenied);
        }
    }

    #[test]
    fn other_errnos_keep_their_number() {
        let error = Errno::INVAL.error("BPF_MAP_CREATE");
        assert_eq!(error.errno(), Some(libc::EINVAL));
        assert_eq!(error.to_string(), "BPF_MAP_CREATE: EINVAL");
    }

    #[test]
    fn unknown_errnos_are_shown_by_number() {
        assert_eq!(Errno(4000).to_string(), "errno 4000");
    }
}

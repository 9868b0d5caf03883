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
        name(self.0)
    }
}

/// Declares [`name`] of the constants of these names.
macro_rules! names {
    ($($name:ident)*) => {
        /// The name of a positive errno, such as `ENOENT`; `None` for a number that no
        /// program sees.
        pub fn name(errno: i32) -> Option<&'static str> {
            Some(match errno {
                $(libc::$name => stringify!($name),)*
                524 => "ENOTSUPP",
                _ => return None,
            })
        }
    };
}

names! {
    EPERM ENOENT ESRCH EINTR EIO ENXIO E2BIG ENOEXEC EBADF ECHILD EAGAIN ENOMEM EACCES EFAULT
    ENOTBLK EBUSY EEXIST EXDEV ENODEV ENOTDIR EISDIR EINVAL ENFILE EMFILE ENOTTY ETXTBSY EFBIG
    ENOSPC ESPIPE EROFS EMLINK EPIPE EDOM ERANGE EDEADLK ENAMETOOLONG ENOLCK ENOSYS ENOTEMPTY
    ELOOP ENODATA EBADMSG EOVERFLOW EILSEQ EUSERS ENOTSOCK EDESTADDRREQ EMSGSIZE EPROTOTYPE
    ENOPROTOOPT EPROTONOSUPPORT ESOCKTNOSUPPORT EOPNOTSUPP EPFNOSUPPORT EAFNOSUPPORT EADDRINUSE
    EADDRNOTAVAIL ENETDOWN ENETUNREACH ENETRESET ECONNABORTED ECONNRESET ENOBUFS EISCONN
    ENOTCONN ETIMEDOUT ECONNREFUSED EHOSTDOWN EHOSTUNREACH EALREADY EINPROGRESS ESTALE EDQUOT
    ENOMEDIUM EMEDIUMTYPE ECANCELED ENOKEY
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

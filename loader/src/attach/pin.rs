//! Links and programs by path and by number, and what may be done to a link
//! besides holding it.

use super::link::{Link, Part};
use super::link_info::{LinkInfo, LinkedTo};
use super::net::opened;
use crate::error::{Error, Result, ResultExt};
use crate::program::Program;
use crate::sys::{self, Errno};
use std::ffi::CString;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

impl Link {
    /// Opens a link that was pinned at `path`. It stays attached when this is
    /// dropped: the pin keeps it.
    ///
    /// # Errors
    /// `NotFound` where nothing is; `InvalidInput` for what is no link; what
    /// the kernel says otherwise.
    ///
    /// Kernel: 5.7
    pub fn from_pin(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let mut link = Self::new(open_pin(path, "link")?, "pinned");
        link.pinned = Some(path.to_owned());
        Ok(link)
    }

    /// Opens the link with that number.
    ///
    /// # Errors
    /// `NotFound` for a number that no link has; what the kernel says
    /// otherwise.
    ///
    /// Kernel: 5.8
    pub fn from_id(id: u32) -> Result<Self> {
        let opened = sys::link_get_fd_by_id(id).map_err(|errno| no_such(errno, "link", id));
        Ok(Self::new(opened?, "id"))
    }

    /// Gives the link a name in a bpf file system. It stays attached as long as
    /// that name is there, whoever else drops it.
    ///
    /// # Errors
    /// `InvalidInput` for an attachment that is not one link of the kernel
    /// ([`Via::Legacy`](super::Via::Legacy) and the like), and for a link that
    /// is pinned already; what the kernel says otherwise (EPERM outside of a
    /// bpf file system, EEXIST).
    ///
    /// Kernel: 5.7
    pub fn pin(&mut self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let context = || format!("pinning a link at {}", path.display());
        if let Some(pinned) = &self.pinned {
            let cause = format!("it is pinned at {}", pinned.display());
            return Err(Error::invalid_input(cause)).with_context(context);
        }
        let Some(fd) = self.kernel_link() else {
            let cause = format!("an attachment by {} cannot be pinned", self.how());
            return Err(Error::invalid_input(cause)).with_context(context);
        };
        pin(fd, path).with_context(context)?;
        self.pinned = Some(path.to_owned());
        Ok(())
    }

    /// Removes the name; the link stays attached as long as it is held.
    ///
    /// # Errors
    /// `InvalidInput` for a link that is not pinned, `NotFound` where the name is gone;
    /// `PermissionDenied` or `System` with the errno of unlink(2).
    pub fn unpin(&mut self) -> Result<()> {
        let Some(path) = &self.pinned else {
            return Err(Error::invalid_input("the link is not pinned"));
        };
        unpin(path)?;
        self.pinned = None;
        Ok(())
    }

    /// Where it is pinned.
    pub fn pin_path(&self) -> Option<&Path> {
        self.pinned.as_deref()
    }

    /// Puts another program in the place of the one that is attached, without
    /// a moment in which none is; with `old` only if that is the one there.
    ///
    /// # Errors
    /// `Unsupported` for an attachment whose program is fixed;
    /// `PermissionDenied` where `old` is not the one; what the kernel says
    /// otherwise.
    ///
    /// Kernel: 5.7 for links
    pub fn update(&mut self, new: &Program, old: Option<&Program>) -> Result<()> {
        let context = || format!("updating a link by {} to program {}", self.how, new.name());
        if let Some(fd) = self.kernel_link() {
            let updated = sys::link_update(fd, new.as_fd(), old.map(AsFd::as_fd));
            return updated
                .map_err(|errno| match errno {
                    Errno::PERM if old.is_some() => {
                        errno.error("BPF_LINK_UPDATE: another program is behind the link")
                    }
                    _ => errno.error("BPF_LINK_UPDATE"),
                })
                .with_context(context);
        }
        let how = self.how;
        match self.parts.as_mut_slice() {
            [Part::Undo(due)] => due.replace(new, old),
            _ => Err(Error::unsupported("updating this attachment", None)),
        }
        .with_context(|| format!("updating a link by {how} to program {}", new.name()))
    }

    /// Detaches the program now, whoever else holds the link, and also if it
    /// is pinned. What is left is a link to nothing.
    ///
    /// # Errors
    /// `Unsupported` for links that go with their last descriptor alone, and
    /// before 5.9; `InvalidInput` for what is not one link of the kernel.
    ///
    /// Kernel: 5.9
    pub fn force_detach(&self) -> Result<()> {
        let Some(fd) = self.kernel_link() else {
            let cause = format!("{} is not one link of the kernel", self.how());
            return Err(Error::invalid_input(cause));
        };
        sys::link_detach(fd).map_err(|errno| match errno {
            Errno::OPNOTSUPP => Error::unsupported("BPF_LINK_DETACH of this kind of link", None),
            Errno::INVAL => Error::unsupported("BPF_LINK_DETACH", Some("5.9")),
            errno => errno.error("BPF_LINK_DETACH"),
        })
    }

    /// Lets go without detaching. A link of the kernel has to be pinned for
    /// that; an attachment without one stays by itself.
    ///
    /// # Errors
    /// `InvalidInput` for what would go with its last descriptor: nothing has
    /// changed then.
    pub fn disconnect(mut self) -> Result<(), (Self, Error)> {
        let stays = |part: &Part| matches!(part, Part::Undo(_));
        if self.pinned.is_none() && !self.parts.iter().all(stays) {
            let cause = "only a pinned link stays attached without a descriptor";
            return Err((self, Error::invalid_input(cause)));
        }
        for part in &mut self.parts {
            if let Part::Undo(due) = part {
                due.forget();
            }
        }
        Ok(())
    }

    /// What the kernel says about the link; `None` for what is not one link of
    /// the kernel.
    ///
    /// # Errors
    /// `System` with the errno of BPF_OBJ_GET_INFO_BY_FD.
    ///
    /// Kernel: 5.8
    pub fn info(&self) -> Result<Option<LinkInfo>> {
        let Some(fd) = self.kernel_link() else {
            return Ok(None);
        };
        let head = sys::link_head(fd).map_err(|errno| errno.error("link info"))?;
        Ok(Some(LinkInfo {
            id: head.id,
            link_type: head.link_type,
            prog_id: head.prog_id,
            target: LinkedTo::read(head.link_type, &head.target),
        }))
    }
}

impl Program {
    /// Opens a program that was pinned at `path`. The kernel does not tell its
    /// section: see [`Program::with_section`].
    ///
    /// # Errors
    /// `NotFound` where nothing is; `InvalidInput` for what is no program; what
    /// the kernel says otherwise.
    ///
    /// Kernel: 4.4
    pub fn from_pin(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let fd = open_pin(path, "prog")?;
        Self::from_fd(fd).with_context(|| format!("pinned at {}", path.display()))
    }

    /// Opens the program with that number.
    ///
    /// # Errors
    /// `NotFound` for a number that no program has; what the kernel says
    /// otherwise.
    ///
    /// Kernel: 4.13
    pub fn from_id(id: u32) -> Result<Self> {
        let opened = sys::prog_get_fd_by_id(id).map_err(|errno| no_such(errno, "program", id));
        Self::from_fd(opened?).with_context(|| format!("program {id}"))
    }

    /// Gives the program a name in a bpf file system, which keeps it loaded.
    ///
    /// # Errors
    /// What the kernel says (EPERM outside of a bpf file system, EEXIST).
    ///
    /// Kernel: 4.4
    pub fn pin(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let what = || format!("pinning program {} at {}", self.name(), path.display());
        pin(self.as_fd(), path).with_context(what)
    }

    /// Removes a name that the program was pinned by.
    ///
    /// # Errors
    /// `NotFound` where nothing is; `PermissionDenied` or `System` with the errno of
    /// unlink(2).
    pub fn unpin(&self, path: impl AsRef<Path>) -> Result<()> {
        unpin(path.as_ref()).with_context(|| format!("program {}", self.name()))
    }
}

fn pin(object: BorrowedFd<'_>, path: &Path) -> Result<()> {
    sys::obj_pin(object, &c_path(path)?).map_err(|errno| match errno {
        Errno::PERM => errno.error("BPF_OBJ_PIN: not in a bpf file system, or not allowed"),
        errno => errno.error("BPF_OBJ_PIN"),
    })
}

fn unpin(path: &Path) -> Result<()> {
    sys::unlink(path).map_err(|errno| match errno {
        Errno::NOENT => Error::not_found(format!("nothing is pinned at {}", path.display())),
        errno => errno.error(format_args!("removing {}", path.display())),
    })
}

/// Opens what is pinned at `path`, which has to be of that kind: `"link"` or
/// `"prog"`.
fn open_pin(path: &Path, kind: &'static str) -> Result<OwnedFd> {
    let fd = sys::obj_get(&c_path(path)?).map_err(|errno| match errno {
        Errno::NOENT => Error::not_found(format!("nothing is pinned at {}", path.display())),
        errno => errno.error(format_args!("BPF_OBJ_GET of {}", path.display())),
    })?;
    // The descriptor's own name says what it is; without /proc nobody knows.
    let name = opened("", fd.as_fd());
    if name.contains("bpf") && !name.contains(kind) {
        let kind = if kind == "prog" { "program" } else { kind };
        let cause = format!("{} is no {kind} but{name}", path.display());
        return Err(Error::invalid_input(cause));
    }
    Ok(fd)
}

fn c_path(path: &Path) -> Result<CString> {
    CString::new(path.as_os_str().as_bytes())
        .map_err(|_| Error::invalid_input("a path with a NUL inside"))
}

fn no_such(errno: Errno, what: &str, id: u32) -> Error {
    match errno {
        Errno::NOENT => Error::not_found(format!("no {what} has the number {id}")),
        errno => errno.error(format_args!("{what} {id}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attach::link::Undo;

    #[derive(Debug)]
    struct Panics;

    impl Undo for Panics {
        fn undo(&mut self) -> Result<()> {
            panic!("undone")
        }
    }

    #[test]
    fn an_attachment_without_a_link_stays_when_it_is_let_go() {
        let link = Link::from_parts(vec![Part::undo(Panics)], "test");
        assert!(link.disconnect().is_ok());
    }

    #[test]
    fn a_link_that_is_not_pinned_is_given_back() {
        let file = std::fs::File::open("/").unwrap();
        let link = Link::new(file.into(), "test");
        let (link, error) = link.disconnect().unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::InvalidInput);
        assert_eq!(link.how(), "test");
    }

    #[test]
    fn an_attachment_without_a_link_cannot_be_pinned() {
        let mut link = Link::from_parts(Vec::new(), "clsact/ingress");
        let error = link.pin("/sys/fs/bpf/x").unwrap_err();
        assert_eq!(
            format!("{error:#}"),
            "pinning a link at /sys/fs/bpf/x: an attachment by clsact/ingress cannot be pinned"
        );
    }
}

//! Attachments by BPF_PROG_ATTACH, which no descriptor stands for.

use super::link::{Link, Part, Undo};
use super::net::opened;
use crate::error::{Result, ResultExt};
use crate::program::Program;
use crate::sys::{self, Errno, ProgAttach, QueryTarget};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

const BPF_F_ALLOW_MULTI: u32 = 2;

/// One such attachment: what it takes to undo it.
#[derive(Debug)]
pub(super) struct Attached {
    prog: OwnedFd,
    target: Option<OwnedFd>,
    attach_type: u32,
    flags: u32,
    single_in_cgroup: bool,
}

impl Attached {
    /// Attaches a program.
    ///
    /// # Errors
    /// What the kernel says.
    pub(super) fn link(attach: &ProgAttach<'_>, how: &'static str) -> Result<Link> {
        let attached = Self::new(attach)?;
        sys::prog_attach(attach).map_err(|errno| errno.error("BPF_PROG_ATTACH"))?;
        Ok(Link::from_parts(vec![Part::undo(attached)], how))
    }

    /// The same in a cgroup.
    ///
    /// # Errors
    /// What the kernel says.
    pub(super) fn in_cgroup(attach: &ProgAttach<'_>, how: &'static str) -> Result<Link> {
        let mut attached = Self::new(attach)?;
        attached.single_in_cgroup = attach.flags & BPF_F_ALLOW_MULTI == 0;
        sys::prog_attach(attach).map_err(|errno| errno.error("BPF_PROG_ATTACH"))?;
        Ok(Link::from_parts(vec![Part::undo(attached)], how))
    }

    fn new(attach: &ProgAttach<'_>) -> Result<Self> {
        Ok(Self {
            prog: kept(attach.prog)?,
            target: attach.target.map(kept).transpose()?,
            attach_type: attach.attach_type,
            flags: attach.flags,
            single_in_cgroup: false,
        })
    }

    /// Is the program that the kernel would detach ours? A cgroup that holds
    /// one program alone does not look at which one it is told to detach.
    fn is_ours(&self) -> Result<bool> {
        let cgroup = match &self.target {
            Some(cgroup) if self.single_in_cgroup => cgroup.as_fd(),
            _ => return Ok(true),
        };
        let ours =
            sys::prog_info(self.prog.as_fd()).map_err(|errno| errno.error("program info"))?;
        let mut ids = [0];
        let target = QueryTarget::Fd(cgroup);
        match sys::prog_query(target, self.attach_type, 0, &mut ids, &mut []) {
            Ok(found) => Ok(found.count == 1 && ids == [ours.id]),
            Err(errno) => Err(errno.error("BPF_PROG_QUERY")),
        }
    }

    /// What it is attached to, for errors.
    fn place(&self) -> String {
        match &self.target {
            Some(target) => opened("attached to", target.as_fd()),
            None => "attached to the network namespace".to_owned(),
        }
    }

    fn attachment<'a>(&'a self, prog: BorrowedFd<'a>) -> ProgAttach<'a> {
        ProgAttach {
            prog,
            target: self.target.as_ref().map(AsFd::as_fd),
            attach_type: self.attach_type,
            flags: self.flags,
            replace: None,
        }
    }
}

/// A descriptor of our own: the caller may close its one.
pub(super) fn kept(fd: BorrowedFd<'_>) -> Result<OwnedFd> {
    let kept = fd.try_clone_to_owned();
    kept.map_err(|error| Errno::from_io(&error).error("dup"))
}

impl Undo for Attached {
    fn undo(&mut self) -> Result<()> {
        let undone = self.is_ours().and_then(|ours| {
            if !ours {
                return Ok(());
            }
            match sys::prog_detach(&self.attachment(self.prog.as_fd())) {
                // Somebody else has detached it, or replaced it.
                Ok(()) | Err(Errno::NOENT) => Ok(()),
                Err(errno) => Err(errno.error("BPF_PROG_DETACH")),
            }
        });
        undone.with_context(|| self.place())
    }

    fn replace(&mut self, new: &Program, old: Option<&Program>) -> Result<()> {
        let new_prog = kept(new.as_fd())?;
        let mut attachment = self.attachment(new_prog.as_fd());
        let old = old.map_or(self.prog.as_fd(), AsFd::as_fd);
        // Where there is one place, the new program takes it without more ado.
        if self.flags & BPF_F_ALLOW_MULTI != 0 {
            attachment.replace = Some(old);
        }
        sys::prog_attach(&attachment)
            .map_err(|errno| errno.error("BPF_PROG_ATTACH"))
            .with_context(|| self.place())?;
        self.prog = new_prog;
        Ok(())
    }
}

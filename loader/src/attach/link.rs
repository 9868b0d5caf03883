//! What keeps programs attached.

use super::tracefs;
use crate::error::{Error, Result};
use crate::program::Program;
use crate::sys;
use core::fmt;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;

/// An attached program; detached on drop.
///
/// Some hooks take several attachments in the kernel: a static probe has one
/// for each place that it was compiled to. They are parts of one link.
#[derive(Debug)]
pub struct Link {
    pub(super) parts: Vec<Part>,
    pub(super) how: &'static str,
    /// The name in a bpf file system that keeps it attached.
    pub(super) pinned: Option<PathBuf>,
}

/// One attachment in the kernel.
#[derive(Debug)]
pub(crate) enum Part {
    /// A link of the kernel, which ends with its last descriptor.
    Link(OwnedFd),
    /// A perf event, whose program goes when it is closed.
    Event(OwnedFd),
    /// The same with the probe in tracefs that the event is of.
    Traced(Traced),
    /// What has to be undone by a command.
    Undo(Undoing),
}

/// A perf event on a probe made through tracefs. The fields go in this order on
/// drop: the program has to leave the event before the probe can be removed.
#[derive(Debug)]
pub(crate) struct Traced {
    /// A link, or a perf event: see `is_link`.
    pub(super) fd: OwnedFd,
    pub(super) is_link: bool,
    pub(super) probe: tracefs::ProbeEvent,
}

/// Undoes an attachment that no descriptor stands for.
pub(crate) trait Undo: fmt::Debug + Send + Sync {
    /// Undoes it; called at most once.
    ///
    /// # Errors
    /// That of the call which takes it away, when it stays.
    fn undo(&mut self) -> Result<()>;

    /// Puts another program in the place of ours; with `old` only if that is
    /// the one there.
    ///
    /// # Errors
    /// What the kernel says when it does not take it.
    fn replace(&mut self, new: &Program, old: Option<&Program>) -> Result<()> {
        let _ = (new, old);
        let feature = "changing the program of this attachment";
        Err(Error::unsupported(feature, None))
    }
}

/// An [`Undo`] that is due; undone on drop.
#[derive(Debug)]
pub(crate) struct Undoing(Option<Box<dyn Undo>>);

impl Undoing {
    fn undo(&mut self) -> Result<()> {
        self.0.take().map_or(Ok(()), |mut due| due.undo())
    }

    /// Lets it stand.
    pub(super) fn forget(&mut self) {
        self.0 = None;
    }

    /// See [`Undo::replace`].
    pub(super) fn replace(&mut self, new: &Program, old: Option<&Program>) -> Result<()> {
        match &mut self.0 {
            Some(due) => due.replace(new, old),
            None => Err(Error::invalid_input("it is detached")),
        }
    }
}

impl Drop for Undoing {
    fn drop(&mut self) {
        // `Link::detach` is the way to hear of a failure.
        let _ = self.undo();
    }
}

impl Link {
    /// A link of the kernel.
    pub(crate) fn new(fd: OwnedFd, how: &'static str) -> Self {
        Self::from_parts(vec![Part::Link(fd)], how)
    }

    /// Several attachments, or one that is no link of the kernel.
    pub(crate) fn from_parts(parts: Vec<Part>, how: &'static str) -> Self {
        Self {
            parts,
            how,
            pinned: None,
        }
    }

    /// The way that worked: `"fentry"`, `"fexit"`, `"tp_btf"`, `"raw_tp"`,
    /// `"tracepoint/link"`, `"kprobe/link"`, `"kretprobe/tracefs"` and so on.
    pub fn how(&self) -> &'static str {
        self.how
    }

    /// How many attachments in the kernel this is.
    pub fn part_count(&self) -> usize {
        self.parts.len()
    }

    /// Hits that this probe did not see because the kernel was busy in another
    /// one, or had no slot left for a return probe; `None` where the kernel
    /// does not tell. For fentry, fexit and tp_btf ask
    /// [`ProgramInfo::recursion_misses`](crate::program::ProgramInfo).
    ///
    /// # Errors
    /// `System` with the errno of BPF_OBJ_GET_INFO_BY_FD, or of reading tracefs's
    /// profile; `NotFound` where that does not list the probe any more.
    ///
    /// Kernel: 6.7 for kprobes with a link; any for kprobes through tracefs
    pub fn missed(&self) -> Result<Option<u64>> {
        let mut sum = None;
        for part in &self.parts {
            let missed = match part {
                Part::Traced(traced) => traced.probe.missed()?,
                Part::Link(fd) => {
                    let info = sys::link_info(fd.as_fd());
                    info.map_err(|errno| errno.error("link info"))?.missed
                }
                Part::Event(_) | Part::Undo(_) => None,
            };
            sum = match (sum, missed) {
                (Some(sum), Some(missed)) => Some(u64::saturating_add(sum, missed)),
                (sum, missed) => sum.or(missed),
            };
        }
        Ok(sum)
    }

    /// The kernel's number for the link, where it is one.
    ///
    /// # Errors
    /// `System` with the errno of BPF_OBJ_GET_INFO_BY_FD.
    ///
    /// Kernel: 5.8
    pub fn id(&self) -> Result<Option<u32>> {
        let Some(fd) = self.kernel_link() else {
            return Ok(None);
        };
        let info = sys::link_info(fd);
        info.map(|info| Some(info.id))
            .map_err(|errno| errno.error("link info"))
    }

    /// The descriptor, where this is exactly one link of the kernel.
    pub(crate) fn kernel_link(&self) -> Option<BorrowedFd<'_>> {
        match self.parts.as_slice() {
            [Part::Link(fd)] => Some(fd.as_fd()),
            [Part::Traced(traced)] if traced.is_link => Some(traced.fd.as_fd()),
            _ => None,
        }
    }

    /// Detaches, and says if something stayed behind; drop cannot. Where
    /// several things did, it tells of the first. A pinned link, which drop
    /// leaves attached, is unpinned, and detached at once where the kernel can
    /// do that (5.9, not for probes and tracepoints).
    ///
    /// # Errors
    /// That of [`Link::unpin`] for a pinned one; what tracefs says when a probe that was
    /// made there cannot be removed; for what is no link of the kernel, what is said to
    /// the command that takes it away. Everything else is detached all the same.
    pub fn detach(mut self) -> Result<()> {
        let mut first: Option<Error> = None;
        if self.pinned.is_some() {
            // The kernel lets go of a removed name when it finds the time.
            let _ = self.force_detach();
            first = self.unpin().err();
        }
        for part in self.parts.drain(..) {
            if let Err(error) = part.detach() {
                first.get_or_insert(error);
            }
        }
        first.map_or(Ok(()), Err)
    }
}

impl Part {
    /// A link, or a perf event that holds its program itself.
    pub(super) fn of_event(fd: OwnedFd, is_link: bool) -> Self {
        if is_link {
            Self::Link(fd)
        } else {
            Self::Event(fd)
        }
    }

    /// Is it a link of the kernel?
    pub(super) fn is_link(&self) -> bool {
        match self {
            Self::Link(_) => true,
            Self::Traced(traced) => traced.is_link,
            Self::Event(_) | Self::Undo(_) => false,
        }
    }

    /// What is undone by a command.
    pub(crate) fn undo(undo: impl Undo + 'static) -> Self {
        Self::Undo(Undoing(Some(Box::new(undo))))
    }

    fn detach(self) -> Result<()> {
        match self {
            Self::Link(fd) | Self::Event(fd) => {
                drop(fd);
                Ok(())
            }
            Self::Traced(Traced { fd, probe, .. }) => {
                drop(fd);
                probe.remove()
            }
            Self::Undo(mut undo) => undo.undo(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::sync::atomic::{AtomicU32, Ordering};
    use std::sync::Arc;

    #[derive(Debug)]
    struct Counting(Arc<AtomicU32>, bool);

    impl Undo for Counting {
        fn undo(&mut self) -> Result<()> {
            self.0.fetch_add(1, Ordering::Relaxed);
            match self.1 {
                true => Ok(()),
                false => Err(Error::not_found("gone")),
            }
        }
    }

    fn link(count: &Arc<AtomicU32>, works: &[bool]) -> Link {
        let part = |works: &bool| Part::undo(Counting(Arc::clone(count), *works));
        Link::from_parts(works.iter().map(part).collect(), "test")
    }

    #[test]
    fn a_dropped_link_is_undone_once() {
        let count = Arc::new(AtomicU32::new(0));
        drop(link(&count, &[true]));
        assert_eq!(count.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn all_parts_are_detached_though_one_fails() {
        let count = Arc::new(AtomicU32::new(0));
        let error = link(&count, &[true, false, true]).detach().unwrap_err();
        assert_eq!(error.to_string(), "gone");
        assert_eq!(count.load(Ordering::Relaxed), 3);
    }
}

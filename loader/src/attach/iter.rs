//! Iterators: programs that the kernel runs for each of its objects of a kind,
//! and whose output is read like a file.

use super::lacking::{has_member, refused};
use super::link::Link;
use crate::error::{Error, Result, ResultExt};
use crate::program::Program;
use crate::sys::{self, LinkArgs, LinkCreate, LinkTarget};
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

const TRACE_ITER: u32 = 28;

/// What an iterator goes over, where its target leaves that open.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub enum IterOver<'a> {
    /// All there is.
    #[default]
    All,
    /// The elements of a map (`bpf_map_elem`, `bpf_sk_storage_map`, `sockmap`).
    /// Kernel: 5.9
    Map(BorrowedFd<'a>),
    /// Cgroups, starting at one. Kernel: 6.1
    Cgroup {
        /// An open folder of cgroup version 2.
        cgroup: BorrowedFd<'a>,
        /// Which of its relatives.
        order: CgroupOrder,
    },
    /// One thread (`task`). Kernel: 6.1
    Thread(u32),
    /// All threads of a process, or its files or memory areas (`task`,
    /// `task_file`, `task_vma`). Kernel: 6.1
    Process(u32),
}

/// Which cgroups an iterator visits, from the one that it starts at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum CgroupOrder {
    /// This one alone.
    SelfOnly = 1,
    /// All below, parents first.
    DescendantsPre = 2,
    /// All below, children first.
    DescendantsPost = 3,
    /// All above.
    AncestorsUp = 4,
}

/// One run of an iterator: reading gives what the program writes.
#[derive(Debug)]
pub struct Iter {
    file: File,
}

impl Read for Iter {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.file.read(buffer)
    }
}

impl Program {
    /// Attaches an iterator; it runs when [`Link::iter`] is read.
    ///
    /// # Errors
    /// `Unsupported` for a choice that the kernel does not know; EINVAL for what
    /// this iterator cannot go over; what the kernel says otherwise.
    ///
    /// Kernel: 5.8
    pub fn attach_iter(&self, over: IterOver<'_>) -> Result<Link> {
        attach(self, over).with_context(|| self.context())
    }
}

/// What an iterator's choice is called in the kernel's `struct bpf_iter_aux_info`,
/// where not every kernel has it, and in words. Those before do not look at what
/// they do not know: a task's number would be taken for no choice at all.
///
/// Kernel: 6.1 (<https://git.kernel.org/torvalds/c/f0d74c4da1f0>,
/// <https://git.kernel.org/torvalds/c/d4ccaf58a847>)
fn choice(over: &IterOver<'_>) -> Option<(&'static str, &'static str)> {
    match over {
        IterOver::All | IterOver::Map(_) => None,
        IterOver::Cgroup { .. } => Some(("cgroup", "an iterator of chosen cgroups")),
        IterOver::Thread(_) | IterOver::Process(_) => Some(("task", "an iterator of chosen tasks")),
    }
}

pub(super) fn attach(program: &Program, over: IterOver<'_>) -> Result<Link> {
    let is_lacking = |member| has_member("bpf_iter_aux_info", member) == Some(false);
    if let Some((_, feature)) = choice(&over).filter(|(member, _)| is_lacking(member)) {
        return Err(Error::unsupported(feature, Some("6.1")));
    }
    let info = info(&over);
    let link = LinkCreate {
        prog: program.as_fd(),
        target: LinkTarget::None,
        attach_type: TRACE_ITER,
        flags: 0,
        args: match over {
            IterOver::All => LinkArgs::None,
            _ => LinkArgs::Iter(&info),
        },
    };
    let created = sys::link_create(&link);
    let fd = created.map_err(|errno| refused(errno, TRACE_ITER, "iter"))?;
    Ok(Link::new(fd, "iter"))
}

/// `union bpf_iter_link_info`.
fn info(over: &IterOver<'_>) -> [u8; 16] {
    let words = match over {
        IterOver::All => [0; 4],
        IterOver::Map(map) => [map.as_raw_fd() as u32, 0, 0, 0],
        IterOver::Cgroup { cgroup, order } => [*order as u32, cgroup.as_raw_fd() as u32, 0, 0],
        IterOver::Thread(tid) => [*tid, 0, 0, 0],
        IterOver::Process(pid) => [0, *pid, 0, 0],
    };
    let mut bytes = [0; 16];
    for (place, word) in bytes.chunks_exact_mut(4).zip(words) {
        place.copy_from_slice(&word.to_ne_bytes());
    }
    bytes
}

impl Link {
    /// Starts one run of an attached iterator.
    ///
    /// # Errors
    /// `InvalidInput` for a link that is no iterator's; what the kernel says
    /// otherwise.
    ///
    /// Kernel: 5.8
    pub fn iter(&self) -> Result<Iter> {
        let no_iterator = || Error::invalid_input("this link is no iterator's");
        let fd = self.kernel_link().ok_or_else(no_iterator)?;
        let created = sys::iter_create(fd);
        let fd = created.map_err(|errno| errno.error("BPF_ITER_CREATE"))?;
        Ok(Iter { file: fd.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_comes_after_the_thread() {
        let info = info(&IterOver::Process(7));
        assert_eq!(info[..4], [0; 4]);
        assert_eq!(info[4..8], 7u32.to_ne_bytes());
    }
}

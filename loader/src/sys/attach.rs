//! BPF_PROG_ATTACH and its relatives, and the commands that change a link.

use super::attr::Command;
use super::attr_attach::{LinkDetachAttr, LinkUpdateAttr, ProgAttachAttr, ProgQueryAttr};
use super::{Errno, Result, address_mut, bpf, length, raw};
use std::os::fd::BorrowedFd;

/// BPF_F_REPLACE, for attachments and for links.
const REPLACE: u32 = 4;

/// One attachment to make, or to undo, by BPF_PROG_ATTACH.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ProgAttach<'a> {
    pub(crate) prog: BorrowedFd<'a>,
    /// A cgroup, map or device; none for the caller's network namespace.
    pub(crate) target: Option<BorrowedFd<'a>>,
    /// `BPF_*` of `enum bpf_attach_type`.
    pub(crate) attach_type: u32,
    /// `BPF_F_*` without BPF_F_REPLACE.
    pub(crate) flags: u32,
    /// The program whose place it takes. Kernel: 5.6
    pub(crate) replace: Option<BorrowedFd<'a>>,
}

impl ProgAttach<'_> {
    fn attr(&self) -> ProgAttachAttr {
        ProgAttachAttr {
            target_fd: self.target.map_or(0, raw),
            attach_bpf_fd: raw(self.prog),
            attach_type: self.attach_type,
            ..ProgAttachAttr::default()
        }
    }
}

/// Attaches a program without a link: it stays until it is detached, or what
/// it is attached to goes.
///
/// Kernel: 4.10
pub(crate) fn prog_attach(attach: &ProgAttach<'_>) -> Result<()> {
    let mut attr = attach.attr();
    attr.attach_flags = attach.flags;
    if let Some(old) = attach.replace {
        attr.attach_flags |= REPLACE;
        attr.replace_bpf_fd = raw(old);
    }
    bpf(Command::ProgAttach, &mut attr).map(drop)
}

/// Does the kernel attach programs of this type so, with these flags? One that
/// does looks for the target next, and finds that nobody has a descriptor with
/// this number.
///
/// Asked only after a refusal.
pub(crate) fn knows_prog_attach(prog: BorrowedFd<'_>, attach_type: u32, flags: u32) -> bool {
    let mut attr = ProgAttachAttr {
        target_fd: u32::MAX,
        attach_bpf_fd: raw(prog),
        attach_type,
        attach_flags: flags,
        ..ProgAttachAttr::default()
    };
    bpf(Command::ProgAttach, &mut attr) != Err(Errno::INVAL)
}

/// Undoes what [`prog_attach`] did; flags count for nothing.
///
/// # Errors
/// ENOENT where the program is not attached.
///
/// Kernel: 4.10
pub(crate) fn prog_detach(attach: &ProgAttach<'_>) -> Result<()> {
    bpf(Command::ProgDetach, &mut attach.attr()).map(drop)
}

/// What BPF_PROG_QUERY asks about.
#[derive(Clone, Copy, Debug)]
pub(crate) enum QueryTarget<'a> {
    Fd(BorrowedFd<'a>),
    Ifindex(u32),
}

/// What BPF_PROG_QUERY answers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Queried {
    /// How many there are, which may be more than there was room for.
    pub(crate) count: usize,
    pub(crate) attach_flags: u32,
    /// Kernel: 6.6 for devices, 6.17 for cgroups; else 0
    pub(crate) revision: u64,
}

/// The programs that are attached somewhere, and their links if `link_ids` has
/// room; what has no link has 0 there.
///
/// # Errors
/// ENOSPC where `prog_ids` has not room for all; EINVAL for lists of different
/// lengths and for what this kernel cannot tell.
///
/// Kernel: 4.15; with links 6.6
pub(crate) fn prog_query(
    target: QueryTarget<'_>,
    attach_type: u32,
    query_flags: u32,
    prog_ids: &mut [u32],
    link_ids: &mut [u32],
) -> Result<Queried> {
    if !link_ids.is_empty() && link_ids.len() != prog_ids.len() {
        return Err(Errno::INVAL);
    }
    let mut attr = ProgQueryAttr {
        target_fd: match target {
            QueryTarget::Fd(fd) => raw(fd),
            QueryTarget::Ifindex(ifindex) => ifindex,
        },
        attach_type,
        query_flags,
        count: length(prog_ids.len())?,
        prog_ids: address_mut(prog_ids),
        link_ids: address_mut(link_ids),
        ..ProgQueryAttr::default()
    };
    bpf(Command::ProgQuery, &mut attr)?;
    Ok(Queried {
        count: attr.count as usize,
        attach_flags: attr.attach_flags,
        revision: attr.revision,
    })
}

/// Puts another program behind a link; with `old` only if that is the one
/// behind it now.
///
/// # Errors
/// EPERM where another one is; EINVAL for a link whose program is fixed.
///
/// Kernel: 5.7
pub(crate) fn link_update(
    link: BorrowedFd<'_>,
    new: BorrowedFd<'_>,
    old: Option<BorrowedFd<'_>>,
) -> Result<()> {
    let mut attr = LinkUpdateAttr {
        link_fd: raw(link),
        new_prog_fd: raw(new),
        flags: if old.is_some() { REPLACE } else { 0 },
        old_prog_fd: old.map_or(0, raw),
    };
    bpf(Command::LinkUpdate, &mut attr).map(drop)
}

/// Detaches a link's program, whoever else holds the link.
///
/// # Errors
/// EOPNOTSUPP for links that only go with their last descriptor.
///
/// Kernel: 5.9
pub(crate) fn link_detach(link: BorrowedFd<'_>) -> Result<()> {
    let mut attr = LinkDetachAttr { link_fd: raw(link) };
    bpf(Command::LinkDetach, &mut attr).map(drop)
}

/// Has this kernel links at all of which one can be detached?
///
/// Asked only after a refusal. No descriptor has the number that is sent.
///
/// Kernel: 5.9
pub(crate) fn knows_link_detach() -> bool {
    let mut attr = LinkDetachAttr { link_fd: u32::MAX };
    bpf(Command::LinkDetach, &mut attr) == Err(Errno::BADF)
}

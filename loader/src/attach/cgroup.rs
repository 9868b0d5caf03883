//! Programs of a control group: by link, else by BPF_PROG_ATTACH.

use super::link::Link;
use super::mprog::Anchor;
use super::net::{self, Via, opened};
use super::prog_attach::Attached;
use crate::error::{Error, Result, ResultExt};
use crate::program::Program;
use crate::sys::{self, LinkArgs, LinkCreate, LinkTarget, ProgAttach};
use std::os::fd::{AsFd, BorrowedFd};

const BPF_F_ALLOW_OVERRIDE: u32 = 1;
const BPF_F_ALLOW_MULTI: u32 = 2;
const BPF_F_BEFORE: u32 = 1 << 3;
const BPF_F_PREORDER: u32 = 1 << 6;

/// What an attachment lets the programs of groups below do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CgroupMode {
    /// All run: those of a group, then those of the groups above. The only mode
    /// of links.
    #[default]
    Multi,
    /// A program of a group below runs instead. Only by BPF_PROG_ATTACH, where
    /// it takes the place of any other program of this mode.
    Override,
    /// No group below may have one. Only by BPF_PROG_ATTACH, likewise.
    Exclusive,
}

/// How to attach a program to a control group.
#[derive(Clone, Copy, Debug, Default)]
pub struct CgroupOptions<'a> {
    /// `BPF_CGROUP_*` of `enum bpf_attach_type`; the section's where it is
    /// `None`.
    pub attach_type: Option<u32>,
    /// By link or by BPF_PROG_ATTACH.
    pub via: Via,
    /// What it means for the groups below.
    pub mode: CgroupMode,
    /// The program whose place it takes, which was attached by
    /// BPF_PROG_ATTACH; so is this one then. A link changes its program by
    /// [`Link::update`]. Kernel: 5.6
    pub replace: Option<&'a Program>,
    /// The place among the programs of this group. Kernel: 6.17, but for the
    /// last one.
    pub anchor: Anchor<'a>,
    /// Attach only if the hook is at this revision. Kernel: 6.17
    pub expected_revision: Option<u64>,
    /// Run before the programs of the groups below. Kernel: 6.15, by link 6.17
    pub preorder: bool,
}

impl CgroupOptions<'_> {
    /// Does any option ask for what links cannot do?
    fn wants_prog_attach(&self) -> bool {
        self.mode != CgroupMode::Multi || self.replace.is_some()
    }
}

impl Program {
    /// Attaches the program to a control group of version 2, an open folder of
    /// its file system.
    ///
    /// # Errors
    /// `InvalidInput` for a program of another type and for options that
    /// exclude each other; `Unsupported` for links alone before 5.7; what the
    /// kernel says otherwise (EPERM where a group above allows none here, EBADF
    /// for a folder that is no such group).
    ///
    /// Kernel: 4.10; by link 5.7
    pub fn attach_cgroup(&self, cgroup: impl AsFd, options: &CgroupOptions<'_>) -> Result<Link> {
        let cgroup = cgroup.as_fd();
        attach(self, cgroup, options)
            .with_context(|| opened("cgroup", cgroup))
            .with_context(|| self.context())
    }
}

fn attach(program: &Program, cgroup: BorrowedFd<'_>, options: &CgroupOptions<'_>) -> Result<Link> {
    if !matches!(
        program.prog_type(),
        net::CGROUP_SKB
            | net::CGROUP_SOCK
            | net::CGROUP_SOCK_ADDR
            | net::CGROUP_DEVICE
            | net::CGROUP_SYSCTL
            | net::CGROUP_SOCKOPT
            | net::SOCK_OPS
            | net::LSM
    ) {
        return Err(net::wrong_type(program, "the cgroup"));
    }
    let attach_type = options.attach_type;
    let attach_type = attach_type.unwrap_or(program.expected_attach_type());
    let (relative_flags, fd_or_id) = options.anchor.resolve()?;
    let ordered = options.anchor.is_given() || options.expected_revision.is_some();
    if options.wants_prog_attach() && (options.via == Via::Link || ordered) {
        let cause = "links allow several programs and replace none: \
                     the mode, `replace`, the anchor and the revision do not go together";
        return Err(Error::invalid_input(cause));
    }
    let preorder = if options.preorder { BPF_F_PREORDER } else { 0 };
    if options.via != Via::Legacy && !options.wants_prog_attach() {
        let request = LinkCreate {
            prog: program.as_fd(),
            target: LinkTarget::Fd(cgroup),
            attach_type,
            flags: relative_flags | preorder,
            args: match ordered {
                true => LinkArgs::Relative {
                    fd_or_id,
                    expected_revision: options.expected_revision.unwrap_or(0),
                },
                false => LinkArgs::None,
            },
        };
        let linked = by_link(&request, ordered);
        if options.via == Via::Link || ordered || !net::is_unsupported(&linked) {
            return linked;
        }
    }
    if ordered {
        let cause = "the anchor and the revision need a link here";
        return Err(Error::invalid_input(cause));
    }
    let mode = match options.mode {
        CgroupMode::Multi => BPF_F_ALLOW_MULTI,
        CgroupMode::Override => BPF_F_ALLOW_OVERRIDE,
        CgroupMode::Exclusive => 0,
    };
    let attach = ProgAttach {
        prog: program.as_fd(),
        target: Some(cgroup),
        attach_type,
        flags: mode | preorder,
        replace: options.replace.map(AsFd::as_fd),
    };
    let attached = Attached::in_cgroup(&attach, "cgroup/prog_attach");
    let knows = |flags| sys::knows_prog_attach(attach.prog, attach_type, flags);
    if options.preorder && attached.is_err() && knows(0) && !knows(attach.flags) {
        return Err(Error::unsupported("BPF_F_PREORDER", Some("6.15")));
    }
    attached
}

/// By link; where that is refused, finds out what this kernel lacks.
fn by_link(request: &LinkCreate<'_>, ordered: bool) -> Result<Link> {
    // Before 6.17 nobody would look at a revision.
    if ordered && !net::knows_link(request, BPF_F_BEFORE) && net::knows_link(request, 0) {
        let feature = "an order of the programs of a cgroup";
        return Err(Error::unsupported(feature, Some("6.17")));
    }
    let linked = net::link(request, "cgroup/link", "a cgroup link", "5.7");
    let preorder = request.flags & BPF_F_PREORDER;
    if linked.is_err()
        && preorder != 0
        && net::knows_link(request, 0)
        && !net::knows_link(request, preorder)
    {
        return Err(Error::unsupported(
            "BPF_F_PREORDER for a link",
            Some("6.17"),
        ));
    }
    linked
}

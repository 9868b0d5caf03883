//! Hooks that run several programs in an order of the caller's: tcx, netkit
//! and, since 6.17, cgroups.

use super::link::Link;
use super::net::{self, device};
use crate::error::{Error, Result, ResultExt};
use crate::program::Program;
use crate::sys::{LinkArgs, LinkCreate, LinkTarget};
use std::os::fd::{AsFd, AsRawFd};

/// `enum bpf_attach_type`.
pub(super) const TCX_INGRESS: u32 = 46;
pub(super) const TCX_EGRESS: u32 = 47;
pub(super) const NETKIT_PRIMARY: u32 = 54;
pub(super) const NETKIT_PEER: u32 = 55;

const BPF_F_BEFORE: u32 = 1 << 3;
const BPF_F_AFTER: u32 = 1 << 4;
const BPF_F_ID: u32 = 1 << 5;
const BPF_F_LINK: u32 = 1 << 13;

/// Where among the programs of a hook a new one goes.
#[derive(Clone, Copy, Debug, Default)]
pub enum Anchor<'a> {
    /// After all that are there.
    #[default]
    Last,
    /// Before all that are there.
    First,
    /// Right before one.
    Before(Relative<'a>),
    /// Right after one.
    After(Relative<'a>),
}

/// One of the programs of a hook.
#[derive(Clone, Copy, Debug)]
pub enum Relative<'a> {
    /// This program, attached without a link.
    Program(&'a Program),
    /// The program with this number, attached without a link.
    ProgramId(u32),
    /// The program of this link.
    Link(&'a Link),
    /// The program of the link with this number.
    LinkId(u32),
}

impl Anchor<'_> {
    /// The flags, and the descriptor or number that goes with them.
    ///
    /// # Errors
    /// `InvalidInput` for a link that is none of the kernel's.
    pub(super) fn resolve(&self) -> Result<(u32, u32)> {
        let (side, relative) = match self {
            Self::Last => return Ok((0, 0)),
            Self::First => return Ok((BPF_F_BEFORE, 0)),
            Self::Before(relative) => (BPF_F_BEFORE, relative),
            Self::After(relative) => (BPF_F_AFTER, relative),
        };
        let (kind, number) = match relative {
            Relative::Program(program) => (0, program.as_fd().as_raw_fd() as u32),
            Relative::ProgramId(id) => (BPF_F_ID, *id),
            Relative::Link(link) => {
                let fd = link.kernel_link().ok_or_else(|| {
                    Error::invalid_input("the anchor is not attached by a link of the kernel")
                })?;
                (BPF_F_LINK, fd.as_raw_fd() as u32)
            }
            Relative::LinkId(id) => (BPF_F_LINK | BPF_F_ID, *id),
        };
        Ok((side | kind, number))
    }

    /// Is it any other place than the one that needs no asking?
    pub(super) fn is_given(&self) -> bool {
        !matches!(self, Self::Last)
    }
}

/// Which way a packet goes, as seen from the interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TcDirection {
    /// It has come in.
    Ingress,
    /// It is going out.
    Egress,
}

impl TcDirection {
    /// The direction that was asked for, else the section's.
    ///
    /// # Errors
    /// `InvalidInput` where neither says it.
    pub(super) fn of(program: &Program, asked: Option<Self>) -> Result<Self> {
        match (asked, program.expected_attach_type()) {
            (Some(asked), _) => Ok(asked),
            (None, TCX_INGRESS) => Ok(Self::Ingress),
            (None, TCX_EGRESS) => Ok(Self::Egress),
            _ => Err(Error::invalid_input(format!(
                "section {} says no direction, nor do the options",
                program.section()
            ))),
        }
    }

    pub(super) fn attach_type(self) -> u32 {
        match self {
            Self::Ingress => TCX_INGRESS,
            Self::Egress => TCX_EGRESS,
        }
    }

    fn how(self) -> &'static str {
        match self {
            Self::Ingress => "tcx/ingress",
            Self::Egress => "tcx/egress",
        }
    }
}

/// How to attach a program to tcx.
#[derive(Clone, Copy, Debug, Default)]
pub struct TcxOptions<'a> {
    /// The direction; the section's where it is `None`.
    pub direction: Option<TcDirection>,
    /// The place among the programs that are there.
    pub anchor: Anchor<'a>,
    /// Attach only if the hook is at this revision: see
    /// [`Attachments::revision`](super::query::Attachments::revision).
    pub expected_revision: Option<u64>,
}

/// Which of the two devices of a netkit pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetkitSide {
    /// The device that the program is attached through.
    Primary,
    /// The device in the other network namespace.
    Peer,
}

impl NetkitSide {
    pub(super) fn attach_type(self) -> u32 {
        match self {
            Self::Primary => NETKIT_PRIMARY,
            Self::Peer => NETKIT_PEER,
        }
    }
}

/// How to attach a program to a netkit device.
#[derive(Clone, Copy, Debug, Default)]
pub struct NetkitOptions<'a> {
    /// Whose packets it sees: those that this device sends; the section's
    /// where it is `None`.
    pub side: Option<NetkitSide>,
    /// The place among the programs that are there.
    pub anchor: Anchor<'a>,
    /// Attach only if the hook is at this revision: see
    /// [`Attachments::revision`](super::query::Attachments::revision).
    pub expected_revision: Option<u64>,
}

impl Program {
    /// Attaches the program to the tcx hook of an interface.
    ///
    /// # Errors
    /// `Unsupported` before 6.6; `InvalidInput` for a program of another type;
    /// what the kernel says otherwise (ENODEV, ESTALE for another revision,
    /// ENOENT for an anchor that is not there).
    ///
    /// Kernel: 6.6
    pub fn attach_tcx(&self, ifindex: u32, options: &TcxOptions<'_>) -> Result<Link> {
        tcx(self, ifindex, options).with_context(|| self.context())
    }

    /// Attaches the program to a netkit device, which has to be the primary one
    /// of its pair.
    ///
    /// # Errors
    /// As [`Program::attach_tcx`]; ENXIO for a device of another kind, EACCES
    /// for the peer.
    ///
    /// Kernel: 6.7, with CONFIG_NETKIT
    pub fn attach_netkit(&self, ifindex: u32, options: &NetkitOptions<'_>) -> Result<Link> {
        netkit(self, ifindex, options).with_context(|| self.context())
    }
}

pub(super) fn tcx(program: &Program, ifindex: u32, options: &TcxOptions<'_>) -> Result<Link> {
    net::expect_type(program, net::SCHED_CLS, "tc")?;
    let direction = TcDirection::of(program, options.direction)?;
    let place = Place {
        ifindex,
        attach_type: direction.attach_type(),
        anchor: options.anchor,
        expected_revision: options.expected_revision,
    };
    place.attach(program, direction.how(), "tcx", "6.6")
}

fn netkit(program: &Program, ifindex: u32, options: &NetkitOptions<'_>) -> Result<Link> {
    net::expect_type(program, net::SCHED_CLS, "netkit")?;
    let side = match (options.side, program.expected_attach_type()) {
        (Some(side), _) => side,
        (None, NETKIT_PRIMARY) => NetkitSide::Primary,
        (None, NETKIT_PEER) => NetkitSide::Peer,
        _ => {
            let section = program.section();
            let cause = format!("section {section} says no side, nor do the options");
            return Err(Error::invalid_input(cause));
        }
    };
    let how = match side {
        NetkitSide::Primary => "netkit/primary",
        NetkitSide::Peer => "netkit/peer",
    };
    let place = Place {
        ifindex,
        attach_type: side.attach_type(),
        anchor: options.anchor,
        expected_revision: options.expected_revision,
    };
    place.attach(program, how, "netkit with CONFIG_NETKIT", "6.7")
}

/// A place in a hook of an interface.
struct Place<'a> {
    ifindex: u32,
    attach_type: u32,
    anchor: Anchor<'a>,
    expected_revision: Option<u64>,
}

impl Place<'_> {
    fn attach(
        &self,
        program: &Program,
        how: &'static str,
        feature: &'static str,
        since: &'static str,
    ) -> Result<Link> {
        let (flags, fd_or_id) = self.anchor.resolve()?;
        let request = LinkCreate {
            prog: program.as_fd(),
            target: LinkTarget::Ifindex(self.ifindex),
            attach_type: self.attach_type,
            flags,
            args: LinkArgs::Relative {
                fd_or_id,
                expected_revision: self.expected_revision.unwrap_or(0),
            },
        };
        net::link(&request, how, feature, since).with_context(|| device(self.ifindex))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_anchor_is_a_side_and_what_it_is_beside() {
        let resolved = |anchor: Anchor<'_>| anchor.resolve().unwrap();
        assert_eq!(resolved(Anchor::Last), (0, 0));
        assert_eq!(resolved(Anchor::First), (8, 0));
        assert_eq!(
            resolved(Anchor::Before(Relative::ProgramId(7))),
            (8 | 32, 7)
        );
        let link = Anchor::After(Relative::LinkId(9));
        assert_eq!(resolved(link), (16 | 32 | 8192, 9));
    }

    #[test]
    fn a_link_that_is_none_of_the_kernels_is_no_anchor() {
        let link = Link::from_parts(Vec::new(), "none");
        let anchor = Anchor::Before(Relative::Link(&link));
        assert!(anchor.resolve().is_err());
    }
}

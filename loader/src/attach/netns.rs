//! Programs of a network namespace: sk_lookup and the flow dissector.

use super::link::Link;
use super::net::{self, Via, opened};
use super::prog_attach::Attached;
use crate::error::{Error, Result, ResultExt};
use crate::program::Program;
use crate::sys::{self, LinkArgs, LinkCreate, LinkTarget, ProgAttach};
use std::os::fd::{AsFd, BorrowedFd};

const BPF_FLOW_DISSECTOR: u32 = 17;
const BPF_SK_LOOKUP: u32 = 36;

impl Program {
    /// Attaches an sk_lookup or flow dissector program to a network namespace,
    /// an open /proc/PID/ns/net.
    ///
    /// `Via::Legacy` is for flow dissectors and the caller's own namespace
    /// alone.
    ///
    /// # Errors
    /// `InvalidInput` for a program of another type; `Unsupported` for links
    /// alone before 5.8; what the kernel says otherwise (EEXIST where a flow
    /// dissector is attached already).
    ///
    /// Kernel: sk_lookup 5.9; flow dissector 4.20, by link 5.8
    pub fn attach_netns(&self, netns: impl AsFd, via: Via) -> Result<Link> {
        let netns = netns.as_fd();
        attach(self, netns, via)
            .with_context(|| opened("network namespace", netns))
            .with_context(|| self.context())
    }
}

fn attach(program: &Program, netns: BorrowedFd<'_>, via: Via) -> Result<Link> {
    let (attach_type, how, since, has_legacy) = match program.prog_type() {
        net::SK_LOOKUP => (BPF_SK_LOOKUP, "sk_lookup/link", "5.9", false),
        net::FLOW_DISSECTOR => (BPF_FLOW_DISSECTOR, "flow_dissector/link", "5.8", true),
        _ => return Err(net::wrong_type(program, "the sk_lookup or flow_dissector")),
    };
    if via == Via::Legacy && !has_legacy {
        return Err(Error::invalid_input("sk_lookup programs have links alone"));
    }
    if via != Via::Legacy {
        let request = LinkCreate {
            prog: program.as_fd(),
            target: LinkTarget::Fd(netns),
            attach_type,
            flags: 0,
            args: LinkArgs::None,
        };
        let linked = net::link(&request, how, "a link of a network namespace", since);
        if via == Via::Link || !has_legacy || !net::is_unsupported(&linked) {
            return linked;
        }
    }
    if sys::fd_inode(netns).ok() != sys::netns_inode().ok() {
        let cause = "BPF_PROG_ATTACH attaches to the caller's own network namespace only";
        return Err(Error::invalid_input(cause));
    }
    let attach = ProgAttach {
        prog: program.as_fd(),
        target: None,
        attach_type,
        flags: 0,
        replace: None,
    };
    Attached::link(&attach, "flow_dissector/prog_attach")
}

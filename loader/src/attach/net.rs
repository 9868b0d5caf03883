//! What attachments to networks, sockets and cgroups have in common.

use super::link::Link;
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::program::Program;
use crate::sys::{self, Errno, LinkArgs, LinkCreate, LinkTarget};
use std::os::fd::{AsFd, BorrowedFd};

/// `enum bpf_prog_type`.
pub(super) const SOCKET_FILTER: u32 = 1;
pub(super) const SCHED_CLS: u32 = 3;
pub(super) const SCHED_ACT: u32 = 4;
pub(super) const XDP: u32 = 6;
pub(super) const PERF_EVENT: u32 = 7;
pub(super) const CGROUP_SKB: u32 = 8;
pub(super) const CGROUP_SOCK: u32 = 9;
pub(super) const LWT_IN: u32 = 10;
pub(super) const LWT_XMIT: u32 = 12;
pub(super) const SOCK_OPS: u32 = 13;
pub(super) const SK_SKB: u32 = 14;
pub(super) const CGROUP_DEVICE: u32 = 15;
pub(super) const SK_MSG: u32 = 16;
pub(super) const CGROUP_SOCK_ADDR: u32 = 18;
pub(super) const LWT_SEG6LOCAL: u32 = 19;
pub(super) const LIRC_MODE2: u32 = 20;
pub(super) const SK_REUSEPORT: u32 = 21;
pub(super) const FLOW_DISSECTOR: u32 = 22;
pub(super) const CGROUP_SYSCTL: u32 = 23;
pub(super) const CGROUP_SOCKOPT: u32 = 25;
pub(super) const LSM: u32 = 29;
pub(super) const SK_LOOKUP: u32 = 30;
pub(super) const SYSCALL: u32 = 31;
pub(super) const NETFILTER: u32 = 32;

/// By which of its ways a hook is reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Via {
    /// By a link, or where the kernel has none for this hook, as before.
    #[default]
    Best,
    /// By a link alone.
    Link,
    /// As before there were links: by rtnetlink or BPF_PROG_ATTACH. Such an
    /// attachment cannot be pinned; it is undone on drop, but it outlives a
    /// process that is killed.
    Legacy,
}

/// The number of a network device, by its name in the caller's network
/// namespace.
///
/// # Errors
/// `NotFound` for a name that no device has.
pub fn ifindex(name: &str) -> Result<u32> {
    let name_c = super::c_string(name)?;
    sys::if_nametoindex(&name_c).map_err(|errno| match errno {
        Errno::NODEV => Error::not_found(format!("no interface is named {name}")),
        errno => errno.error(format_args!("interface {name}")),
    })
}

/// A device, for errors.
pub(super) fn device(ifindex: u32) -> String {
    match sys::if_indextoname(ifindex) {
        Ok(name) => format!("interface {name} ({ifindex})"),
        Err(_) => format!("interface {ifindex}"),
    }
}

/// What a descriptor is open on, for errors.
pub(super) fn opened(what: &str, fd: BorrowedFd<'_>) -> String {
    match sys::fd_path(fd) {
        Some(path) => format!("{what} {path}"),
        None => what.to_owned(),
    }
}

/// Refuses a program that is of another type than the hook takes.
pub(super) fn expect_type(program: &Program, prog_type: u32, what: &str) -> Result<()> {
    if program.prog_type() == prog_type {
        return Ok(());
    }
    Err(wrong_type(program, what))
}

pub(super) fn wrong_type(program: &Program, what: &str) -> Error {
    let section = program.section();
    Error::invalid_input(format!("section {section:?} is not one of {what} programs"))
}

/// Makes a link and, when that is refused as invalid, finds out whether this
/// kernel has such links at all.
///
/// # Errors
/// `Unsupported` where it has none; what the kernel says otherwise.
pub(super) fn link(
    request: &LinkCreate<'_>,
    how: &'static str,
    feature: &'static str,
    since: &'static str,
) -> Result<Link> {
    match sys::link_create(request) {
        Ok(fd) => Ok(Link::new(fd, how)),
        Err(Errno::INVAL) if !knows_link(request, 0) => {
            Err(Error::unsupported(feature, Some(since)))
        }
        Err(errno) => Err(errno.error("BPF_LINK_CREATE")),
    }
}

/// Has the kernel links of this kind, with these flags? One that has looks for
/// the target next, and finds that there is none with this number.
pub(super) fn knows_link(request: &LinkCreate<'_>, flags: u32) -> bool {
    let target = match request.target {
        LinkTarget::Ifindex(_) => LinkTarget::Ifindex(i32::MAX as u32),
        _ => LinkTarget::NoSuchFd,
    };
    let probe = LinkCreate {
        prog: request.prog,
        target,
        attach_type: request.attach_type,
        flags,
        args: LinkArgs::None,
    };
    sys::link_create(&probe).err() != Some(Errno::INVAL)
}

/// Is this the refusal of a kernel that lacks the feature?
pub(super) fn is_unsupported<T>(result: &Result<T>) -> bool {
    let error = result.as_ref().err();
    error.is_some_and(|error| matches!(error.kind(), ErrorKind::Unsupported { .. }))
}

/// What attaching this program takes beyond its section.
pub(super) fn needs(program: &Program) -> Error {
    let needs = match (program.prog_type(), program.expected_attach_type()) {
        (XDP, super::devmap::DEVMAP | super::devmap::CPUMAP) => {
            "an entry of a map: its descriptor is part of the value"
        }
        (XDP, _) => "an interface: Program::attach_xdp",
        (SCHED_CLS, super::mprog::NETKIT_PRIMARY | super::mprog::NETKIT_PEER) => {
            "an interface: Program::attach_netkit"
        }
        (SCHED_CLS, super::mprog::TCX_INGRESS | super::mprog::TCX_EGRESS) => {
            "an interface: Program::attach_tc"
        }
        (SCHED_CLS | SCHED_ACT, _) => "an interface and a direction: Program::attach_tc",
        (
            CGROUP_SKB | CGROUP_SOCK | CGROUP_SOCK_ADDR | CGROUP_DEVICE | CGROUP_SYSCTL
            | CGROUP_SOCKOPT | SOCK_OPS | LSM,
            _,
        ) => "a cgroup: Program::attach_cgroup",
        (SK_LOOKUP | FLOW_DISSECTOR, _) => "a network namespace: Program::attach_netns",
        (SK_MSG | SK_SKB, _) => "a map of sockets: Program::attach_sockmap",
        (SK_REUSEPORT, _) => "a socket: Program::attach_reuseport",
        (SOCKET_FILTER, _) => "a socket: Program::attach_socket_filter",
        (NETFILTER, _) => "a hook and a priority: Program::attach_netfilter",
        (LIRC_MODE2, _) => "a device: Program::attach_lirc",
        (PERF_EVENT, _) => "a perf event: Program::attach_perf_event",
        (SYSCALL, _) => "to be called: Program::test_run",
        (LWT_IN..=LWT_XMIT | LWT_SEG6LOCAL, _) => return lwt(),
        _ => "a hook, which its section does not name",
    };
    Error::invalid_input(format!("section {} needs {needs}", program.section()))
}

fn lwt() -> Error {
    let kind = ErrorKind::Unsupported {
        feature: "attaching lwt programs",
        since: None,
    };
    Error::new(
        kind,
        "a route carries this program: adding routes (`ip route add ... encap bpf`) is the caller's business",
    )
}

impl Program {
    /// Lets the program filter what a socket receives; it takes the place of
    /// any filter that is there.
    ///
    /// The link keeps the socket open, and undone it removes whatever filter
    /// is there then: the kernel does not say whose it is.
    ///
    /// # Errors
    /// `InvalidInput` for a program of another type; what the kernel says
    /// otherwise.
    ///
    /// Kernel: 3.19
    pub fn attach_socket_filter(&self, socket: impl AsFd) -> Result<Link> {
        super::socket::filter(self, socket.as_fd()).with_context(|| self.context())
    }

    /// Lets the program choose among the sockets that share a port with this
    /// one (SO_REUSEPORT).
    ///
    /// The link keeps the socket open, and undone it removes whatever program
    /// is there then.
    ///
    /// # Errors
    /// As [`Program::attach_socket_filter`].
    ///
    /// Kernel: 4.5; undone by the link since 5.3
    pub fn attach_reuseport(&self, socket: impl AsFd) -> Result<Link> {
        super::socket::reuseport(self, socket.as_fd()).with_context(|| self.context())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_interface_has_a_number_and_a_name() {
        let lo = ifindex("lo").unwrap();
        assert_eq!(device(lo), format!("interface lo ({lo})"));
    }

    #[test]
    fn an_interface_that_is_not_there_is_named() {
        let error = ifindex("nope0").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert_eq!(error.to_string(), "no interface is named nope0");
        assert_eq!(device(i32::MAX as u32), "interface 2147483647");
    }

    #[test]
    fn a_descriptor_is_shown_by_its_path() {
        let file = std::fs::File::open("/").unwrap();
        assert_eq!(opened("cgroup", file.as_fd()), "cgroup /");
    }
}

//! Which programs are attached to a hook.

use super::mprog::{NetkitSide, TcDirection};
use super::net::{device, opened};
use crate::error::{Error, Result, ResultExt};
use crate::map::Map;
use crate::sys::{self, Errno, QueryTarget};
use std::os::fd::AsFd;

/// Hooks hold at most 64 programs each; more only where those of all groups
/// above are asked for.
const USUAL_COUNT: usize = 64;
const MAX_COUNT: usize = 1 << 16;
const BPF_F_QUERY_EFFECTIVE: u32 = 1;

/// The programs of a hook.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attachments {
    /// In the order in which they run.
    pub programs: Vec<AttachedProgram>,
    /// `BPF_F_*` that the hook was given with its programs: for cgroups
    /// whether it allows several or overriding.
    pub flags: u32,
    /// Grows with every change. Kernel: 6.6 for tcx and netkit, 6.17 for cgroups
    pub revision: Option<u64>,
}

/// One program of a hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AttachedProgram {
    /// The kernel's number for the program.
    pub prog_id: u32,
    /// The kernel's number for its link, where it is attached by one and the
    /// kernel tells. Kernel: 6.6 for tcx and netkit
    pub link_id: Option<u32>,
}

/// The programs on the tcx hook of an interface.
///
/// # Errors
/// `Unsupported` before 6.6; what the kernel says otherwise.
///
/// Kernel: 6.6
pub fn query_tcx(ifindex: u32, direction: TcDirection) -> Result<Attachments> {
    query_device(ifindex, direction.attach_type())
        .map_err(|errno| match errno {
            Errno::INVAL => Error::unsupported("tcx", Some("6.6")),
            errno => errno.error("BPF_PROG_QUERY"),
        })
        .with_context(|| device(ifindex))
}

/// The programs on a netkit device.
///
/// # Errors
/// `Unsupported` before 6.7; what the kernel says otherwise.
///
/// Kernel: 6.7
pub fn query_netkit(ifindex: u32, side: NetkitSide) -> Result<Attachments> {
    query_device(ifindex, side.attach_type())
        .map_err(|errno| match errno {
            Errno::INVAL => Error::unsupported("netkit with CONFIG_NETKIT", Some("6.7")),
            errno => errno.error("BPF_PROG_QUERY"),
        })
        .with_context(|| device(ifindex))
}

/// The programs of a control group; with `effective` also those of the groups
/// above that run for it. `attach_type` is one of `BPF_CGROUP_*`.
///
/// # Errors
/// `PermissionDenied` without CAP_NET_ADMIN; `System` with the errno of
/// BPF_PROG_QUERY: EBADF where `cgroup` is none.
///
/// Kernel: 4.15
pub fn query_cgroup(cgroup: impl AsFd, attach_type: u32, effective: bool) -> Result<Attachments> {
    let flags = if effective { BPF_F_QUERY_EFFECTIVE } else { 0 };
    let target = QueryTarget::Fd(cgroup.as_fd());
    query(target, attach_type, flags, false)
        .map_err(|errno| errno.error("BPF_PROG_QUERY"))
        .with_context(|| opened("cgroup", cgroup.as_fd()))
}

/// The programs of a network namespace; `attach_type` is BPF_FLOW_DISSECTOR
/// (17) or BPF_SK_LOOKUP (36).
///
/// # Errors
/// `PermissionDenied` without CAP_NET_ADMIN; `System` with the errno of
/// BPF_PROG_QUERY: EINVAL for another attach type.
///
/// Kernel: 5.1
pub fn query_netns(netns: impl AsFd, attach_type: u32) -> Result<Attachments> {
    query(QueryTarget::Fd(netns.as_fd()), attach_type, 0, false)
        .map_err(|errno| errno.error("BPF_PROG_QUERY"))
        .with_context(|| opened("network namespace", netns.as_fd()))
}

/// The programs of a map of sockets; `attach_type` is one of `BPF_SK_*`.
///
/// # Errors
/// `Unsupported` before 5.16; what the kernel says otherwise.
///
/// Kernel: 5.16
pub fn query_sockmap(map: &Map, attach_type: u32) -> Result<Attachments> {
    query(QueryTarget::Fd(map.as_fd()), attach_type, 0, false)
        .map_err(|errno| match errno {
            Errno::INVAL => Error::unsupported("BPF_PROG_QUERY of a socket map", Some("5.16")),
            errno => errno.error("BPF_PROG_QUERY"),
        })
        .with_context(|| format!("map {}", map.name()))
}

fn query_device(ifindex: u32, attach_type: u32) -> sys::Result<Attachments> {
    query(QueryTarget::Ifindex(ifindex), attach_type, 0, true)
}

fn query(
    target: QueryTarget<'_>,
    attach_type: u32,
    flags: u32,
    has_links: bool,
) -> sys::Result<Attachments> {
    let mut room = USUAL_COUNT;
    loop {
        let mut progs = vec![0; room];
        let mut links = vec![0; if has_links { room } else { 0 }];
        match sys::prog_query(target, attach_type, flags, &mut progs, &mut links) {
            Err(Errno::NOSPC) if room < MAX_COUNT => room *= 4,
            Err(errno) => return Err(errno),
            Ok(found) => {
                let link_id = |at: usize| links.get(at).copied().filter(|&id| id != 0);
                let programs = progs.iter().take(found.count).enumerate();
                let programs = programs.map(|(at, &prog_id)| AttachedProgram {
                    prog_id,
                    link_id: link_id(at),
                });
                return Ok(Attachments {
                    programs: programs.collect(),
                    flags: found.attach_flags,
                    revision: Some(found.revision).filter(|&revision| revision != 0),
                });
            }
        }
    }
}

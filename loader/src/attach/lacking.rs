//! What this kernel lacks, found out after it has said no.
//!
//! EINVAL means that a kernel does not know a kind of attachment, or that
//! something is wrong with this one. The kernel's own types tell which: they
//! name every attach type it knows.

use crate::btf::{Kind, Types};
use crate::error::{Error, ErrorKind};
use crate::kernel_btf::KernelBtf;
use crate::sys::Errno;
use core::fmt;

/// Attach types: number, name, and the kernel that brought it.
///
/// Source: `enum bpf_attach_type`, include/uapi/linux/bpf.h
#[rustfmt::skip]
const ATTACH_TYPES: &[(u32, &str, &str)] = &[
    (26, "BPF_MODIFY_RETURN", "5.7"),
    (27, "BPF_LSM_MAC", "5.7"),
    (28, "BPF_TRACE_ITER", "5.8"),
    (29, "BPF_CGROUP_INET4_GETPEERNAME", "5.8"),
    (30, "BPF_CGROUP_INET6_GETPEERNAME", "5.8"),
    (31, "BPF_CGROUP_INET4_GETSOCKNAME", "5.8"),
    (32, "BPF_CGROUP_INET6_GETSOCKNAME", "5.8"),
    (33, "BPF_XDP_DEVMAP", "5.8"),
    (34, "BPF_CGROUP_INET_SOCK_RELEASE", "5.9"),
    (35, "BPF_XDP_CPUMAP", "5.9"),
    (36, "BPF_SK_LOOKUP", "5.9"),
    (37, "BPF_XDP", "5.9"),
    (38, "BPF_SK_SKB_VERDICT", "5.13"),
    (39, "BPF_SK_REUSEPORT_SELECT", "5.14"),
    (40, "BPF_SK_REUSEPORT_SELECT_OR_MIGRATE", "5.14"),
    (41, "BPF_PERF_EVENT", "5.15"),
    (42, "BPF_TRACE_KPROBE_MULTI", "5.18"),
    (43, "BPF_LSM_CGROUP", "6.0"),
    (44, "BPF_STRUCT_OPS", "6.4"),
    (45, "BPF_NETFILTER", "6.4"),
    (46, "BPF_TCX_INGRESS", "6.6"),
    (47, "BPF_TCX_EGRESS", "6.6"),
    (48, "BPF_TRACE_UPROBE_MULTI", "6.6"),
    (49, "BPF_CGROUP_UNIX_CONNECT", "6.7"),
    (50, "BPF_CGROUP_UNIX_SENDMSG", "6.7"),
    (51, "BPF_CGROUP_UNIX_RECVMSG", "6.7"),
    (52, "BPF_CGROUP_UNIX_GETPEERNAME", "6.7"),
    (53, "BPF_CGROUP_UNIX_GETSOCKNAME", "6.7"),
    (54, "BPF_NETKIT_PRIMARY", "6.7"),
    (55, "BPF_NETKIT_PEER", "6.7"),
    (56, "BPF_TRACE_KPROBE_SESSION", "6.10"),
    (57, "BPF_TRACE_UPROBE_SESSION", "6.13"),
    (58, "BPF_TRACE_FSESSION", "7.0"),
    (59, "BPF_TRACE_FENTRY_MULTI", "7.2"),
    (60, "BPF_TRACE_FEXIT_MULTI", "7.2"),
    (61, "BPF_TRACE_FSESSION_MULTI", "7.2"),
];

/// The feature behind an attach type, and the kernel that brought it.
fn named(attach_type: u32) -> Option<(&'static str, &'static str)> {
    let mut rows = ATTACH_TYPES.iter();
    let row = rows.find(|(number, ..)| *number == attach_type)?;
    Some((row.1, row.2))
}

/// The error for an attach type that the running kernel does not know; `None`
/// where it knows it, or does not show its types.
pub(crate) fn lacking(attach_type: u32) -> Option<Error> {
    let (feature, since) = named(attach_type)?;
    let mut kernel = KernelBtf::running();
    let known = kernel
        .target()
        .ok()?
        .enum_values("bpf_attach_type")
        .ok()??;
    let mut known = known.iter().filter(|(name, _)| !name.starts_with("__MAX"));
    match known.any(|(_, value)| *value == u64::from(attach_type)) {
        true => None,
        false => Some(Error::unsupported(feature, Some(since))),
    }
}

/// Does the running kernel have this structure? `None` where it does not show
/// its types.
pub(super) fn has_struct(name: &str) -> Option<bool> {
    let mut kernel = KernelBtf::running();
    let found = kernel.target().ok()?.find_one(Kind::Struct, name).ok()?;
    Some(found.is_some())
}

/// Does it have a structure with this member?
pub(super) fn has_member(structure: &str, member: &str) -> Option<bool> {
    let mut kernel = KernelBtf::running();
    let target = kernel.target().ok()?;
    let Some(id) = target.find_one(Kind::Struct, structure).ok()? else {
        return Some(false);
    };
    let members: Vec<_> = target.type_by_id(id).ok()?.members().collect();
    let mut names = members.iter().filter_map(|m| target.text(m.name_off).ok());
    Some(names.any(|name| name == member))
}

/// The error for a refused attachment of that type.
pub(crate) fn refused(errno: Errno, attach_type: u32, what: impl fmt::Display) -> Error {
    match errno {
        Errno::INVAL => lacking(attach_type).unwrap_or_else(|| errno.error(what)),
        Errno::OPNOTSUPP => match named(attach_type) {
            Some((feature, _)) => Error::new(
                ErrorKind::Unsupported {
                    feature,
                    since: None,
                },
                format!("{what}: this kernel is built without {feature}"),
            ),
            None => errno.error(what),
        },
        errno => errno.error(what),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attach_types_are_in_order_and_without_gaps() {
        let numbers = ATTACH_TYPES.iter().map(|(number, ..)| *number);
        assert!(numbers.eq(26..=61));
    }

    #[test]
    fn a_refusal_of_what_the_kernel_is_built_without_says_so() {
        let error = refused(Errno::OPNOTSUPP, 42, "attaching");
        assert_eq!(
            error.to_string(),
            "attaching: this kernel is built without BPF_TRACE_KPROBE_MULTI"
        );
    }

    #[test]
    fn other_refusals_keep_the_errno() {
        let error = refused(Errno::NOENT, 42, "attaching");
        assert_eq!(error.errno(), Some(libc::ENOENT));
    }
}

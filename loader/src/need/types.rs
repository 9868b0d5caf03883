//! Types of programs, maps and hooks, and map flags: names, and since when.
//!
//! Source: `enum bpf_prog_type`, `enum bpf_map_type`, `enum bpf_attach_type`
//! and `BPF_F_*`, include/uapi/linux/bpf.h, and the commits that added them.

use super::Version;

/// What `BPF_PROG_TYPE_` stands before, by number from 1 on.
const PROGRAMS: &[(&str, Version)] = &[
    ("SOCKET_FILTER", Version(3, 19)),
    ("KPROBE", Version(4, 1)),
    ("SCHED_CLS", Version(4, 1)),
    ("SCHED_ACT", Version(4, 1)),
    ("TRACEPOINT", Version(4, 7)),
    ("XDP", Version(4, 8)),
    ("PERF_EVENT", Version(4, 9)),
    ("CGROUP_SKB", Version(4, 10)),
    ("CGROUP_SOCK", Version(4, 10)),
    ("LWT_IN", Version(4, 10)),
    ("LWT_OUT", Version(4, 10)),
    ("LWT_XMIT", Version(4, 10)),
    ("SOCK_OPS", Version(4, 13)),
    ("SK_SKB", Version(4, 14)),
    ("CGROUP_DEVICE", Version(4, 15)),
    ("SK_MSG", Version(4, 17)),
    ("RAW_TRACEPOINT", Version(4, 17)),
    ("CGROUP_SOCK_ADDR", Version(4, 17)),
    ("LWT_SEG6LOCAL", Version(4, 18)),
    ("LIRC_MODE2", Version(4, 18)),
    ("SK_REUSEPORT", Version(4, 19)),
    ("FLOW_DISSECTOR", Version(4, 20)),
    ("CGROUP_SYSCTL", Version(5, 2)),
    ("RAW_TRACEPOINT_WRITABLE", Version(5, 2)),
    ("CGROUP_SOCKOPT", Version(5, 3)),
    ("TRACING", Version(5, 5)),
    ("STRUCT_OPS", Version(5, 6)),
    ("EXT", Version(5, 6)),
    ("LSM", Version(5, 7)),
    ("SK_LOOKUP", Version(5, 9)),
    ("SYSCALL", Version(5, 14)),
    ("NETFILTER", Version(6, 4)),
];

/// What `BPF_MAP_TYPE_` stands before, by number from 1 on.
const MAPS: &[(&str, Version)] = &[
    ("HASH", Version(3, 19)),
    ("ARRAY", Version(3, 19)),
    ("PROG_ARRAY", Version(4, 2)),
    ("PERF_EVENT_ARRAY", Version(4, 3)),
    ("PERCPU_HASH", Version(4, 6)),
    ("PERCPU_ARRAY", Version(4, 6)),
    ("STACK_TRACE", Version(4, 6)),
    ("CGROUP_ARRAY", Version(4, 8)),
    ("LRU_HASH", Version(4, 10)),
    ("LRU_PERCPU_HASH", Version(4, 10)),
    ("LPM_TRIE", Version(4, 11)),
    ("ARRAY_OF_MAPS", Version(4, 12)),
    ("HASH_OF_MAPS", Version(4, 12)),
    ("DEVMAP", Version(4, 14)),
    ("SOCKMAP", Version(4, 14)),
    ("CPUMAP", Version(4, 15)),
    ("XSKMAP", Version(4, 18)),
    ("SOCKHASH", Version(4, 18)),
    ("CGROUP_STORAGE", Version(4, 19)),
    ("REUSEPORT_SOCKARRAY", Version(4, 19)),
    ("PERCPU_CGROUP_STORAGE", Version(4, 20)),
    ("QUEUE", Version(4, 20)),
    ("STACK", Version(4, 20)),
    ("SK_STORAGE", Version(5, 2)),
    ("DEVMAP_HASH", Version(5, 4)),
    ("STRUCT_OPS", Version(5, 6)),
    ("RINGBUF", Version(5, 8)),
    ("INODE_STORAGE", Version(5, 10)),
    ("TASK_STORAGE", Version(5, 11)),
    ("BLOOM_FILTER", Version(5, 16)),
    ("USER_RINGBUF", Version(6, 1)),
    ("CGRP_STORAGE", Version(6, 2)),
    ("ARENA", Version(6, 9)),
    ("INSN_ARRAY", Version(6, 19)),
    ("RHASH", Version(7, 2)),
];

/// Attach types that are younger than the programs they go with. Those that an
/// older kernel simply does not look at (plain XDP, tc, sk_reuseport) are left
/// out: there the program loads, and attaches in another way.
const HOOKS: &[(u32, &str, Version)] = &[
    (14, "BPF_CGROUP_UDP4_SENDMSG", Version(4, 18)),
    (15, "BPF_CGROUP_UDP6_SENDMSG", Version(4, 18)),
    (19, "BPF_CGROUP_UDP4_RECVMSG", Version(5, 2)),
    (20, "BPF_CGROUP_UDP6_RECVMSG", Version(5, 2)),
    (26, "BPF_MODIFY_RETURN", Version(5, 7)),
    (28, "BPF_TRACE_ITER", Version(5, 8)),
    (29, "BPF_CGROUP_INET4_GETPEERNAME", Version(5, 8)),
    (30, "BPF_CGROUP_INET6_GETPEERNAME", Version(5, 8)),
    (31, "BPF_CGROUP_INET4_GETSOCKNAME", Version(5, 8)),
    (32, "BPF_CGROUP_INET6_GETSOCKNAME", Version(5, 8)),
    (33, "BPF_XDP_DEVMAP", Version(5, 8)),
    (34, "BPF_CGROUP_INET_SOCK_RELEASE", Version(5, 9)),
    (35, "BPF_XDP_CPUMAP", Version(5, 9)),
    (38, "BPF_SK_SKB_VERDICT", Version(5, 13)),
    (40, "BPF_SK_REUSEPORT_SELECT_OR_MIGRATE", Version(5, 14)),
    (42, "BPF_TRACE_KPROBE_MULTI", Version(5, 18)),
    (43, "BPF_LSM_CGROUP", Version(6, 0)),
    (48, "BPF_TRACE_UPROBE_MULTI", Version(6, 6)),
    (49, "BPF_CGROUP_UNIX_CONNECT", Version(6, 7)),
    (50, "BPF_CGROUP_UNIX_SENDMSG", Version(6, 7)),
    (51, "BPF_CGROUP_UNIX_RECVMSG", Version(6, 7)),
    (52, "BPF_CGROUP_UNIX_GETPEERNAME", Version(6, 7)),
    (53, "BPF_CGROUP_UNIX_GETSOCKNAME", Version(6, 7)),
    (54, "BPF_NETKIT_PRIMARY", Version(6, 7)),
    (55, "BPF_NETKIT_PEER", Version(6, 7)),
    (56, "BPF_TRACE_KPROBE_SESSION", Version(6, 10)),
    (57, "BPF_TRACE_UPROBE_SESSION", Version(6, 13)),
    (58, "BPF_TRACE_FSESSION", Version(7, 0)),
    (59, "BPF_TRACE_FENTRY_MULTI", Version(7, 2)),
    (60, "BPF_TRACE_FEXIT_MULTI", Version(7, 2)),
    (61, "BPF_TRACE_FSESSION_MULTI", Version(7, 2)),
];

/// Flags of BPF_MAP_CREATE, by bit.
const MAP_FLAGS: &[(u32, &str, Version)] = &[
    (0, "BPF_F_NO_PREALLOC", Version(4, 6)),
    (1, "BPF_F_NO_COMMON_LRU", Version(4, 10)),
    (2, "BPF_F_NUMA_NODE", Version(4, 14)),
    (3, "BPF_F_RDONLY", Version(4, 15)),
    (4, "BPF_F_WRONLY", Version(4, 15)),
    (5, "BPF_F_STACK_BUILD_ID", Version(4, 17)),
    (6, "BPF_F_ZERO_SEED", Version(5, 0)),
    (7, "BPF_F_RDONLY_PROG", Version(5, 2)),
    (8, "BPF_F_WRONLY_PROG", Version(5, 2)),
    (9, "BPF_F_CLONE", Version(5, 4)),
    (10, "BPF_F_MMAPABLE", Version(5, 5)),
    (11, "BPF_F_PRESERVE_ELEMS", Version(5, 10)),
    (12, "BPF_F_INNER_MAP", Version(5, 10)),
    (13, "BPF_F_LINK", Version(6, 4)),
    (14, "BPF_F_PATH_FD", Version(6, 5)),
    (15, "BPF_F_VTYPE_BTF_OBJ_FD", Version(6, 9)),
    (16, "BPF_F_TOKEN_FD", Version(6, 9)),
    (17, "BPF_F_SEGV_ON_FAULT", Version(6, 9)),
    (18, "BPF_F_NO_USER_CONV", Version(6, 9)),
];

fn named(table: &[(&str, Version)], prefix: &str, number: u32) -> Option<(String, Version)> {
    let index = usize::try_from(number).ok()?.checked_sub(1)?;
    let &(name, since) = table.get(index)?;
    Some((format!("{prefix}{name}"), since))
}

/// The name of a program type, such as `BPF_PROG_TYPE_KPROBE`, and the kernel
/// that brought it.
pub fn program_type(number: u32) -> Option<(String, Version)> {
    named(PROGRAMS, "BPF_PROG_TYPE_", number)
}

/// The name of a map type, such as `BPF_MAP_TYPE_RINGBUF`, and the kernel that
/// brought it.
pub fn map_type(number: u32) -> Option<(String, Version)> {
    named(MAPS, "BPF_MAP_TYPE_", number)
}

/// An attach type that has to be known for a program of it to load or attach.
pub(super) fn attach_type(number: u32) -> Option<(&'static str, Version)> {
    let mut hooks = HOOKS.iter();
    hooks
        .find(|(hook, ..)| *hook == number)
        .map(|&(_, name, since)| (name, since))
}

/// The names of a map's flags.
pub(super) fn map_flags(flags: u32) -> impl Iterator<Item = (&'static str, Version)> {
    let is_set = move |bit: u32| flags >> bit & 1 == 1;
    let set = MAP_FLAGS.iter().filter(move |(bit, ..)| is_set(*bit));
    set.map(|&(_, name, since)| (name, since))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_have_the_numbers_of_the_uapi_header() {
        let text =
            |found: Option<(String, Version)>| found.map(|(name, since)| format!("{name} {since}"));
        let expect = |found, wanted: &str| assert_eq!(text(found).as_deref(), Some(wanted));
        expect(program_type(26), "BPF_PROG_TYPE_TRACING 5.5");
        expect(program_type(32), "BPF_PROG_TYPE_NETFILTER 6.4");
        expect(map_type(27), "BPF_MAP_TYPE_RINGBUF 5.8");
        expect(map_type(33), "BPF_MAP_TYPE_ARENA 6.9");
        assert_eq!((program_type(0), program_type(33)), (None, None));
        assert_eq!((map_type(0), map_type(36)), (None, None));
    }

    #[test]
    fn flags_are_told_one_by_one() {
        let names: Vec<_> = map_flags(1 << 10 | 1).map(|(name, _)| name).collect();
        assert_eq!(names, ["BPF_F_NO_PREALLOC", "BPF_F_MMAPABLE"]);
    }
}

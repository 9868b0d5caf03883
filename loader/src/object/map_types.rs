//! What the kernel's map types are called, and which kernel brought each.

use crate::sys;

/// Number, name, and the first kernel with it.
type Row = (u32, &'static str, &'static str);

#[rustfmt::skip]
const TYPES: &[Row] = &[
    (1, "BPF_MAP_TYPE_HASH", "3.19"),
    (2, "BPF_MAP_TYPE_ARRAY", "3.19"),
    (3, "BPF_MAP_TYPE_PROG_ARRAY", "4.2"),
    (4, "BPF_MAP_TYPE_PERF_EVENT_ARRAY", "4.3"),
    (5, "BPF_MAP_TYPE_PERCPU_HASH", "4.6"),
    (6, "BPF_MAP_TYPE_PERCPU_ARRAY", "4.6"),
    (7, "BPF_MAP_TYPE_STACK_TRACE", "4.6"),
    (8, "BPF_MAP_TYPE_CGROUP_ARRAY", "4.8"),
    (9, "BPF_MAP_TYPE_LRU_HASH", "4.10"),
    (10, "BPF_MAP_TYPE_LRU_PERCPU_HASH", "4.10"),
    (11, "BPF_MAP_TYPE_LPM_TRIE", "4.11"),
    (12, "BPF_MAP_TYPE_ARRAY_OF_MAPS", "4.12"),
    (13, "BPF_MAP_TYPE_HASH_OF_MAPS", "4.12"),
    (14, "BPF_MAP_TYPE_DEVMAP", "4.14"),
    (15, "BPF_MAP_TYPE_SOCKMAP", "4.14"),
    (16, "BPF_MAP_TYPE_CPUMAP", "4.15"),
    (17, "BPF_MAP_TYPE_XSKMAP", "4.18"),
    (18, "BPF_MAP_TYPE_SOCKHASH", "4.18"),
    (19, "BPF_MAP_TYPE_CGROUP_STORAGE", "4.19"),
    (20, "BPF_MAP_TYPE_REUSEPORT_SOCKARRAY", "4.19"),
    (21, "BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE", "4.20"),
    (22, "BPF_MAP_TYPE_QUEUE", "4.20"),
    (23, "BPF_MAP_TYPE_STACK", "4.20"),
    (24, "BPF_MAP_TYPE_SK_STORAGE", "5.2"),
    (25, "BPF_MAP_TYPE_DEVMAP_HASH", "5.4"),
    (26, "BPF_MAP_TYPE_STRUCT_OPS", "5.6"),
    (27, "BPF_MAP_TYPE_RINGBUF", "5.8"),
    (28, "BPF_MAP_TYPE_INODE_STORAGE", "5.10"),
    (29, "BPF_MAP_TYPE_TASK_STORAGE", "5.11"),
    (30, "BPF_MAP_TYPE_BLOOM_FILTER", "5.16"),
    (31, "BPF_MAP_TYPE_USER_RINGBUF", "6.1"),
    (32, "BPF_MAP_TYPE_CGRP_STORAGE", "6.2"),
    (33, "BPF_MAP_TYPE_ARENA", "6.9"),
];

/// The type's name and first kernel, where the running kernel is older. Only
/// for the text of a refusal: what works is found out by trying.
pub(super) fn too_new(map_type: u32) -> Option<(&'static str, &'static str)> {
    let (_, name, since) = TYPES.iter().find(|(number, ..)| *number == map_type)?;
    let running = version(&sys::release().ok()?)?;
    (running < version(since)?).then_some((*name, *since))
}

/// The first two numbers of a release.
fn version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_compared_by_number() {
        assert_eq!(version("6.12.117+deb12-cloud-amd64"), Some((6, 12)));
        assert!(version("5.9") < version("5.10"));
        assert_eq!(version("unknown"), None);
    }

    #[test]
    fn every_type_has_a_number_of_its_own_and_a_version() {
        for (at, (number, _, since)) in TYPES.iter().enumerate() {
            assert_eq!(*number as usize, at + 1);
            assert!(version(since).is_some());
        }
    }
}

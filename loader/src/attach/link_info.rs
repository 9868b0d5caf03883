//! What the kernel says about a link.

/// `enum bpf_link_type`, in the words of /proc/PID/fdinfo.
const LINK_TYPES: [&str; 16] = [
    "unspecified",
    "raw_tracepoint",
    "tracing",
    "cgroup",
    "iter",
    "netns",
    "xdp",
    "perf",
    "kprobe_multi",
    "struct_ops",
    "netfilter",
    "tcx",
    "uprobe_multi",
    "netkit",
    "sockmap",
    "tracing_multi",
];

/// What the kernel says about a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LinkInfo {
    /// The kernel's number for the link.
    pub id: u32,
    /// `BPF_LINK_TYPE_*`.
    pub link_type: u32,
    /// The kernel's number for the program behind it; 0 for a table of
    /// functions (struct_ops).
    pub prog_id: u32,
    /// What the program is attached to.
    pub target: LinkedTo,
}

impl LinkInfo {
    /// The type in words: `"tcx"`, `"cgroup"`, `"tracing"` and so on.
    pub fn type_name(&self) -> &'static str {
        let name = LINK_TYPES.get(self.link_type as usize);
        name.copied().unwrap_or("unknown")
    }
}

/// What a program is attached to by a link. Targets that have gone have the
/// number 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LinkedTo {
    /// A function, tracepoint or program that BTF describes.
    Tracing {
        /// `BPF_*` of `enum bpf_attach_type`.
        attach_type: u32,
        /// The number of the target program, or of the BTF object. Kernel: 5.13
        target_obj_id: u32,
        /// The type in that BTF. Kernel: 5.13
        target_btf_id: u32,
    },
    /// A control group.
    Cgroup {
        /// Its number, which is its folder's inode on 64-bit machines.
        cgroup_id: u64,
        /// `BPF_*` of `enum bpf_attach_type`.
        attach_type: u32,
    },
    /// A network namespace.
    Netns {
        /// The inode number of /proc/PID/ns/net.
        inode: u32,
        /// `BPF_*` of `enum bpf_attach_type`.
        attach_type: u32,
    },
    /// A network device: XDP, tcx, netkit.
    Device {
        /// Its number.
        ifindex: u32,
        /// `BPF_*` of `enum bpf_attach_type`; 0 for XDP.
        attach_type: u32,
    },
    /// A map: a table of functions, or sockets.
    Map {
        /// The kernel's number for the map.
        map_id: u32,
        /// `BPF_*` of `enum bpf_attach_type`; 0 for a table of functions.
        attach_type: u32,
    },
    /// A netfilter hook.
    Netfilter {
        /// `NFPROTO_*`.
        pf: u32,
        /// `NF_INET_*`.
        hooknum: u32,
        /// The priority.
        priority: i32,
        /// `BPF_F_NETFILTER_*`.
        flags: u32,
    },
    /// Something else.
    Other,
}

impl LinkedTo {
    /// Reads the union of `struct bpf_link_info`.
    pub(super) fn read(link_type: u32, bytes: &[u8; 32]) -> Self {
        let word = |at: usize| {
            let word = bytes.get(at * 4..at * 4 + 4);
            let word = word.and_then(|word| word.try_into().ok());
            word.map_or(0, u32::from_ne_bytes)
        };
        let [first, second] = [word(0), word(1)];
        match LINK_TYPES.get(link_type as usize).copied() {
            Some("tracing") => Self::Tracing {
                attach_type: first,
                target_obj_id: second,
                target_btf_id: word(2),
            },
            Some("cgroup") => {
                let (id, _) = bytes.split_first_chunk().unwrap_or((&[0; 8], &[]));
                Self::Cgroup {
                    cgroup_id: u64::from_ne_bytes(*id),
                    attach_type: word(2),
                }
            }
            Some("netns") => Self::Netns {
                inode: first,
                attach_type: second,
            },
            Some("xdp" | "tcx" | "netkit") => Self::Device {
                ifindex: first,
                attach_type: second,
            },
            Some("struct_ops" | "sockmap") => Self::Map {
                map_id: first,
                attach_type: second,
            },
            Some("netfilter") => Self::Netfilter {
                pf: first,
                hooknum: second,
                priority: word(2) as i32,
                flags: word(3),
            },
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(words: [u32; 4]) -> [u8; 32] {
        let mut bytes = [0; 32];
        for (place, word) in bytes.chunks_exact_mut(4).zip(words) {
            place.copy_from_slice(&word.to_ne_bytes());
        }
        bytes
    }

    #[test]
    fn targets_are_read_by_the_type_of_the_link() {
        let device = LinkedTo::Device {
            ifindex: 3,
            attach_type: 46,
        };
        assert_eq!(LinkedTo::read(11, &target([3, 46, 0, 0])), device);
        let netfilter = LinkedTo::Netfilter {
            pf: 2,
            hooknum: 1,
            priority: -5,
            flags: 0,
        };
        let words = [2, 1, -5i32 as u32, 0];
        assert_eq!(LinkedTo::read(10, &target(words)), netfilter);
        assert_eq!(LinkedTo::read(99, &[0; 32]), LinkedTo::Other);
    }

    #[test]
    fn a_cgroup_has_a_number_of_64_bits() {
        let mut bytes = target([0, 0, 10, 0]);
        bytes[..8].copy_from_slice(&0x1_0000_0002u64.to_ne_bytes());
        let cgroup = LinkedTo::Cgroup {
            cgroup_id: 0x1_0000_0002,
            attach_type: 10,
        };
        assert_eq!(LinkedTo::read(3, &bytes), cgroup);
    }
}

//! Which kernel brought a kind of program, asked only after a refusal.
//!
//! Source: the commits that added the types to include/uapi/linux/bpf.h

use super::programs::{SLEEPABLE, XDP_HAS_FRAGS};
use crate::error::Error;
use crate::insn::Insn;
use crate::spec::ProgramKind;
use crate::sys::{self, Errno, ExtRecords};

/// Program type, attach type (0 for all others of the type), what it is, since.
type Row = (u32, u32, &'static str, &'static str);

#[rustfmt::skip]
const ROWS: &[Row] = &[
    (6, 33, "BPF_XDP_DEVMAP", "5.8"),
    (6, 35, "BPF_XDP_CPUMAP", "5.9"),
    (9, 34, "BPF_CGROUP_INET_SOCK_RELEASE", "5.9"),
    (9, 12, "BPF_CGROUP_INET4_POST_BIND", "4.17"),
    (9, 13, "BPF_CGROUP_INET6_POST_BIND", "4.17"),
    (13, 0, "BPF_PROG_TYPE_SOCK_OPS", "4.13"),
    (14, 0, "BPF_PROG_TYPE_SK_SKB", "4.14"),
    (15, 0, "BPF_PROG_TYPE_CGROUP_DEVICE", "4.15"),
    (16, 0, "BPF_PROG_TYPE_SK_MSG", "4.17"),
    (17, 0, "BPF_PROG_TYPE_RAW_TRACEPOINT", "4.17"),
    (18, 14, "BPF_CGROUP_UDP4_SENDMSG", "4.18"),
    (18, 15, "BPF_CGROUP_UDP6_SENDMSG", "4.18"),
    (18, 19, "BPF_CGROUP_UDP4_RECVMSG", "5.2"),
    (18, 20, "BPF_CGROUP_UDP6_RECVMSG", "5.2"),
    (18, 29, "BPF_CGROUP_INET4_GETPEERNAME", "5.8"),
    (18, 30, "BPF_CGROUP_INET6_GETPEERNAME", "5.8"),
    (18, 31, "BPF_CGROUP_INET4_GETSOCKNAME", "5.8"),
    (18, 32, "BPF_CGROUP_INET6_GETSOCKNAME", "5.8"),
    (18, 49, "BPF_CGROUP_UNIX_CONNECT", "6.7"),
    (18, 50, "BPF_CGROUP_UNIX_SENDMSG", "6.7"),
    (18, 51, "BPF_CGROUP_UNIX_RECVMSG", "6.7"),
    (18, 52, "BPF_CGROUP_UNIX_GETPEERNAME", "6.7"),
    (18, 53, "BPF_CGROUP_UNIX_GETSOCKNAME", "6.7"),
    (18, 0, "BPF_PROG_TYPE_CGROUP_SOCK_ADDR", "4.17"),
    (19, 0, "BPF_PROG_TYPE_LWT_SEG6LOCAL", "4.18"),
    (20, 0, "CONFIG_BPF_LIRC_MODE2", "4.18"),
    (21, 0, "BPF_PROG_TYPE_SK_REUSEPORT", "4.19"),
    (22, 0, "BPF_PROG_TYPE_FLOW_DISSECTOR", "4.20"),
    (23, 0, "BPF_PROG_TYPE_CGROUP_SYSCTL", "5.2"),
    (24, 0, "BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE", "5.2"),
    (25, 0, "BPF_PROG_TYPE_CGROUP_SOCKOPT", "5.3"),
    (30, 0, "BPF_PROG_TYPE_SK_LOOKUP", "5.9"),
    (31, 0, "BPF_PROG_TYPE_SYSCALL", "5.14"),
    (32, 0, "BPF_PROG_TYPE_NETFILTER", "6.4"),
];

/// Why a program was refused before the verifier looked at it, where that is
/// because this kernel does not know its kind: it does not take the smallest
/// program of the kind either.
pub(super) fn lacking(kind: &ProgramKind) -> Option<Error> {
    let (prog_type, attach_type) = (kind.prog_type, kind.expected_attach_type);
    let of_type = ROWS.iter().filter(|row| row.0 == prog_type);
    let mut rows = of_type.filter(|row| row.1 == 0 || row.1 == attach_type);
    if let Some(&(_, _, what, since)) = rows.next() {
        if !takes(prog_type, attach_type, kind.sleepable, false) {
            return Some(Error::unsupported(what, Some(since)));
        }
    }
    if kind.xdp_frags && !takes(prog_type, attach_type, false, true) {
        return Some(Error::unsupported("BPF_F_XDP_HAS_FRAGS", Some("5.18")));
    }
    None
}

/// Does the kernel take a program that returns 1, which every kind may?
fn takes(prog_type: u32, expected_attach_type: u32, sleepable: bool, frags: bool) -> bool {
    let load = sys::ProgLoad {
        prog_type,
        expected_attach_type,
        prog_flags: if sleepable { SLEEPABLE } else { 0 } | if frags { XDP_HAS_FRAGS } else { 0 },
        kern_version: 0,
        name: [0; 16],
        license: c"GPL",
        insns: &[Insn::mov64_imm(0, 1), Insn::exit()],
        btf: None,
        func_info: ExtRecords::default(),
        line_info: ExtRecords::default(),
        attach_btf_id: 0,
        attach_fd: None,
        fd_array: &[],
    };
    sys::prog_load(&load, None).err() != Some(Errno::INVAL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_particular_comes_before_its_type() {
        for (at, row) in ROWS.iter().enumerate() {
            let before = ROWS.get(..at).unwrap_or_default();
            let hidden = before
                .iter()
                .any(|earlier| earlier.0 == row.0 && (earlier.1 == 0 || earlier.1 == row.1));
            assert!(!hidden, "{}", row.2);
        }
    }
}

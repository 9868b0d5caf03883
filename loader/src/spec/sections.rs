//! libbpf's section names: what a program is, from where it lies.
//!
//! One row per name. `+` after a name takes what follows a slash; names
//! without it must fit exactly. The first row that fits wins.
//!
//! Source: `section_defs`, tools/lib/bpf/libbpf.c; `enum bpf_prog_type` and
//! `enum bpf_attach_type`, include/uapi/linux/bpf.h.

use super::types::{AttachSpec, MultiAt, ProgramKind};

/// How to read what follows the slash.
#[derive(Clone, Copy)]
enum Hook {
    None,
    Fentry,
    Fexit,
    FmodRet,
    Freplace,
    TpBtf,
    RawTp,
    Tp,
    Kprobe,
    Kretprobe,
    Ksyscall,
    Kretsyscall,
    KprobeMulti(MultiAt),
    Uprobe,
    Uretprobe,
    UprobeMulti(MultiAt),
    Usdt,
    TracingMulti(MultiAt),
    Fsession,
    Lsm,
    LsmCgroup,
    Iter,
    StructOps,
}

/// Name, program type, attach type, hook, may it sleep?
type Row = (&'static str, u32, u32, Hook, bool);

const SOCKET_FILTER: u32 = 1;
const KPROBE: u32 = 2;
const SCHED_CLS: u32 = 3;
const SCHED_ACT: u32 = 4;
const TRACEPOINT: u32 = 5;
const XDP: u32 = 6;
const PERF_EVENT: u32 = 7;
const CGROUP_SKB: u32 = 8;
const CGROUP_SOCK: u32 = 9;
const LWT_IN: u32 = 10;
const LWT_OUT: u32 = 11;
const LWT_XMIT: u32 = 12;
const SOCK_OPS: u32 = 13;
const SK_SKB: u32 = 14;
const CGROUP_DEVICE: u32 = 15;
const SK_MSG: u32 = 16;
const RAW_TRACEPOINT: u32 = 17;
const CGROUP_SOCK_ADDR: u32 = 18;
const LWT_SEG6LOCAL: u32 = 19;
const LIRC_MODE2: u32 = 20;
const SK_REUSEPORT: u32 = 21;
const FLOW_DISSECTOR: u32 = 22;
const CGROUP_SYSCTL: u32 = 23;
const RAW_TRACEPOINT_WRITABLE: u32 = 24;
const CGROUP_SOCKOPT: u32 = 25;
const TRACING: u32 = 26;
const STRUCT_OPS: u32 = 27;
const EXT: u32 = 28;
const LSM: u32 = 29;
const SK_LOOKUP: u32 = 30;
const SYSCALL: u32 = 31;
const NETFILTER: u32 = 32;

#[rustfmt::skip]
const ROWS: &[Row] = &[
    ("fentry+", TRACING, 24, Hook::Fentry, false),
    ("fentry.s+", TRACING, 24, Hook::Fentry, true),
    ("fexit+", TRACING, 25, Hook::Fexit, false),
    ("fexit.s+", TRACING, 25, Hook::Fexit, true),
    ("fmod_ret+", TRACING, 26, Hook::FmodRet, false),
    ("fmod_ret.s+", TRACING, 26, Hook::FmodRet, true),
    ("fsession+", TRACING, 58, Hook::Fsession, false),
    ("fsession.s+", TRACING, 58, Hook::Fsession, true),
    ("fentry.multi+", TRACING, 59, Hook::TracingMulti(MultiAt::Entry), false),
    ("fentry.multi.s+", TRACING, 59, Hook::TracingMulti(MultiAt::Entry), true),
    ("fexit.multi+", TRACING, 60, Hook::TracingMulti(MultiAt::Return), false),
    ("fexit.multi.s+", TRACING, 60, Hook::TracingMulti(MultiAt::Return), true),
    ("fsession.multi+", TRACING, 61, Hook::TracingMulti(MultiAt::Session), false),
    ("fsession.multi.s+", TRACING, 61, Hook::TracingMulti(MultiAt::Session), true),
    ("tp_btf+", TRACING, 23, Hook::TpBtf, false),
    ("tp_btf.s+", TRACING, 23, Hook::TpBtf, true),
    ("iter+", TRACING, 28, Hook::Iter, false),
    ("iter.s+", TRACING, 28, Hook::Iter, true),
    ("freplace+", EXT, 0, Hook::Freplace, false),
    ("lsm+", LSM, 27, Hook::Lsm, false),
    ("lsm.s+", LSM, 27, Hook::Lsm, true),
    ("lsm_cgroup+", LSM, 43, Hook::LsmCgroup, false),
    ("kprobe+", KPROBE, 0, Hook::Kprobe, false),
    ("kretprobe+", KPROBE, 0, Hook::Kretprobe, false),
    ("ksyscall+", KPROBE, 0, Hook::Ksyscall, false),
    ("kretsyscall+", KPROBE, 0, Hook::Kretsyscall, false),
    ("kprobe.multi+", KPROBE, 42, Hook::KprobeMulti(MultiAt::Entry), false),
    ("kretprobe.multi+", KPROBE, 42, Hook::KprobeMulti(MultiAt::Return), false),
    ("kprobe.session+", KPROBE, 56, Hook::KprobeMulti(MultiAt::Session), false),
    ("uprobe+", KPROBE, 0, Hook::Uprobe, false),
    ("uprobe.s+", KPROBE, 0, Hook::Uprobe, true),
    ("uretprobe+", KPROBE, 0, Hook::Uretprobe, false),
    ("uretprobe.s+", KPROBE, 0, Hook::Uretprobe, true),
    ("uprobe.multi+", KPROBE, 48, Hook::UprobeMulti(MultiAt::Entry), false),
    ("uprobe.multi.s+", KPROBE, 48, Hook::UprobeMulti(MultiAt::Entry), true),
    ("uretprobe.multi+", KPROBE, 48, Hook::UprobeMulti(MultiAt::Return), false),
    ("uretprobe.multi.s+", KPROBE, 48, Hook::UprobeMulti(MultiAt::Return), true),
    ("uprobe.session+", KPROBE, 57, Hook::UprobeMulti(MultiAt::Session), false),
    ("uprobe.session.s+", KPROBE, 57, Hook::UprobeMulti(MultiAt::Session), true),
    ("usdt+", KPROBE, 0, Hook::Usdt, false),
    ("usdt.s+", KPROBE, 0, Hook::Usdt, true),
    ("tracepoint+", TRACEPOINT, 0, Hook::Tp, false),
    ("tp+", TRACEPOINT, 0, Hook::Tp, false),
    ("tracepoint.s+", TRACEPOINT, 0, Hook::Tp, true),
    ("tp.s+", TRACEPOINT, 0, Hook::Tp, true),
    ("raw_tracepoint+", RAW_TRACEPOINT, 0, Hook::RawTp, false),
    ("raw_tp+", RAW_TRACEPOINT, 0, Hook::RawTp, false),
    ("raw_tracepoint.s+", RAW_TRACEPOINT, 0, Hook::RawTp, true),
    ("raw_tp.s+", RAW_TRACEPOINT, 0, Hook::RawTp, true),
    ("raw_tracepoint.w+", RAW_TRACEPOINT_WRITABLE, 0, Hook::RawTp, false),
    ("raw_tp.w+", RAW_TRACEPOINT_WRITABLE, 0, Hook::RawTp, false),
    ("socket", SOCKET_FILTER, 0, Hook::None, false),
    ("sk_reuseport/migrate", SK_REUSEPORT, 40, Hook::None, false),
    ("sk_reuseport", SK_REUSEPORT, 39, Hook::None, false),
    ("tc/ingress", SCHED_CLS, 46, Hook::None, false),
    ("tc/egress", SCHED_CLS, 47, Hook::None, false),
    ("tcx/ingress", SCHED_CLS, 46, Hook::None, false),
    ("tcx/egress", SCHED_CLS, 47, Hook::None, false),
    ("tc", SCHED_CLS, 0, Hook::None, false),
    ("classifier", SCHED_CLS, 0, Hook::None, false),
    ("action", SCHED_ACT, 0, Hook::None, false),
    ("netkit/primary", SCHED_CLS, 54, Hook::None, false),
    ("netkit/peer", SCHED_CLS, 55, Hook::None, false),
    ("syscall", SYSCALL, 0, Hook::None, true),
    ("xdp.frags/devmap", XDP, 33, Hook::None, false),
    ("xdp.frags/cpumap", XDP, 35, Hook::None, false),
    ("xdp.frags", XDP, 37, Hook::None, false),
    ("xdp/devmap", XDP, 33, Hook::None, false),
    ("xdp/cpumap", XDP, 35, Hook::None, false),
    ("xdp", XDP, 37, Hook::None, false),
    ("perf_event", PERF_EVENT, 0, Hook::None, false),
    ("lwt_in", LWT_IN, 0, Hook::None, false),
    ("lwt_out", LWT_OUT, 0, Hook::None, false),
    ("lwt_xmit", LWT_XMIT, 0, Hook::None, false),
    ("lwt_seg6local", LWT_SEG6LOCAL, 0, Hook::None, false),
    ("sockops", SOCK_OPS, 3, Hook::None, false),
    ("sk_skb/stream_parser", SK_SKB, 4, Hook::None, false),
    ("sk_skb/stream_verdict", SK_SKB, 5, Hook::None, false),
    ("sk_skb/verdict", SK_SKB, 38, Hook::None, false),
    ("sk_skb", SK_SKB, 0, Hook::None, false),
    ("sk_msg", SK_MSG, 7, Hook::None, false),
    ("lirc_mode2", LIRC_MODE2, 16, Hook::None, false),
    ("flow_dissector", FLOW_DISSECTOR, 17, Hook::None, false),
    ("sk_lookup", SK_LOOKUP, 36, Hook::None, false),
    ("netfilter", NETFILTER, 45, Hook::None, false),
    ("cgroup_skb/ingress", CGROUP_SKB, 0, Hook::None, false),
    ("cgroup_skb/egress", CGROUP_SKB, 1, Hook::None, false),
    ("cgroup/skb", CGROUP_SKB, 0, Hook::None, false),
    ("cgroup/sock_create", CGROUP_SOCK, 2, Hook::None, false),
    ("cgroup/sock_release", CGROUP_SOCK, 34, Hook::None, false),
    ("cgroup/sock", CGROUP_SOCK, 2, Hook::None, false),
    ("cgroup/post_bind4", CGROUP_SOCK, 12, Hook::None, false),
    ("cgroup/post_bind6", CGROUP_SOCK, 13, Hook::None, false),
    ("cgroup/bind4", CGROUP_SOCK_ADDR, 8, Hook::None, false),
    ("cgroup/bind6", CGROUP_SOCK_ADDR, 9, Hook::None, false),
    ("cgroup/connect4", CGROUP_SOCK_ADDR, 10, Hook::None, false),
    ("cgroup/connect6", CGROUP_SOCK_ADDR, 11, Hook::None, false),
    ("cgroup/connect_unix", CGROUP_SOCK_ADDR, 49, Hook::None, false),
    ("cgroup/sendmsg4", CGROUP_SOCK_ADDR, 14, Hook::None, false),
    ("cgroup/sendmsg6", CGROUP_SOCK_ADDR, 15, Hook::None, false),
    ("cgroup/sendmsg_unix", CGROUP_SOCK_ADDR, 50, Hook::None, false),
    ("cgroup/recvmsg4", CGROUP_SOCK_ADDR, 19, Hook::None, false),
    ("cgroup/recvmsg6", CGROUP_SOCK_ADDR, 20, Hook::None, false),
    ("cgroup/recvmsg_unix", CGROUP_SOCK_ADDR, 51, Hook::None, false),
    ("cgroup/getpeername4", CGROUP_SOCK_ADDR, 29, Hook::None, false),
    ("cgroup/getpeername6", CGROUP_SOCK_ADDR, 30, Hook::None, false),
    ("cgroup/getpeername_unix", CGROUP_SOCK_ADDR, 52, Hook::None, false),
    ("cgroup/getsockname4", CGROUP_SOCK_ADDR, 31, Hook::None, false),
    ("cgroup/getsockname6", CGROUP_SOCK_ADDR, 32, Hook::None, false),
    ("cgroup/getsockname_unix", CGROUP_SOCK_ADDR, 53, Hook::None, false),
    ("cgroup/sysctl", CGROUP_SYSCTL, 18, Hook::None, false),
    ("cgroup/getsockopt", CGROUP_SOCKOPT, 21, Hook::None, false),
    ("cgroup/setsockopt", CGROUP_SOCKOPT, 22, Hook::None, false),
    ("cgroup/dev", CGROUP_DEVICE, 6, Hook::None, false),
    ("struct_ops+", STRUCT_OPS, 0, Hook::StructOps, false),
    ("struct_ops.s+", STRUCT_OPS, 0, Hook::StructOps, true),
];

/// What a program of this section is, `None` for a name nobody knows.
pub(crate) fn program_kind(section: &str) -> Option<ProgramKind> {
    let (name, autoload) = match section.strip_prefix('?') {
        Some(name) => (name, false),
        None => (section, true),
    };
    let &(row, prog_type, expected_attach_type, hook, sleepable) =
        ROWS.iter().find(|(row, ..)| fits(row, name))?;
    let known = row.trim_end_matches('+').len();
    let rest = name.get(known..).unwrap_or_default();
    let rest = rest.strip_prefix('/').unwrap_or(rest);
    Some(ProgramKind {
        prog_type,
        expected_attach_type,
        attach: attach(hook, rest),
        sleepable,
        xdp_frags: row.starts_with("xdp.frags"),
        autoload,
    })
}

fn fits(row: &str, name: &str) -> bool {
    match row.strip_suffix('+') {
        Some(prefix) => name
            .strip_prefix(prefix)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
        None => row == name,
    }
}

fn attach(hook: Hook, rest: &str) -> AttachSpec {
    let name = rest.to_owned();
    match hook {
        Hook::None => AttachSpec::None { rest: name },
        Hook::Fentry => AttachSpec::Fentry { func: name },
        Hook::Fexit => AttachSpec::Fexit { func: name },
        Hook::FmodRet => AttachSpec::FmodRet { func: name },
        Hook::Freplace => AttachSpec::Freplace { func: name },
        Hook::TpBtf => AttachSpec::TpBtf { name },
        Hook::RawTp => AttachSpec::RawTracepoint { name },
        Hook::Kretprobe => AttachSpec::Kretprobe { func: name },
        Hook::Ksyscall => AttachSpec::Ksyscall { name, ret: false },
        Hook::Kretsyscall => AttachSpec::Ksyscall { name, ret: true },
        Hook::Lsm => AttachSpec::Lsm { hook: name },
        Hook::LsmCgroup => AttachSpec::LsmCgroup { hook: name },
        Hook::StructOps => AttachSpec::StructOps { name },
        Hook::Fsession => AttachSpec::Fsession { func: name },
        Hook::TracingMulti(at) => AttachSpec::TracingMulti { pattern: name, at },
        Hook::KprobeMulti(at) => AttachSpec::KprobeMulti { pattern: name, at },
        Hook::Uprobe => uprobe(rest, false),
        Hook::Uretprobe => uprobe(rest, true),
        Hook::UprobeMulti(at) => {
            let (binary, pattern) = rest.rsplit_once(':').unwrap_or((rest, ""));
            AttachSpec::UprobeMulti {
                binary: binary.to_owned(),
                pattern: pattern.to_owned(),
                at,
            }
        }
        Hook::Usdt => {
            let mut parts = rest.rsplitn(3, ':');
            let (name, provider) = (parts.next(), parts.next());
            let (binary, provider, name) = match parts.next() {
                Some(binary) => (binary, provider.unwrap_or(""), name.unwrap_or("")),
                None => (rest, "", ""),
            };
            AttachSpec::Usdt {
                binary: binary.to_owned(),
                provider: provider.to_owned(),
                name: name.to_owned(),
            }
        }
        Hook::Iter => AttachSpec::Iter { target: name },
        Hook::Tp => {
            let (category, name) = rest.split_once('/').unwrap_or((rest, ""));
            AttachSpec::Tracepoint {
                category: category.to_owned(),
                name: name.to_owned(),
            }
        }
        Hook::Kprobe => {
            let (func, offset) = rest.split_once('+').unwrap_or((rest, ""));
            match parse_offset(offset) {
                Some(offset) => AttachSpec::Kprobe {
                    func: func.to_owned(),
                    offset,
                },
                // Not an offset: left to the symbol lookup to complain about.
                None => AttachSpec::Kprobe {
                    func: name,
                    offset: 0,
                },
            }
        }
    }
}

/// `PATH:FUNC`, `PATH:FUNC+OFFSET` or `PATH:OFFSET`.
fn uprobe(rest: &str, ret: bool) -> AttachSpec {
    let (binary, place) = rest.rsplit_once(':').unwrap_or((rest, ""));
    let (func, offset) = match place.rsplit_once('+') {
        Some((func, offset)) => (func, parse_offset(offset)),
        None if place.starts_with(|c: char| c.is_ascii_digit()) => ("", parse_offset(place)),
        None => (place, Some(0)),
    };
    AttachSpec::Uprobe {
        binary: binary.to_owned(),
        // What is no offset is left to the symbol lookup to complain about.
        func: offset.map_or(place, |_| func).to_owned(),
        offset: offset.unwrap_or(0),
        ret,
    }
}

/// A byte offset as C writes it: decimal, or hexadecimal after `0x`.
fn parse_offset(text: &str) -> Option<u64> {
    if text.is_empty() {
        return Some(0);
    }
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(section: &str) -> (u32, u32, AttachSpec, bool) {
        let kind = program_kind(section).unwrap();
        let load = (kind.prog_type, kind.expected_attach_type);
        (load.0, load.1, kind.attach, kind.sleepable)
    }

    #[test]
    fn a_function_follows_the_slash() {
        let func = "vfs_open".to_owned();
        assert_eq!(
            kind("fexit.s/vfs_open"),
            (TRACING, 25, AttachSpec::Fexit { func }, true)
        );
    }

    #[test]
    fn a_kprobe_may_carry_an_offset() {
        let func = "do_exit".to_owned();
        let attach = AttachSpec::Kprobe { func, offset: 0x1f };
        assert_eq!(kind("kprobe/do_exit+0x1f"), (KPROBE, 0, attach, false));
    }

    #[test]
    fn a_tracepoint_has_a_category() {
        let (category, name) = ("syscalls".to_owned(), "sys_enter_openat".to_owned());
        let attach = AttachSpec::Tracepoint { category, name };
        assert_eq!(kind("tp/syscalls/sys_enter_openat").2, attach);
    }

    #[test]
    fn a_question_mark_switches_autoload_off() {
        assert!(!program_kind("?kprobe/x").unwrap().autoload);
        assert!(program_kind("kprobe/x").unwrap().autoload);
    }

    #[test]
    fn a_uprobe_names_its_binary_and_its_place() {
        let uprobe = |func: &str, offset| AttachSpec::Uprobe {
            binary: "/bin/a:b".to_owned(),
            func: func.to_owned(),
            offset,
            ret: true,
        };
        assert_eq!(kind("uretprobe//bin/a:b:main").2, uprobe("main", 0));
        assert_eq!(kind("uretprobe//bin/a:b:main+0x10").2, uprobe("main", 16));
        assert_eq!(kind("uretprobe//bin/a:b:0x40").2, uprobe("", 64));
        assert_eq!(kind("uretprobe//bin/a:b:main+x").2, uprobe("main+x", 0));
    }

    #[test]
    fn a_static_probe_names_provider_and_probe() {
        let usdt = AttachSpec::Usdt {
            binary: "libc.so.6".to_owned(),
            provider: "libc".to_owned(),
            name: "setjmp".to_owned(),
        };
        assert_eq!(kind("usdt/libc.so.6:libc:setjmp").2, usdt);
    }

    #[test]
    fn a_session_runs_on_entry_and_return() {
        let at = MultiAt::Session;
        let pattern = "vfs_*".to_owned();
        let session = AttachSpec::KprobeMulti { pattern, at };
        assert_eq!(kind("kprobe.session/vfs_*"), (KPROBE, 56, session, false));
    }

    #[test]
    fn every_name_leads_to_its_own_row() {
        for (row, prog_type, expected_attach_type, ..) in ROWS {
            let found = program_kind(row.trim_end_matches('+')).unwrap();
            let load = (found.prog_type, found.expected_attach_type);
            assert_eq!(load, (*prog_type, *expected_attach_type), "{row}");
        }
    }

    #[test]
    fn a_longer_word_is_another_section() {
        assert!(program_kind("fentryx/vfs_open").is_none());
        assert!(program_kind("tcp").is_none());
        assert_eq!(program_kind("tc").unwrap().prog_type, SCHED_CLS);
    }
}

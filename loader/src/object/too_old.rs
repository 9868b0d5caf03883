//! What a kernel refuses because it is older than the program.
//!
//! Looked at only after a refusal.

use crate::error::{Error, ErrorKind};
use crate::insn::{Insn, to_bytes};
use crate::sys::{self, Errno, ExtRecords, Log};

/// Program types that a supported kernel may be too old for.
///
/// Source: `enum bpf_prog_type`, include/uapi/linux/bpf.h.
const PROGRAM_TYPES: &[(u32, &str, &str)] = &[
    (23, "BPF_PROG_TYPE_CGROUP_SYSCTL", "5.2"),
    (24, "BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE", "5.2"),
    (25, "BPF_PROG_TYPE_CGROUP_SOCKOPT", "5.3"),
    (26, "BPF_PROG_TYPE_TRACING", "5.5"),
    (27, "BPF_PROG_TYPE_STRUCT_OPS", "5.6"),
    (28, "BPF_PROG_TYPE_EXT", "5.6"),
    (29, "BPF_PROG_TYPE_LSM", "5.7"),
    (30, "BPF_PROG_TYPE_SK_LOOKUP", "5.9"),
    (31, "BPF_PROG_TYPE_SYSCALL", "5.14"),
    (32, "BPF_PROG_TYPE_NETFILTER", "6.4"),
];

/// The first helper function of each kernel, by number. The list is closed:
/// since 6.2 functions come without numbers.
///
/// Source: `___BPF_FUNC_MAPPER`, include/uapi/linux/bpf.h.
const HELPERS: &[(usize, &str)] = &[
    (65, "4.18"),
    (81, "4.19"),
    (84, "4.20"),
    (91, "5.0"),
    (93, "5.1"),
    (99, "5.2"),
    (109, "5.3"),
    (110, "5.4"),
    (111, "5.5"),
    (116, "5.6"),
    (119, "5.7"),
    (125, "5.8"),
    (136, "5.9"),
    (142, "5.10"),
    (156, "5.11"),
    (163, "5.12"),
    (164, "5.13"),
    (166, "5.14"),
    (169, "5.15"),
    (176, "5.16"),
    (180, "5.17"),
    (186, "5.18"),
    (194, "5.19"),
    (204, "6.0"),
    (208, "6.1"),
    (210, "6.2"),
];
const HELPER_LAST: usize = 211;

/// Flags of BPF_PROG_LOAD that say what a program is like.
const FLAGS: &[(u32, &str, &str)] = &[
    (1 << 4, "BPF_F_SLEEPABLE", "5.10"),
    (1 << 5, "BPF_F_XDP_HAS_FRAGS", "5.18"),
];

/// The error for a program that the kernel refuses without a word because it
/// does not know its type or its flags: it refuses the emptiest such program
/// alike.
pub(super) fn program(load: &sys::ProgLoad<'_>) -> Option<Error> {
    if !is_unknown(load, load.prog_flags) {
        return None;
    }
    let mut flags = FLAGS.iter();
    let flag = flags.find(|(flag, ..)| {
        let without = load.prog_flags & !flag;
        without != load.prog_flags && !is_unknown(load, without)
    });
    let mut types = PROGRAM_TYPES.iter();
    let named = flag.or_else(|| types.find(|(id, ..)| *id == load.prog_type));
    if let Some((_, feature, since)) = named {
        return Some(Error::unsupported(feature, Some(since)));
    }
    let kind = ErrorKind::Unsupported {
        feature: "programs of this type and attach type",
        since: None,
    };
    Some(Error::new(
        kind,
        format!(
            "the kernel refuses even an empty program of type {} and attach type {}: \
             it is too old for them, or built without",
            load.prog_type, load.expected_attach_type
        ),
    ))
}

/// Does the kernel refuse an empty program of this type without a word?
fn is_unknown(load: &sys::ProgLoad<'_>, prog_flags: u32) -> bool {
    let insns = to_bytes(&[Insn::mov64_imm(0, 0), Insn::exit()]);
    let empty = sys::ProgLoad {
        insns: &insns,
        btf: None,
        func_info: ExtRecords::default(),
        line_info: ExtRecords::default(),
        attach_btf_id: 0,
        attach_fd: None,
        fd_array: &[],
        prog_flags,
        ..*load
    };
    let mut buffer = vec![0; 4096];
    let mut log = Log {
        level: super::refusal::LOG_LEVEL_PATH,
        buffer: &mut buffer,
        true_bytes: 0,
    };
    let loaded = sys::prog_load(&empty, Some(&mut log));
    buffer.first() == Some(&0) && matches!(loaded, Err(Errno::INVAL))
}

/// The error for a call of a helper function that the kernel does not know, as
/// its verifier says it; none for other complaints.
pub(super) fn helper(reason: &str) -> Option<Error> {
    let (_, number) = reason.split_once("invalid func unknown#")?;
    let end = number.find(|c: char| !c.is_ascii_digit());
    let number: usize = number[..end.unwrap_or(number.len())].parse().ok()?;
    let mut older = HELPERS.iter().rev();
    let (_, since) = *older.find(|(first, _)| *first <= number && number <= HELPER_LAST)?;
    let kind = ErrorKind::Unsupported {
        feature: "a helper function",
        since: Some(since),
    };
    Some(Error::new(
        kind,
        format!("helper function {number} needs Linux {since}"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::need;

    #[test]
    fn versions_are_those_of_the_list_of_needs() {
        for &(id, name, since) in PROGRAM_TYPES {
            let (found, version) = need::program_type(id).unwrap();
            assert_eq!((&*found, &*version.to_string()), (name, since));
        }
        for number in HELPERS[0].0..=HELPER_LAST {
            let (_, version) = need::helper(i32::try_from(number).unwrap()).unwrap();
            let error = helper(&format!("invalid func unknown#{number}")).unwrap();
            let expected = format!("helper function {number} needs Linux {version}");
            assert_eq!(error.to_string(), expected);
        }
    }

    #[test]
    fn a_helper_that_the_kernel_does_not_know_has_a_version() {
        let text = |reason: &str| helper(reason).map(|error| error.to_string());
        for (number, since) in [(65, "4.18"), (173, "5.15"), (208, "6.1"), (211, "6.2")] {
            let expected = format!("helper function {number} needs Linux {since}");
            let reason = format!("invalid func unknown#{number}");
            assert_eq!(text(&reason), Some(expected));
        }
        assert_eq!(text("invalid func unknown#212"), None);
        assert_eq!(text("invalid func unknown#195896080"), None);
        assert_eq!(text("invalid func unknown#3"), None);
        assert_eq!(text("unknown func bpf_xdp_adjust_head#44"), None);
    }
}

//! What a kernel refuses because it is older than the program.
//!
//! Looked at only after a refusal.

use crate::error::{Error, ErrorKind};
use crate::insn::Insn;
use crate::need;
use crate::sys::{self, Errno, ExtRecords, Log};
use crate::verifier;

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
    let empty = sys::ProgLoad {
        insns: &[Insn::mov64_imm(0, 0), Insn::exit()],
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

/// What a kernel without callbacks says of a program that has some: it counts
/// the functions that are called, and there are more.
const UNCOUNTED: &str = "number of funcs in func_info";
/// And what it says of them where no such records come along.
const UNREAD: &str = "unrecognized bpf_ld_imm64 insn";
const CALLBACKS_SINCE: &str = "5.13";

/// The error for a program with callbacks that a kernel refuses because it knows
/// none, told by the helper function that they are for.
///
/// Kernel: before 5.13
pub(super) fn callbacks(load: &sys::ProgLoad<'_>, reason: &str) -> Option<Error> {
    let has_callbacks = load.insns.iter().any(|insn| insn.is_func_address());
    if !reason.contains(UNCOUNTED) || !has_callbacks {
        return None;
    }
    let without = sys::ProgLoad {
        func_info: ExtRecords::default(),
        line_info: ExtRecords::default(),
        ..*load
    };
    let mut buffer = vec![0; 4096];
    let mut log = Log {
        level: super::refusal::LOG_LEVEL_PATH,
        buffer: &mut buffer,
        true_bytes: 0,
    };
    // It is refused once more; what counts is the log.
    let _ = sys::prog_load(&without, Some(&mut log));
    let is_unknown = verifier::text(&buffer).contains(UNREAD);
    is_unknown.then(|| lacking_callbacks(load.insns))
}

/// The youngest helper function among the instructions is what a kernel has to
/// have for them, if it is one that came with callbacks or later.
fn lacking_callbacks(insns: &[Insn]) -> Error {
    let (_, of_callbacks) = need::helper(FOR_EACH_MAP_ELEM).unzip();
    let calls = need::helpers_called(insns);
    let younger = calls.filter(|call| need::helper(*call).unzip().1 >= of_callbacks);
    let youngest = younger.max().and_then(|number| {
        let (name, _) = need::helper(number)?;
        Some((name, helper_since(usize::try_from(number).ok()?)?))
    });
    let Some((name, since)) = youngest else {
        return Error::unsupported("callbacks", Some(CALLBACKS_SINCE));
    };
    let kind = ErrorKind::Unsupported {
        feature: "a helper function",
        since: Some(since),
    };
    let cause = format!(
        "helper function {name} needs Linux {since}, and callbacks Linux {CALLBACKS_SINCE}"
    );
    Error::new(kind, cause)
}

/// bpf_for_each_map_elem, with which callbacks came.
const FOR_EACH_MAP_ELEM: i32 = 164;

/// The kernel that brought the helper function of this number; none for those
/// that all supported kernels have.
fn helper_since(number: usize) -> Option<&'static str> {
    let mut older = HELPERS.iter().rev();
    let (_, since) = *older.find(|(first, _)| *first <= number && number <= HELPER_LAST)?;
    Some(since)
}

/// The error for a call of a helper function that the kernel does not know, as
/// its verifier says it; none for other complaints.
pub(super) fn helper(reason: &str) -> Option<Error> {
    let (_, number) = reason.split_once("invalid func unknown#")?;
    let end = number.find(|c: char| !c.is_ascii_digit());
    let number: usize = number[..end.unwrap_or(number.len())].parse().ok()?;
    let since = helper_since(number)?;
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
    use crate::insn::pseudo;

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

    #[test]
    fn callbacks_are_told_by_the_helper_that_they_are_for() {
        let told = |calls: &[i32]| {
            let mut insns = Insn::ldimm64(2, pseudo::FUNC, 0).to_vec();
            insns.extend(calls.iter().map(|call| Insn::call(*call)));
            lacking_callbacks(&insns).to_string()
        };
        for (calls, expected) in [
            (
                &[8, 164][..],
                "helper function bpf_for_each_map_elem needs Linux 5.13",
            ),
            (&[181, 164], "helper function bpf_loop needs Linux 5.17"),
            (
                &[170, 169],
                "helper function bpf_timer_set_callback needs Linux 5.15",
            ),
        ] {
            let expected = format!("{expected}, and callbacks Linux 5.13");
            assert_eq!(told(calls), expected);
        }
        // A kfunc takes it.
        assert_eq!(told(&[8, 25]), "callbacks needs Linux 5.13");
    }
}

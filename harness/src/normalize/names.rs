//! Numbers of the kernel by their names: clone flags, signals, errors.
//!
//! The numbers are those of x86-64 and arm64, which share these three tables.

/// `linux/sched.h`, without the exit signal in the low byte.
const CLONE_FLAGS: [(u64, &str); 26] = [
    (0x100, "VM"),
    (0x200, "FS"),
    (0x400, "FILES"),
    (0x800, "SIGHAND"),
    (0x1000, "PIDFD"),
    (0x2000, "PTRACE"),
    (0x4000, "VFORK"),
    (0x8000, "PARENT"),
    (0x1_0000, "THREAD"),
    (0x2_0000, "NEWNS"),
    (0x4_0000, "SYSVSEM"),
    (0x8_0000, "SETTLS"),
    (0x10_0000, "PARENT_SETTID"),
    (0x20_0000, "CHILD_CLEARTID"),
    (0x40_0000, "DETACHED"),
    (0x80_0000, "UNTRACED"),
    (0x100_0000, "CHILD_SETTID"),
    (0x200_0000, "NEWCGROUP"),
    (0x400_0000, "NEWUTS"),
    (0x800_0000, "NEWIPC"),
    (0x1000_0000, "NEWUSER"),
    (0x2000_0000, "NEWPID"),
    (0x4000_0000, "NEWNET"),
    (0x8000_0000, "IO"),
    (0x1_0000_0000, "CLEAR_SIGHAND"),
    (0x2_0000_0000, "INTO_CGROUP"),
];

/// `asm/signal.h`, from 1.
const SIGNALS: [&str; 31] = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
    "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG",
    "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
];

/// `asm-generic/errno-base.h` from 1, and what of `errno.h` an exec, a file or a socket can fail with.
const ERRORS: [(u32, &str); 69] = [
    (1, "EPERM"),
    (2, "ENOENT"),
    (3, "ESRCH"),
    (4, "EINTR"),
    (5, "EIO"),
    (6, "ENXIO"),
    (7, "E2BIG"),
    (8, "ENOEXEC"),
    (9, "EBADF"),
    (10, "ECHILD"),
    (11, "EAGAIN"),
    (12, "ENOMEM"),
    (13, "EACCES"),
    (14, "EFAULT"),
    (15, "ENOTBLK"),
    (16, "EBUSY"),
    (17, "EEXIST"),
    (18, "EXDEV"),
    (19, "ENODEV"),
    (20, "ENOTDIR"),
    (21, "EISDIR"),
    (22, "EINVAL"),
    (23, "ENFILE"),
    (24, "EMFILE"),
    (25, "ENOTTY"),
    (26, "ETXTBSY"),
    (27, "EFBIG"),
    (28, "ENOSPC"),
    (29, "ESPIPE"),
    (30, "EROFS"),
    (31, "EMLINK"),
    (32, "EPIPE"),
    (33, "EDOM"),
    (34, "ERANGE"),
    (36, "ENAMETOOLONG"),
    (38, "ENOSYS"),
    (39, "ENOTEMPTY"),
    (40, "ELOOP"),
    (61, "ENODATA"),
    (75, "EOVERFLOW"),
    (80, "ELIBBAD"),
    (88, "ENOTSOCK"),
    (89, "EDESTADDRREQ"),
    (90, "EMSGSIZE"),
    (91, "EPROTOTYPE"),
    (92, "ENOPROTOOPT"),
    (93, "EPROTONOSUPPORT"),
    (94, "ESOCKTNOSUPPORT"),
    (95, "EOPNOTSUPP"),
    (96, "EPFNOSUPPORT"),
    (97, "EAFNOSUPPORT"),
    (98, "EADDRINUSE"),
    (99, "EADDRNOTAVAIL"),
    (100, "ENETDOWN"),
    (101, "ENETUNREACH"),
    (102, "ENETRESET"),
    (103, "ECONNABORTED"),
    (104, "ECONNRESET"),
    (105, "ENOBUFS"),
    (106, "EISCONN"),
    (107, "ENOTCONN"),
    (108, "ESHUTDOWN"),
    (110, "ETIMEDOUT"),
    (111, "ECONNREFUSED"),
    (112, "EHOSTDOWN"),
    (113, "EHOSTUNREACH"),
    (114, "EALREADY"),
    (115, "EINPROGRESS"),
    (122, "EDQUOT"),
];

/// The part of a mode that tells the type.
pub const MODE_TYPE: u32 = 0o170_000;
/// That of a folder.
pub const MODE_FOLDER: u32 = 0o040_000;

/// `-rw-r--r--`, as ls has it, with setuid, setgid and sticky; a type that there
/// is none of is `?`, bits beyond are told in octal.
pub fn mode(mode: u32) -> String {
    let kind = match mode & MODE_TYPE {
        0o100_000 => '-',
        MODE_FOLDER => 'd',
        0o120_000 => 'l',
        0o010_000 => 'p',
        0o140_000 => 's',
        0o020_000 => 'c',
        0o060_000 => 'b',
        _ => '?',
    };
    let mut text = String::from(kind);
    for (shift, special, mark) in [(6, 0o4000, 's'), (3, 0o2000, 's'), (0, 0o1000, 't')] {
        let bits = mode >> shift & 7;
        text.push(if bits & 4 != 0 { 'r' } else { '-' });
        text.push(if bits & 2 != 0 { 'w' } else { '-' });
        text.push(match (bits & 1 != 0, mode & special != 0) {
            (true, false) => 'x',
            (false, false) => '-',
            (true, true) => mark,
            (false, true) => mark.to_ascii_uppercase(),
        });
    }
    if mode & !0o177_777 != 0 {
        text.push_str(&format!(" {mode:#o}"));
    }
    text
}

/// `VM|VFORK`; `none`; bits without a name in hexadecimal.
pub fn clone_flags(flags: u64) -> String {
    let mut rest = flags;
    let mut names = Vec::new();
    for (bit, name) in CLONE_FLAGS {
        if flags & bit != 0 {
            rest &= !bit;
            names.push(name.to_owned());
        }
    }
    if rest != 0 {
        names.push(format!("{rest:#x}"));
    }
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join("|")
    }
}

/// `SIGKILL`, `SIGRT+6`, or the number.
pub fn signal(number: i64) -> String {
    let index = usize::try_from(number - 1).ok();
    if let Some(name) = index.and_then(|index| SIGNALS.get(index)) {
        return format!("SIG{name}");
    }
    match number {
        // The kernel's real-time signals begin at 32, whatever a libc keeps for itself.
        32..=64 => format!("SIGRT+{}", number - 32),
        _ => number.to_string(),
    }
}

/// `ENOENT`, or `errno 133`.
pub fn error(errno: u32) -> String {
    let named = ERRORS.iter().find(|(number, _)| *number == errno);
    named.map_or_else(|| format!("errno {errno}"), |(_, name)| (*name).to_owned())
}

/// Of datagrams, which keep their bounds.
pub const SOCK_DGRAM: u16 = 2;
/// TCP over several paths.
pub const IPPROTO_MPTCP: u16 = 262;
/// `AF_PACKET`, whose protocols are those of Ethernet.
const AF_PACKET: u16 = 17;

/// `inet`, `unix`, or the number.
pub fn address_family(family: u16) -> String {
    match family {
        1 => "unix".to_owned(),
        2 => "inet".to_owned(),
        10 => "inet6".to_owned(),
        16 => "netlink".to_owned(),
        AF_PACKET => "packet".to_owned(),
        40 => "vsock".to_owned(),
        _ => format!("family {family}"),
    }
}

/// Whether sockets of this family have addresses of IP.
pub fn has_addresses(family: u16) -> bool {
    matches!(family, 2 | 10)
}

/// `stream`, `dgram`, or the number.
pub fn socket_type(number: u16) -> String {
    match number {
        1 => "stream".to_owned(),
        SOCK_DGRAM => "dgram".to_owned(),
        3 => "raw".to_owned(),
        5 => "seqpacket".to_owned(),
        _ => format!("type {number}"),
    }
}

/// `tcp`, or the number; `-` where the family has but one.
pub fn protocol(family: u16, protocol: u16) -> String {
    match (family, protocol) {
        (AF_PACKET, _) => format!("protocol {protocol:#06x}"),
        (_, 0) => "-".to_owned(),
        (_, 1) => "icmp".to_owned(),
        (_, 6) => "tcp".to_owned(),
        (_, 17) => "udp".to_owned(),
        (_, 58) => "icmp6".to_owned(),
        (_, 132) => "sctp".to_owned(),
        (_, 136) => "udplite".to_owned(),
        (_, 255) => "raw".to_owned(),
        (_, 262) => "mptcp".to_owned(),
        _ => format!("protocol {protocol}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_has_a_text_of_its_own() {
        let mut signals: Vec<_> = (-2..70).map(signal).collect();
        let mut errors: Vec<_> = (0..200).map(error).collect();
        let mut flags: Vec<_> = (0..64).map(|bit| clone_flags(1 << bit)).collect();
        let mut families: Vec<_> = (0..50).map(address_family).collect();
        let mut types: Vec<_> = (0..12).map(socket_type).collect();
        let mut protocols: Vec<_> = (0..300).map(|it| protocol(2, it)).collect();
        let all = [&mut signals, &mut errors, &mut flags];
        for texts in all
            .into_iter()
            .chain([&mut families, &mut types, &mut protocols])
        {
            let all = texts.len();
            texts.sort_unstable();
            texts.dedup();
            assert_eq!(texts.len(), all);
        }
    }

    #[test]
    fn names_are_the_kernels() {
        assert_eq!(signal(9), "SIGKILL");
        assert_eq!(signal(31), "SIGSYS");
        assert_eq!(signal(40), "SIGRT+8");
        assert_eq!(error(40), "ELOOP");
        assert_eq!(clone_flags(0x4100), "VM|VFORK");
        assert_eq!(clone_flags(0), "none");
        assert_eq!(clone_flags(1 << 40 | 0x8000), "PARENT|0x10000000000");
    }
}

//! The commands that attach a program, and BPF_ENABLE_STATS.

use super::attr::{Command, EnableStatsAttr, IterCreateAttr, LinkCreateAttr, RawTracepointAttr};
use super::{Errno, Result, address, bpf, length, owned};
use core::ffi::CStr;
use std::os::fd::{BorrowedFd, OwnedFd};

/// `enum bpf_attach_type`.
const BPF_PERF_EVENT: u32 = 41;
/// `enum bpf_stats_type`.
const BPF_STATS_RUN_TIME: u32 = 0;

/// One link to make.
pub(crate) struct LinkCreate<'a> {
    /// The program; for a table of functions (struct_ops) its map.
    pub(crate) prog: BorrowedFd<'a>,
    pub(crate) target: LinkTarget<'a>,
    /// `BPF_*` of `enum bpf_attach_type`.
    pub(crate) attach_type: u32,
    /// `BPF_F_*`, what the kind of link takes.
    pub(crate) flags: u32,
    pub(crate) args: LinkArgs<'a>,
}

/// What a program is attached to, where that is a descriptor or a device.
#[derive(Clone, Copy)]
#[allow(dead_code, reason = "devices are for network links")]
pub(crate) enum LinkTarget<'a> {
    /// Nothing, or what the program was loaded for.
    None,
    /// A descriptor that nobody has.
    NoSuchFd,
    /// A perf event, cgroup, network namespace, map or program.
    Fd(BorrowedFd<'a>),
    /// A network device, by its number.
    Ifindex(u32),
}

/// The member of the command's union, by kind of link.
#[derive(Clone, Copy)]
#[allow(dead_code, reason = "some are for network links")]
pub(crate) enum LinkArgs<'a> {
    None,
    PerfEvent {
        cookie: u64,
    },
    /// Kernel: 5.18
    KprobeMulti {
        flags: u32,
        functions: Functions<'a>,
        /// None, or one for each function.
        cookies: &'a [u64],
    },
    /// Kernel: 6.6
    UprobeMulti {
        flags: u32,
        path: &'a CStr,
        offsets: &'a [u64],
        /// None, or one for each offset.
        ref_ctr_offsets: &'a [u64],
        /// None, or one for each offset.
        cookies: &'a [u64],
        /// 0 for all processes.
        pid: u32,
    },
    /// `target_btf_id` is that of a function in the target program, or 0.
    ///
    /// Kernel: 5.10, the cookie 5.19
    Tracing {
        target_btf_id: u32,
        cookie: u64,
    },
    TracingMulti {
        ids: &'a [u32],
        /// None, or one for each id.
        cookies: &'a [u64],
    },
    /// `union bpf_iter_link_info`. Kernel: 5.8
    Iter(&'a [u8]),
    /// tcx, netkit (6.6, 6.7) and cgroups (6.17): next to which program, and
    /// at which revision; 0 for any.
    Relative {
        fd_or_id: u32,
        expected_revision: u64,
    },
    /// Kernel: 6.4
    Netfilter {
        pf: u32,
        hooknum: u32,
        priority: i32,
        flags: u32,
    },
}

/// Functions of the kernel.
#[derive(Clone, Copy)]
pub(crate) enum Functions<'a> {
    /// Names, each ended by a NUL.
    Names(&'a [u8]),
    /// Addresses of their first instructions.
    Addresses(&'a [u64]),
}

/// Two 32-bit fields, as they lie in memory.
fn pair(first: u32, second: u32) -> u64 {
    let mut bytes = [0; 8];
    let (low, high) = bytes.split_at_mut(4);
    low.copy_from_slice(&first.to_ne_bytes());
    high.copy_from_slice(&second.to_ne_bytes());
    u64::from_ne_bytes(bytes)
}

/// The address of a list that has one element for each of `count`, or none.
fn per_element(list: &[u64], count: usize) -> Result<u64> {
    if list.is_empty() || list.len() == count {
        Ok(address(list))
    } else {
        Err(Errno::INVAL)
    }
}

/// The addresses of names that are each ended by a NUL.
fn name_addresses(names: &[u8]) -> Result<Vec<u64>> {
    if names.last().is_some_and(|&last| last != 0) {
        return Err(Errno::INVAL);
    }
    let names = names.split_inclusive(|&byte| byte == 0);
    Ok(names.map(address).collect())
}

/// Attaches a program by a link.
///
/// # Errors
/// EINVAL for lists of different lengths, and what the kernel says.
///
/// Kernel: 5.7
pub(crate) fn link_create(link: &LinkCreate<'_>) -> Result<OwnedFd> {
    // They have to live until the kernel has read them.
    let names;
    let args = match link.args {
        LinkArgs::None => [0; 6],
        LinkArgs::PerfEvent { cookie } => [cookie, 0, 0, 0, 0, 0],
        LinkArgs::KprobeMulti {
            flags,
            functions,
            cookies,
        } => {
            let (syms, addrs, count) = match functions {
                Functions::Names(list) => {
                    names = name_addresses(list)?;
                    (address(&names), 0, names.len())
                }
                Functions::Addresses(list) => (0, address(list), list.len()),
            };
            let cookies = per_element(cookies, count)?;
            [pair(flags, length(count)?), syms, addrs, cookies, 0, 0]
        }
        LinkArgs::UprobeMulti {
            flags,
            path,
            offsets,
            ref_ctr_offsets,
            cookies,
            pid,
        } => [
            address(path.to_bytes_with_nul()),
            address(offsets),
            per_element(ref_ctr_offsets, offsets.len())?,
            per_element(cookies, offsets.len())?,
            pair(length(offsets.len())?, flags),
            pair(pid, 0),
        ],
        LinkArgs::Tracing {
            target_btf_id,
            cookie,
        } => [pair(target_btf_id, 0), cookie, 0, 0, 0, 0],
        LinkArgs::TracingMulti { ids, cookies } => {
            let cookies = per_element(cookies, ids.len())?;
            let count = pair(length(ids.len())?, 0);
            [address(ids), cookies, count, 0, 0, 0]
        }
        LinkArgs::Iter(info) => [address(info), pair(length(info.len())?, 0), 0, 0, 0, 0],
        LinkArgs::Relative {
            fd_or_id,
            expected_revision,
        } => [pair(fd_or_id, 0), expected_revision, 0, 0, 0, 0],
        LinkArgs::Netfilter {
            pf,
            hooknum,
            priority,
            flags,
        } => [pair(pf, hooknum), pair(priority as u32, flags), 0, 0, 0, 0],
    };
    let mut attr = LinkCreateAttr {
        prog_fd: super::raw(link.prog),
        target_fd: match link.target {
            LinkTarget::None => 0,
            LinkTarget::NoSuchFd => u32::MAX,
            LinkTarget::Fd(fd) => super::raw(fd),
            LinkTarget::Ifindex(index) => index,
        },
        attach_type: link.attach_type,
        flags: link.flags,
        args,
    };
    bpf(Command::LinkCreate, &mut attr).map(owned)
}

/// Attaches a program to the raw tracepoint `name`; without a name to what it
/// was loaded for (fentry, fexit, fmod_ret, tp_btf, lsm, freplace).
///
/// Kernel: 4.17; without a name 5.5, with a cookie 6.10
pub(crate) fn raw_tracepoint_open(
    prog: BorrowedFd<'_>,
    name: Option<&CStr>,
    cookie: u64,
) -> Result<OwnedFd> {
    let mut attr = RawTracepointAttr {
        name: name.map_or(0, |name| address(name.to_bytes_with_nul())),
        prog_fd: super::raw(prog),
        zero: 0,
        cookie,
    };
    bpf(Command::RawTracepointOpen, &mut attr).map(owned)
}

/// Attaches a program to a perf event; the link keeps the event alive.
///
/// Kernel: 5.15
pub(crate) fn link_create_perf_event(
    prog: BorrowedFd<'_>,
    event: BorrowedFd<'_>,
    cookie: u64,
) -> Result<OwnedFd> {
    link_create(&LinkCreate {
        prog,
        target: LinkTarget::Fd(event),
        attach_type: BPF_PERF_EVENT,
        flags: 0,
        args: LinkArgs::PerfEvent { cookie },
    })
}

/// Starts one run through what an iterator's link iterates; it goes on with
/// every read.
///
/// Kernel: 5.8
pub(crate) fn iter_create(link: BorrowedFd<'_>) -> Result<OwnedFd> {
    let mut attr = IterCreateAttr {
        link_fd: super::raw(link),
        flags: 0,
    };
    bpf(Command::IterCreate, &mut attr).map(owned)
}

/// Counts and times the runs of all programs, until the descriptor is closed.
///
/// Kernel: 5.8
pub(crate) fn enable_stats_run_time() -> Result<OwnedFd> {
    let mut attr = EnableStatsAttr {
        stats_type: BPF_STATS_RUN_TIME,
    };
    bpf(Command::EnableStats, &mut attr).map(owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_fields_lie_one_after_the_other() {
        let bytes = pair(0x0102_0304, 5).to_ne_bytes();
        assert_eq!(bytes[..4], 0x0102_0304u32.to_ne_bytes());
        assert_eq!(bytes[4..], 5u32.to_ne_bytes());
    }

    #[test]
    fn names_are_found_where_they_begin() {
        let names = b"do_exit\0vfs_read\0";
        let start = address(names.as_slice());
        assert_eq!(name_addresses(names), Ok(vec![start, start + 8]));
        assert_eq!(name_addresses(b""), Ok(Vec::new()));
    }

    #[test]
    fn a_name_without_an_end_is_refused() {
        assert_eq!(name_addresses(b"do_exit\0vfs"), Err(Errno::INVAL));
    }

    #[test]
    fn a_list_is_left_out_or_complete() {
        assert_eq!(per_element(&[], 3), Ok(0));
        assert_eq!(per_element(&[1, 2], 3), Err(Errno::INVAL));
        assert!(per_element(&[1, 2, 3], 3).is_ok_and(|at| at != 0));
    }
}

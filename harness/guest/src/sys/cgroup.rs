//! What TCP does for the processes of one cgroup.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use super::check;

const BPF_PROG_LOAD: libc::c_int = 5;
const BPF_LINK_CREATE: libc::c_int = 28;
const PROG_TYPE_SOCK_OPS: u32 = 13;
const ATTACH_CGROUP_SOCK_OPS: u32 = 3;

/// `struct bpf_sock_ops` has the question first, the reply behind it. Question 1 is how long to wait
/// for an answer before asking again; the unit is a tick of the kernel's.
const SOON: [u64; 6] = [
    0x0000_0000_0000_1261,  // r2 = *(u32 *)(r1 + 0)
    0x0000_0001_0002_0255,  // if r2 != 1 goto +2
    (TICKS << 32) | 0x02b7, // r2 = TICKS
    0x0000_0000_0004_2163,  // *(u32 *)(r1 + 4) = r2
    0x0000_0001_0000_00b7,  // r0 = 1
    0x0000_0000_0000_0095,  // exit
];
const TICKS: u64 = 5;

/// A connection that is asked for in this cgroup and not answered is asked for again within
/// milliseconds, not after a second; as long as what is returned lives.
///
/// # Errors
/// What bpf(2) says.
///
/// Kernel: since 5.7
pub fn ask_again_soon(cgroup: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let license = c"GPL";
    let address = |at: *const u8| at.expose_provenance() as u64;
    // type and count, instructions, license; no log, no flags, no name, no expected type.
    let mut load = [0_u64; 9];
    load[0] = u64::from(PROG_TYPE_SOCK_OPS) | (SOON.len() as u64) << 32;
    load[1] = address(SOON.as_ptr().cast());
    load[2] = address(license.as_ptr().cast());
    load[8] = u64::from(ATTACH_CGROUP_SOCK_OPS) << 32;
    let program = bpf(BPF_PROG_LOAD, &load)?;
    let numbers = [program.as_raw_fd(), cgroup.as_raw_fd()].map(|fd| u64::from(fd.cast_unsigned()));
    let link = [
        numbers[0] | numbers[1] << 32,
        u64::from(ATTACH_CGROUP_SOCK_OPS),
    ];
    bpf(BPF_LINK_CREATE, &link)
}

fn bpf(command: libc::c_int, attributes: &[u64]) -> io::Result<OwnedFd> {
    let (place, bytes) = (attributes.as_ptr(), size_of_val(attributes));
    // SAFETY: live attributes whose size is passed with them; what they point to lives as long.
    let fd = check(unsafe { libc::syscall(libc::SYS_bpf, command, place, bytes) })?;
    let fd = RawFd::try_from(fd).map_err(io::Error::other)?;
    // SAFETY: the kernel has just made this descriptor for us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

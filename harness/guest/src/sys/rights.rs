//! Open files that are handed from one process to another.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;

use super::check;

/// Room for one control message with one descriptor, aligned as the kernel wants it.
const CONTROL_WORDS: usize = 4;
const FD_BYTES: libc::c_uint = size_of::<libc::c_int>() as libc::c_uint;

/// A message of one byte with room for one descriptor; what it points to must outlive its use.
fn message(
    byte: &mut libc::iovec,
    control: &mut [u64; CONTROL_WORDS],
    control_bytes: usize,
) -> libc::msghdr {
    // SAFETY: an all-zero msghdr is valid: no address, no data, no control.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = byte;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = control_bytes as _;
    message
}

/// sendmsg(2) with `SCM_RIGHTS`: the receiver gets a descriptor of the same open file.
///
/// # Errors
/// What sendmsg(2) says.
pub fn send_fd(to: &UnixStream, fd: BorrowedFd<'_>) -> io::Result<()> {
    let mut byte = 0_u8;
    let mut vector = libc::iovec {
        iov_base: (&raw mut byte).cast(),
        iov_len: 1,
    };
    let mut control = [0_u64; CONTROL_WORDS];
    // SAFETY: only computes a size.
    let space = unsafe { libc::CMSG_SPACE(FD_BYTES) } as usize;
    let message = message(&mut vector, &mut control, space);
    // SAFETY: `control` has room for a header and a descriptor (24 of its 32 bytes), which
    // CMSG_FIRSTHDR checks against msg_controllen; all of it lives until sendmsg returns.
    let sent = unsafe {
        let header = libc::CMSG_FIRSTHDR(&raw const message);
        (*header).cmsg_level = libc::SOL_SOCKET;
        (*header).cmsg_type = libc::SCM_RIGHTS;
        (*header).cmsg_len = libc::CMSG_LEN(FD_BYTES) as _;
        libc::CMSG_DATA(header)
            .cast::<libc::c_int>()
            .write_unaligned(fd.as_raw_fd());
        libc::sendmsg(to.as_raw_fd(), &raw const message, 0)
    };
    check(sent).map(drop)
}

/// recvmsg(2) of what [`send_fd`] has sent.
///
/// # Errors
/// What recvmsg(2) says; `InvalidData` for a message without a descriptor.
pub fn receive_fd(from: &UnixStream) -> io::Result<OwnedFd> {
    let mut byte = 0_u8;
    let mut vector = libc::iovec {
        iov_base: (&raw mut byte).cast(),
        iov_len: 1,
    };
    let mut control = [0_u64; CONTROL_WORDS];
    let mut message = message(&mut vector, &mut control, size_of::<[u64; CONTROL_WORDS]>());
    // SAFETY: the byte and the control buffer live until it returns, with their true sizes.
    let received = unsafe { libc::recvmsg(from.as_raw_fd(), &raw mut message, 0) };
    check(received)?;
    // SAFETY: the kernel has set msg_controllen; CMSG_FIRSTHDR is null if no header is in it, and a
    // SCM_RIGHTS message has at least one descriptor, which is ours alone.
    unsafe {
        let header = libc::CMSG_FIRSTHDR(&raw const message);
        if header.is_null() || (*header).cmsg_type != libc::SCM_RIGHTS {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let fd = libc::CMSG_DATA(header).cast::<libc::c_int>();
        Ok(OwnedFd::from_raw_fd(fd.read_unaligned()))
    }
}

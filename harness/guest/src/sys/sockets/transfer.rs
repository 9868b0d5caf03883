//! Bytes through sockets, by each call that there is.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;

use super::address::ADDRESS_BYTES;
use super::{Address, count};

/// send(2), or sendto(2) with an address.
///
/// # Errors
/// What sendto(2) says.
pub fn send(
    socket: BorrowedFd<'_>,
    bytes: &[u8],
    flags: i32,
    to: Option<&Address>,
) -> io::Result<usize> {
    let (place, len) = address_of(to);
    let flags = flags | libc::MSG_NOSIGNAL;
    // SAFETY: live bytes, and a live address or none, each with its length.
    count(unsafe {
        libc::sendto(
            socket.as_raw_fd(),
            bytes.as_ptr().cast(),
            bytes.len(),
            flags,
            place.cast(),
            len,
        )
    })
}

/// Where an address is and its length; null and 0 for none.
fn address_of(address: Option<&Address>) -> (*const u8, libc::socklen_t) {
    address.map_or((ptr::null(), 0), Address::place)
}

fn vectors(parts: &[&[u8]]) -> Vec<libc::iovec> {
    let vector = |part: &&[u8]| libc::iovec {
        iov_base: part.as_ptr().cast_mut().cast(),
        iov_len: part.len(),
    };
    parts.iter().map(vector).collect()
}

/// A message of these parts, which it borrows.
fn message(parts: &mut [libc::iovec], to: Option<&Address>) -> libc::msghdr {
    let (place, len) = address_of(to);
    // SAFETY: an all-zero msghdr is valid: no address, no data, no control.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_name = place.cast_mut().cast();
    message.msg_namelen = len;
    message.msg_iov = parts.as_mut_ptr();
    message.msg_iovlen = parts.len() as _;
    message
}

/// sendmsg(2) of several parts.
///
/// # Errors
/// What sendmsg(2) says.
pub fn send_parts(
    socket: BorrowedFd<'_>,
    parts: &[&[u8]],
    flags: i32,
    to: Option<&Address>,
) -> io::Result<usize> {
    let mut vectors = vectors(parts);
    let message = message(&mut vectors, to);
    let flags = flags | libc::MSG_NOSIGNAL;
    // SAFETY: all that the message points to lives until the call returns; nothing of it is written.
    count(unsafe { libc::sendmsg(socket.as_raw_fd(), &raw const message, flags) })
}

/// sendmmsg(2): one message for each; returns how many were sent.
///
/// # Errors
/// What sendmmsg(2) says.
pub fn send_many(
    socket: BorrowedFd<'_>,
    messages: &[(&[u8], Option<&Address>)],
) -> io::Result<usize> {
    let mut parts: Vec<_> = messages
        .iter()
        .map(|(bytes, _)| vectors(&[bytes]))
        .collect();
    let headers = parts
        .iter_mut()
        .zip(messages)
        .map(|(part, (_, to))| libc::mmsghdr {
            msg_hdr: message(part, *to),
            msg_len: 0,
        });
    let mut headers: Vec<_> = headers.collect();
    let (place, len) = (headers.as_mut_ptr(), headers.len() as u32);
    // SAFETY: as for sendmsg; the kernel writes each `msg_len`.
    let sent = unsafe { libc::sendmmsg(socket.as_raw_fd(), place, len, libc::MSG_NOSIGNAL as _) };
    count(sent as libc::ssize_t)
}

/// write(2).
///
/// # Errors
/// What write(2) says.
pub fn write(file: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<usize> {
    // SAFETY: live bytes with their length.
    count(unsafe { libc::write(file.as_raw_fd(), bytes.as_ptr().cast(), bytes.len()) })
}

/// writev(2).
///
/// # Errors
/// What writev(2) says.
pub fn write_parts(file: BorrowedFd<'_>, parts: &[&[u8]]) -> io::Result<usize> {
    let vectors = vectors(parts);
    let len = i32::try_from(vectors.len()).map_err(io::Error::other)?;
    // SAFETY: live bytes with their lengths.
    count(unsafe { libc::writev(file.as_raw_fd(), vectors.as_ptr(), len) })
}

/// read(2).
///
/// # Errors
/// What read(2) says.
pub fn read(file: BorrowedFd<'_>, bytes: &mut [u8]) -> io::Result<usize> {
    // SAFETY: live bytes with their length.
    count(unsafe { libc::read(file.as_raw_fd(), bytes.as_mut_ptr().cast(), bytes.len()) })
}

/// recvfrom(2): how many bytes, and from whom.
///
/// # Errors
/// What recvfrom(2) says.
pub fn receive(
    socket: BorrowedFd<'_>,
    bytes: &mut [u8],
    flags: i32,
) -> io::Result<(usize, Address)> {
    let mut from = Address::empty();
    let mut len = ADDRESS_BYTES as libc::socklen_t;
    // SAFETY: live bytes and room for an address, each with its length.
    let received = count(unsafe {
        libc::recvfrom(
            socket.as_raw_fd(),
            bytes.as_mut_ptr().cast(),
            bytes.len(),
            flags,
            from.bytes.as_mut_ptr().cast(),
            &raw mut len,
        )
    })?;
    Ok((received, from.with_len(len as usize)))
}

/// sendfile(2) from where the file stands.
///
/// # Errors
/// What sendfile(2) says.
pub fn sendfile(to: BorrowedFd<'_>, file: BorrowedFd<'_>, bytes: usize) -> io::Result<usize> {
    // SAFETY: plain integers and no offset.
    count(unsafe { libc::sendfile(to.as_raw_fd(), file.as_raw_fd(), ptr::null_mut(), bytes) })
}

/// splice(2) between a pipe and something else.
///
/// # Errors
/// What splice(2) says.
pub fn splice(from: BorrowedFd<'_>, to: BorrowedFd<'_>, bytes: usize) -> io::Result<usize> {
    let none = ptr::null_mut();
    // SAFETY: plain integers and no offsets.
    count(unsafe { libc::splice(from.as_raw_fd(), none, to.as_raw_fd(), none, bytes, 0) })
}

//! Sockets with all their calls and options, which the standard library hides: one function per call.

mod address;
mod transfer;

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;
use std::time::Duration;

use super::check;
use address::ADDRESS_BYTES;

pub use address::Address;
pub use transfer::{
    read, receive, send, send_many, send_parts, sendfile, splice, write, write_parts,
};

fn owned(fd: i64) -> io::Result<OwnedFd> {
    let fd = RawFd::try_from(check(fd)?).map_err(io::Error::other)?;
    // SAFETY: the kernel has just made this descriptor for us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

fn count(returned: libc::ssize_t) -> io::Result<usize> {
    usize::try_from(check(returned)?).map_err(io::Error::other)
}

/// socket(2), closed on exec.
///
/// # Errors
/// What socket(2) says.
pub fn socket(family: i32, kind: i32, protocol: i32) -> io::Result<OwnedFd> {
    // SAFETY: plain integers.
    owned(unsafe { libc::socket(family, kind | libc::SOCK_CLOEXEC, protocol) }.into())
}

/// bind(2).
///
/// # Errors
/// What bind(2) says.
pub fn bind(socket: BorrowedFd<'_>, to: &Address) -> io::Result<()> {
    let address = to.bytes.as_ptr().cast();
    // SAFETY: the kernel copies at most `len` bytes; a longer one than we have it refuses unread.
    check(unsafe { libc::bind(socket.as_raw_fd(), address, to.len as u32) }).map(drop)
}

/// connect(2).
///
/// # Errors
/// What connect(2) says.
pub fn connect(socket: BorrowedFd<'_>, to: &Address) -> io::Result<()> {
    let address = to.bytes.as_ptr().cast();
    // SAFETY: as for bind.
    check(unsafe { libc::connect(socket.as_raw_fd(), address, to.len as u32) }).map(drop)
}

/// listen(2).
///
/// # Errors
/// What listen(2) says.
pub fn listen(socket: BorrowedFd<'_>, backlog: i32) -> io::Result<()> {
    // SAFETY: plain integers.
    check(unsafe { libc::listen(socket.as_raw_fd(), backlog) }).map(drop)
}

/// accept4(2), closed on exec: the connection.
///
/// # Errors
/// What accept4(2) says.
pub fn accept(socket: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let (none, flags) = (ptr::null_mut(), libc::SOCK_CLOEXEC);
    // SAFETY: no address is asked for.
    owned(unsafe { libc::accept4(socket.as_raw_fd(), none, ptr::null_mut(), flags) }.into())
}

/// shutdown(2).
///
/// # Errors
/// What shutdown(2) says.
pub fn shutdown(socket: BorrowedFd<'_>, how: i32) -> io::Result<()> {
    // SAFETY: plain integers.
    check(unsafe { libc::shutdown(socket.as_raw_fd(), how) }).map(drop)
}

type NameCall = unsafe extern "C" fn(i32, *mut libc::sockaddr, *mut libc::socklen_t) -> i32;

fn named(call: NameCall, socket: BorrowedFd<'_>) -> io::Result<Address> {
    let mut address = Address::empty();
    let mut len = ADDRESS_BYTES as libc::socklen_t;
    let place = address.bytes.as_mut_ptr().cast();
    // SAFETY: the kernel writes at most `len` bytes.
    check(unsafe { call(socket.as_raw_fd(), place, &raw mut len) })?;
    Ok(address.with_len(len as usize))
}

/// getsockname(2).
///
/// # Errors
/// What getsockname(2) says.
pub fn local(socket: BorrowedFd<'_>) -> io::Result<Address> {
    named(libc::getsockname, socket)
}

/// getpeername(2).
///
/// # Errors
/// What getpeername(2) says.
pub fn peer(socket: BorrowedFd<'_>) -> io::Result<Address> {
    named(libc::getpeername, socket)
}

/// setsockopt(2) with a number.
///
/// # Errors
/// What setsockopt(2) says.
pub fn set(socket: BorrowedFd<'_>, level: i32, option: i32, value: i32) -> io::Result<()> {
    set_bytes(socket, level, option, &value.to_ne_bytes())
}

/// setsockopt(2) with any value that holds no pointer.
///
/// # Errors
/// What setsockopt(2) says.
pub fn set_bytes(socket: BorrowedFd<'_>, level: i32, option: i32, value: &[u8]) -> io::Result<()> {
    let (place, len) = (value.as_ptr().cast(), value.len() as libc::socklen_t);
    // SAFETY: live bytes whose length is passed with them.
    check(unsafe { libc::setsockopt(socket.as_raw_fd(), level, option, place, len) }).map(drop)
}

/// getsockopt(2) of a number of four or eight bytes.
///
/// # Errors
/// What getsockopt(2) says.
pub fn get(socket: BorrowedFd<'_>, level: i32, option: i32) -> io::Result<u64> {
    let mut value = [0_u8; 8];
    get_bytes(socket, level, option, &mut value)?;
    Ok(u64::from_ne_bytes(value))
}

fn get_bytes(socket: BorrowedFd<'_>, level: i32, option: i32, value: &mut [u8]) -> io::Result<()> {
    let mut len = value.len() as libc::socklen_t;
    let place = value.as_mut_ptr().cast();
    // SAFETY: the kernel writes at most `len` bytes.
    let got = unsafe { libc::getsockopt(socket.as_raw_fd(), level, option, place, &raw mut len) };
    check(got).map(drop)
}

/// The state of a socket of TCP by its number (1 is established), and what waits there: connections
/// to be accepted where it listens, otherwise bytes to be read.
///
/// # Errors
/// What getsockopt(2) and ioctl(2) say.
pub fn tcp_state(socket: BorrowedFd<'_>) -> io::Result<(u8, u64)> {
    const LISTENS: u8 = 10;
    // struct tcp_info: the state first, tcpi_unacked after eight bytes and four words.
    let mut info = [0_u8; 28];
    get_bytes(socket, libc::IPPROTO_TCP, libc::TCP_INFO, &mut info)?;
    let [state, .., a, b, c, d] = info;
    match state {
        LISTENS => Ok((state, u32::from_ne_bytes([a, b, c, d]).into())),
        _ => Ok((state, counted(socket, libc::FIONREAD as _)?)),
    }
}

/// How many bytes of TCP were sent and are not acknowledged.
///
/// # Errors
/// What ioctl(2) says.
pub fn untaken(socket: BorrowedFd<'_>) -> io::Result<u64> {
    counted(socket, libc::TIOCOUTQ as _)
}

/// An ioctl(2) that fills in one int.
fn counted(socket: BorrowedFd<'_>, request: libc::Ioctl) -> io::Result<u64> {
    let mut count = 0_i32;
    // SAFETY: the kernel writes one int, which is alive.
    check(unsafe { libc::ioctl(socket.as_raw_fd(), request, &raw mut count) })?;
    u64::try_from(count).map_err(io::Error::other)
}

/// An instruction of a socket's filter: what it does, where it goes on if so and if not, a number.
pub type Filtering = (u16, u8, u8, u32);

/// Attaches a filter, which for TCP sees each segment from its header on.
///
/// # Errors
/// What setsockopt(2) says.
pub fn filter(socket: BorrowedFd<'_>, instructions: &[Filtering]) -> io::Result<()> {
    let instruction = |(code, jt, jf, k): &Filtering| libc::sock_filter {
        code: *code,
        jt: *jt,
        jf: *jf,
        k: *k,
    };
    let mut filters: Vec<_> = instructions.iter().map(instruction).collect();
    let program = libc::sock_fprog {
        len: filters.len() as libc::c_ushort,
        filter: filters.as_mut_ptr(),
    };
    let (place, len) = ((&raw const program).cast(), size_of_val(&program) as u32);
    let option = libc::SO_ATTACH_FILTER;
    // SAFETY: the program and its instructions live until the call returns.
    let set = unsafe { libc::setsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, option, place, len) };
    check(set).map(drop)
}

/// poll(2) for these events (`POLLIN`, …): which came.
///
/// # Errors
/// What poll(2) says; `TimedOut` where none came.
pub fn poll(socket: BorrowedFd<'_>, events: i16, timeout: Duration) -> io::Result<i16> {
    let mut polled = libc::pollfd {
        fd: socket.as_raw_fd(),
        events,
        revents: 0,
    };
    let milliseconds = timeout.as_millis().try_into().unwrap_or(i32::MAX);
    // SAFETY: one live entry.
    match check(unsafe { libc::poll(&raw mut polled, 1, milliseconds) })? {
        0 => Err(io::ErrorKind::TimedOut.into()),
        _ => Ok(polled.revents),
    }
}

//! Requests of io_uring on sockets. Each fails with what the request says.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use super::{Entry, SQE_ASYNC, Uring};
use crate::sys::sockets::Address;

#[allow(clippy::missing_errors_doc)]
impl Uring {
    /// `IORING_OP_ACCEPT`, closed on exec. Kernel: since 5.5
    pub fn accept(&mut self, socket: BorrowedFd<'_>) -> io::Result<OwnedFd> {
        let fd = self.call(Entry {
            opcode: 13,
            flags: SQE_ASYNC,
            fd: socket.as_raw_fd(),
            call_flags: libc::SOCK_CLOEXEC.cast_unsigned(),
            ..Entry::default()
        })?;
        // SAFETY: the request has just made it for us.
        Ok(unsafe { OwnedFd::from_raw_fd(fd) })
    }

    /// `IORING_OP_CONNECT`, first tried without waiting on every kernel. Kernel: since 5.5
    pub fn connect(&mut self, socket: BorrowedFd<'_>, to: &Address) -> io::Result<()> {
        let (place, len) = to.place();
        self.call(Entry {
            opcode: 16,
            fd: socket.as_raw_fd(),
            address: place.expose_provenance() as u64,
            offset: len.into(),
            ..Entry::default()
        })
        .map(drop)
    }

    /// `IORING_OP_SEND`. Kernel: since 5.6
    pub fn send(&mut self, socket: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<i32> {
        let at = bytes.as_ptr().expose_provenance() as u64;
        self.transfer(26, socket, at, bytes.len())
    }

    /// `IORING_OP_RECV`. Kernel: since 5.6
    pub fn receive(&mut self, socket: BorrowedFd<'_>, bytes: &mut [u8]) -> io::Result<i32> {
        let at = bytes.as_mut_ptr().expose_provenance() as u64;
        self.transfer(27, socket, at, bytes.len())
    }
}

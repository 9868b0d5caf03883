//! Calls that are made only so that a program which is attached to them runs.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use super::check;

/// setdomainname(2), the NIS domain: a call that nothing makes by itself.
///
/// # Errors
/// What setdomainname(2) says.
pub fn set_domain_name(name: &[u8]) -> io::Result<()> {
    // SAFETY: the slice is valid for its length, and the kernel copies it.
    check(unsafe { libc::setdomainname(name.as_ptr().cast(), name.len()) }).map(drop)
}

/// getpgid(2) of this process by its number, which asks the security modules.
///
/// # Errors
/// What getpgid(2) says.
pub fn getpgid() -> io::Result<()> {
    // SAFETY: a question about a number, without memory.
    check(unsafe { libc::getpgid(std::process::id().cast_signed()) }).map(drop)
}

/// A page of memory that can be taken away and touched again.
#[derive(Debug)]
pub struct Page {
    start: *mut u8,
}

/// Every architecture's pages are at least as large.
const PAGE_BYTES: usize = 4096;

impl Page {
    /// Maps one.
    ///
    /// # Errors
    /// What mmap(2) says.
    pub fn new() -> io::Result<Self> {
        // SAFETY: an anonymous mapping at a place of the kernel's choice
        // changes no memory that anybody has.
        let start = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                PAGE_BYTES,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        Ok(Self {
            start: start.cast(),
        })
    }

    /// Where it is.
    #[must_use]
    pub fn address(&self) -> u64 {
        self.start.expose_provenance() as u64
    }

    /// Takes the page's memory away and writes to it: one page fault.
    ///
    /// # Errors
    /// What madvise(2) says.
    pub fn fault(&self) -> io::Result<()> {
        // SAFETY: the mapping is this value's own, and nothing of it is
        // borrowed; a volatile write to it is one to memory that is mapped.
        unsafe {
            check(libc::madvise(
                self.start.cast(),
                PAGE_BYTES,
                libc::MADV_DONTNEED,
            ))?;
            self.start.write_volatile(1);
        }
        Ok(())
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        // SAFETY: the mapping is this value's own, of this length.
        unsafe { libc::munmap(self.start.cast(), PAGE_BYTES) };
    }
}

/// Maps a file to run from a byte on, where a page begins, and calls what is at
/// another byte: the code of a function without arguments.
///
/// # Errors
/// What mmap(2) says.
///
/// # Panics
/// Where the function is not in the page that is mapped.
pub fn call_in_file(file: &File, page_at: u64, function_at: u64) -> io::Result<()> {
    let inside = function_at
        .checked_sub(page_at)
        .map(|inside| inside as usize);
    let inside = inside.filter(|inside| *inside < PAGE_BYTES);
    let inside = inside.expect("a function in that page");
    // SAFETY: a new mapping at a place of the kernel's choice; the code there is
    // that of a function which keeps to the calling convention, touches its own
    // stack alone and returns, as the caller has made the file.
    unsafe {
        let start = libc::mmap(
            std::ptr::null_mut(),
            PAGE_BYTES,
            libc::PROT_READ | libc::PROT_EXEC,
            libc::MAP_PRIVATE,
            file.as_raw_fd(),
            page_at as libc::off_t,
        );
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let place = start.cast::<u8>().add(inside);
        let function: extern "C" fn() = std::mem::transmute(place);
        function();
        libc::munmap(start, PAGE_BYTES);
    }
    Ok(())
}

/// BPF_PROG_TEST_RUN of a program of packets, on one of 64 bytes: its result.
///
/// # Errors
/// What bpf(2) says.
pub fn prog_test_run(program: BorrowedFd<'_>) -> io::Result<u32> {
    const BPF_PROG_TEST_RUN: libc::c_int = 10;
    #[repr(C)]
    #[derive(Default)]
    struct Attr {
        prog_fd: u32,
        result: u32,
        data_in_bytes: u32,
        data_out_bytes: u32,
        data_in: u64,
        data_out: u64,
        repeat: u32,
        duration: u32,
    }
    let packet = [0u8; 64];
    let mut attr = Attr {
        prog_fd: program.as_raw_fd().cast_unsigned(),
        data_in_bytes: packet.len() as u32,
        data_in: packet.as_ptr().expose_provenance() as u64,
        ..Attr::default()
    };
    // SAFETY: the structure has no padding and says how long the packet is,
    // which outlives the call; the kernel writes back to the structure alone.
    let ret = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            BPF_PROG_TEST_RUN,
            &raw mut attr,
            size_of::<Attr>(),
        )
    };
    check(ret)?;
    Ok(attr.result)
}

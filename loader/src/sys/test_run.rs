//! BPF_PROG_TEST_RUN.

use super::attr::Command;
use super::attr_attach::TestRunAttr;
use super::{Errno, Result, address, address_mut, bpf, length};
use std::os::fd::BorrowedFd;

/// One run of a program on given data.
#[derive(Debug, Default)]
pub(crate) struct TestRun<'a> {
    pub(crate) data_in: &'a [u8],
    pub(crate) data_out: &'a mut [u8],
    /// Changed by programs of the type `syscall`.
    pub(crate) ctx_in: &'a mut [u8],
    pub(crate) ctx_out: &'a mut [u8],
    pub(crate) repeat: u32,
    pub(crate) flags: u32,
    pub(crate) cpu: u32,
    /// Kernel: 5.18, with BPF_F_TEST_XDP_LIVE_FRAMES
    pub(crate) batch_size: u32,
}

/// What a run gave. The sizes are what the kernel had to write.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ran {
    pub(crate) retval: u32,
    pub(crate) duration_ns: u32,
    pub(crate) data_out_bytes: usize,
    pub(crate) ctx_out_bytes: usize,
    /// There was not room for all of it: the buffers hold the beginning.
    pub(crate) cut: bool,
}

/// Runs a program.
///
/// # Errors
/// ENOTSUPP for types that cannot be run so, and what the kernel says.
///
/// Kernel: 4.12
pub(crate) fn prog_test_run(prog: BorrowedFd<'_>, run: &mut TestRun<'_>) -> Result<Ran> {
    let mut attr = TestRunAttr {
        prog_fd: super::raw(prog),
        data_in_bytes: length(run.data_in.len())?,
        data_out_bytes: length(run.data_out.len())?,
        data_in: address(run.data_in),
        data_out: address_mut(run.data_out),
        repeat: run.repeat,
        ctx_in_bytes: length(run.ctx_in.len())?,
        ctx_out_bytes: length(run.ctx_out.len())?,
        ctx_in: address_mut(run.ctx_in),
        ctx_out: address_mut(run.ctx_out),
        flags: run.flags,
        cpu: run.cpu,
        batch_size: run.batch_size,
        ..TestRunAttr::default()
    };
    let cut = match bpf(Command::ProgTestRun, &mut attr) {
        // The answer is written all the same.
        Err(Errno::NOSPC) => true,
        other => {
            other?;
            false
        }
    };
    Ok(Ran {
        retval: attr.retval,
        duration_ns: attr.duration_ns,
        data_out_bytes: attr.data_out_bytes as usize,
        ctx_out_bytes: attr.ctx_out_bytes as usize,
        cut,
    })
}

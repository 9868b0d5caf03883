//! Running a program on given data, attached to nothing.

use crate::error::{Error, Result, ResultExt};
use crate::program::Program;
use crate::sys::{self, Errno};
use std::os::fd::AsFd;

/// What a program is run on, and where its output goes. Most types take a
/// packet as data, and some a context; a `syscall` program takes a context
/// alone.
#[derive(Debug, Default)]
pub struct TestRun<'a> {
    /// The packet.
    pub data_in: &'a [u8],
    /// Room for the packet afterwards.
    pub data_out: &'a mut [u8],
    /// The context, of the type's own structure. A `syscall` program's changes
    /// come back here.
    pub ctx_in: &'a mut [u8],
    /// Room for the context afterwards.
    pub ctx_out: &'a mut [u8],
    /// How many times to run it; 0 is once.
    pub repeat: u32,
    /// `BPF_F_TEST_*`.
    pub flags: u32,
    /// The CPU to run on, with BPF_F_TEST_RUN_ON_CPU.
    pub cpu: u32,
    /// Packets at a time, with BPF_F_TEST_XDP_LIVE_FRAMES. Kernel: 5.18
    pub batch_size: u32,
}

/// What a run gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TestRunResult {
    /// What the program returned, the last time.
    pub retval: u32,
    /// How long a run took, in nanoseconds on average; 0 where the kernel does
    /// not measure this type.
    pub duration_ns: u32,
    /// The bytes of the packet afterwards.
    pub data_out_bytes: usize,
    /// The bytes of the context afterwards.
    pub ctx_out_bytes: usize,
    /// There was not room for all output: the buffers hold its beginning.
    pub cut: bool,
}

impl Program {
    /// Runs the program in the kernel on the given data.
    ///
    /// # Errors
    /// `Unsupported` for a type that cannot be run so; what the kernel says
    /// otherwise (EINVAL for data that the type does not take, for most also
    /// packets of less than 14 bytes).
    ///
    /// Kernel: 4.12 for packets; `raw_tp` 5.10, `sk_lookup` 5.13, `syscall`
    /// 5.14, `netfilter` 6.4
    pub fn test_run(&self, run: &mut TestRun<'_>) -> Result<TestRunResult> {
        let mut run = sys::TestRun {
            data_in: run.data_in,
            data_out: run.data_out,
            ctx_in: run.ctx_in,
            ctx_out: run.ctx_out,
            repeat: run.repeat,
            flags: run.flags,
            cpu: run.cpu,
            batch_size: run.batch_size,
        };
        let ran = sys::prog_test_run(self.as_fd(), &mut run)
            .map_err(|errno| match errno {
                Errno::NOTSUPP | Errno::OPNOTSUPP => {
                    Error::unsupported("BPF_PROG_TEST_RUN of this type of program", None)
                }
                errno => errno.error("BPF_PROG_TEST_RUN"),
            })
            .with_context(|| format!("program {} ({})", self.name(), self.section()))?;
        Ok(TestRunResult {
            retval: ran.retval,
            duration_ns: ran.duration_ns,
            data_out_bytes: ran.data_out_bytes,
            ctx_out_bytes: ran.ctx_out_bytes,
            cut: ran.cut,
        })
    }
}

//! Reaching into another process, as somebody would who has taken the machine: tracing
//! it, and having it make system calls of ours.

use std::io;
use std::time::Duration;

use super::check;
use super::trace::{PtraceRequest, ptrace};

/// NT_PRSTATUS: the general registers.
const REGISTERS: usize = 1;

const A_MOMENT: Duration = Duration::from_millis(10);

/// A process that this thread traces, until this is dropped.
#[derive(Debug)]
pub struct Traced {
    pid: i32,
}

/// How a call went that another process had to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// What it returned, an error as its negative number.
    Returned(i64),
    /// The process died of this signal.
    Died(i32),
}

/// The registers that a call is made with.
#[cfg(target_arch = "x86_64")]
mod layout {
    /// Of `struct user_regs_struct`.
    pub const WORDS: usize = 27;
    pub const PC: usize = 16;
    pub const NUMBER: usize = 10;
    /// The call that it is in, to be made again; all ones: none.
    pub const RESTARTS: Option<usize> = Some(15);
    pub const RESULT: usize = 10;
    pub const ARGUMENTS: [usize; 3] = [14, 13, 12];
    pub const INSN_BYTES: u64 = 2;
}

#[cfg(not(target_arch = "x86_64"))]
mod layout {
    /// Of `struct user_pt_regs` of arm64.
    pub const WORDS: usize = 34;
    pub const PC: usize = 32;
    pub const NUMBER: usize = 8;
    pub const RESTARTS: Option<usize> = None;
    pub const RESULT: usize = 0;
    pub const ARGUMENTS: [usize; 3] = [0, 1, 2];
    pub const INSN_BYTES: u64 = 4;
}

type Registers = [u64; layout::WORDS];

impl Traced {
    /// Traces a process, which runs on.
    ///
    /// # Errors
    /// What ptrace(2) says.
    pub fn new(pid: i32) -> io::Result<Self> {
        ptrace(libc::PTRACE_SEIZE, pid, 0, 0)?;
        Ok(Self { pid })
    }

    /// Has it make a system call, in the place of the one that it waits in, and lets go.
    ///
    /// # Errors
    /// What ptrace(2) or wait4(2) says.
    pub fn call(self, number: i64, arguments: [u64; 3]) -> io::Result<Made> {
        let before = loop {
            ptrace(libc::PTRACE_INTERRUPT, self.pid, 0, 0)?;
            if let Some(signal) = self.wait()? {
                return Ok(Made::Died(signal));
            }
            let registers = self.registers()?;
            // Most of the time it waits, and soon again where it does not now.
            if layout::RESTARTS.is_none_or(|at| registers[at] != u64::MAX) {
                break registers;
            }
            ptrace(libc::PTRACE_CONT, self.pid, 0, 0)?;
            std::thread::sleep(A_MOMENT);
        };
        let mut registers = before;
        // It stands behind the instruction that it waits in.
        registers[layout::PC] -= layout::INSN_BYTES;
        registers[layout::NUMBER] = number.cast_unsigned();
        if let Some(at) = layout::RESTARTS {
            registers[at] = u64::MAX;
        }
        for (at, argument) in layout::ARGUMENTS.iter().zip(arguments) {
            registers[*at] = argument;
        }
        self.set(&mut registers)?;
        // Into the call, and out of it.
        for _ in 0..2 {
            ptrace(libc::PTRACE_SYSCALL, self.pid, 0, 0)?;
            if let Some(signal) = self.wait()? {
                return Ok(Made::Died(signal));
            }
        }
        let returned = self.registers()?[layout::RESULT].cast_signed();
        let mut before = before;
        self.set(&mut before)?;
        Ok(Made::Returned(returned))
    }

    /// Waits until it has stopped, or the signal that it died of.
    fn wait(&self) -> io::Result<Option<i32>> {
        let mut status = 0;
        // SAFETY: `status` is ours and outlives the call.
        let waited = unsafe { libc::waitpid(self.pid, &raw mut status, libc::__WALL) };
        check(waited)?;
        Ok(libc::WIFSIGNALED(status).then(|| libc::WTERMSIG(status)))
    }

    fn registers(&self) -> io::Result<Registers> {
        let mut registers = [0; layout::WORDS];
        self.transfer(libc::PTRACE_GETREGSET, &mut registers)?;
        Ok(registers)
    }

    fn set(&self, registers: &mut Registers) -> io::Result<()> {
        self.transfer(libc::PTRACE_SETREGSET, registers)
    }

    fn transfer(&self, request: PtraceRequest, registers: &mut Registers) -> io::Result<()> {
        let mut vector = libc::iovec {
            iov_base: registers.as_mut_ptr().cast(),
            iov_len: size_of::<Registers>(),
        };
        ptrace(request, self.pid, REGISTERS, (&raw mut vector) as usize)
    }
}

impl Drop for Traced {
    fn drop(&mut self) {
        // Where it runs it has to be stopped for that.
        if ptrace(libc::PTRACE_DETACH, self.pid, 0, 0).is_err()
            && ptrace(libc::PTRACE_INTERRUPT, self.pid, 0, 0).is_ok()
            && matches!(self.wait(), Ok(None))
        {
            let _ = ptrace(libc::PTRACE_DETACH, self.pid, 0, 0);
        }
    }
}

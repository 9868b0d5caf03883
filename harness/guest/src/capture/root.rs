//! The root process of a workload: started, held back until its frame is written, let go, heard.

use std::ffi::{CStr, CString};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use super::truth::Truth;
use crate::sys::{birth, process};
use crate::workloads::truth::TRUTH_FD;

/// How much of what it says is taken in one go.
const READ_BYTES: usize = 64 << 10;

/// A root process and our ends of its pipes.
#[derive(Debug)]
pub struct Root {
    /// Its pid, which is its tgid.
    pub pid: i32,
    gate: Option<File>,
    said: File,
    /// Readable once it has ended; dropped then, because it would stay readable.
    pidfd: Option<OwnedFd>,
}

impl Root {
    /// Starts a program with the truth's pipe at descriptor 3, a gate at 0 and nothing at 1.
    ///
    /// # Errors
    /// Which call failed and why.
    pub fn start(command: &[CString]) -> Result<Self, String> {
        let pipe = || std::io::pipe().map_err(|error| format!("make a pipe: {error}"));
        let (gate_inside, gate) = pipe()?;
        let (said, said_inside) = pipe()?;
        let nothing = File::options().write(true).open("/dev/null");
        let nothing = nothing.map_err(|error| format!("open /dev/null: {error}"))?;
        let argv: Vec<&CStr> = command.iter().map(CString::as_c_str).collect();
        let path = argv.first().copied().unwrap_or(c"");
        // The order matters: descriptor 3 may be any of these until the last step.
        let mut body = || {
            let moved = process::dup_to(gate_inside.as_fd(), 0)
                .and_then(|()| process::dup_to(nothing.as_fd(), 1))
                .and_then(|()| process::dup_to(said_inside.as_fd(), TRUTH_FD));
            let error = match moved {
                Ok(()) => birth::execve(path, &argv, &[c"PATH=/bin", c"HOME=/"]),
                Err(error) => error,
            };
            eprintln!("start {}: {error}", path.to_string_lossy());
            127
        };
        let pid = birth::fork(&mut body).map_err(|error| format!("fork: {error}"))?;
        let said = File::from(OwnedFd::from(said));
        let gate = Some(File::from(OwnedFd::from(gate)));
        let pidfd = Some(process::pidfd_open(pid).map_err(|error| format!("pidfd_open: {error}"))?);
        process::set_nonblocking(said.as_fd()).map_err(|error| format!("fcntl: {error}"))?;
        Ok(Self {
            pid,
            gate,
            said,
            pidfd,
        })
    }

    /// Waits until the root runs and has said so.
    ///
    /// # Errors
    /// When it ends, says something else or lets us wait too long.
    pub fn await_ready(&mut self, patience: Duration) -> Result<(), String> {
        const READY: &[u8] = b"{\"what\":\"ready\"}\n";
        let deadline = Instant::now() + patience;
        let mut line = Vec::new();
        while line.len() < READY.len() {
            let mut byte = [0];
            match self.said.read(&mut byte) {
                Ok(0) => return Err("the root ended before it was ready".into()),
                Ok(_) => line.extend(byte),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    if Instant::now() >= deadline {
                        return Err(format!("the root is not ready after {patience:?}"));
                    }
                    self.poll(100)?;
                }
                Err(error) => return Err(format!("hear the root: {error}")),
            }
        }
        if line == READY {
            Ok(())
        } else {
            Err(format!(
                "the root began with {}",
                String::from_utf8_lossy(&line)
            ))
        }
    }

    /// Opens the gate.
    ///
    /// # Errors
    /// When the root is gone.
    pub fn let_go(&mut self) -> Result<(), String> {
        let Some(mut gate) = self.gate.take() else {
            return Ok(());
        };
        gate.write_all(&[1])
            .map_err(|error| format!("let the root go: {error}"))
    }

    /// Waits until it says something or ends, at most this long.
    ///
    /// # Errors
    /// What poll(2) says.
    pub fn poll(&self, timeout_ms: i32) -> Result<(), String> {
        let mut fds = vec![];
        // When the root has ended its pipe may stay readable, at its end, while others still hold it.
        if let Some(pidfd) = &self.pidfd {
            fds.extend([self.said.as_fd(), pidfd.as_fd()]);
        }
        process::poll_in(&fds, timeout_ms).map_err(|error| format!("poll: {error}"))
    }

    /// Takes all that was said until now.
    pub fn hear(&mut self, truth: &mut Truth) {
        let mut bytes = vec![0; READ_BYTES];
        loop {
            match self.said.read(&mut bytes) {
                Ok(0) => return,
                Ok(count) => truth.take(bytes.get(..count).unwrap_or_default()),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return truth.fail(format!("hear the workload: {error}")),
            }
        }
    }

    /// It has been waited for.
    pub fn ended(&mut self) {
        self.pidfd = None;
    }
}

//! The two pipes between a child and whoever leads it: one to be told, one to tell.
//!
//! All order in a workload comes from them and from waiting for ends.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};

use super::failure::{Outcome, Tried};
use super::scene::Program;
use super::tiny::READY;
use crate::sys::process;

/// A child's two pipes, as the child holds them.
#[derive(Debug)]
pub struct Inside {
    told: OwnedFd,
    tells: OwnedFd,
}

impl Inside {
    /// Waits for the parent's next byte.
    ///
    /// # Errors
    /// When the parent has let go of its end.
    pub fn wait(&self) -> Outcome<u8> {
        let mut byte = [0];
        let mut told = File::from(self.told.try_clone().tried("take the gate")?);
        told.read_exact(&mut byte).tried("wait for the parent")?;
        Ok(byte[0])
    }

    /// Tells the parent that this point is reached.
    ///
    /// # Errors
    /// When the parent has let go of its end.
    pub fn ready(&self) -> Outcome {
        let mut tells = File::from(self.tells.try_clone().tried("take the pipe")?);
        tells.write_all(&[READY]).tried("tell the parent")
    }

    /// Tells the parent a pid, as [`Outside::heard_pid`] takes it.
    ///
    /// # Errors
    /// When the parent has let go of its end.
    pub fn say_pid(&self, pid: i32) -> Outcome {
        let mut tells = File::from(self.tells.try_clone().tried("take the pipe")?);
        tells.write_all(&pid.to_le_bytes()).tried("tell the parent")
    }

    /// Becomes another program, which gets the pipes as descriptors 0 and 1. Comes back only on failure.
    pub fn exec(&self, program: &Program) -> std::io::Error {
        let moved = process::dup_to(self.told.as_fd(), 0)
            .and_then(|()| process::dup_to(self.tells.as_fd(), 1));
        match moved {
            Ok(()) => program.exec(),
            Err(error) => error,
        }
    }
}

/// A child's two pipes, as whoever leads it holds them.
#[derive(Debug)]
pub struct Outside {
    pub(super) tell: File,
    pub(super) said: File,
}

impl Outside {
    /// Waits for a pid from [`Inside::say_pid`].
    ///
    /// # Errors
    /// When the child ended instead.
    pub fn heard_pid(&mut self) -> Outcome<i32> {
        let mut bytes = [0; 4];
        self.said.read_exact(&mut bytes).tried("hear a pid")?;
        Ok(i32::from_le_bytes(bytes))
    }
}

/// The two pipes between somebody and a child that may not be theirs yet.
///
/// # Errors
/// When the kernel refuses.
pub fn pipes() -> Outcome<(Inside, Outside)> {
    let (told, tell) = std::io::pipe().tried("make a pipe")?;
    let (said, tells) = std::io::pipe().tried("make a pipe")?;
    let inside = Inside {
        told: told.into(),
        tells: tells.into(),
    };
    let outside = Outside {
        tell: OwnedFd::from(tell).into(),
        said: OwnedFd::from(said).into(),
    };
    Ok((inside, outside))
}

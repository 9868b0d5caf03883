//! `trapline isolate` at work.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::loader::stage::{Failure, Tried};
use crate::loader::trapline::{PROGRAM, Said, trapline};
use crate::sys::process;

/// Where it pins.
pub const PINS: &str = "/sys/fs/bpf/trapline-isolate";
/// What the program promises: covered within a second. The machine is emulated,
/// and others use it, too.
const PATIENCE: Duration = Duration::from_secs(10);

/// A running `trapline isolate`.
#[derive(Debug)]
pub struct Running {
    child: Child,
    /// What it said when it was in force.
    pub said: String,
}

impl Running {
    /// Starts it and waits until it is in force.
    ///
    /// # Errors
    /// What it says instead.
    pub fn start(words: &[&str]) -> Result<Self, Failure> {
        let mut child = Command::new(PROGRAM)
            .arg("isolate")
            .args(words)
            .stderr(Stdio::piped())
            .spawn()
            .tried(PROGRAM)?;
        let mut said = String::new();
        // Unbuffered: what it says later is for `end`.
        if let Some(err) = &mut child.stderr {
            let mut byte = [0];
            while !said.ends_with('\n') && err.read(&mut byte).tried("its words")? > 0 {
                said.push(char::from(byte[0]));
            }
        }
        if said.starts_with("isolated: ") {
            return Ok(Self { child, said });
        }
        if let Some(err) = &mut child.stderr {
            err.read_to_string(&mut said).tried("its words")?;
        }
        let status = child.wait().tried("its end")?;
        Err(Failure::Other(format!("it ended with {status}: {said}")))
    }

    /// Sends it a signal.
    ///
    /// # Errors
    /// What kill(2) says.
    pub fn signal(&self, signal: i32) -> Result<(), Failure> {
        process::kill(self.child.id().cast_signed(), signal).tried("kill")
    }

    /// Sends it a signal that ends it, and returns what it said last.
    ///
    /// # Errors
    /// When it does not end.
    pub fn end(mut self, signal: i32) -> Result<String, Failure> {
        self.signal(signal)?;
        self.wait()
    }

    /// Waits for its end, and returns what it said last.
    ///
    /// # Errors
    /// When it does not end.
    pub fn wait(&mut self) -> Result<String, Failure> {
        let mut lines = Vec::new();
        if let Some(err) = self.child.stderr.take() {
            lines.extend(BufReader::new(err).lines().map_while(Result::ok));
        }
        self.child.wait().tried("its end")?;
        Ok(lines.join("\n"))
    }
}

/// What is in force, as the program says.
///
/// # Errors
/// What it says instead.
pub fn status() -> Result<Value, Failure> {
    let said = trapline(&["isolate", "status", "--json"])?;
    serde_json::from_str(&said.out).map_err(|error| Failure::other(said.err, error))
}

/// Ends what is in force.
///
/// # Errors
/// What it says instead.
pub fn release() -> Result<Said, Failure> {
    trapline(&["isolate", "--release"])?.good()
}

/// Waits until something is as it should be.
///
/// # Errors
/// What it is instead, for too long.
pub fn until<T: core::fmt::Debug>(
    what: &str,
    mut look: impl FnMut() -> Result<T, Failure>,
    is_right: impl Fn(&T) -> bool,
) -> Result<Duration, Failure> {
    let began = Instant::now();
    loop {
        let found = look()?;
        if is_right(&found) {
            return Ok(began.elapsed());
        }
        if began.elapsed() > PATIENCE {
            return Err(Failure::Other(format!("{what}: {found:?}")));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

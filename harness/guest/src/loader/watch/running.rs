//! `trapline watch` at work.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::loader::stage::{Failure, Tried};
use crate::loader::trapline::{PROGRAM, Said};
use crate::sys::process;

/// For all that takes no time but for the machine's being emulated.
const PATIENCE: Duration = Duration::from_secs(60);

/// Text that somebody else adds to.
type Text = Arc<Mutex<String>>;

/// A running `trapline watch`.
#[derive(Debug)]
pub struct Watching {
    child: Child,
    out: Text,
    err: Text,
    readers: Vec<std::thread::JoinHandle<()>>,
}

impl Watching {
    /// Starts it and waits until it watches; all that it says is read.
    ///
    /// # Errors
    /// What it says instead.
    pub fn start(words: &[&str]) -> Result<Self, Failure> {
        let (mut watching, out) = Self::start_unread(words)?;
        watching.read(out);
        Ok(watching)
    }

    /// The same, and its output is the caller's to read, or not.
    ///
    /// # Errors
    /// What it says instead.
    pub fn start_unread(words: &[&str]) -> Result<(Self, ChildStdout), Failure> {
        let mut watching = Self::start_to(words, Stdio::piped())?;
        let out = watching.child.stdout.take();
        let out = out.ok_or_else(|| Failure::Other("no output".to_owned()))?;
        Ok((watching, out))
    }

    /// The same with its output to somewhere else.
    ///
    /// # Errors
    /// What it says instead.
    pub fn start_to(words: &[&str], out: Stdio) -> Result<Self, Failure> {
        Self::start_by(words, out, |_| ())
    }

    /// The same, run in a way of its own.
    ///
    /// # Errors
    /// What it says instead.
    pub fn start_by(
        words: &[&str],
        out: Stdio,
        prepare: impl FnOnce(&mut Command),
    ) -> Result<Self, Failure> {
        let mut command = Command::new(PROGRAM);
        command
            .arg("watch")
            .args(words)
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(Stdio::piped());
        prepare(&mut command);
        let mut child = command.spawn().tried(PROGRAM)?;
        let err = child.stderr.take();
        let mut watching = Self {
            child,
            out: Text::default(),
            err: Text::default(),
            readers: Vec::new(),
        };
        let text = Arc::clone(&watching.err);
        watching.readers.extend(err.map(|err| reader(err, text)));
        // The last that it says before it tells anything: what it may do.
        match watching.says(" system call") {
            Ok(()) => Ok(watching),
            Err(failure) => {
                let _ = watching.child.kill();
                Err(failure)
            }
        }
    }

    /// Reads its output from now on, where it was given a pipe for that.
    ///
    /// # Errors
    /// When it was not.
    pub fn read_own(&mut self) -> Result<(), Failure> {
        let out = self.child.stdout.take();
        let out = out.ok_or_else(|| Failure::Other("no output".to_owned()))?;
        self.read(out);
        Ok(())
    }

    /// Reads its output from now on.
    pub fn read(&mut self, out: ChildStdout) {
        self.readers.push(reader(out, Arc::clone(&self.out)));
    }

    /// Waits until it has said something on the standard error.
    ///
    /// # Errors
    /// What it says instead, for too long or until its end.
    pub fn says(&mut self, part: &str) -> Result<(), Failure> {
        self.await_text(part, |watching| taken(&watching.err))
    }

    /// Waits until it has told something.
    ///
    /// # Errors
    /// What it tells instead, for too long or until its end.
    pub fn tells(&mut self, part: &str) -> Result<(), Failure> {
        self.await_text(part, |watching| taken(&watching.out))
    }

    fn await_text(&mut self, part: &str, text: fn(&Self) -> String) -> Result<(), Failure> {
        let began = Instant::now();
        while !text(self).contains(part) {
            let ended = self.child.try_wait().tried("its end")?;
            if ended.is_some() || began.elapsed() > PATIENCE {
                let (out, err) = (taken(&self.out), taken(&self.err));
                let what = format!("it did not say {part:?}, {ended:?}");
                return Err(Failure::other(what, format!("{err}{out}")));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Its pid.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal.
    ///
    /// # Errors
    /// What kill(2) says.
    pub fn signal(&self, signal: i32) -> Result<(), Failure> {
        process::kill(self.child.id().cast_signed(), signal).tried("kill")
    }

    /// Sends it a signal that ends it, and returns all that it said.
    ///
    /// # Errors
    /// When it does not end.
    pub fn end(self, signal: i32) -> Result<Said, Failure> {
        self.signal(signal)?;
        self.wait()
    }

    /// Waits for its end, and returns all that it said.
    ///
    /// # Errors
    /// When it does not end.
    pub fn wait(mut self) -> Result<Said, Failure> {
        let began = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().tried("its end")? {
                break status;
            }
            if began.elapsed() > PATIENCE {
                let _ = self.child.kill();
                return Err(Failure::other("it does not end", taken(&self.err)));
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        for reader in self.readers.drain(..) {
            let _ = reader.join();
        }
        Ok(Said {
            out: taken(&self.out),
            err: taken(&self.err),
            code: status.code(),
        })
    }
}

/// Lines of JSON.
///
/// # Errors
/// The first that is none.
pub fn values(text: &str) -> Result<Vec<Value>, Failure> {
    let values = text
        .lines()
        .map(|line| serde_json::from_str(line).map_err(|error| Failure::other(line, error)));
    values.collect()
}

fn reader(from: impl Read + Send + 'static, text: Text) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        let mut from = BufReader::new(from);
        let mut line = Vec::new();
        while from
            .read_until(b'\n', &mut line)
            .is_ok_and(|count| count > 0)
        {
            let mut text = text.lock().unwrap_or_else(PoisonError::into_inner);
            text.push_str(&String::from_utf8_lossy(&line));
            line.clear();
        }
    })
}

fn taken(text: &Text) -> String {
    text.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

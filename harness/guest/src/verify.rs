//! Judges objects: which of their programs does this kernel load, and attach?
//!
//! Each object has a process of its own, which says what it is about to do
//! before it does it. When the kernel or the loader dies of a program, or does
//! not come back from it, that program is named and the others go on in a new
//! process.

mod object;

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::frames::{Frames, Kind};
use crate::sys::process;

/// Where the host puts the order.
const ORDER: &str = "/verify.json";
/// No line of a judging process is longer; a frame has no room for more.
const LINE_MAX_BYTES: usize = (1 << 20) - 256;

/// What to judge.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// Whether programs are attached as well, where their section alone says
    /// to what.
    attach: bool,
    /// How long one step with one program may take.
    timeout_ms: u64,
    /// The objects.
    objects: Vec<Ordered>,
}

/// One object of an order.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ordered {
    /// Its name, for messages.
    name: String,
    /// Its file in the guest.
    path: String,
    /// The program, by its position in the object, to begin with; none where
    /// the object is not to be judged.
    from: Option<usize>,
}

impl Order {
    fn read() -> io::Result<Self> {
        Ok(serde_json::from_slice(&std::fs::read(ORDER)?)?)
    }
}

/// What is about to happen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Verifying {
    object: usize,
    /// The program's position in the object; none before the first.
    position: Option<usize>,
    program: Option<String>,
    section: Option<String>,
    /// `open`, `maps`, `load` or `attach`.
    step: String,
}

/// What became of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
struct Verified {
    object: usize,
    /// The program's position in the object; none where no program is meant.
    position: Option<usize>,
    program: Option<String>,
    section: Option<String>,
    /// `loaded`, `rejected` or `unsupported`.
    verdict: &'static str,
    /// `None` where it was not asked for or cannot be had.
    attached: Option<bool>,
    verified_insns: Option<u32>,
    total_states: Option<u32>,
    stack_bytes: Option<u32>,
    time_us: Option<u64>,
    jited_bytes: Option<u32>,
    /// The error, outermost line first; empty without one.
    chain: Vec<String>,
    /// The lines of the verifier's log that matter.
    excerpt: Option<String>,
    /// The verifier's log.
    log: Option<String>,
    /// Bytes of the log that had no room in this record.
    log_cut_bytes: usize,
}

/// Judges all objects of the order.
///
/// # Errors
/// When there is no order, or the recording cannot be written. What is wrong
/// with an object is no error.
pub fn run(frames: &mut Frames) -> io::Result<()> {
    let order = Order::read()?;
    let deadline = Duration::from_millis(order.timeout_ms);
    for (index, object) in order.objects.iter().enumerate() {
        let mut next = object.from;
        while let Some(from) = next {
            let mut child = Command::new("/proc/self/exe")
                .args(["verify-object", &index.to_string(), &from.to_string()])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()?;
            let watched = watch(frames, &mut child, index, deadline)?;
            let Some((last, why)) = watched else {
                break;
            };
            frames.json(Kind::Verified, &died(&last, &why))?;
            // Without its maps no program of the object can be tried.
            next = last.position.map(|position| position + 1);
        }
    }
    Ok(())
}

/// Passes on what a judging process says. Where it ends before its time, the
/// last thing that it was about to do, and how it ended.
fn watch(
    frames: &mut Frames,
    child: &mut Child,
    object: usize,
    deadline: Duration,
) -> io::Result<Option<(Verifying, String)>> {
    let mut last = Verifying {
        object,
        step: "open".to_owned(),
        ..Verifying::default()
    };
    let output = child.stdout.take();
    let output = output.ok_or_else(|| io::Error::other("a child without an output"))?;
    let mut lines = Lines::new(output)?;
    let go_on = child.stdin.take();
    let mut go_on = go_on.ok_or_else(|| io::Error::other("a child without an input"))?;
    let why = loop {
        match lines.next(deadline)? {
            Next::Line(line) => match serde_json::from_slice::<Said>(&line)? {
                Said::Verifying(verifying) => {
                    frames.json(Kind::Verifying, &verifying)?;
                    last = verifying;
                    // The host knows now. A process that has died hears nothing,
                    // and its end comes next.
                    let _ = go_on.write_all(b"\n");
                }
                Said::Verified(verified) => frames.json(Kind::Verified, &verified)?,
                Said::Done => break None,
            },
            Next::End => break Some("ended without a word".to_owned()),
            Next::Late => {
                child.kill()?;
                break Some(format!("no answer within {} s", deadline.as_secs_f32()));
            }
        }
    };
    let status = child.wait()?;
    Ok(why.map(|why| (last, how_ended(&why, status))))
}

/// A line of a judging process.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Said<V = serde_json::Value> {
    Verifying(Verifying),
    Verified(V),
    Done,
}

fn how_ended(why: &str, status: ExitStatus) -> String {
    match (status.signal(), status.code()) {
        // Ours, after the deadline.
        (Some(libc::SIGKILL), _) => why.to_owned(),
        (Some(signal), _) => format!("the process died of signal {signal}"),
        (None, Some(0)) | (None, None) => why.to_owned(),
        (None, Some(code)) => format!("the process ended with exit code {code}"),
    }
}

/// The record of a program that a judging process died of.
fn died(last: &Verifying, why: &str) -> Verified {
    let step = match last.step.as_str() {
        "open" => "reading the object",
        "maps" => "creating the maps",
        "attach" => "attaching the program",
        _ => "loading the program",
    };
    Verified {
        object: last.object,
        position: last.position,
        program: last.program.clone(),
        section: last.section.clone(),
        // Attaching comes after loading, and is what failed.
        verdict: if last.step == "attach" {
            "loaded"
        } else {
            "rejected"
        },
        attached: (last.step == "attach").then_some(false),
        chain: vec![step.to_owned(), why.to_owned()],
        ..Verified::default()
    }
}

/// Lines from a pipe, each within a deadline.
struct Lines {
    from: File,
    gathered: Vec<u8>,
}

enum Next {
    Line(Vec<u8>),
    End,
    Late,
}

impl Lines {
    fn new(from: impl Into<OwnedFd>) -> io::Result<Self> {
        let from = from.into();
        process::set_nonblocking(from.as_fd())?;
        Ok(Self {
            from: File::from(from),
            gathered: Vec::new(),
        })
    }

    fn next(&mut self, deadline: Duration) -> io::Result<Next> {
        let give_up = Instant::now() + deadline;
        let mut piece = vec![0; 64 << 10];
        loop {
            if let Some(end) = self.gathered.iter().position(|byte| *byte == b'\n') {
                let line = self.gathered.drain(..=end).collect();
                return Ok(Next::Line(line));
            }
            let left = give_up.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(Next::Late);
            }
            let left_ms = i32::try_from(left.as_millis()).unwrap_or(i32::MAX);
            process::poll_in(&[self.from.as_fd()], left_ms.max(1))?;
            match self.from.read(&mut piece) {
                Ok(0) => return Ok(Next::End),
                Ok(got) => self
                    .gathered
                    .extend_from_slice(piece.get(..got).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// Judges one object of the order, in a process of its own: `INDEX FROM`.
pub fn main(args: &[String]) -> ExitCode {
    let number = |at: usize| args.get(at).and_then(|arg| arg.parse::<usize>().ok());
    let (Some(index), Some(from)) = (number(0), number(1)) else {
        eprintln!("usage: trapline-guest verify-object INDEX FROM");
        return ExitCode::from(2);
    };
    match judge(index, from) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("verify-object {index}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn judge(index: usize, from: usize) -> io::Result<()> {
    let order = Order::read()?;
    let ordered = order.objects.get(index);
    let ordered = ordered.ok_or_else(|| io::Error::other("no such object in the order"))?;
    let bytes = std::fs::read(&ordered.path)?;
    let mut out = Out {
        to: io::stdout(),
        heard: io::stdin(),
        object: index,
    };
    object::judge(&mut out, &ordered.name, &bytes, from, order.attach)?;
    out.say(&Said::Done)
}

/// Where a judging process says things, as lines of JSON.
struct Out<W, R> {
    to: W,
    /// A byte comes here for everything that it is about to do, when the host
    /// knows of it: a kernel may not live to tell.
    heard: R,
    object: usize,
}

impl<W: Write, R: Read> Out<W, R> {
    fn say(&mut self, said: &Said<&Verified>) -> io::Result<()> {
        let mut line = serde_json::to_vec(said)?;
        line.push(b'\n');
        self.to.write_all(&line)?;
        self.to.flush()
    }

    fn verifying(&mut self, mut verifying: Verifying) -> io::Result<()> {
        verifying.object = self.object;
        self.say(&Said::Verifying(verifying))?;
        self.heard.read_exact(&mut [0])
    }

    /// Says what became of something; a log that has no room is cut in its
    /// middle.
    fn verified(&mut self, mut verified: Verified) -> io::Result<()> {
        verified.object = self.object;
        let whole = verified.log.take();
        let mut room = LINE_MAX_BYTES / 2;
        loop {
            if let Some(log) = &whole {
                let (text, cut_bytes) = cut(log, room);
                (verified.log, verified.log_cut_bytes) = (Some(text), cut_bytes);
            }
            // What JSON makes of odd bytes is longer than they are.
            if serde_json::to_vec(&verified)?.len() <= LINE_MAX_BYTES || room < 1024 {
                return self.say(&Said::Verified(&verified));
            }
            room /= 2;
        }
    }
}

/// A text in `room_bytes`: a quarter of it is the text's beginning, the rest
/// its end. And how many bytes between them are missing.
fn cut(text: &str, room_bytes: usize) -> (String, usize) {
    if text.len() <= room_bytes {
        return (text.to_owned(), 0);
    }
    // Whole lines, which also keeps characters whole.
    let ends = |at: usize| text.as_bytes().get(at) == Some(&b'\n');
    let head = (0..room_bytes / 4).rev().find(|at| ends(*at));
    let head = head.map_or(0, |at| at + 1);
    let tail = (text.len() - room_bytes / 4 * 3..text.len()).find(|at| ends(*at));
    let tail = tail.map_or(text.len(), |at| at + 1);
    let (head, rest, missing) = (&text[..head], &text[tail..], tail - head);
    let text = format!("{head}[{missing} bytes of the log are left out here]\n{rest}");
    (text, missing)
}

#[cfg(test)]
#[path = "verify/tests.rs"]
mod tests;

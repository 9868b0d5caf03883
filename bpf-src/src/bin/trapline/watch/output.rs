//! The standard output: lines, and what becomes of them where nobody reads.
//!
//! A reader that is slow holds us, and with us the reading of the ring buffer, so that
//! no more than a few lines are ever kept here; what finds no room in the ring buffer
//! meanwhile is counted in the kernel. We wait in poll(2), never in write(2), where a
//! signal would not reach us.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// So much is gathered before it is written.
const GATHER_BYTES: usize = 64 << 10;
/// PIPE_BUF of Linux: so much can be written to a pipe that is writable without waiting.
const PIECE_BYTES: usize = 4096;
/// How long one look for room takes, and so how late a signal may be noticed.
const LOOK: Duration = Duration::from_millis(100);

/// How it stands with the output.
#[derive(Debug)]
pub enum State {
    /// Lines are written.
    Open,
    /// Whoever read has gone.
    Gone,
    /// It cannot be written to: why.
    Failed(io::Error),
    /// It was to end, and nobody read any more.
    Stalled,
}

/// Lines on their way out.
#[derive(Debug)]
pub struct Output<W> {
    to: W,
    /// Lines, each with its end.
    lines: Vec<u8>,
    state: State,
    written: u64,
    unwritten: u64,
    /// Since when there has been no room.
    waits_since: Option<Instant>,
    /// Whether it had to wait since it was asked.
    has_waited: bool,
}

/// Whether to go on waiting for a reader; asked every tenth of a second, with the time
/// that it has taken so far.
pub type Waits<'a> = &'a mut dyn FnMut(Duration) -> bool;

impl<W: AsFd> Output<W> {
    /// Lines to a descriptor.
    pub fn new(to: W) -> Self {
        Self {
            to,
            lines: Vec::with_capacity(GATHER_BYTES + PIECE_BYTES),
            state: State::Open,
            written: 0,
            unwritten: 0,
            waits_since: None,
            has_waited: false,
        }
    }

    /// How it stands.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Lines that were written whole.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Lines that were not.
    pub fn unwritten(&self) -> u64 {
        self.unwritten
    }

    /// Whether there was no room when it was last tried.
    pub fn is_waiting(&self) -> bool {
        self.waits_since.is_some()
    }

    /// Whether there was no room at some time since this was last asked.
    pub fn take_has_waited(&mut self) -> bool {
        std::mem::take(&mut self.has_waited)
    }

    /// One more line, without its end. One that holds a line break would be counted
    /// as two: the caller leaves none.
    pub fn line(&mut self, line: &str, waits: Waits<'_>) {
        if !matches!(self.state, State::Open) {
            self.unwritten += 1;
            return;
        }
        self.lines.extend_from_slice(line.as_bytes());
        self.lines.push(b'\n');
        if self.lines.len() >= GATHER_BYTES {
            self.flush(waits);
        }
    }

    /// Writes what was gathered; waits for room as long as `waits` says.
    pub fn flush(&mut self, waits: Waits<'_>) {
        let lines = std::mem::take(&mut self.lines);
        let mut rest = lines.as_slice();
        while let (false, State::Open) = (rest.is_empty(), &self.state) {
            match self.write(rest) {
                Ok(Some(size)) => {
                    self.waits_since = None;
                    rest = rest.get(size..).unwrap_or_default();
                }
                Ok(None) => {
                    self.has_waited = true;
                    let since = *self.waits_since.get_or_insert_with(Instant::now);
                    if !waits(since.elapsed()) {
                        self.state = State::Stalled;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                    self.state = State::Gone;
                }
                Err(error) => self.state = State::Failed(error),
            }
        }
        let unwritten = ends(rest);
        self.written += ends(&lines) - unwritten;
        self.unwritten += unwritten;
        self.lines = lines;
        self.lines.clear();
    }

    /// Notices that the reader has gone also where there is nothing to write.
    pub fn look(&mut self) {
        let events = ready(self.to.as_fd(), PollFlags::empty(), Duration::ZERO);
        if let (State::Open, Ok(events)) = (&self.state, events) {
            if events.contains(PollFlags::ERR) {
                self.state = State::Gone;
            }
        }
    }

    /// Writes a piece; `None` where there is no room for a while.
    fn write(&self, rest: &[u8]) -> io::Result<Option<usize>> {
        let to = self.to.as_fd();
        if ready(to, PollFlags::OUT, LOOK)?.is_empty() {
            return Ok(None);
        }
        let piece = rest.get(..PIECE_BYTES).unwrap_or(rest);
        match rustix::io::write(to, piece) {
            Ok(0) => Err(io::ErrorKind::WriteZero.into()),
            Ok(size) => Ok(Some(size)),
            // Somebody else took the room, or has made it so that nobody waits.
            Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// What a descriptor is ready for; nothing when the time was over first.
fn ready(fd: BorrowedFd<'_>, wanted: PollFlags, time: Duration) -> io::Result<PollFlags> {
    let mut fds = [PollFd::new(&fd, wanted)];
    let time = Timespec {
        tv_sec: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: time.subsec_nanos().into(),
    };
    match poll(&mut fds, Some(&time)) {
        Ok(_) => Ok(fds[0].revents()),
        Err(rustix::io::Errno::INTR) => Ok(PollFlags::empty()),
        Err(error) => Err(error.into()),
    }
}

/// How many lines end in it.
fn ends(lines: &[u8]) -> u64 {
    lines.iter().filter(|byte| **byte == b'\n').count() as u64
}

/// Says something to whoever may be there: neither a terminal that is gone nor one
/// that does not take anything must hold us.
pub fn say(text: &str) {
    let err = rustix::stdio::stderr();
    let is_ready = ready(err, PollFlags::OUT, Duration::ZERO);
    if is_ready.is_ok_and(|events| events.contains(PollFlags::OUT)) {
        let _ = rustix::io::write(err, format!("{text}\n").as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::io::Read;

    fn never(_: Duration) -> bool {
        false
    }

    #[test]
    fn lines_come_out_whole_and_are_counted() {
        let (mut reads, writes) = io::pipe().unwrap();
        let mut output = Output::new(writes);
        output.line("one", &mut never);
        output.line("two", &mut never);
        assert_eq!(output.written(), 0);
        output.flush(&mut never);
        assert_eq!((output.written(), output.unwritten()), (2, 0));
        drop(output);
        let mut text = String::new();
        reads.read_to_string(&mut text).unwrap();
        assert_eq!(text, "one\ntwo\n");
    }

    #[test]
    fn a_reader_that_does_not_read_is_waited_for_and_then_given_up() {
        let (mut reads, writes) = io::pipe().unwrap();
        let mut output = Output::new(writes);
        let long = "x".repeat(1023);
        let mut asked = 0;
        for _ in 0..1000 {
            output.line(&long, &mut |_| {
                asked += 1;
                asked < 3
            });
        }
        assert_eq!(asked, 3);
        assert!(matches!(output.state(), State::Stalled));
        assert!(output.take_has_waited() && !output.take_has_waited());
        // A pipe has room for 64 KiB.
        assert_eq!((output.written(), output.unwritten()), (64, 936));
        drop(output);
        let mut text = String::new();
        reads.read_to_string(&mut text).unwrap();
        assert_eq!(text.lines().count(), 64);
    }

    #[test]
    fn a_reader_that_has_gone_is_noticed_with_and_without_lines() {
        let (reads, writes) = io::pipe().unwrap();
        let mut output = Output::new(writes);
        output.look();
        assert!(matches!(output.state(), State::Open));
        drop(reads);
        output.line("lost", &mut never);
        output.flush(&mut never);
        assert!(matches!(output.state(), State::Gone));
        assert_eq!(output.unwritten(), 1);
        let (reads, writes) = io::pipe().unwrap();
        drop(reads);
        let mut output = Output::new(writes);
        output.look();
        assert!(matches!(output.state(), State::Gone));
    }

    #[test]
    fn a_full_disk_is_an_error_and_what_it_cost_is_counted() {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let mut output = Output::new(full);
        output.line("one", &mut never);
        output.line("two", &mut never);
        output.flush(&mut never);
        let State::Failed(error) = output.state() else {
            panic!("{:?}", output.state());
        };
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        output.line("three", &mut never);
        assert_eq!((output.written(), output.unwritten()), (0, 3));
    }
}

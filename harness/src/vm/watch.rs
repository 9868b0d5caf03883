//! The watch over a running guest: reads its serial log and its recording as
//! they grow, and ends QEMU as soon as there is nothing more to learn.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use vmtest::output::Output;

use super::Deadlines;
use super::failure::Late;
use super::judge::Stopped;
use super::rundir::{Process, RunDir};
use super::splat::SerialLog;
use crate::recording::frame::{self, Kind};
use crate::recording::{DefectKind, Verifying, Workload};

/// How often the recording is looked at when the serial log is silent.
const TICK: Duration = Duration::from_millis(25);
/// How long the rest of a splat, or of a stream, may take to arrive.
const GRACE: Duration = Duration::from_secs(2);
/// A serial log that has been silent for this long after QEMU ended is complete.
const QUIET: Duration = Duration::from_millis(100);
/// A guest that records more than this is out of control.
const RECORDING_MAX_BYTES: usize = 256 << 20;

/// What was seen of a boot by the time QEMU had ended.
#[derive(Debug)]
pub struct Watched {
    /// Why the watch ended.
    pub stopped: Stopped,
    /// The serial log.
    pub serial: SerialLog,
    /// The recording.
    pub bytes: Vec<u8>,
    /// From the start to the runner's hello.
    pub hello_after: Option<Duration>,
}

/// A watch over one boot.
#[derive(Debug)]
pub struct Watch<'a> {
    started: Instant,
    deadlines: Deadlines,
    run: &'a RunDir,
    qemu: Option<Process>,
    serial: SerialLog,
    serial_file: File,
    stream: Stream,
    /// What vmtest said when it gave up.
    vmtest_error: Option<String>,
    /// When something was seen after which only a rest is to come.
    last_call: Option<(Instant, Stopped)>,
}

impl<'a> Watch<'a> {
    /// Begins a watch over the boot that runs in `run` and started at `started`.
    ///
    /// # Errors
    /// A sentence that says which file cannot be opened.
    pub fn new(
        started: Instant,
        deadlines: Deadlines,
        run: &'a RunDir,
        serial_log: &Path,
        records: &Path,
    ) -> Result<Self, String> {
        let failed = |path: &Path| {
            let path = path.display().to_string();
            move |error: std::io::Error| format!("cannot open {path}: {error}")
        };
        Ok(Self {
            started,
            deadlines,
            run,
            qemu: None,
            serial: SerialLog::default(),
            serial_file: File::create(serial_log).map_err(failed(serial_log))?,
            stream: Stream::new(File::open(records).map_err(failed(records))?),
            vmtest_error: None,
            last_call: None,
        })
    }

    /// Watches until the boot is over and QEMU has ended.
    pub fn until_the_end(mut self, updates: &Receiver<Output>) -> Watched {
        let stopped = loop {
            let disconnected = match updates.recv_timeout(TICK) {
                Ok(update) => {
                    self.take(update);
                    // Lines come in bursts; the recording can wait for the last.
                    while let Ok(update) = updates.try_recv() {
                        self.take(update);
                    }
                    false
                }
                Err(RecvTimeoutError::Timeout) => false,
                Err(RecvTimeoutError::Disconnected) => true,
            };
            self.stream.read_on();
            if self.qemu.is_none() {
                self.qemu = self.run.process();
            }
            if let Some(stopped) = self.stopped(disconnected) {
                break stopped;
            }
            if disconnected {
                std::thread::sleep(TICK);
            }
        };
        self.end_qemu();
        while let Ok(update) = updates.recv_timeout(QUIET) {
            self.take(update);
        }
        self.stream.read_on();
        Watched {
            stopped,
            serial: self.serial,
            bytes: self.stream.bytes,
            hello_after: self
                .stream
                .hello_at
                .map(|at| at.saturating_duration_since(self.started)),
        }
    }

    fn take(&mut self, update: Output) {
        let line = match update {
            Output::Boot(line) => line,
            Output::Setup(line) | Output::Command(line) => format!("agent: {line}"),
            Output::BootEnd(Err(error))
            | Output::SetupEnd(Err(error))
            | Output::CommandEnd(Err(error)) => {
                let error = format!("{error:#}");
                let line = format!("vmtest: {}", error.replace('\n', " "));
                self.vmtest_error.get_or_insert(error);
                line
            }
            Output::CommandEnd(Ok(_)) => {
                self.call_last(Stopped::RunnerEnded);
                return;
            }
            Output::BootStart
            | Output::BootEnd(Ok(()))
            | Output::SetupStart
            | Output::SetupEnd(Ok(()))
            | Output::CommandStart => return,
        };
        let line = line.trim_end_matches('\r');
        self.serial.push(line);
        // The log is evidence, not input: a full disk must not end the watch.
        let _ = writeln!(self.serial_file, "{line}");
    }

    fn call_last(&mut self, why: Stopped) {
        self.last_call.get_or_insert((Instant::now(), why));
    }

    /// Whether the boot is over, and why.
    fn stopped(&mut self, disconnected: bool) -> Option<Stopped> {
        let runner_ended = self.serial.runner().is_some();
        if self.stream.ended && runner_ended {
            return Some(Stopped::Finished);
        }
        if self.qemu.as_ref().is_some_and(Process::has_ended) || disconnected {
            return Some(Stopped::Lost(self.why_lost()));
        }
        if self
            .serial
            .splat()
            .is_some_and(|(splat, _)| splat.is_fatal())
        {
            self.call_last(Stopped::Splat);
        } else if self.stream.broken {
            self.call_last(Stopped::Defect);
        } else if runner_ended {
            self.call_last(Stopped::RunnerEnded);
        } else if self.stream.ended {
            self.call_last(Stopped::Finished);
        }
        match &self.last_call {
            Some((at, why)) if at.elapsed() > GRACE => Some(why.clone()),
            Some(_) => None,
            None => self.late(),
        }
    }

    fn late(&self) -> Option<Stopped> {
        let (what, allowed) = match (&self.stream.workload, self.stream.hello_at) {
            (_, None) if self.started.elapsed() > self.deadlines.boot => {
                (Late::Boot, self.deadlines.boot)
            }
            (Some((name, since)), _) if since.elapsed() > self.deadlines.workload => {
                (Late::Workload(name.clone()), self.deadlines.workload)
            }
            _ if self.started.elapsed() > self.deadlines.kernel => {
                (Late::Kernel, self.deadlines.kernel)
            }
            _ => return None,
        };
        Some(Stopped::Late { what, allowed })
    }

    fn why_lost(&self) -> String {
        let complaints = self.run.complaints();
        match (&self.vmtest_error, complaints.as_str()) {
            (_, complaints) if !complaints.is_empty() => format!("QEMU says: {complaints}"),
            (Some(error), _) => error.clone(),
            (None, _) => "QEMU ended by itself".to_owned(),
        }
    }

    /// Ends QEMU, unless it has ended, and waits until it is gone.
    fn end_qemu(&mut self) {
        // QEMU may be starting at this very moment.
        let give_up = Instant::now() + GRACE;
        while self.qemu.is_none() && self.vmtest_error.is_none() && Instant::now() < give_up {
            self.qemu = self.run.process();
            std::thread::sleep(TICK);
        }
        if let Some(qemu) = &self.qemu {
            qemu.kill();
            let give_up = Instant::now() + GRACE;
            while !qemu.has_ended() && Instant::now() < give_up {
                std::thread::sleep(Duration::from_millis(2));
            }
        }
    }
}

/// The recording as it grows: only frames' heads are looked at here.
#[derive(Debug)]
struct Stream {
    file: File,
    bytes: Vec<u8>,
    /// Where the next frame begins, and its number.
    at: usize,
    number: u32,
    hello_at: Option<Instant>,
    /// The workload that runs, and since when.
    workload: Option<(String, Instant)>,
    ended: bool,
    broken: bool,
}

impl Stream {
    fn new(file: File) -> Self {
        Self {
            file,
            bytes: Vec::new(),
            at: 0,
            number: 0,
            hello_at: None,
            workload: None,
            ended: false,
            broken: false,
        }
    }

    fn read_on(&mut self) {
        let room = (RECORDING_MAX_BYTES + 1 - self.bytes.len()) as u64;
        let got = (&mut self.file).take(room).read_to_end(&mut self.bytes);
        if got.is_err() || self.bytes.len() > RECORDING_MAX_BYTES {
            self.broken = true;
        }
        while !self.ended && !self.broken && self.at < self.bytes.len() {
            let frame = match frame::read(&self.bytes, self.at, self.number) {
                Ok(frame) => frame,
                Err(defect) => {
                    // What is cut here may go on with the next look.
                    self.broken = !matches!(defect.kind, DefectKind::Truncated { .. });
                    return;
                }
            };
            match frame.kind {
                Kind::Hello => self.hello_at = Some(Instant::now()),
                Kind::Workload => {
                    let name = frame.json().map_or_else(
                        |_| "a workload without a name".into(),
                        |workload: Workload| workload.label(),
                    );
                    self.workload = Some((name, Instant::now()));
                }
                Kind::Verifying => {
                    let what = frame.json().map_or_else(
                        |_| "a step without a name".into(),
                        |verifying: Verifying| verifying.doing().to_owned(),
                    );
                    self.workload = Some((what, Instant::now()));
                }
                Kind::Done | Kind::Verified => self.workload = None,
                Kind::End => self.ended = true,
                _ => {}
            }
            (self.at, self.number) = (frame.end, self.number + 1);
        }
    }
}

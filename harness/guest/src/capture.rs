//! Loads sensors once per flavour, runs workloads under them and writes what both said.
//!
//! It judges nothing: events, truth and counts go to the host as they are. It knows processes and
//! pipes, and of the sensors only what [`Sensing`] says.

pub mod root;
pub mod sensing;
pub mod tree;
pub mod truth;

use std::ffi::CString;
use std::io;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use trapline_loader::kernel_btf::KernelBtf;
use trapline_sensors::sensors::Transport;

use crate::frames::{Frames, Kind};
use crate::plan::{Plan, Workload};
use crate::sys::process::{self, Ended};
use crate::workloads::truth::status;
use root::Root;
use sensing::{Account, Sensing};
use truth::Truth;

/// How long one turn of the loop waits: long enough to leave the processor to the workload, short
/// enough that the ring never fills.
const TURN_MS: i32 = 10;
/// How long a started root may take until it says that it is ready.
const READY_PATIENCE: Duration = Duration::from_secs(10);
/// How often the ring is drained again until nothing is under way any more.
const SETTLE_ROUNDS: usize = 100;

/// Loads the sensors of one flavour and runs all workloads of the plan under them.
///
/// What goes wrong with sensors or workloads becomes a `failure` frame, and the next one is tried.
///
/// # Errors
/// Only when the recording itself cannot be written.
pub fn run_flavour(
    frames: &mut Frames,
    plan: &Plan,
    flavour: &str,
    kernel: &mut KernelBtf,
) -> io::Result<()> {
    let transport = match plan.perf_buffers {
        true => Transport::PerfBuffer,
        false => Transport::RingBuffer,
    };
    let mut sensors = match load(flavour, transport, kernel) {
        Ok((sensors, said)) => {
            frames.json(Kind::Sensors, &said)?;
            sensors
        }
        Err(error) => return frames.failure(&format!("load {flavour} sensors"), &error),
    };
    if let Err(error) = process::become_subreaper() {
        return frames.failure("become a subreaper", &error);
    }
    let mut capture = Capture {
        frames,
        sensors: sensors.as_mut(),
        flavour,
        timeout: Duration::from_millis(plan.workload_timeout_ms),
    };
    for workload in &plan.workloads {
        let command = workload_command(workload);
        capture.run(workload, &command)?;
    }
    capture.sum_up()
}

/// Loads and attaches one flavour; returns the payload of its `sensors` frame too.
///
/// # Errors
/// Why they cannot be loaded or attached.
pub fn load(
    flavour: &str,
    transport: Transport,
    kernel: &mut KernelBtf,
) -> Result<(Box<dyn Sensing>, Value), String> {
    let before_ns = process::monotonic_ns();
    let sensors = sensing::load(flavour, transport, kernel)?;
    let load_ns = process::monotonic_ns() - before_ns;
    let programs: Vec<Value> = sensors
        .programs()
        .iter()
        .map(sensing::Program::said)
        .collect();
    let said = json!({
        "flavour": flavour, "load_ns": load_ns, "programs": programs,
    });
    Ok((sensors, said))
}

/// This very program as the root of a workload.
fn workload_command(workload: &Workload) -> Vec<CString> {
    let own = std::env::current_exe().unwrap_or_else(|_| "/proc/self/exe".into());
    let words = [
        own.to_string_lossy().into_owned(),
        "workload".into(),
        workload.family.clone(),
        workload.name.clone(),
        "--held".into(),
    ];
    // A name with a zero byte in it is cut there and then not found, which is said.
    let c_string = |word: &String| {
        let until_zero = word.split('\0').next().unwrap_or_default();
        CString::new(until_zero).unwrap_or_default()
    };
    words.iter().map(c_string).collect()
}

/// What one workload needs while it runs.
pub struct Capture<'a> {
    /// Where it is written.
    pub frames: &'a mut Frames,
    /// What listens.
    pub sensors: &'a mut dyn Sensing,
    /// The sensors' flavour, for the frames.
    pub flavour: &'a str,
    /// When the tree is killed.
    pub timeout: Duration,
}

/// What came of one workload's tree.
struct Outcome {
    /// The root's end, unless time ran out first.
    ended: Option<Ended>,
    truth: Truth,
}

impl Capture<'_> {
    /// Runs one workload from its `workload` frame to its `done` frame.
    ///
    /// # Errors
    /// Only when the recording itself cannot be written.
    pub fn run(&mut self, workload: &Workload, command: &[CString]) -> io::Result<()> {
        let what = format!("{} {} ({})", workload.family, workload.name, self.flavour);
        let prepared = Root::start(command).and_then(|mut root| {
            root.await_ready(READY_PATIENCE)?;
            Ok(root)
        });
        // What is in the ring by then is the start of the root: no workload's event, but told all the
        // same, so that the host can check the numbers of all records from load to unload.
        let prepared = match prepared {
            Ok(root) => self.settle()?.map(|before| (root, before)),
            Err(error) => Err(error),
        };
        let (root, before) = match prepared {
            Ok(prepared) => prepared,
            Err(error) => {
                if !tree::kill_all() {
                    self.frames.failure(&what, &"its root cannot be killed")?;
                }
                return self.frames.failure(&what, &error);
            }
        };
        let (name, flavour, tgid) = (&workload.name, self.flavour, root.pid);
        self.frames.json(
            Kind::Workload,
            &json!({
                "family": workload.family, "name": name, "flavour": flavour, "root_tgid": tgid,
            }),
        )?;
        let started = Instant::now();
        let outcome = self.watch(&what, root, started)?;
        let elapsed_ns = u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let after = match self.settle()? {
            Ok(account) => account,
            Err(error) => {
                self.frames.failure(&what, &error)?;
                before.clone()
            }
        };
        self.tell(&what, tgid, &outcome)?;
        let status = match outcome.ended {
            Some(Ended::Exit(code)) => json!({"exit": code}),
            Some(Ended::Signal { signal, .. }) => json!({"signal": signal}),
            None => {
                json!({"timeout_ms": u64::try_from(self.timeout.as_millis()).unwrap_or(u64::MAX)})
            }
        };
        let counts = after.since(&before);
        self.frames.json(
            Kind::Done,
            &json!({
                "name": name, "status": status, "elapsed_ns": elapsed_ns,
                "sent": counts.sent, "received": counts.received, "lost": counts.lost,
                "poorer": counts.poorer, "missed": counts.missed,
            }),
        )
    }

    /// Says what was counted since load, when every record has come.
    ///
    /// # Errors
    /// Only when the recording itself cannot be written.
    pub fn sum_up(&mut self) -> io::Result<()> {
        let counts = match self.settle()? {
            Ok(counts) => counts,
            Err(error) => {
                let what = format!("sum up the {} sensors", self.flavour);
                return self.frames.failure(&what, &error);
            }
        };
        self.frames.json(
            Kind::Unloaded,
            &json!({
                "flavour": self.flavour, "sent": counts.sent, "received": counts.received,
                "lost": counts.lost, "poorer": counts.poorer, "missed": counts.missed,
            }),
        )
    }

    /// Lets the root go and stays until its whole tree is gone, by itself or by force.
    fn watch(&mut self, what: &str, mut root: Root, started: Instant) -> io::Result<Outcome> {
        let mut outcome = Outcome {
            ended: None,
            truth: Truth::default(),
        };
        if let Err(error) = root.let_go() {
            self.frames.failure(what, &error)?;
        }
        let deadline = started + self.timeout;
        loop {
            if let Err(error) = root.poll(TURN_MS) {
                self.frames.failure(what, &error)?;
            }
            root.hear(&mut outcome.truth);
            if let Err(error) = self.drain()? {
                self.frames.failure(what, &error)?;
                break;
            }
            match reap(&mut root, &mut outcome) {
                Ok(true) => break,
                Ok(false) => {}
                Err(error) => self.frames.failure(what, &error)?,
            }
            if outcome.ended.is_some_and(|ended| ended != Ended::Exit(0)) {
                break;
            }
            if Instant::now() >= deadline {
                // Also when only descendants are left: the workload is not over before they are.
                outcome.ended = None;
                break;
            }
        }
        if process::has_children() && !tree::kill_all() {
            self.frames
                .failure(what, &"some of its processes cannot be killed")?;
        }
        root.hear(&mut outcome.truth);
        Ok(outcome)
    }

    /// Hands on what is in the ring now, in its order.
    fn drain(&mut self) -> io::Result<Result<usize, String>> {
        let mut written = Ok(());
        let frames = &mut *self.frames;
        let consumed = self.sensors.consume(&mut |record| {
            if written.is_ok() {
                written = frames.event(record);
            }
        });
        written?;
        Ok(consumed)
    }

    /// Drains until everything that was sent has come or is counted as lost.
    fn settle(&mut self) -> io::Result<Result<Account, String>> {
        if let Err(error) = process::membarrier_global() {
            return Ok(Err(format!("membarrier: {error}")));
        }
        if let Err(error) = self.sensors.look() {
            return Ok(Err(error));
        }
        let mut account = Account::default();
        for _ in 0..SETTLE_ROUNDS {
            if let Err(error) = self.drain()? {
                return Ok(Err(error));
            }
            account = match self.sensors.account() {
                Ok(account) => account,
                Err(error) => return Ok(Err(error)),
            };
            if account.balances() {
                break;
            }
        }
        // One that never balances is the host's to judge: it gets the numbers as they are.
        Ok(Ok(account))
    }

    /// Writes what the workload said, and the root's end, which only we saw.
    fn tell(&mut self, what: &str, root: i32, outcome: &Outcome) -> io::Result<()> {
        for failure in outcome.truth.failures() {
            self.frames.failure(what, failure)?;
        }
        for fact in outcome.truth.facts() {
            self.frames.json(Kind::Truth, fact)?;
        }
        if let Some(ended) = outcome.ended {
            // A workload's threads have all been joined when its root leaves.
            let fact = json!({"what": "exit", "pid": root, "tid": root, "status": status(ended)});
            self.frames.json(Kind::Truth, &fact)?;
            if ended != Ended::Exit(0) && outcome.truth.failures().is_empty() {
                let ended = format!("ended with {ended:?} and did not say why");
                self.frames.failure(what, &ended)?;
            }
        }
        Ok(())
    }
}

/// Takes in every child that has ended; true when none is left.
fn reap(root: &mut Root, outcome: &mut Outcome) -> Result<bool, String> {
    while let Some(waited) = process::try_wait(None).map_err(|error| format!("wait: {error}"))? {
        if waited.pid == root.pid {
            outcome.ended = Some(waited.ended);
            root.ended();
        } else {
            // Every workload waits for its own: nobody should be left to us.
            outcome
                .truth
                .fail(format!("process {} was left behind", waited.pid));
        }
    }
    Ok(!process::has_children())
}

#[cfg(test)]
pub mod tests;

//! A session: several kernels, some at a time, each booted once.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result, anyhow};
use sha2::{Digest, Sha256};

use super::cache::{self, Place};
use super::companions::Companions;
use super::{KernelRun, Order, boot, read};
use crate::images::Extra;
use crate::kernels::{Kernel, Lock, Series, Store};
use crate::progress::{Amount, Progress};
use crate::rows::Workload;
use crate::vm::{Choice, Lab};

/// What a session needs.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The repository.
    pub root: PathBuf,
    /// The folder for runs.
    pub output: PathBuf,
    /// `Some`: runs go into this folder, whatever they are of, instead of one
    /// that is found by their hash.
    pub fixed: Option<PathBuf>,
    /// What executes guest code.
    pub accel: Choice,
    /// How many VMs at a time.
    pub jobs: usize,
    /// The processors of each.
    pub cpus: u8,
    /// Another build of `trapline` than the one that guests run otherwise.
    pub program: Option<PathBuf>,
    /// What is shown meanwhile.
    pub progress: Progress,
}

/// Kernels that are being booted or have been.
#[derive(Debug)]
pub struct Session {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    setup: Setup,
    /// Built and probed once, by the first kernel.
    lab: OnceLock<Result<Lab, String>>,
    companions: Companions,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// In reverse: the next one is the last.
    waiting: Vec<(Series, Order)>,
    done: BTreeMap<Series, Arc<KernelRun>>,
    begun: bool,
}

impl Session {
    /// A session that will boot these kernels, each with its order. Nothing
    /// happens before the first is waited for, so that listing costs nothing.
    pub fn new(setup: Setup, orders: Vec<(Series, Order)>) -> Self {
        let state = State {
            waiting: orders.into_iter().rev().collect(),
            ..State::default()
        };
        let shared = Shared {
            companions: Companions::new(setup.program.clone()),
            setup,
            lab: OnceLock::new(),
            state: Mutex::new(state),
            changed: Condvar::new(),
        };
        let (shared, workers) = (Arc::new(shared), Vec::new());
        Self { shared, workers }
    }

    /// Begins to boot.
    ///
    /// # Errors
    /// When threads cannot be started.
    pub fn begin(&mut self) -> Result<()> {
        let mut state = self.shared.state();
        if state.begun {
            return Ok(());
        }
        state.begun = true;
        let workers = self.shared.setup.jobs.max(1).min(state.waiting.len());
        drop(state);
        for number in 0..workers {
            let shared = Arc::clone(&self.shared);
            let worker = thread::Builder::new()
                .name(format!("boot {number}"))
                .spawn(move || shared.work())
                .context("cannot start a thread")?;
            self.workers.push(worker);
        }
        Ok(())
    }

    /// Something that waits for a kernel's run without borrowing the session.
    pub fn waiting(&self, series: Series) -> Waiting {
        let shared = Arc::clone(&self.shared);
        Waiting { shared, series }
    }
}

/// Waits for one kernel.
#[derive(Debug)]
pub struct Waiting {
    shared: Arc<Shared>,
    series: Series,
}

impl Waiting {
    /// Waits for the run, whether it goes well or not. The session must have begun
    /// and the kernel be one of its own.
    pub fn wait(&self) -> Arc<KernelRun> {
        let mut state = self.shared.state();
        loop {
            if let Some(run) = state.done.get(&self.series) {
                return Arc::clone(run);
            }
            let changed = self.shared.changed.wait(state);
            state = changed.unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Shared {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        loop {
            let Some((series, order)) = self.state().waiting.pop() else {
                return;
            };
            let run =
                std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.run(series, &order)))
                    // Those who wait must hear of it, whatever it was.
                    .unwrap_or_else(|_| Err(anyhow!("the harness itself panicked, see above")))
                    .unwrap_or_else(|error| {
                        KernelRun::not_begun(series, order, format!("{error:#}"))
                    });
            self.state().done.insert(series, Arc::new(run));
            self.changed.notify_all();
        }
    }

    fn run(&self, series: Series, order: &Order) -> Result<KernelRun> {
        let task = self
            .setup
            .progress
            .task(series.to_string(), Amount::Unknown);
        let result = self.run_shown(series, order, &task);
        match &result {
            Ok(run) => match &run.recording {
                Ok(_) => task.done("the recording is complete"),
                Err(why) => task.failed(why.lines().next().unwrap_or_default()),
            },
            Err(error) => task.failed(format!("{error:#}")),
        }
        result
    }

    fn run_shown(
        &self,
        series: Series,
        order: &Order,
        task: &crate::progress::Task,
    ) -> Result<KernelRun> {
        let lock = Lock::load(&self.setup.root)?;
        let kernel = Store::open()?
            .ensure(lock.get(series)?, &self.setup.progress)
            .context(
                "the kernel is not there; ci/setup and `cargo harness kernels fetch` bring it",
            )?;
        let lab = self.lab(&kernel).map_err(|why| anyhow!("{why}"))?;
        let files = self.companions.of(order, &kernel)?;
        let place = self.place(lab, &kernel, order, &files)?;
        let _mine = place.lock()?;
        if cache::shared_session().is_some() && self.setup.fixed.is_none() {
            // Under our lock nobody is writing it: what is there is whole.
            if let Some(run) = read(series, order, &place)? {
                let started = run.facts.as_ref().map_or(0, |facts| facts.started_unix_s);
                let age_s = cache::now_unix_s().saturating_sub(started);
                task.step(format!(
                    "recorded {age_s} s ago by another row of this session"
                ));
                return Ok(run);
            }
        }
        let turns = self.setup.output.join("turns");
        let _turn = cache::turn(&turns, self.setup.jobs)?;
        place.clear()?;
        task.step(format!(
            "booting {} ({})",
            kernel.release, lab.accelerator.accel
        ));
        boot(lab, &kernel, order, self.setup.cpus, files, &place)
    }

    fn lab(&self, kernel: &Kernel) -> Result<&Lab, String> {
        let opened = self.lab.get_or_init(|| {
            self.setup
                .progress
                .say("building the guest, settling on an accelerator");
            let lab = Lab::open(self.setup.accel, kernel)?;
            self.setup
                .progress
                .say(format_args!("accelerator: {}", lab.accelerator));
            Ok(lab)
        });
        opened.as_ref().map_err(Clone::clone)
    }

    /// The place for a run: everything that could change it is in its name.
    fn place(&self, lab: &Lab, kernel: &Kernel, order: &Order, files: &[Extra]) -> Result<Place> {
        if let Some(folder) = &self.setup.fixed {
            return Ok(Place::fixed(folder.join(kernel.series.to_string())));
        }
        let names: Vec<String> = order.workloads.iter().map(Workload::to_string).collect();
        let session = cache::shared_session()
            .unwrap_or_else(|| format!("{} {}", std::process::id(), cache::now_unix_s()));
        let digests: Vec<String> = files.iter().map(|file| sha256(&file.content)).collect();
        let runs = self.setup.output.join("runs");
        cache::prune(&runs);
        Ok(Place::of(
            &runs,
            &[
                ("kernel", &kernel.sha256),
                // The guest holds all objects, every workload and every case.
                ("guest", &sha256_of(&lab.guest)?),
                ("files", &digests.concat()),
                ("qemu", &format!("{:?}", lab.qemu)),
                ("accelerator", &lab.accelerator.accel.to_string()),
                ("workloads", &names.join(" ")),
                ("cases", &order.cases.join(" ")),
                ("session", &session),
            ],
        ))
    }
}

fn sha256_of(path: &Path) -> Result<String> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(sha256(&bytes))
}

fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

//! Boots that judge: all kernels, and each again behind what it died of.

use std::fs;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};

use super::folder::Folder;
use super::{Counts, Judged, Object, Row};
use crate::host;
use crate::images::Extra;
use crate::kernels::{Entry, Kernel, Lock, Series, Store};
use crate::progress::{Amount, Progress, Task};
use crate::recording::{Frame, Verdict, Verified, Verifying};
use crate::run::cache;
use crate::vm::{self, Choice, Failure, Lab, Mode, Outcome, Plan, Request};

/// How often a kernel is booted again because a program killed it.
const BOOTS: usize = 4;
/// A kernel may take this long for all objects.
const KERNEL_DEADLINE: Duration = Duration::from_secs(60 * 60);
/// Lines of a dead kernel's log that a row shows.
const EXCERPT_LINES: usize = 20;

/// What to judge by.
#[derive(Debug, Clone)]
pub struct Options {
    /// The kernels; all of the lock where there are none.
    pub kernels: Vec<Series>,
    /// Whether programs are attached as well.
    pub attach: bool,
    /// How long one step with one program may take.
    pub step_timeout: Duration,
    /// What executes guest code.
    pub accel: Choice,
    /// How many VMs at a time.
    pub jobs: usize,
    /// Where progress goes.
    pub progress: Progress,
}

/// Judges objects on kernels, in the lock's order.
///
/// # Errors
/// When a kernel is not in the lock, a tool is missing, or a log cannot be
/// kept. A kernel that does not run is no error, but rows that say so.
pub fn run(objects: &[Object], options: &Options) -> Result<Vec<Judged>> {
    let lock = Lock::load(&host::workspace_root())?;
    let entries = lock.select(&options.kernels)?;
    let store = Store::open()?;
    let folder = Folder::take()?;
    let court = Court {
        objects,
        options,
        store: &store,
        folder: &folder,
        lab: Mutex::new(None),
    };
    let queue = Mutex::new(entries.iter().enumerate());
    let judged = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..options.jobs.max(1) {
            scope.spawn(|| {
                // What is behind these locks is right at any time.
                let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
                while let Some((index, entry)) = next() {
                    let result = court.judge(entry);
                    let mut judged = judged.lock().unwrap_or_else(PoisonError::into_inner);
                    judged.push((index, result));
                }
            });
        }
    });
    let mut judged = judged.into_inner().unwrap_or_else(PoisonError::into_inner);
    judged.sort_by_key(|(index, _)| *index);
    judged.into_iter().map(|(_, result)| result).collect()
}

/// What all kernels share.
struct Court<'a> {
    objects: &'a [Object],
    options: &'a Options,
    store: &'a Store,
    folder: &'a Folder,
    /// Opened with the first kernel, which may have to be booted for it.
    lab: Mutex<Option<Result<Arc<Lab>, String>>>,
}

impl Court<'_> {
    fn judge(&self, entry: &Entry) -> Result<Judged> {
        let begun = Instant::now();
        let progress = &self.options.progress;
        let kernel = self.store.ensure(entry, progress);
        let task = progress.task(entry.series.to_string(), Amount::Unknown);
        let rows = match &kernel {
            Ok(kernel) => self.boot(kernel, &task)?,
            Err(error) => {
                let why = format!(
                    "the kernel is not there ({error:#}); \
                     `cargo harness kernels fetch {}` brings it",
                    entry.series
                );
                self.unjudged(&vec![Some(0); self.objects.len()], &why)
            }
        };
        let counts = Counts::of(&rows);
        if counts.unjudged > 0 {
            task.failed(counts);
        } else {
            task.done(counts);
        }
        Ok(Judged {
            series: entry.series,
            arch: std::env::consts::ARCH,
            rows,
            seconds: begun.elapsed().as_secs_f64(),
        })
    }

    fn lab(&self, kernel: &Kernel) -> Result<Arc<Lab>> {
        let mut lab = self.lab.lock().unwrap_or_else(PoisonError::into_inner);
        let opened = lab.get_or_insert_with(|| {
            let progress = &self.options.progress;
            progress.say("building the guest, settling on an accelerator");
            let lab = Lab::open(self.options.accel, kernel)?;
            progress.say(format_args!("accelerator: {}", lab.accelerator));
            Ok(Arc::new(lab))
        });
        opened.clone().map_err(|why| anyhow!("{why}"))
    }

    /// Boots a kernel, and again for the programs behind one that killed it.
    fn boot(&self, kernel: &Kernel, task: &Task) -> Result<Vec<Row>> {
        let lab = self.lab(kernel)?;
        let turns = host::output_dir().join("turns");
        let _turn = cache::turn(&turns, self.options.jobs)?;
        let mut rows = Vec::new();
        // Where each object is to be gone on with; nothing where it is done.
        let mut from = vec![Some(0); self.objects.len()];
        for boot in 1.. {
            task.step(format_args!("booting {}", kernel.release));
            let outcome = self.boot_once(&lab, kernel, boot, &from);
            let (frames, failure) = match &outcome.verdict {
                Ok(recording) => (&recording.frames, None),
                Err(failure) => (&failure.partial.frames, Some(failure)),
            };
            let last = self.take(kernel.series, frames, &mut from, &mut rows)?;
            let Some(failure) = failure else {
                break;
            };
            let Some(last) = last.filter(|_| boot < BOOTS) else {
                let why = format!("{failure}; see {}", outcome.serial_log.display());
                rows.extend(self.unjudged(&from, &why));
                break;
            };
            // The next boot begins behind what this one died of.
            from[last.object] = last.position.map(|position| position + 1);
            rows.push(self.died(kernel.series, &last, failure, &outcome)?);
        }
        rows.sort_by_key(|row| (row.object, row.position));
        Ok(rows)
    }

    fn boot_once(
        &self,
        lab: &Lab,
        kernel: &Kernel,
        boot: usize,
        from: &[Option<usize>],
    ) -> Outcome {
        let plan = Plan {
            mode: Mode::Verify,
            workload_timeout: self.options.step_timeout,
            ..Plan::probe()
        };
        let mut request = Request::new(kernel, plan, lab);
        request.deadlines.kernel = KERNEL_DEADLINE;
        request.output_dir = self.folder.path().to_owned();
        request.name = match boot {
            1 => kernel.series.to_string(),
            boot => format!("{}.boot{boot}", kernel.series),
        };
        let mut ordered = Vec::new();
        let mut bytes = 0;
        for (index, (object, from)) in self.objects.iter().zip(from).enumerate() {
            let path = format!("objects/{index}");
            if from.is_some() {
                bytes += object.bytes.len();
                request.files.push(Extra {
                    path: path.clone(),
                    content: Arc::clone(&object.bytes),
                });
            }
            // Done with: an order of nothing keeps the others' numbers.
            ordered.push(serde_json::json!({
                "name": object.name,
                "path": format!("/{path}"),
                "from": from,
            }));
        }
        let order = serde_json::json!({
            "attach": self.options.attach,
            "timeout_ms": self.options.step_timeout.as_millis() as u64,
            "objects": ordered,
        });
        request.files.push(Extra {
            path: "verify.json".to_owned(),
            content: order.to_string().into_bytes().into(),
        });
        // Every object is there twice while the image is unpacked.
        request.memory_mib += u32::try_from(bytes >> 19).unwrap_or(u32::MAX / 2);
        vm::run(lab, kernel, &request)
    }

    /// Makes rows of frames. Says what the guest was at, if it did not say what
    /// became of it.
    fn take(
        &self,
        series: Series,
        frames: &[Frame],
        from: &mut [Option<usize>],
        rows: &mut Vec<Row>,
    ) -> Result<Option<Verifying>> {
        let mut last: Option<Verifying> = None;
        let mut object = None;
        for frame in frames {
            match frame {
                Frame::Verifying(verifying) if verifying.object < self.objects.len() => {
                    if let Some(before) = object.filter(|before| *before != verifying.object) {
                        from[before] = None;
                    }
                    object = Some(verifying.object);
                    last = Some(verifying.clone());
                }
                Frame::Verified(verified) if verified.object < self.objects.len() => {
                    last = last.filter(|last| last.position != verified.position);
                    from[verified.object] = match verified.position {
                        Some(position) => Some(position + 1),
                        None => from[verified.object],
                    };
                    rows.push(self.row(series, verified)?);
                }
                _ => {}
            }
        }
        Ok(last)
    }

    fn row(&self, series: Series, verified: &Verified) -> Result<Row> {
        let object = &self.objects[verified.object];
        let log = match &verified.log {
            Some(log) => {
                let program = verified.program.as_deref();
                Some(self.folder.keep(series, &object.name, program, log)?)
            }
            None => None,
        };
        Ok(Row {
            object: verified.object,
            position: verified.position,
            program: verified.program.clone(),
            section: verified.section.clone(),
            verdict: verified.verdict,
            is_judged: true,
            attached: verified.attached,
            verified_insns: verified.verified_insns,
            chain: verified.chain.clone(),
            excerpt: verified.excerpt.clone(),
            log,
        })
    }

    /// The row of what a guest died of.
    fn died(
        &self,
        series: Series,
        last: &Verifying,
        failure: &Failure,
        outcome: &Outcome,
    ) -> Result<Row> {
        let attaching = last.step == "attach";
        let serial = fs::read_to_string(&outcome.serial_log).unwrap_or_default();
        let name = &self.objects[last.object].name;
        let program = last.program.as_deref();
        let lines = failure.excerpt.len().saturating_sub(EXCERPT_LINES);
        Ok(Row {
            position: last.position,
            program: last.program.clone(),
            section: last.section.clone(),
            verdict: match attaching {
                true => Verdict::Loaded,
                false => Verdict::Rejected,
            },
            attached: attaching.then_some(false),
            excerpt: Some(failure.excerpt[lines..].join("\n")),
            log: Some(self.folder.keep(series, name, program, &serial)?),
            ..Row::of_object(
                last.object,
                vec![
                    format!("the kernel did not survive {}", last.doing()),
                    failure.to_string(),
                ],
            )
        })
    }

    /// Rows for everything that is left to be judged.
    fn unjudged(&self, from: &[Option<usize>], why: &str) -> Vec<Row> {
        let left = from.iter().enumerate();
        let left = left.filter_map(|(object, from)| Some((object, (*from)?)));
        let row = |(object, from)| {
            let what = match from {
                0 => "not judged".to_owned(),
                from => format!("not judged from its program number {} on", from + 1),
            };
            Row {
                is_judged: false,
                ..Row::of_object(object, vec![what, why.to_owned()])
            }
        };
        left.map(row).collect()
    }
}

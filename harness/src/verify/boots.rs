//! Boots that judge: all kernels, and each again behind what it died of.

use std::fs;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};

use super::folder::Folder;
use super::ledger::Ledger;
use super::{Counts, Judged, Object};
use crate::host;
use crate::images::Extra;
use crate::kernels::{Entry, Kernel, Lock, Series, Store};
use crate::progress::{Amount, Progress, Task};
use crate::run::cache;
use crate::vm::{self, Cause, Choice, Failure, Lab, Mode, Outcome, Plan, Request};

/// How often a kernel is booted again because a program killed it.
const BOOTS: usize = 4;
/// A kernel may take this long for all objects.
const KERNEL_DEADLINE: Duration = Duration::from_secs(60 * 60);

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

/// Did the guest say everything, while its kernel complained of something that
/// it lived on with? Some warn of what a program does and load it.
fn is_warning(failure: &Failure) -> bool {
    let Cause::Splat { splat, .. } = &failure.cause else {
        return false;
    };
    failure.partial.is_whole && !splat.is_fatal()
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
        let mut ledger = Ledger::new(self.objects, self.folder, entry.series);
        match &kernel {
            Ok(kernel) => self.boot(kernel, &mut ledger, &task)?,
            Err(error) => ledger.leave(&format!(
                "the kernel is not there ({error:#}); `cargo harness kernels fetch {}` brings it",
                entry.series
            )),
        }
        let rows = ledger.close();
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
    fn boot(&self, kernel: &Kernel, ledger: &mut Ledger<'_>, task: &Task) -> Result<()> {
        let lab = self.lab(kernel)?;
        let turns = host::output_dir().join("turns");
        let _turn = cache::turn(&turns, self.options.jobs)?;
        for boot in 1.. {
            task.step(format_args!("booting {}", kernel.release));
            let outcome = self.boot_once(&lab, kernel, boot, &ledger.from);
            let failure = match &outcome.verdict {
                Ok(recording) => {
                    ledger.take(&recording.frames)?;
                    break;
                }
                Err(failure) if is_warning(failure) => {
                    ledger.take(&failure.partial.frames)?;
                    self.options.progress.warn(format_args!(
                        "{}: {failure}; see {}",
                        kernel.series,
                        outcome.serial_log.display()
                    ));
                    break;
                }
                Err(failure) => failure,
            };
            let last = ledger.take(&failure.partial.frames)?;
            let Some(last) = last.filter(|_| boot < BOOTS) else {
                ledger.leave(&format!("{failure}; see {}", outcome.serial_log.display()));
                break;
            };
            ledger.died(&last, failure, &outcome.serial_log)?;
        }
        Ok(())
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
                    mode: 0o644,
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
            mode: 0o644,
        });
        // Where Debian has it, for objects that ask.
        if let Some(content) = kernel.config.as_ref().and_then(|path| fs::read(path).ok()) {
            request.files.push(Extra {
                path: format!("boot/config-{}", kernel.release),
                content: content.into(),
                mode: 0o644,
            });
        }
        // Every object is there twice while the image is unpacked.
        request.memory_mib += u32::try_from(bytes >> 19).unwrap_or(u32::MAX / 2);
        vm::run(lab, kernel, &request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::Partial;
    use crate::vm::Splat;

    #[test]
    fn a_warning_counts_as_one_only_where_everything_was_said_all_the_same() {
        let failure = |splat, is_whole| Failure {
            cause: Cause::Splat {
                splat,
                line: String::new(),
            },
            excerpt: Vec::new(),
            partial: Partial {
                is_whole,
                ..Partial::default()
            },
        };
        assert!(is_warning(&failure(Splat::Warn, true)));
        assert!(!is_warning(&failure(Splat::Warn, false)));
        assert!(!is_warning(&failure(Splat::Panic, true)));
    }
}

//! Boots: one kernel in one virtual machine, and what became of it.
//!
//! The only user of the vmtest library. It knows QEMU, the serial log and the
//! deadlines; what the recorded events mean is not its business.

pub mod accel;
mod boot;
pub mod failure;
mod judge;
pub mod plan;
mod rundir;
pub mod splat;
mod watch;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub use accel::{Accel, Accelerator, Choice};
pub use boot::run;
pub use failure::{Cause, Failure, Late};
pub use plan::{Fault, Mode, Plan, PlannedWorkload};
pub use splat::Splat;

use crate::host::Qemu;
use crate::images;
use crate::kernels::Kernel;
use crate::recording::Recording;

/// What all boots of a run share.
#[derive(Debug, Clone)]
pub struct Lab {
    /// The emulator.
    pub qemu: Qemu,
    /// The guest's binary.
    pub guest: PathBuf,
    /// What executes guest code.
    pub accelerator: Accelerator,
}

/// The oldest QEMU whose emulation is right: 7.2 gets `cmpxchg16b` wrong, and a
/// third of the boots of 6.12 panic.
const QEMU_MIN_EMULATED: u32 = 10;

impl Lab {
    /// Finds QEMU, builds the guest and settles on an accelerator, probing it
    /// with `kernel` if need be.
    ///
    /// # Errors
    /// A sentence that says what is missing and which command installs it.
    pub fn open(choice: Choice, kernel: &Kernel) -> Result<Self, String> {
        let arch = std::env::consts::ARCH;
        let qemu = Qemu::find(arch)?;
        let guest = images::guest::build(arch)?;
        let accelerator = accel::settle(choice, &qemu, &guest, kernel)?;
        refuse_old(&qemu, accelerator.accel)
            .map_err(|why| format!("{why} ({})", accelerator.why))?;
        Ok(Self {
            qemu,
            guest,
            accelerator,
        })
    }
}

/// Refuses a QEMU that would emulate, and whose emulation is wrong.
fn refuse_old(qemu: &Qemu, accel: Accel) -> Result<(), String> {
    if accel == Accel::Kvm || qemu.version.0 >= QEMU_MIN_EMULATED {
        return Ok(());
    }
    Err(format!(
        "{} is version {}.{}: without KVM, kernels need QEMU {QEMU_MIN_EMULATED} or newer; \
         run ci/setup",
        qemu.program.display(),
        qemu.version.0,
        qemu.version.1,
    ))
}

/// One boot.
#[derive(Debug, Clone)]
pub struct Request {
    /// What the guest shall do.
    pub plan: Plan,
    /// What it finds besides.
    pub files: Vec<images::Extra>,
    /// How guest time passes.
    pub clock: Clock,
    /// The guest's memory.
    pub memory_mib: u32,
    /// The guest's processors.
    pub cpus: u8,
    /// How long things may take.
    pub deadlines: Deadlines,
    /// Where `NAME.serial.log` and `NAME.records` go.
    pub output_dir: PathBuf,
    /// The files' NAME: the series, or more where one series boots more than
    /// once.
    pub name: String,
}

impl Request {
    /// A boot of `kernel` with the usual machine, deadlines and places.
    #[must_use]
    pub fn new(kernel: &Kernel, plan: Plan, lab: &Lab) -> Self {
        let usual = Deadlines::new(lab.accelerator.accel, plan.workload_timeout);
        let (clock, deadlines) = if plan.mode == Mode::Bench {
            (Clock::Instructions, usual.without_agent())
        } else {
            (Clock::Wall, usual)
        };
        Self {
            clock,
            deadlines,
            plan,
            files: Vec::new(),
            memory_mib: 1024,
            cpus: 1,
            output_dir: crate::host::output_dir(),
            name: kernel.series.to_string(),
        }
    }
}

/// How guest time passes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Clock {
    /// As on the wall.
    #[default]
    Wall,
    /// One nanosecond for each executed instruction, emulated whatever the
    /// accelerator: costs repeat to the last digit.
    Instructions,
}

/// How long things may take before they count as failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadlines {
    /// From the start to the runner's hello.
    pub boot: Duration,
    /// One workload, as the host sees it: the guest's own limit and some more,
    /// so that normally the guest is the one to act.
    pub workload: Duration,
    /// Everything.
    pub kernel: Duration,
}

impl Deadlines {
    /// The usual ones.
    #[must_use]
    pub fn new(accel: Accel, workload_in_guest: Duration) -> Self {
        Self {
            boot: Duration::from_secs(match accel {
                Accel::Kvm => 20,
                Accel::Tcg => 60,
            }),
            workload: workload_in_guest + Duration::from_secs(10),
            // Twice what all rows have taken, emulated on a busy machine.
            kernel: Duration::from_secs(600),
        }
    }
}

impl Deadlines {
    /// Where cases have the sensors work: each has its own limit in the guest,
    /// which is shorter.
    #[must_use]
    pub fn with_long_cases(self) -> Self {
        Self {
            workload: Duration::from_secs(310),
            kernel: Duration::from_secs(900),
            ..self
        }
    }

    /// Where one case alone takes longer than all others together may.
    #[must_use]
    pub fn with_longest_case(self) -> Self {
        Self {
            kernel: Duration::from_secs(1200),
            ..self
        }
    }

    /// Where instructions are counted there is no guest agent, and vmtest gives
    /// up on it after 80 s: be earlier, so that the report names the right thing.
    #[must_use]
    fn without_agent(self) -> Self {
        Self {
            boot: Duration::from_secs(60),
            kernel: Duration::from_secs(75),
            ..self
        }
    }
}

/// What became of a boot.
#[derive(Debug)]
pub struct Outcome {
    /// A complete recording, or why there is none.
    pub verdict: Result<Recording, Box<Failure>>,
    /// What executed guest code.
    pub accel: Accel,
    /// From the start to the runner's hello, if it came.
    pub boot: Option<Duration>,
    /// From the start to the end.
    pub total: Duration,
    /// Everything the kernel printed.
    pub serial_log: PathBuf,
    /// The recording's bytes, as evidence.
    pub records: PathBuf,
}

/// The files of a boot.
fn evidence(folder: &Path, name: &str) -> (PathBuf, PathBuf) {
    (
        folder.join(format!("{name}.serial.log")),
        folder.join(format!("{name}.records")),
    )
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod judge_tests;

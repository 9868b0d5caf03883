//! One boot: from a kernel and a plan to vmtest's arguments, and through the
//! watch to the verdict.

use std::fs;
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use sha2::{Digest, Sha256};
use vmtest::{Config, Target, VMConfig, Vmtest};

use super::failure::{Cause, Failure};
use super::judge::{Seen, judge};
use super::rundir::RunDir;
use super::watch::{Watch, Watched};
use super::{Accel, Clock, Lab, Outcome, Request, evidence, refuse_old};
use crate::images;
use crate::kernels::Kernel;
use crate::recording::{Expected, Partial};

/// What the guest agent is told to run; harness/guest/src/agent.rs knows it.
const COMMAND: &str = "exec /trapline-guest launch";

/// Boots a kernel and says what became of it. Blocks for at most the request's
/// deadline for the whole kernel and a few seconds.
///
/// When it returns, QEMU has ended, and its sockets and temporary files are gone.
#[must_use]
pub fn run(lab: &Lab, kernel: &Kernel, request: &Request) -> Outcome {
    let started = Instant::now();
    let (serial_log, records) = evidence(&request.output_dir, &request.name);
    let accel = match request.clock {
        Clock::Wall => lab.accelerator.accel,
        Clock::Instructions => Accel::Tcg,
    };
    let mut outcome = Outcome {
        verdict: Err(Box::new(not_started(String::new()))),
        accel,
        boot: None,
        total: started.elapsed(),
        serial_log,
        records,
    };
    let seen = start(lab, kernel, request, &mut outcome, started);
    outcome.verdict = match seen {
        Ok((watched, expected)) => {
            outcome.boot = watched.hello_after;
            judge(&Seen {
                stopped: watched.stopped,
                serial: &watched.serial,
                bytes: &watched.bytes,
                expected: &expected,
            })
        }
        Err(why) => Err(Box::new(not_started(why))),
    };
    outcome.total = started.elapsed();
    outcome
}

fn not_started(why: String) -> Failure {
    Failure {
        cause: Cause::NotStarted(why),
        excerpt: Vec::new(),
        partial: Partial::default(),
    }
}

fn start(
    lab: &Lab,
    kernel: &Kernel,
    request: &Request,
    outcome: &mut Outcome,
    started: Instant,
) -> Result<(Watched, Expected), String> {
    environment_is_text()?;
    refuse_old(&lab.qemu, outcome.accel)?;
    fs::create_dir_all(&request.output_dir)
        .map_err(|error| format!("cannot create {}: {error}", request.output_dir.display()))?;
    // QEMU appends nothing to what another boot left.
    fs::write(&outcome.records, b"")
        .map_err(|error| format!("cannot write {}: {error}", outcome.records.display()))?;
    let run = RunDir::create(&lab.qemu.program).map_err(|error| {
        format!(
            "cannot make a folder in {}: {error}",
            std::env::temp_dir().display()
        )
    })?;
    let nonce = match request.clock {
        Clock::Wall => nonce(),
        Clock::Instructions => {
            run.make_exact()
                .map_err(|error| format!("cannot write to the run's folder: {error}"))?;
            // The kernel stirs its command line into its random numbers, and
            // with them moves what it allocates. The recording's file is empty
            // when the boot starts, so it is of this run all the same.
            "0".repeat(32)
        }
    };
    let base = images::base(&lab.guest, &kernel.modules)?;
    let plan = request.plan.to_json(&nonce);
    images::with_plan(&base, &plan, &request.files, &run.initramfs())?;

    let target = target(kernel, request, outcome, &run, &nonce);
    let config = Config {
        target: vec![target],
    };
    let vmtest = Vmtest::new(run.shared(), config).map_err(|error| format!("{error:#}"))?;
    let (updates, received) = mpsc::channel();
    // vmtest sleeps up to 5 s between looks at a command, so its thread ends a
    // little after QEMU; nobody waits for it.
    thread::Builder::new()
        .name(format!("vmtest {}", request.name))
        .spawn(move || vmtest.run_one(0, updates))
        .map_err(|error| format!("cannot start a thread: {error}"))?;
    let watch = Watch::new(
        started,
        request.deadlines,
        &run,
        &outcome.serial_log,
        &outcome.records,
    )?;
    let watched = watch.until_the_end(&received);
    let expected = Expected {
        nonce,
        release: kernel.release.clone(),
    };
    Ok((watched, expected))
}

/// vmtest hands the whole environment to the guest's shell and panics on a
/// variable that is not text. (The guest throws all of it away.)
fn environment_is_text() -> Result<(), String> {
    for (name, value) in std::env::vars_os() {
        if name.to_str().is_none() || value.to_str().is_none() {
            return Err(format!(
                "the environment variable {name:?} is not UTF-8, which vmtest needs"
            ));
        }
    }
    Ok(())
}

/// Never the same twice: time, process and a counter.
fn nonce() -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    let seed = format!(
        "{}.{}.{}",
        now.as_nanos(),
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    );
    Sha256::digest(seed)
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn target(
    kernel: &Kernel,
    request: &Request,
    outcome: &Outcome,
    run: &RunDir,
    nonce: &str,
) -> Target {
    Target {
        name: request.name.clone(),
        kernel: Some(kernel.vmlinux.clone()),
        kernel_args: Some(kernel_args(request.clock, outcome.accel, nonce)),
        rootfs: run.rootfs(),
        qemu_command: Some(run.command().to_string_lossy().into_owned()),
        command: COMMAND.to_owned(),
        vm: VMConfig {
            num_cpus: request.cpus,
            memory: format!("{}M", request.memory_mib),
            extra_args: qemu_args(request.clock, outcome, run),
            ..VMConfig::default()
        },
        ..Target::default()
    }
}

/// Appended to vmtest's, where a later word overrides an earlier: warnings and
/// worse on the console, not more, because every character costs an emulated
/// machine time; an oops ends the guest, so that nothing runs on a broken kernel.
fn kernel_args(clock: Clock, accel: Accel, nonce: &str) -> String {
    let mut args =
        format!("rdinit=/init loglevel=5 oops=panic random.trust_cpu=on trapline.nonce={nonce}");
    if clock == Clock::Instructions {
        args.push_str(
            " tsc=reliable clocksource=tsc nokaslr norandmaps randomize_kstack_offset=off",
        );
    } else if accel == Accel::Tcg {
        // Nothing to protect on an emulated processor, and a sixth of the time
        // of a run; that ciphers test themselves takes a fifth of the boot.
        // Costs are measured with what kernels do by default.
        args.push_str(" mitigations=off rcupdate.rcu_expedited=1 cryptomgr.notests");
    }
    args
}

fn qemu_args(clock: Clock, outcome: &Outcome, run: &RunDir) -> Vec<String> {
    // A comma ends an option's value unless it is doubled.
    let records = outcome.records.to_string_lossy().replace(',', ",,");
    let mut args: Vec<String> = vec![
        "-initrd".into(),
        run.initramfs().to_string_lossy().into_owned(),
        "-chardev".into(),
        format!("file,id=records,path={records}"),
        // A controller of its own, whose output is worked off while the guest
        // waits: neither the agent's traffic nor the host's load touches it.
        "-device".into(),
        "virtio-serial-pci,id=trapline,ioeventfd=off".into(),
        "-device".into(),
        "virtserialport,bus=trapline.0,chardev=records,name=trapline.records".into(),
        // Time stamps in the guest are not the host's business to change.
        "-rtc".into(),
        "base=2026-01-01T00:00:00,clock=vm".into(),
    ];
    // vmtest asks for KVM wherever /dev/kvm exists; the later option wins.
    match outcome.accel {
        Accel::Kvm => args.extend(["-machine", "accel=kvm", "-cpu", "host"].map(String::from)),
        Accel::Tcg => args.extend(["-machine", "accel=tcg", "-cpu", "max"].map(String::from)),
    }
    if clock == Clock::Instructions {
        // Counting makes QEMU run all virtual processors in one thread.
        args.extend(["-icount", "shift=0,sleep=off", "-seed", "1"].map(String::from));
    }
    args
}

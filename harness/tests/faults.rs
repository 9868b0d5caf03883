//! Boots that go wrong on purpose: each must be named as what it is, within its
//! deadline, and leave nothing behind. And the boots to compare them with, that
//! go right.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use trapline_harness::host;
use trapline_harness::kernels::{Kernel, Lock, Store};
use trapline_harness::progress::Progress;
use trapline_harness::recording::Frame;
use trapline_harness::vm::{
    self, Cause, Choice, Deadlines, Fault, Lab, Late, Mode, Outcome, Plan, Request, Splat,
};

/// The series that the faults are tried on; they are the harness's, not the
/// kernel's, so one is enough.
const SERIES: &str = "6.12";

fn kernel() -> Kernel {
    static KERNEL: OnceLock<Kernel> = OnceLock::new();
    let fetch = || {
        let lock = Lock::load(&host::workspace_root())?;
        let entry = lock.get(SERIES.parse()?)?;
        Store::open()?.ensure(entry, &Progress::new())
    };
    KERNEL
        .get_or_init(|| fetch().expect("the kernel is there or can be fetched"))
        .clone()
}

fn lab() -> &'static Lab {
    static LAB: OnceLock<Lab> = OnceLock::new();
    LAB.get_or_init(|| Lab::open(Choice::Auto, &kernel()).expect("the tools are installed"))
}

fn request(name: &str, fault: Option<Fault>) -> Request {
    let plan = Plan {
        fault,
        ..Plan::probe()
    };
    let mut request = Request::new(&kernel(), plan, lab());
    request.output_dir = host::output_dir().join("faults");
    request.name = name.to_owned();
    request
}

/// What a boot has on the host while it runs.
#[derive(Debug)]
struct Traces {
    folder: PathBuf,
    sockets: Vec<PathBuf>,
    qemu: u32,
}

/// Finds the traces of the boot that records to `records`, which no other does.
fn traces_of(records: &Path) -> Option<Traces> {
    for entry in fs::read_dir(std::env::temp_dir()).ok()?.flatten() {
        let folder = entry.path();
        let args = fs::read_to_string(folder.join("args")).unwrap_or_default();
        let pid = fs::read_to_string(folder.join("pid")).unwrap_or_default();
        if !args.contains(&*records.to_string_lossy()) {
            continue;
        }
        let Ok(qemu) = pid.trim().parse() else {
            continue;
        };
        let sockets = args
            .lines()
            .filter_map(|line| Some(line.split_once("/tmp/")?.1.split_once(".sock")?.0))
            .map(|name| PathBuf::from(format!("/tmp/{name}.sock")))
            .collect();
        return Some(Traces {
            folder,
            sockets,
            qemu,
        });
    }
    None
}

fn wait_for_traces(records: &Path, patience: Duration) -> Traces {
    let give_up = Instant::now() + patience;
    loop {
        if let Some(traces) = traces_of(records) {
            return traces;
        }
        assert!(Instant::now() < give_up, "the boot left no trace to check");
        thread::sleep(Duration::from_millis(10));
    }
}

/// A process that has ended but that nobody has waited for counts as ended.
fn is_alive(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')')
        .is_some_and(|(_, rest)| !rest.trim_start().starts_with(['Z', 'X']))
}

impl Traces {
    fn gone(&self) -> bool {
        !is_alive(self.qemu)
            && !self.folder.exists()
            && self.sockets.iter().all(|socket| !socket.exists())
    }
}

/// Boots, and checks that nothing is left and that it took no longer than it may.
fn boot_with(kernel: &Kernel, request: &Request) -> Outcome {
    let records = request.output_dir.join(format!("{}.records", request.name));
    let (outcome, traces) = thread::scope(|scope| {
        let boot = scope.spawn(|| vm::run(lab(), kernel, request));
        let traces = wait_for_traces(&records, Duration::from_secs(20));
        (boot.join().expect("the harness does not panic"), traces)
    });
    assert_eq!(traces.sockets.len(), 3, "{traces:?}");
    assert!(traces.gone(), "left behind: {traces:?}");
    let allowed = request.deadlines.kernel + Duration::from_secs(5);
    assert!(outcome.total < allowed, "it took {:?}", outcome.total);
    assert!(outcome.serial_log.is_file(), "the serial log is kept");
    outcome
}

fn cause_of(request: &Request) -> Cause {
    let outcome = boot_with(&kernel(), request);
    outcome.verdict.expect_err("a fault is no pass").cause
}

#[test]
fn a_boot_without_a_fault_passes_and_leaves_nothing() {
    let outcome = boot_with(&kernel(), &request("none", None));
    let recording = outcome.verdict.expect("nothing went wrong");
    assert_eq!(recording.hello.release, kernel().release);
    assert_eq!(recording.hello.cpus, 1);
    assert!(outcome.boot.expect("it said hello") <= outcome.total);
}

#[test]
fn a_killed_runner_is_named() {
    let cause = cause_of(&request("kill", Some(Fault::Kill)));
    assert_eq!(cause, Cause::GuestKilled { signal: 9 });
}

#[test]
fn a_kernel_panic_is_named() {
    let cause = cause_of(&request("panic", Some(Fault::Panic)));
    assert!(
        matches!(&cause, Cause::Splat { splat: Splat::Panic, line } if line.contains("sysrq")),
        "{cause}"
    );
}

#[test]
fn a_workload_that_hangs_is_named_with_its_label() {
    let mut request = request("hang", Some(Fault::Hang));
    request.deadlines.workload = Duration::from_secs(3);
    let cause = cause_of(&request);
    assert_eq!(
        cause,
        Cause::TimeOut {
            what: Late::Workload("fault::hang (none)".into()),
            allowed: Duration::from_secs(3),
        }
    );
}

#[test]
fn a_guest_that_hangs_between_workloads_misses_the_kernels_deadline() {
    let mut request = request("stall", Some(Fault::Stall));
    request.deadlines.kernel = Duration::from_secs(15);
    let cause = cause_of(&request);
    assert!(
        matches!(
            cause,
            Cause::TimeOut {
                what: Late::Kernel,
                ..
            }
        ),
        "{cause}"
    );
}

#[test]
fn a_guest_that_never_says_hello_misses_the_boots_deadline() {
    let mut request = request("silent", Some(Fault::Silent));
    request.deadlines = Deadlines {
        boot: Duration::from_secs(12),
        ..request.deadlines
    };
    let cause = cause_of(&request);
    assert!(
        matches!(
            cause,
            Cause::TimeOut {
                what: Late::Boot,
                ..
            }
        ),
        "{cause}"
    );
}

#[test]
fn a_truncated_stream_is_named_although_the_runner_reports_success() {
    let cause = cause_of(&request("truncate", Some(Fault::Truncate)));
    assert!(matches!(cause, Cause::StreamTruncated(_)), "{cause}");
}

#[test]
fn a_flipped_bit_in_the_stream_is_named() {
    let cause = cause_of(&request("corrupt", Some(Fault::Corrupt)));
    assert!(matches!(cause, Cause::StreamBroken(_)), "{cause}");
}

#[test]
fn a_runner_that_leaves_with_success_but_no_end_is_no_pass() {
    let cause = cause_of(&request("leave", Some(Fault::Leave)));
    assert!(
        matches!(&cause, Cause::RunnerLeft(why) if why.contains("exit 0")),
        "{cause}"
    );
}

#[test]
fn a_wrong_kernel_is_named_with_both_releases() {
    let mut wrong = kernel();
    let found = std::mem::replace(&mut wrong.release, "6.13.0-other".into());
    let outcome = boot_with(&wrong, &request("wrong", None));
    let failure = outcome.verdict.expect_err("another kernel is no pass");
    let expected = wrong.release;
    assert_eq!(failure.cause, Cause::WrongKernel { expected, found });
}

#[test]
fn a_guest_without_memory_is_named() {
    let mut request = request("memory", Some(Fault::Memory));
    request.memory_mib = 256;
    let cause = cause_of(&request);
    assert!(
        matches!(
            cause,
            Cause::Splat {
                splat: Splat::OutOfMemory,
                ..
            }
        ),
        "{cause}"
    );
}

#[test]
fn a_vm_that_switches_off_is_lost() {
    let outcome = boot_with(&kernel(), &request("power_off", Some(Fault::PowerOff)));
    let failure = outcome.verdict.expect_err("a lost VM is no pass");
    assert!(matches!(failure.cause, Cause::VmLost(_)), "{failure}");
    assert!(
        failure.partial.hello.is_some() && failure.partial.frames.is_empty(),
        "what was recorded before is kept"
    );
}

#[test]
fn a_file_that_is_no_kernel_is_told_in_qemus_words() {
    let mut broken = kernel();
    broken.vmlinux = "/dev/null".into();
    let mut request = request("no_kernel", None);
    request.deadlines.boot = Duration::from_secs(10);
    let outcome = vm::run(lab(), &broken, &request);
    let failure = outcome.verdict.expect_err("nothing can boot");
    assert!(
        matches!(&failure.cause, Cause::VmLost(why) if why.contains("QEMU says")),
        "{failure}"
    );
}

#[test]
fn two_boots_at_a_time_do_not_disturb_each_other() {
    let requests = [request("left", None), request("right", None)];
    thread::scope(|scope| {
        let boots = requests
            .each_ref()
            .map(|request| scope.spawn(|| boot_with(&kernel(), request)));
        for boot in boots {
            let outcome = boot.join().expect("the harness does not panic");
            let recording = outcome.verdict.expect("nothing went wrong");
            assert!(
                !recording
                    .frames
                    .iter()
                    .any(|f| matches!(f, Frame::Failure(_)))
            );
        }
    });
}

#[test]
fn instruction_counts_repeat_to_the_last_digit() {
    let counts = ["exact_1", "exact_2"].map(|name| {
        let plan = Plan {
            mode: Mode::Bench,
            ..Plan::probe()
        };
        let mut request = Request::new(&kernel(), plan, lab());
        request.output_dir = host::output_dir().join("faults");
        request.name = name.to_owned();
        let outcome = vm::run(lab(), &kernel(), &request);
        let recording = outcome.verdict.expect("nothing went wrong");
        let measured: Vec<_> = recording
            .frames
            .into_iter()
            .filter_map(|frame| match frame {
                Frame::Measure(measure) => Some(measure),
                _ => None,
            })
            .collect();
        assert!(!measured.is_empty(), "it measured something");
        measured
    });
    assert_eq!(counts[0], counts[1]);
}

/// The boot that the next test kills, in a process of its own.
#[test]
#[ignore = "runs until it is killed; the next test starts it"]
fn boots_and_waits_to_be_killed() {
    let _ = vm::run(lab(), &kernel(), &request("killed", Some(Fault::Stall)));
}

#[test]
fn nothing_outlives_a_harness_that_is_killed() {
    let records = request("killed", None).output_dir.join("killed.records");
    let mut harness = Command::new(std::env::current_exe().expect("this test's path"))
        .args(["--exact", "boots_and_waits_to_be_killed", "--ignored"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("this test starts itself");
    let traces = wait_for_traces(&records, Duration::from_secs(60));
    assert!(is_alive(traces.qemu) && traces.folder.exists());
    // With the sockets there, QEMU is up and vmtest is waiting for the guest.
    let up = Instant::now();
    while !traces.sockets.iter().all(|socket| socket.exists()) {
        assert!(up.elapsed() < Duration::from_secs(10), "no sockets");
        thread::sleep(Duration::from_millis(10));
    }
    harness.kill().expect("it runs");
    let killed = Instant::now();
    harness.wait().expect("it ends");
    while !traces.gone() {
        let waited = killed.elapsed();
        assert!(waited < Duration::from_secs(2), "left: {traces:?}");
        thread::sleep(Duration::from_millis(10));
    }
}

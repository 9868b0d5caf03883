//! Process 1: makes the machine usable, starts the guest agent, then collects
//! dead children for ever.
//!
//! Whatever it cannot do it says on the console with the word `init failed`,
//! which the host looks for; it goes on, because a later report names the
//! consequence and this line the cause.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::plan::{Mode, Plan};
use crate::sys::{boot, process};

/// List the module files to load, one absolute path per line, in order: those of every boot, and
/// those that only some workloads need.
const MODULES: &str = "/modules/first/list";
const SPARE_MODULES: &str = "/modules/spare/list";

/// Source, place, kind and options. Order matters: a later place may lie in an
/// earlier mount.
const MOUNTS: &[(&str, &str, &str, &str)] = &[
    ("proc", "/proc", "proc", ""),
    ("sysfs", "/sys", "sysfs", ""),
    ("devtmpfs", "/dev", "devtmpfs", ""),
    ("devpts", "/dev/pts", "devpts", "mode=620,ptmxmode=666"),
    ("tmpfs", "/dev/shm", "tmpfs", "mode=1777"),
    ("tmpfs", "/tmp", "tmpfs", "mode=1777"),
    ("tmpfs", "/run", "tmpfs", "mode=755"),
    ("tracefs", "/sys/kernel/tracing", "tracefs", ""),
    ("debugfs", "/sys/kernel/debug", "debugfs", ""),
    ("securityfs", "/sys/kernel/security", "securityfs", ""),
    ("cgroup2", "/sys/fs/cgroup", "cgroup2", ""),
    ("bpf", "/sys/fs/bpf", "bpf", "mode=700"),
];

/// How long a task may sleep uninterruptibly before the kernel reports it: less
/// than the host waits for the whole boot, so that the report comes first.
const HUNG_TASK_SECONDS: &str = "30";

/// Runs as process 1 and never returns: its end would be a kernel panic.
pub fn run() -> ! {
    for (source, place, kind, options) in MOUNTS {
        let _ = fs::create_dir_all(place);
        note(
            &format!("mount {kind} on {place}"),
            boot::mount(source, place, kind, options),
        );
    }
    load_modules(MODULES);
    if Path::new(SPARE_MODULES).exists() {
        load_modules(SPARE_MODULES);
    }
    note("bring lo up", boot::interface_up("lo"));
    // Kernels without the detector have no such file.
    if Path::new("/proc/sys/kernel/hung_task_timeout_secs").exists() {
        note(
            "set the hung task time-out",
            fs::write("/proc/sys/kernel/hung_task_timeout_secs", HUNG_TASK_SECONDS),
        );
    }
    // Up to Linux 6.12 an exec of something that is no program makes the kernel look for a module that
    // knows it: processes that no workload made. There is nothing to find here.
    note(
        "leave the kernel without a modprobe",
        fs::write("/proc/sys/kernel/modprobe", "\n"),
    );
    if plan_is_bench() {
        note("start the runner", start_runner());
    } else {
        note("start the guest agent", start_agent());
    }
    loop {
        // Every process of the guest that loses its parent ends here.
        match process::wait(None) {
            Ok(Some(_)) => {}
            Ok(None) | Err(_) => std::thread::sleep(Duration::from_millis(100)),
        }
    }
}

/// Puts one line on the console, above the level that the host asks for.
pub fn say(line: &str) {
    if let Ok(mut console) = OpenOptions::new().write(true).open("/dev/kmsg") {
        // The kernel makes a line of its own of every write.
        let _ = console.write_all(format!("<3>trapline: {line}\n").as_bytes());
    }
}

fn note(what: &str, result: io::Result<()>) {
    if let Err(error) = result {
        say(&format!("init failed: {what}: {error}"));
    }
}

fn load_modules(list: &str) {
    let list = match fs::read_to_string(list) {
        Ok(list) => list,
        Err(error) => return say(&format!("init failed: read {list}: {error}")),
    };
    for path in list.lines() {
        let loaded = File::open(path).and_then(|file| boot::finit_module(&file));
        match loaded {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            other => note(&format!("load {path}"), other),
        }
    }
}

/// Whether this boot counts instructions. A plan that cannot be read is the
/// runner's to report.
fn plan_is_bench() -> bool {
    Plan::read().is_ok_and(|plan| plan.mode == Mode::Bench)
}

/// Starts what otherwise the agent starts on the host's word. A boot that counts
/// instructions has no agent and no port for it: what the host sends comes when
/// it comes, and would make every count differ.
fn start_runner() -> io::Result<()> {
    Command::new("/proc/self/exe").arg("launch").spawn()?;
    Ok(())
}

fn start_agent() -> io::Result<()> {
    Command::new("/proc/self/exe").arg("agent").spawn()?;
    Ok(())
}

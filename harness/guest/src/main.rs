//! The program inside the VM: process 1, the runner of the plan, and every
//! workload, all in one static binary.

mod agent;
mod bench;
mod capture;
mod faults;
mod frames;
mod init;
mod loader;
mod measure;
mod plan;
mod proc;
mod rehearse;
mod sys;
mod verify;
mod workloads;

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use frames::{Frames, Kind, sha256_of_file};
use plan::{Mode, Plan};
use trapline_loader::kernel_btf::KernelBtf;

/// Where the guest finds programs.
const PATH: &str = "/bin:/sbin:/usr/bin:/usr/sbin";
const PORT_PATIENCE: Duration = Duration::from_secs(10);
const KERNEL_BTF: &str = "/sys/kernel/btf/vmlinux";

fn main() -> ExitCode {
    if std::process::id() == 1 {
        init::run();
    }
    let mut args = std::env::args_os().skip(1);
    match args.next().as_deref().and_then(|arg| arg.to_str()) {
        Some("agent") => agent::main(),
        Some("launch") => launch(),
        Some("run") => match run() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                init::say(&format!("runner failed: {error}"));
                ExitCode::FAILURE
            }
        },
        Some("verify-object") => verify::main(&words(args)),
        Some("workload") => workloads::main(&words(args)),
        Some("then-exec") => workloads::then_exec(&words(args)),
        Some("loader-case") => loader::main(&words(args)),
        Some("measure") => measure::cost(&words(args)),
        Some("measure-calls") => measure::calls(&words(args)),
        Some("rehearse") => rehearse::main(&words(args)),
        Some("list") => {
            workloads::list();
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!(
                "usage: trapline-guest launch | run | list | workload FAMILY NAME | loader-case NAME..."
            );
            ExitCode::from(2)
        }
    }
}

/// The arguments that are left, as text.
fn words(args: impl Iterator<Item = std::ffi::OsString>) -> Vec<String> {
    args.map(|arg| arg.to_string_lossy().into_owned()).collect()
}

/// Starts the runner in a fixed environment and puts on the console how it
/// ended: an agent cannot tell the host that a signal killed a command.
fn launch() -> ExitCode {
    sys::process::umask(0o022);
    let runner = Command::new("/proc/self/exe")
        .arg("run")
        .env_clear()
        .env("PATH", PATH)
        .env("HOME", "/")
        .current_dir("/")
        .stdin(Stdio::null())
        .status();
    match runner {
        Ok(status) => {
            match (status.code(), status.signal()) {
                (Some(code), _) => init::say(&format!("runner ended, exit {code}")),
                (None, signal) => {
                    init::say(&format!("runner ended, signal {}", signal.unwrap_or(0)));
                }
            }
            ExitCode::from(u8::from(!status.success()))
        }
        Err(error) => {
            init::say(&format!("runner failed: cannot start: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Executes the plan and writes the recording.
fn run() -> io::Result<()> {
    let plan = Plan::read()?;
    faults::silent(plan.fault);
    // Before the host takes part, because its answers come when it pleases.
    let measured = match plan.mode {
        Mode::Bench if plan.cases.is_empty() => bench::measure(&plan),
        _ => Vec::new(),
    };
    let mut frames = Frames::open(PORT_PATIENCE)?;
    hello(&mut frames, &plan)?;
    if let Some(fault) = plan.fault {
        faults::inject(fault, &mut frames)?;
    }
    match plan.mode {
        Mode::Probe => {}
        Mode::Verify => verify::run(&mut frames)?,
        Mode::Record => {
            // One search of the kernel's types answers for whatever comes later.
            let mut kernel = KernelBtf::running();
            for flavour in &plan.flavours {
                capture::run_flavour(&mut frames, &plan, flavour, &mut kernel)?;
            }
            loader::run_all(&mut frames, &plan.cases, &mut kernel)?;
        }
        Mode::Bench => {
            for (kind, payload) in measured {
                frames.json(kind, &payload)?;
            }
            loader::run_all(&mut frames, &plan.cases, &mut KernelBtf::running())?;
        }
    }
    frames.end()
}

fn hello(frames: &mut Frames, plan: &Plan) -> io::Result<()> {
    let nonce = plan::nonce_of_kernel()?;
    if nonce != plan.nonce {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "the plan is of another run: its nonce is not the kernel's",
        ));
    }
    let uname = sys::boot::uname()?;
    let cpus = std::thread::available_parallelism()?.get();
    frames.json(
        Kind::Hello,
        &serde_json::json!({
            "nonce": nonce,
            "release": uname.release,
            "machine": uname.machine,
            "version": uname.version,
            "cpus": cpus,
            "btf_sha256": sha256_of_file(KERNEL_BTF)?,
        }),
    )
}

//! How processes end.

use std::fs;

use crate::sys::birth;
use crate::sys::process::{self, Ended};
use crate::workloads::failure::{Outcome, Tried, ensure};
use crate::workloads::kit::{self, Birth};
use crate::workloads::scene::Scene;

/// Codes at both ends of the byte, and codes of which the kernel keeps only the low byte.
pub fn codes(scene: &Scene) -> Outcome {
    for (code, kept) in [
        (0, 0),
        (1, 1),
        (127, 127),
        (255, 255),
        (256, 0),
        (263, 7),
        (-1, 255),
    ] {
        kit::start(Birth::Fork, &mut |_| birth::exit_group(code))?.ends(Ended::Exit(kept))?;
    }
    kit::run(Birth::Fork, &scene.program("prog", &[])?)?.finish(254)
}

/// Signals from outside and one from itself. Programs, not forks of us: our runtime handles SEGV.
pub fn signals(scene: &Scene) -> Outcome {
    let program = scene.program("prog", &["to be killed"])?;
    for signal in [
        libc::SIGKILL,
        libc::SIGTERM,
        libc::SIGSEGV,
        libc::SIGABRT,
        libc::SIGHUP,
    ] {
        kit::run(Birth::Fork, &program)?.killed_by(signal, false)?;
    }
    let realtime = 34 + 6;
    kit::run(Birth::Fork, &program)?.killed_by(realtime, false)?;
    let suicide = kit::start(Birth::Fork, &mut |_| {
        let own = std::process::id().cast_signed();
        process::kill(own, libc::SIGTERM).tried("kill ourselves")?;
        Ok(99)
    })?;
    suicide.ends(Ended::Signal {
        signal: libc::SIGTERM,
        core: false,
    })
}

const CORE_PATTERN: &str = "/proc/sys/kernel/core_pattern";

/// Core files are allowed and one is written; then allowed but with no folder to write to.
pub fn core(scene: &Scene) -> Outcome {
    let before = fs::read_to_string(CORE_PATTERN).tried(CORE_PATTERN)?;
    if before.trim_end() != "core" {
        fs::write(CORE_PATTERN, "core").tried(CORE_PATTERN)?;
    }
    let done = with_core(scene);
    if before.trim_end() != "core" {
        fs::write(CORE_PATTERN, &before).tried(CORE_PATTERN)?;
    }
    done
}

fn with_core(scene: &Scene) -> Outcome {
    let program = scene.program("prog", &["to dump core"])?;
    let allow = || process::limit_core(libc::RLIM_INFINITY).tried("allow core files");
    for signal in [libc::SIGSEGV, libc::SIGABRT] {
        kit::run_after(Birth::Fork, &program, &mut || allow())?.killed_by(signal, true)?;
        let written = fs::read_dir(&scene.folder).tried("look for the core file")?;
        let mut written = written.flatten().map(|entry| entry.path());
        let core = written.find(|path| {
            path.file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with("core"))
        });
        ensure(core.is_some(), || "no core file is in the folder".into())?;
        core.map_or(Ok(()), fs::remove_file)
            .tried("remove the core file")?;
    }
    let gone = scene.dir("gone")?;
    let nowhere = kit::run_after(Birth::Fork, &program, &mut || {
        allow()?;
        std::env::set_current_dir(&gone).tried("enter a folder")?;
        fs::remove_dir(&gone).tried("remove the folder we are in")
    })?;
    nowhere.killed_by(libc::SIGSEGV, false)?;
    kit::run_after(Birth::Fork, &program, &mut || allow())?.killed_by(libc::SIGTERM, false)
}

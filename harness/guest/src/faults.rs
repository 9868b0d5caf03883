//! Failures made on purpose, each to be named by the host as what it is.

use std::fs;
use std::hint;
use std::io;
use std::process;

use crate::frames::{Frames, Kind, encode};
use crate::plan::Fault;
use crate::sys::process as sys;

/// Breaks what the plan asks to break. Returns only if the fault leaves the
/// runner able to go on.
///
/// # Errors
/// The error of the port or of `/proc`.
pub fn inject(fault: Fault, frames: &mut Frames) -> io::Result<()> {
    match fault {
        // Happens before hello, in `silent`.
        Fault::Silent => Ok(()),
        Fault::Kill => {
            sys::kill(process::id().cast_signed(), libc::SIGKILL)?;
            spin()
        }
        Fault::Panic => sysrq("c"),
        Fault::PowerOff => sysrq("o"),
        Fault::Stall => spin(),
        Fault::Hang => {
            frames.json(
                Kind::Workload,
                &serde_json::json!({
                    "family": "fault", "name": "hang", "flavour": "none",
                    "root_tgid": process::id(),
                }),
            )?;
            spin()
        }
        Fault::Truncate => {
            let frame = encode(1, Kind::Event, &[0xaa; 64])?;
            frames.raw(&frame[..40])?;
            process::exit(0)
        }
        Fault::Corrupt => {
            let mut frame = encode(1, Kind::Event, &[0xaa; 64])?;
            frame[30] ^= 1;
            frames.raw(&frame)?;
            process::exit(0)
        }
        Fault::Leave => process::exit(0),
        Fault::Memory => exhaust_memory(),
    }
}

/// Never says hello, if the plan wants that.
pub fn silent(fault: Option<Fault>) {
    if fault == Some(Fault::Silent) {
        spin()
    }
}

/// Uses the processor for ever: a sleeping guest would be told from a working
/// one too easily.
fn spin() -> ! {
    loop {
        hint::spin_loop();
    }
}

fn sysrq(command: &str) -> io::Result<()> {
    fs::write("/proc/sys/kernel/sysrq", "1")?;
    fs::write("/proc/sysrq-trigger", command)?;
    // Switching off takes the kernel a moment.
    spin()
}

/// Touches page after page until the kernel kills the runner.
fn exhaust_memory() -> ! {
    const STEP_BYTES: usize = 16 << 20;
    let mut held = Vec::new();
    loop {
        let mut step = vec![0u8; STEP_BYTES];
        for page in step.chunks_mut(4096) {
            page[0] = 1;
        }
        held.push(hint::black_box(step));
    }
}

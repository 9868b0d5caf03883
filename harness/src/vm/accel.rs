//! What executes guest code, and whether it really does.
//!
//! That /dev/kvm exists, opens and even makes a virtual processor proves
//! nothing: there are hosts on which the guest then hangs. Only a boot tells.

use std::fmt;
use std::fs;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Cause, Deadlines, Lab, Plan, Request, run};
use crate::host::{self, Qemu};
use crate::kernels::{Kernel, cache_folder};

/// What executes guest code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Accel {
    /// The processor.
    Kvm,
    /// QEMU's translator.
    Tcg,
}

impl fmt::Display for Accel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kvm => "kvm",
            Self::Tcg => "tcg",
        })
    }
}

/// What the user asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Choice {
    /// KVM if it works.
    #[default]
    Auto,
    /// KVM, or an error.
    Kvm,
    /// Emulation.
    Tcg,
}

/// What executes guest code in this run, and why that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accelerator {
    /// What executes guest code.
    pub accel: Accel,
    /// One sentence for the report.
    pub why: String,
}

impl fmt::Display for Accelerator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.accel, self.why)
    }
}

/// Working KVM boots to hello in two or three seconds, also on a busy host.
const PROBE_DEADLINE: Duration = Duration::from_secs(12);

/// What a probe found, kept for this boot of the host.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Probed {
    boot_id: String,
    qemu: (u32, u32),
    works: bool,
    why: String,
}

/// Settles on an accelerator.
///
/// # Errors
/// A sentence that says why KVM does not work, if it is demanded.
pub(super) fn settle(
    choice: Choice,
    qemu: &Qemu,
    guest: &Path,
    kernel: &Kernel,
) -> Result<Accelerator, String> {
    if choice == Choice::Tcg {
        return Ok(Accelerator {
            accel: Accel::Tcg,
            why: "asked for".into(),
        });
    }
    let (works, why) = match kvm_refuses() {
        Some(why) => (false, why),
        None => {
            let probed = probe_once(qemu, guest, kernel)?;
            (probed.works, probed.why)
        }
    };
    match (works, choice) {
        (true, _) => Ok(Accelerator {
            accel: Accel::Kvm,
            why,
        }),
        (false, Choice::Kvm) => Err(format!(
            "KVM is demanded and does not work: {why}; use --accel auto or --accel tcg"
        )),
        (false, _) => Ok(Accelerator {
            accel: Accel::Tcg,
            why: format!("no KVM: {why}"),
        }),
    }
}

/// The cheap reasons why a probe would fail.
fn kvm_refuses() -> Option<String> {
    fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/kvm")
        .err()
        .map(|error| format!("/dev/kvm: {error}"))
}

fn probe_once(qemu: &Qemu, guest: &Path, kernel: &Kernel) -> Result<Probed, String> {
    let boot_id = host::boot_id().map_err(|error| format!("cannot read the boot id: {error}"))?;
    let cache = cache_folder().map_err(|error| format!("{error:#}"))?;
    let file = cache.join("kvm-probe.json");
    // Anything unreadable there only costs another probe.
    if let Some(probed) = fs::read(&file)
        .ok()
        .and_then(|bytes| serde_json::from_slice::<Probed>(&bytes).ok())
        .filter(|probed| probed.boot_id == boot_id && probed.qemu == qemu.version)
    {
        return Ok(probed);
    }
    let (works, why) = probe(qemu, guest, kernel)?;
    let probed = Probed {
        boot_id,
        qemu: qemu.version,
        works,
        why,
    };
    let bytes = serde_json::to_vec(&probed).map_err(|error| error.to_string())?;
    host::write_whole(&file, &bytes)
        .map_err(|error| format!("cannot write {}: {error}", file.display()))?;
    Ok(probed)
}

/// Whether KVM works, and how that was seen.
///
/// # Errors
/// Why nothing was started: that says nothing about KVM.
fn probe(qemu: &Qemu, guest: &Path, kernel: &Kernel) -> Result<(bool, String), String> {
    let lab = Lab {
        qemu: qemu.clone(),
        guest: guest.to_owned(),
        accelerator: Accelerator {
            accel: Accel::Kvm,
            why: "probe".into(),
        },
    };
    let mut request = Request::new(kernel, Plan::probe(), &lab);
    request.name = format!("kvm-probe.{}", std::process::id());
    request.deadlines = Deadlines {
        boot: PROBE_DEADLINE,
        workload: PROBE_DEADLINE,
        kernel: PROBE_DEADLINE,
    };
    let outcome = run(&lab, kernel, &request);
    let result = match &outcome.verdict {
        Ok(_) => (
            true,
            format!(
                "a probe booted in {:.1} s",
                outcome.boot.unwrap_or(outcome.total).as_secs_f32()
            ),
        ),
        Err(failure) => match &failure.cause {
            Cause::NotStarted(why) => return Err(format!("cannot probe KVM: {why}")),
            cause => (false, format!("a probe failed: {cause}")),
        },
    };
    for file in [&outcome.serial_log, &outcome.records] {
        let _ = fs::remove_file(file);
    }
    Ok(result)
}

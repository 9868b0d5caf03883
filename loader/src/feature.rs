//! What this kernel can do, found out by trying.
//!
//! Loading and attaching do not need this: they try, and fall back. It is for
//! people, who want to know beforehand what would be used and why. Nothing is
//! attached, and what is created for a probe is gone right after it.
//!
//! ```no_run
//! use trapline_loader::feature::{State, probe_all};
//!
//! for finding in probe_all() {
//!     if finding.state != State::Present {
//!         println!("{} (Linux {}): {}", finding.feature, finding.since, finding.state);
//!     }
//! }
//! ```

use crate::error::Result;
use crate::insn::Insn;
use crate::memlock::with_memlock;
use crate::sys::{self, Errno};
use core::fmt;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

/// One feature, and whether this kernel has it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Finding {
    /// The feature, in the kernel's own terms.
    pub feature: &'static str,
    /// The kernel version that brought it.
    pub since: &'static str,
    /// Is it there?
    pub state: State,
}

/// Whether a feature is there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// Yes.
    Present,
    /// No, and what the kernel said.
    Absent(String),
    /// It could not be found out, mostly for lack of permission.
    Unknown(String),
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Present => f.write_str("yes"),
            Self::Absent(why) => write!(f, "no ({why})"),
            Self::Unknown(why) => write!(f, "unknown ({why})"),
        }
    }
}

/// The release of the running kernel: `6.12.117+deb12-cloud-amd64`.
///
/// # Errors
/// `System` with the errno of uname(2).
pub fn kernel_release() -> Result<String> {
    sys::release().map_err(|errno| errno.error("uname"))
}

/// The running kernel's version as C's `KERNEL_VERSION(a, b, c)`, with c at most
/// 255. Debian's release leaves the last number out; its version has it.
pub(crate) fn kernel_version_code() -> Option<u32> {
    let version = sys::kernel_version().ok()?;
    let release = sys::release().ok()?;
    let debian = version.split("Debian ").nth(1);
    debian
        .and_then(version_code)
        .or_else(|| version_code(&release))
}

/// `6.12.117-1` as a number.
fn version_code(text: &str) -> Option<u32> {
    let text = text
        .split(|c: char| !c.is_ascii_digit() && c != '.')
        .next()?;
    let mut numbers = text.split('.').map(|number| number.parse::<u32>().ok());
    let (major, minor) = (numbers.next()??, numbers.next()??);
    let patch = numbers.next().flatten().unwrap_or(0);
    Some(major.min(255) << 16 | minor.min(255) << 8 | patch.min(255))
}

/// Can programs ask for the value that they were attached with?
///
/// Kernel: 5.15
pub(crate) fn has_attach_cookie() -> bool {
    const BPF_FUNC_GET_ATTACH_COOKIE: i32 = 174;
    let insns = [Insn::call(BPF_FUNC_GET_ATTACH_COOKIE), Insn::exit()];
    program(BPF_PROG_TYPE_KPROBE, 0, &insns).is_ok()
}

/// The offset of `x`, the one string in the BTF that probes load.
const NAME: u32 = 1;

const KPROBE_PMU: &str = "/sys/bus/event_source/devices/kprobe/type";
const BPF_PROG_TYPE_KPROBE: u32 = 2;
const BPF_PROG_TYPE_SCHED_CLS: u32 = 3;

type Probe = fn() -> sys::Result<()>;

/// What loading and attaching can make use of, and how to see if it is there.
const FEATURES: &[(&str, &str, Probe)] = &[
    ("kernel BTF", "5.4", kernel_btf),
    ("kernel BTF, mapped", "6.16", mapped_kernel_btf),
    ("BPF_MAP_TYPE_PERF_EVENT_ARRAY", "4.3", || {
        create_map(4, 4, 4)
    }),
    ("BPF_MAP_TYPE_RINGBUF", "5.8", || create_map(27, 0, 0)),
    ("BPF_MAP_TYPE_TASK_STORAGE", "5.11", task_storage),
    ("BPF_MAP_TYPE_BLOOM_FILTER", "5.16", || create_map(30, 0, 4)),
    ("BTF_KIND_FLOAT", "5.13", || load_btf(&[NAME, 16 << 24, 4])),
    ("BTF_KIND_DECL_TAG", "5.16", || {
        // A tag on an empty struct: an int takes none.
        load_btf(&[NAME, 4 << 24, 0, NAME, 17 << 24, 2, u32::MAX])
    }),
    ("BTF_KIND_TYPE_TAG", "5.17", || {
        load_btf(&[NAME, 18 << 24, 1])
    }),
    ("BTF_KIND_ENUM64", "6.0", || load_btf(&[NAME, 19 << 24, 8])),
    ("BPF_PROG_TYPE_KPROBE", "4.1", || {
        kprobe_program(0).map(drop)
    }),
    ("perf-event links", "5.15", perf_links),
    ("tcx", "6.6", tcx),
    ("kprobe PMU", "4.17", || exists(KPROBE_PMU)),
    ("tracefs", "4.1", tracefs),
    ("verified_insns in program info", "5.16", || {
        known(|info| info.verified_insns.is_some())
    }),
    ("recursion_misses in program info", "5.12", || {
        known(|info| info.recursion_misses.is_some())
    }),
    ("BPF_ENABLE_STATS", "5.8", || {
        sys::enable_stats_run_time().map(drop)
    }),
];

/// Tries every feature. Takes a few dozen system calls.
pub fn probe_all() -> Vec<Finding> {
    let find = |&(feature, since, probe): &(&'static str, &'static str, Probe)| {
        let state = match probe() {
            Ok(()) => State::Present,
            Err(errno @ (Errno::PERM | Errno::ACCES)) => State::Unknown(errno.to_string()),
            Err(errno) => State::Absent(errno.to_string()),
        };
        Finding {
            feature,
            since,
            state,
        }
    };
    FEATURES.iter().map(find).collect()
}

/// Is `bpf` among the security modules that are active, so that programs of LSM hooks
/// run?
///
/// Kernel: asked by number since 6.8; before, by name in securityfs
///
/// # Errors
/// `NotFound` before 6.8 where securityfs is not mounted.
pub fn is_lsm_active() -> Result<bool> {
    let active = sys::is_lsm_active(sys::LSM_ID_BPF, "bpf");
    active.map_err(|errno| errno.error("the list of security modules"))
}

/// May this process load programs that look into the kernel?
pub fn may_load_programs() -> bool {
    !matches!(kprobe_program(0), Err(Errno::PERM | Errno::ACCES))
}

/// Can this kernel make kprobes, by whichever way?
///
/// Kernel: 4.17 by the PMU; before, by tracefs, for whoever may look into it
pub fn has_kprobes() -> bool {
    let pmu = exists(KPROBE_PMU);
    let debugfs = exists("/sys/kernel/debug/tracing/kprobe_events");
    let tracefs = exists("/sys/kernel/tracing/kprobe_events");
    pmu.or(tracefs).or(debugfs).is_ok()
}

fn exists(path: &str) -> sys::Result<()> {
    sys::open_read(Path::new(path)).map(drop)
}

fn kernel_btf() -> sys::Result<()> {
    exists(crate::kernel_btf::RUNNING)
}

fn mapped_kernel_btf() -> sys::Result<()> {
    let file = sys::open_read(Path::new(crate::kernel_btf::RUNNING))?;
    let bytes = usize::try_from(sys::file_len(&file)?).map_err(|_| Errno::TOO_BIG)?;
    sys::FileMapping::of_sysfs(file.as_fd(), bytes).map(drop)
}

fn tracefs() -> sys::Result<()> {
    let debugfs = exists("/sys/kernel/debug/tracing/README");
    exists("/sys/kernel/tracing/README").or(debugfs)
}

fn create_map(map_type: u32, key_bytes: u32, value_bytes: u32) -> sys::Result<()> {
    let max_entries = u32::try_from(sys::page_bytes()).map_err(|_| Errno::TOO_BIG)?;
    let map = sys::MapCreate {
        map_type,
        key_bytes,
        value_bytes,
        max_entries,
        ..sys::MapCreate::default()
    };
    with_memlock(|| sys::map_create(&map)).map(drop)
}

/// Task storage demands BTF for key and value: an int for both will do.
fn task_storage() -> sys::Result<()> {
    const BPF_F_NO_PREALLOC: u32 = 1;
    let btf = btf_of(&[])?;
    let map = sys::MapCreate {
        map_type: 29,
        key_bytes: 4,
        value_bytes: 4,
        map_flags: BPF_F_NO_PREALLOC,
        btf: Some((btf.as_fd(), 1, 1)),
        ..sys::MapCreate::default()
    };
    with_memlock(|| sys::map_create(&map)).map(drop)
}

fn load_btf(types: &[u32]) -> sys::Result<()> {
    btf_of(types).map(drop)
}

/// Loads a BTF of an int, type 1, and what is to be tried.
fn btf_of(types: &[u32]) -> sys::Result<OwnedFd> {
    let bytes = btf_bytes(types);
    with_memlock(|| sys::btf_load(&bytes, None))
}

fn btf_bytes(types: &[u32]) -> Vec<u8> {
    let int = [NAME, 1 << 24, 4, 32];
    let strings = *b"\0x\0";
    let types_bytes = (size_of_val(&int) + size_of_val(types)) as u32;
    let strings_bytes = strings.len() as u32;
    let header = [0x0001_eb9f, 24, 0, types_bytes, types_bytes, strings_bytes];
    let words = header.iter().chain(&int).chain(types);
    words
        .flat_map(|word| word.to_ne_bytes())
        .chain(strings)
        .collect()
}

/// A kprobe program that returns 0.
pub(crate) fn kprobe_program(expected_attach_type: u32) -> sys::Result<OwnedFd> {
    let insns = [Insn::mov64_imm(0, 0), Insn::exit()];
    program(BPF_PROG_TYPE_KPROBE, expected_attach_type, &insns)
}

fn program(prog_type: u32, expected_attach_type: u32, insns: &[Insn]) -> sys::Result<OwnedFd> {
    let load = sys::ProgLoad {
        prog_type,
        expected_attach_type,
        prog_flags: 0,
        kern_version: 0,
        name: [0; 16],
        license: c"GPL",
        insns,
        btf: None,
        func_info: sys::ExtRecords::default(),
        line_info: sys::ExtRecords::default(),
        attach_btf_id: 0,
        attach_fd: None,
        fd_array: &[],
    };
    with_memlock(|| sys::prog_load(&load, None))
}

/// A kernel with such links finds that a program is no perf event; one without
/// finds the attach type invalid.
fn perf_links() -> sys::Result<()> {
    let program = kprobe_program(0)?;
    match sys::link_create_perf_event(program.as_fd(), program.as_fd(), 0) {
        Ok(_) | Err(Errno::BADF) => Ok(()),
        Err(errno) => Err(errno),
    }
}

/// There is no interface of this number. A kernel with tcx looks for it; one without
/// does not know the attach type, or has no use for it.
fn tcx() -> sys::Result<()> {
    const BPF_TCX_INGRESS: u32 = 46;
    let insns = [Insn::mov64_imm(0, 0), Insn::exit()];
    let program = program(BPF_PROG_TYPE_SCHED_CLS, 0, &insns)?;
    let link = sys::LinkCreate {
        prog: program.as_fd(),
        target: sys::LinkTarget::Ifindex(i32::MAX as u32),
        attach_type: BPF_TCX_INGRESS,
        flags: 0,
        args: sys::LinkArgs::Relative {
            fd_or_id: 0,
            expected_revision: 0,
        },
    };
    match sys::link_create(&link) {
        Ok(_) | Err(Errno::NODEV) => Ok(()),
        Err(errno) => Err(errno),
    }
}

fn known(is_known: fn(&sys::ProgInfo) -> bool) -> sys::Result<()> {
    let info = sys::prog_info(kprobe_program(0)?.as_fd())?;
    is_known(&info).then_some(()).ok_or(Errno::OPNOTSUPP)
}

#[cfg(test)]
mod tests;

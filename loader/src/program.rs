//! Programs that exist in the kernel.

use crate::attach::{self, AttachOptions, Link, UsdtMaps};
use crate::error::{Error, Result, ResultExt};
use crate::spec::{AttachSpec, ProgramSpec, program_kind};
use crate::sys;
pub use crate::verifier::VerifierStats;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

/// A loaded program; gone when this and all its links are.
///
/// ```no_run
/// # use trapline_loader::{Result, object::Object};
/// use trapline_loader::attach::{AttachOptions, Rung};
///
/// # fn attach(object: &Object) -> Result<()> {
/// let program = object.program("on_unlink")?;
/// let options = AttachOptions { cookie: 7, rung: Rung::Ioctl };
/// let link = program.attach_with(&options)?;
/// println!("{}: {}, {:?}", program.name(), link.how(), program.info()?.verified_insns);
/// link.detach()?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Program {
    fd: OwnedFd,
    name: String,
    section: String,
    prog_type: u32,
    expected_attach_type: u32,
    attach: AttachSpec,
    /// Where static probes are described to the program, if it asks.
    usdt: Option<Arc<UsdtMaps>>,
    stats: Option<Box<VerifierStats>>,
}

/// What the kernel says about a program.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ProgramInfo {
    /// The kernel's number for the program.
    pub id: u32,
    /// The first eight bytes of a digest of the instructions.
    pub tag: [u8; 8],
    /// Instructions that the verifier processed to accept it. Kernel: 5.16, or
    /// any where the program was loaded with
    /// [`LoadOptions::want_stats`](crate::object::LoadOptions::want_stats)
    pub verified_insns: Option<u32>,
    /// Bytes of machine code; 0 where it is not compiled or may not be seen.
    pub jited_bytes: u32,
    /// Bytes of BPF code after the verifier has rewritten it.
    pub xlated_bytes: u32,
    /// When it was loaded, in nanoseconds since boot.
    pub load_time_ns: u64,
    /// Time spent in it; counts only under [`enable_run_stats`].
    pub run_time_ns: u64,
    /// Runs; counts only under [`enable_run_stats`].
    pub run_count: u64,
    /// Runs that did not happen because the program, or for a kprobe any
    /// program, was running on that CPU already. Kernel: 5.12
    pub recursion_misses: Option<u64>,
}

impl Program {
    pub(crate) fn new(
        spec: &ProgramSpec,
        expected_attach_type: u32,
        fd: OwnedFd,
        stats: Option<VerifierStats>,
    ) -> Self {
        Self {
            fd,
            name: spec.name.clone(),
            section: spec.section.clone(),
            prog_type: spec.kind.prog_type,
            expected_attach_type,
            attach: spec.kind.attach.clone(),
            usdt: None,
            stats: stats.map(Box::new),
        }
    }

    /// A program that is in the kernel already.
    pub(crate) fn from_fd(fd: OwnedFd) -> Result<Self> {
        let info = sys::prog_info(fd.as_fd()).map_err(|errno| errno.error("program info"))?;
        let name = info.name.iter().take_while(|&&byte| byte != 0);
        let name: Vec<u8> = name.copied().collect();
        Ok(Self {
            fd,
            name: String::from_utf8_lossy(&name).into_owned(),
            section: String::new(),
            prog_type: info.prog_type,
            expected_attach_type: 0,
            attach: AttachSpec::None {
                rest: String::new(),
            },
            usdt: None,
            stats: None,
        })
    }

    /// Says in which section a program lay that was opened by path or number,
    /// so that it can be attached like one that was just loaded.
    ///
    /// # Errors
    /// `InvalidInput` for a section that is unknown or of another program type.
    pub fn with_section(mut self, section: &str) -> Result<Self> {
        let kind = program_kind(section).filter(|kind| kind.prog_type == self.prog_type);
        let kind = kind.ok_or_else(|| {
            let Self {
                name, prog_type, ..
            } = &self;
            let cause = format!("program {name} of type {prog_type} is none of section {section}");
            Error::invalid_input(cause)
        })?;
        section.clone_into(&mut self.section);
        self.expected_attach_type = kind.expected_attach_type;
        self.attach = kind.attach;
        Ok(self)
    }

    /// `BPF_PROG_TYPE_*`.
    pub fn prog_type(&self) -> u32 {
        self.prog_type
    }

    /// The `BPF_*` attach type that it was loaded for, or 0: that of its section,
    /// but for static probes that one link is to attach.
    pub fn expected_attach_type(&self) -> u32 {
        self.expected_attach_type
    }

    /// The function's name in C; at most 15 bytes of it where the program was
    /// opened by path or number.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The ELF section, which names the hook.
    pub fn section(&self) -> &str {
        &self.section
    }

    /// The same program with the tables that usdt.bpf.h defines.
    pub(crate) fn with_usdt(mut self, maps: Option<Arc<UsdtMaps>>) -> Self {
        self.usdt = maps;
        self
    }

    pub(crate) fn usdt_maps(&self) -> Option<&Arc<UsdtMaps>> {
        self.usdt.as_ref()
    }

    /// The hook that the section names.
    pub fn attach_spec(&self) -> &AttachSpec {
        &self.attach
    }

    /// What the verifier counted; only where the program was loaded with
    /// [`LoadOptions::want_stats`](crate::object::LoadOptions::want_stats).
    pub fn stats(&self) -> Option<&VerifierStats> {
        self.stats.as_deref()
    }

    /// What the kernel says about the program.
    ///
    /// # Errors
    /// `System` with the errno of BPF_OBJ_GET_INFO_BY_FD.
    ///
    /// Kernel: 4.13
    pub fn info(&self) -> Result<ProgramInfo> {
        let info = sys::prog_info(self.fd.as_fd())
            .map_err(|errno| errno.error("program info"))
            .with_context(|| format!("program {}", self.name))?;
        let processed = self.stats().map(|stats| stats.processed_insns);
        Ok(ProgramInfo {
            id: info.id,
            tag: info.tag,
            verified_insns: info.verified_insns.or(processed),
            jited_bytes: info.jited_bytes,
            xlated_bytes: info.xlated_bytes,
            load_time_ns: info.load_time_ns,
            run_time_ns: info.run_time_ns,
            run_count: info.run_count,
            recursion_misses: info.recursion_misses,
        })
    }

    /// Attaches the program where its section says, in the best way that this
    /// kernel has.
    ///
    /// # Errors
    /// `NotFound` for a function, tracepoint, binary or probe that is not there;
    /// `InvalidInput` where the section names no hook, or one that needs more
    /// than a name (a device, a cgroup); `Unsupported` where the kernel lacks
    /// this kind of hook; what the kernel says otherwise.
    pub fn attach(&self) -> Result<Link> {
        self.attach_with(&AttachOptions::default())
    }

    /// The same with a cookie, or leaving out the best ways: for tests of what
    /// older kernels would do.
    ///
    /// # Errors
    /// As [`Program::attach`]; `Unsupported` for a cookie on kernels without,
    /// `InvalidInput` for one cookie where each place needs its own.
    pub fn attach_with(&self, options: &AttachOptions) -> Result<Link> {
        attach::attach(self, options).with_context(|| self.context())
    }

    pub(crate) fn context(&self) -> String {
        format!("attaching program {} ({})", self.name, self.section)
    }
}

impl AsFd for Program {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Counting of runs and their time, for all programs; ends on drop.
#[derive(Debug)]
pub struct RunStats {
    _fd: OwnedFd,
}

/// Lets the kernel count the runs of all programs and their time.
///
/// # Errors
/// `PermissionDenied` without CAP_SYS_ADMIN; `System` with the errno of BPF_ENABLE_STATS.
///
/// Kernel: 5.8
pub fn enable_run_stats() -> Result<RunStats> {
    let enabled = sys::enable_stats_run_time();
    let fd = enabled.map_err(|errno| errno.error("BPF_ENABLE_STATS"))?;
    Ok(RunStats { _fd: fd })
}

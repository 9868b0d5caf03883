//! Hooks that BTF describes (fentry, fexit, fmod_ret, fsession, tp_btf, LSM,
//! freplace) and raw tracepoints: one command of bpf(2) each.

use super::lacking::{has_member, has_struct, lacking, refused};
use super::link::Link;
use super::{AttachOptions, c_string, tracefs};
use crate::error::{Error, Result, ResultExt};
use crate::program::Program;
use crate::sys::{self, Errno, LinkArgs, LinkCreate, LinkTarget};
use std::os::fd::{AsFd, BorrowedFd};

/// `BPF_TRACE_RAW_TP`, which marks a tracepoint with types.
const TRACE_RAW_TP: u32 = 23;
const LSM_CGROUP: u32 = 43;

impl Program {
    /// Attaches a program of a section such as fentry, fexit, fmod_ret,
    /// fsession, tp_btf or freplace to what it was loaded for.
    ///
    /// # Errors
    /// `Unsupported` for a cookie on kernels without; EBUSY where too many
    /// programs are attached; what the kernel says otherwise.
    ///
    /// Kernel: 5.5, cookies since 5.19, for tp_btf since 6.10
    pub fn attach_trace(&self, options: &AttachOptions) -> Result<Link> {
        trampoline(self, "trace", options.cookie).with_context(|| self.context())
    }

    /// Attaches a raw tracepoint program to `name`, whatever its section says.
    ///
    /// # Errors
    /// `NotFound` for a tracepoint that the kernel does not have;
    /// `Unsupported` for a cookie on kernels without; what the kernel says
    /// otherwise.
    ///
    /// Kernel: 4.17, cookies since 6.10
    pub fn attach_raw_tracepoint(&self, name: &str, options: &AttachOptions) -> Result<Link> {
        raw_tracepoint(self, name, options.cookie).with_context(|| self.context())
    }

    /// Attaches an LSM program to the hook that it was loaded for.
    ///
    /// # Errors
    /// `Unsupported` where `bpf` is not among the active security modules: the
    /// kernel would attach the program and never run it.
    ///
    /// Kernel: 5.7
    pub fn attach_lsm(&self, options: &AttachOptions) -> Result<Link> {
        attach_lsm(self, options.cookie).with_context(|| self.context())
    }

    /// Attaches an LSM program of a cgroup (`lsm_cgroup`) to the hook that it
    /// was loaded for, for the processes of `cgroup`: an open folder of cgroup
    /// version 2.
    ///
    /// # Errors
    /// As [`Program::attach_lsm`].
    ///
    /// Kernel: 6.0
    pub fn attach_lsm_cgroup(&self, cgroup: &impl AsFd) -> Result<Link> {
        lsm_cgroup(self, cgroup.as_fd()).with_context(|| self.context())
    }

    /// Attaches a freplace program to a function of another program than the
    /// one it was loaded for; the two functions need the same prototype.
    ///
    /// # Errors
    /// `NotFound` for a function that the target does not have; what the kernel
    /// says otherwise.
    ///
    /// Kernel: 5.10
    pub fn attach_freplace(&self, target: &impl AsFd, function: &str) -> Result<Link> {
        let attach = || {
            let id = crate::object::target_function(target.as_fd(), function)?;
            let link = LinkCreate {
                prog: self.as_fd(),
                target: LinkTarget::Fd(target.as_fd()),
                attach_type: 0,
                flags: 0,
                args: LinkArgs::Tracing {
                    target_btf_id: id,
                    cookie: 0,
                },
            };
            let fd = sys::link_create(&link).map_err(|errno| errno.error("BPF_LINK_CREATE"))?;
            Ok(Link::new(fd, "freplace"))
        };
        attach().with_context(|| format!("replacing {function}"))
    }
}

/// Attaches a program to the BTF-typed hook that it was loaded for.
///
/// BPF_LINK_CREATE does the same since 5.19 and takes a cookie;
/// BPF_RAW_TRACEPOINT_OPEN does it on all kernels.
pub(super) fn trampoline(program: &Program, how: &'static str, cookie: u64) -> Result<Link> {
    let prog = program.as_fd();
    let attach_type = program.expected_attach_type();
    if attach_type == TRACE_RAW_TP {
        // Kernels without cookies for tracepoints refuse one here, but would
        // drop it from a link: it is for functions there.
        let opened = sys::raw_tracepoint_open(prog, None, cookie);
        let fd = opened.map_err(|errno| refused_tracepoint(errno, cookie, how))?;
        return Ok(Link::new(fd, how));
    }
    if cookie == 0 {
        let opened = sys::raw_tracepoint_open(prog, None, 0);
        let fd = opened.map_err(|errno| errno.error(how))?;
        return Ok(Link::new(fd, how));
    }
    let link = LinkCreate {
        prog,
        target: LinkTarget::None,
        attach_type,
        flags: 0,
        args: LinkArgs::Tracing {
            target_btf_id: 0,
            cookie,
        },
    };
    let fd = sys::link_create(&link).map_err(|errno| {
        // The structure came with the cookies of functions.
        match (errno, has_struct("bpf_tramp_link")) {
            (Errno::INVAL, Some(false)) => {
                Error::unsupported("a cookie for functions by type", Some("5.19"))
            }
            _ => errno.error(how),
        }
    })?;
    Ok(Link::new(fd, how))
}

/// Attaches a program to the raw tracepoint `name`.
pub(super) fn raw_tracepoint(program: &Program, name: &str, cookie: u64) -> Result<Link> {
    let name_c = c_string(name)?;
    match sys::raw_tracepoint_open(program.as_fd(), Some(&name_c), cookie) {
        Ok(fd) => Ok(Link::new(fd, "raw_tp")),
        Err(Errno::NOENT) => {
            let cause = format!("the kernel has no tracepoint {name}");
            Err(Error::not_found(cause))
        }
        Err(errno) => {
            let what = format!("raw tracepoint {name}");
            Err(refused_tracepoint(errno, cookie, &what))
        }
    }
}

/// Why a raw tracepoint was refused.
fn refused_tracepoint(errno: Errno, cookie: u64, what: &str) -> Error {
    let has_no_cookie = || has_member("bpf_raw_tp_link", "cookie") == Some(false);
    match errno == Errno::INVAL && cookie != 0 && has_no_cookie() {
        true => Error::unsupported("a cookie for raw tracepoints", Some("6.10")),
        false => errno.error(what),
    }
}

/// Attaches a program to the formatted tracepoint `category/name`.
pub(super) fn tracepoint(
    program: &Program,
    category: &str,
    name: &str,
    options: &AttachOptions,
) -> Result<Link> {
    let attach = || {
        let id = tracefs::event_id(category, name)?;
        let event = sys::perf_event_open_tracepoint(id, None)
            .map_err(|errno| errno.error("perf_event_open"))?;
        let (fd, is_link) = super::perf::attach(program.as_fd(), event, options)?;
        let how = match is_link {
            true => "tracepoint/link",
            false => "tracepoint/ioctl",
        };
        let part = super::link::Part::of_event(fd, is_link);
        Ok(Link::from_parts(vec![part], how))
    };
    attach().with_context(|| format!("tracepoint {category}/{name}"))
}

impl Program {
    /// Attaches a tracepoint program to `category/name`, whatever its section
    /// says.
    ///
    /// # Errors
    /// `NotFound` for a tracepoint that the kernel does not have and where
    /// tracefs is not mounted; `Unsupported` for a cookie on kernels without;
    /// what the kernel says otherwise.
    ///
    /// Kernel: 4.7, cookies since 5.15
    pub fn attach_tracepoint(
        &self,
        category: &str,
        name: &str,
        options: &AttachOptions,
    ) -> Result<Link> {
        tracepoint(self, category, name, options).with_context(|| self.context())
    }
}

pub(super) fn attach_lsm(program: &Program, cookie: u64) -> Result<Link> {
    require_bpf_lsm()?;
    trampoline(program, "lsm", cookie)
}

fn lsm_cgroup(program: &Program, cgroup: BorrowedFd<'_>) -> Result<Link> {
    require_bpf_lsm()?;
    let link = LinkCreate {
        prog: program.as_fd(),
        target: LinkTarget::Fd(cgroup),
        attach_type: LSM_CGROUP,
        flags: 0,
        args: LinkArgs::None,
    };
    let created = sys::link_create(&link);
    let fd = created.map_err(|errno| refused(errno, LSM_CGROUP, "lsm_cgroup"))?;
    Ok(Link::new(fd, "lsm_cgroup"))
}

/// Refuses where `bpf` is not among the active security modules: programs can
/// be attached there, but nothing ever runs them.
pub(crate) fn require_bpf_lsm() -> Result<()> {
    let is_active = sys::is_lsm_active(sys::LSM_ID_BPF, "bpf");
    let is_active = is_active.map_err(|errno| {
        let why = "which security modules are active (mount -t securityfs securityfs /sys/kernel/security)";
        errno.error(why)
    })?;
    if is_active {
        return Ok(());
    }
    if let Some(error) = lacking(super::BPF_LSM_MAC) {
        return Err(error);
    }
    let feature = "the security module bpf";
    let cause = "the security module bpf is not active: the kernel would attach the program and never run it (boot with lsm=...,bpf)";
    Err(Error::new(
        crate::ErrorKind::Unsupported {
            feature,
            since: None,
        },
        cause,
    ))
}

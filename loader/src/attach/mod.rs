//! Attaching programs to what they observe.
//!
//! A hook can often be reached in several ways. The better way is tried first
//! and, where this kernel has it not, the next: nothing here asks for a kernel
//! version. What worked is remembered for the process, so that the second probe
//! does not fail its way down again.

mod cgroup;
mod clsact;
mod devmap;
pub(crate) mod doors;
mod kallsyms;
mod kprobe;
mod link;
mod mprog;
mod net;
mod netfilter;
mod netlink;
mod netns;
mod perf;
mod pin;
mod prog_attach;
pub mod query;
mod rtnetlink;
mod socket;
mod sockmap;
mod tc;
mod tracefs;
mod xdp;

pub use cgroup::{CgroupMode, CgroupOptions};
pub(crate) use kallsyms::missing_function;
pub(crate) use kprobe::SYSCALL_PREFIX;
pub use link::Link;
pub(crate) use link::{Part, Undo};
pub use mprog::{Anchor, NetkitOptions, NetkitSide, Relative, TcDirection, TcxOptions};
pub use net::{Via, ifindex};
pub use netfilter::{NetfilterFamily, NetfilterHook, NetfilterOptions};
pub use pin::{LinkInfo, LinkedTo};
pub use sockmap::SockmapOptions;
pub use tc::TcOptions;
pub use xdp::{XdpAttached, XdpMode, XdpOptions, query_xdp};

use crate::error::{Error, Result, ResultExt};
use crate::program::Program;
use crate::spec::AttachSpec;
use crate::sys::{self, Errno};
use std::ffi::CString;
use std::os::fd::AsFd;

/// The ways to attach to a perf event or a kprobe, best first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rung {
    /// A perf event with a link. Kernel: 5.15
    #[default]
    Link,
    /// A perf event with an ioctl. Kernel: 4.17 for kprobes
    Ioctl,
    /// A kprobe made through tracefs. Kernel: 4.1
    Tracefs,
}

/// Attaches a program where its section says, starting at `rung` where there
/// are several ways.
pub(crate) fn attach(program: &Program, rung: Rung) -> Result<Link> {
    match program.attach_spec() {
        AttachSpec::Fentry { .. } => trampoline(program, "fentry"),
        AttachSpec::Fexit { .. } => trampoline(program, "fexit"),
        AttachSpec::FmodRet { .. } => trampoline(program, "fmod_ret"),
        AttachSpec::TpBtf { .. } => trampoline(program, "tp_btf"),
        AttachSpec::Lsm { .. } => trampoline(program, "lsm"),
        AttachSpec::RawTracepoint { name } => raw_tracepoint(program, name),
        AttachSpec::Tracepoint { category, name } => tracepoint(program, category, name, rung),
        AttachSpec::Kprobe { func, offset } => {
            kprobe::attach(program, &kprobe::Target::entry(func, *offset), rung)
        }
        AttachSpec::Kretprobe { func } => kprobe::attach(program, &kprobe::Target::ret(func), rung),
        AttachSpec::Ksyscall { name, ret } => {
            kprobe::attach(program, &kprobe::Target::syscall(name, *ret), rung)
        }
        AttachSpec::None { .. } => Err(net::needs(program)),
        _ => Err(Error::unsupported("attaching this type of program", None)),
    }
}

/// Attaches a program to the BTF-typed hook that it was loaded for.
///
/// BPF_LINK_CREATE does the same since 5.18; this command does it on all.
fn trampoline(program: &Program, how: &'static str) -> Result<Link> {
    let opened = sys::raw_tracepoint_open(program.as_fd(), None, 0);
    opened
        .map(|fd| Link::new(fd, how))
        .map_err(|errno| errno.error(how))
}

/// Attaches a program to the raw tracepoint `name`.
pub(crate) fn raw_tracepoint(program: &Program, name: &str) -> Result<Link> {
    let name_c = c_string(name)?;
    match sys::raw_tracepoint_open(program.as_fd(), Some(&name_c), 0) {
        Ok(fd) => Ok(Link::new(fd, "raw_tp")),
        Err(Errno::NOENT) => Err(Error::not_found(format!(
            "the kernel has no tracepoint {name}"
        ))),
        Err(errno) => Err(errno.error(format_args!("raw tracepoint {name}"))),
    }
}

/// Attaches a program to the formatted tracepoint `category/name`.
pub(crate) fn tracepoint(
    program: &Program,
    category: &str,
    name: &str,
    rung: Rung,
) -> Result<Link> {
    let context = || format!("tracepoint {category}/{name}");
    let id = tracefs::event_id(category, name).with_context(context)?;
    let event = sys::perf_event_open_tracepoint(id)
        .map_err(|errno| errno.error("perf_event_open"))
        .with_context(context)?;
    let (fd, is_link) = perf::attach(program.as_fd(), event, rung).with_context(context)?;
    let how = if is_link {
        "tracepoint/link"
    } else {
        "tracepoint/ioctl"
    };
    Ok(Link::from_parts(vec![Part::of_event(fd, is_link)], how))
}

pub(crate) use kprobe::{Target as KprobeTarget, attach as kprobe_at};

/// A name for the kernel.
fn c_string(name: &str) -> Result<CString> {
    if name.is_empty() {
        return Err(Error::invalid_input("the section names no hook"));
    }
    CString::new(name).map_err(|_| Error::invalid_input("a name with a NUL inside"))
}

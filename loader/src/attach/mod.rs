//! Attaching programs to what they observe.
//!
//! A hook can often be reached in several ways. The better way is tried first
//! and, where this kernel has it not, the next: nothing here asks for a kernel
//! version. What worked is remembered for the process, so that the second probe
//! does not fail its way down again.
//!
//! [`Program::attach`] goes by the section's name. Each kind of hook has a
//! method of its own on [`Program`] as well, for hooks that are known at run
//! time only.

mod binary;
mod cgroup;
mod clsact;
mod devmap;
pub(crate) mod doors;
mod filters;
mod interfaces;
mod iter;
mod kallsyms;
mod kprobe;
mod kprobe_multi;
mod lacking;
mod link;
mod link_info;
mod many;
mod mprog;
mod net;
mod netfilter;
mod netlink;
mod netns;
mod pattern;
mod perf;
mod pin;
mod pmu;
mod prog_attach;
pub mod query;
mod rtnetlink;
mod socket;
mod sockmap;
mod tc;
mod trace;
mod tracefs;
mod tracing_multi;
mod uprobe;
pub(crate) mod uprobe_multi;
mod usdt;
mod xdp;

pub use cgroup::{CgroupMode, CgroupOptions};
pub use filters::{
    AttachedFilter, IngressQdisc, delete_clsact, delete_filter, query_filters, query_ingress_qdisc,
};
pub use interfaces::{Interface, InterfaceWatch, interfaces};
pub use iter::{CgroupOrder, Iter, IterOver};
pub(crate) use kallsyms::missing_function;
pub use kprobe::KprobeOptions;
pub(crate) use kprobe::SYSCALL_PREFIX;
pub use kprobe_multi::{Functions, KprobeMultiOptions};
pub(crate) use lacking::lacking;
pub use link::Link;
pub(crate) use link::{Part, Undo};
pub use link_info::{LinkInfo, LinkedTo};
pub use mprog::{Anchor, NetkitOptions, NetkitSide, Relative, TcDirection, TcxOptions};
pub use net::{Via, ifindex};
pub use netfilter::{NetfilterFamily, NetfilterHook, NetfilterOptions};
pub use perf::{Counter, Sampling, open_perf_event};
pub use sockmap::SockmapOptions;
pub use tc::TcOptions;
pub use uprobe::UprobeOptions;
pub use uprobe_multi::{Places, UprobeMultiOptions};
pub(crate) use usdt::UsdtMaps;
pub use usdt::UsdtOptions;
pub use xdp::{XdpAttached, XdpMode, XdpOptions, query_xdp};

use crate::error::{Error, Result};
use crate::program::Program;
use crate::spec::{AttachSpec, MultiAt};
use std::ffi::CString;

const BPF_LSM_MAC: u32 = 27;

/// The ways to attach to a perf event or a probe, best first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rung {
    /// A perf event with a link. Kernel: 5.15
    #[default]
    Link,
    /// A perf event with an ioctl. Kernel: 4.17 for kprobes and uprobes
    Ioctl,
    /// A probe made through tracefs. Kernel: 4.1
    Tracefs,
}

/// How to attach, for hooks that the section's name says all else about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttachOptions {
    /// What `bpf_get_attach_cookie` gives the program (`bpf_usdt_cookie` for
    /// static probes); 0 for none. Never dropped where the kernel has no
    /// cookies: that is an error.
    pub cookie: u64,
    /// The best way to try; means nothing where there is only one.
    pub rung: Rung,
}

/// Attaches a program where its section says.
pub(crate) fn attach(program: &Program, options: &AttachOptions) -> Result<Link> {
    let cookie = options.cookie;
    match program.attach_spec() {
        AttachSpec::Fentry { .. } => trace::trampoline(program, "fentry", cookie),
        AttachSpec::Fexit { .. } => trace::trampoline(program, "fexit", cookie),
        AttachSpec::FmodRet { .. } => trace::trampoline(program, "fmod_ret", cookie),
        AttachSpec::Fsession { .. } => trace::trampoline(program, "fsession", cookie),
        AttachSpec::Freplace { .. } => trace::trampoline(program, "freplace", cookie),
        AttachSpec::TpBtf { .. } => trace::trampoline(program, "tp_btf", cookie),
        AttachSpec::Lsm { .. } => trace::attach_lsm(program, cookie),
        AttachSpec::TracingMulti { pattern, .. } => {
            no_cookie(cookie)?;
            tracing_multi::attach_pattern(program, pattern)
        }
        AttachSpec::RawTracepoint { name } => trace::raw_tracepoint(program, name, cookie),
        AttachSpec::Tracepoint { category, name } => {
            trace::tracepoint(program, category, name, options)
        }
        AttachSpec::Kprobe { func, offset } => {
            kprobe::attach(program, func, &kprobe(false, *offset, options))
        }
        AttachSpec::Kretprobe { func } => kprobe::attach(program, func, &kprobe(true, 0, options)),
        AttachSpec::Ksyscall { name, ret } => {
            kprobe::attach_syscall(program, name, &kprobe(*ret, 0, options))
        }
        AttachSpec::KprobeMulti { pattern, at } => {
            no_cookie(cookie)?;
            let on_return = *at == MultiAt::Return;
            kprobe_multi::attach_pattern(program, pattern, on_return)
        }
        AttachSpec::Uprobe {
            binary,
            func,
            offset,
            ret,
        } => {
            let options = UprobeOptions {
                function: func.clone(),
                offset_bytes: *offset,
                on_return: *ret,
                cookie,
                rung: options.rung,
                ..UprobeOptions::default()
            };
            uprobe::attach(program, binary, &options)
        }
        AttachSpec::UprobeMulti {
            binary,
            pattern,
            at,
        } => {
            no_cookie(cookie)?;
            let options = UprobeMultiOptions {
                on_return: *at == MultiAt::Return,
                ..UprobeMultiOptions::default()
            };
            uprobe_multi::attach(program, binary, &Places::Pattern(pattern), &options)
        }
        AttachSpec::Usdt {
            binary,
            provider,
            name,
        } => {
            let options = UsdtOptions { cookie, pid: None };
            usdt::attach(program, binary, provider, name, &options)
        }
        AttachSpec::Iter { .. } => {
            no_cookie(cookie)?;
            iter::attach(program, IterOver::All)
        }
        AttachSpec::LsmCgroup { .. } => Err(Error::invalid_input(
            "lsm_cgroup needs a cgroup: attach it by attach_lsm_cgroup",
        )),
        AttachSpec::StructOps { .. } => Err(Error::invalid_input(
            "a function of struct_ops is attached with its map",
        )),
        AttachSpec::None { .. } => Err(net::needs(program)),
    }
}

fn kprobe(on_return: bool, offset_bytes: u64, options: &AttachOptions) -> KprobeOptions {
    KprobeOptions {
        max_active: 0,
        on_return,
        offset_bytes,
        cookie: options.cookie,
        rung: options.rung,
    }
}

/// A hook at many places takes one cookie for each.
fn no_cookie(cookie: u64) -> Result<()> {
    match cookie {
        0 => Ok(()),
        _ => Err(Error::invalid_input(
            "one cookie for many places: give each its own by the hook's own method",
        )),
    }
}

/// A name for the kernel.
fn c_string(name: &str) -> Result<CString> {
    if name.is_empty() {
        return Err(Error::invalid_input("the section names no hook"));
    }
    CString::new(name).map_err(|_| Error::invalid_input("a name with a NUL inside"))
}

//! Netfilter hooks and infrared receivers: each has one way.

use super::link::Link;
use super::net::{self, opened};
use super::prog_attach::Attached;
use crate::error::{Result, ResultExt};
use crate::program::Program;
use crate::sys::{LinkArgs, LinkCreate, LinkTarget, ProgAttach};
use std::os::fd::AsFd;

const BPF_NETFILTER: u32 = 45;
const BPF_LIRC_MODE2: u32 = 16;
const BPF_F_NETFILTER_IP_DEFRAG: u32 = 1;

/// Which packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetfilterFamily {
    /// Those of IPv4.
    Ipv4,
    /// Those of IPv6.
    Ipv6,
}

/// Where on a packet's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetfilterHook {
    /// It has come in.
    PreRouting,
    /// It is for this machine.
    LocalIn,
    /// It is for another machine.
    Forward,
    /// It is from this machine.
    LocalOut,
    /// It is going out.
    PostRouting,
}

/// How to attach a program to netfilter.
#[derive(Clone, Copy, Debug)]
pub struct NetfilterOptions {
    /// Which packets; IPv4 by default.
    pub family: NetfilterFamily,
    /// Where; what is for this machine by default.
    pub hook: NetfilterHook,
    /// When: lower runs earlier. Of what BPF attaches, one per priority.
    pub priority: i32,
    /// Put fragments together before; the priority has to be above -400 then.
    /// Kernel: 6.6
    pub defrag: bool,
}

impl Default for NetfilterOptions {
    fn default() -> Self {
        Self {
            family: NetfilterFamily::Ipv4,
            hook: NetfilterHook::LocalIn,
            priority: 0,
            defrag: false,
        }
    }
}

impl Program {
    /// Attaches a netfilter program to a hook of the caller's network
    /// namespace.
    ///
    /// # Errors
    /// `InvalidInput` for a program of another type; what the kernel says
    /// otherwise (ERANGE for the first and last priority there is, EBUSY for
    /// one that is taken, ENOENT without the module that defragments).
    ///
    /// Kernel: 6.4
    pub fn attach_netfilter(&self, options: &NetfilterOptions) -> Result<Link> {
        netfilter(self, options).with_context(|| self.context())
    }

    /// Attaches a lirc_mode2 program to an infrared receiver, an open
    /// /dev/lircN.
    ///
    /// # Errors
    /// `InvalidInput` for a program of another type; what the kernel says
    /// otherwise (EINVAL without CONFIG_BPF_LIRC_MODE2).
    ///
    /// Kernel: 4.18
    pub fn attach_lirc(&self, device: impl AsFd) -> Result<Link> {
        lirc(self, device.as_fd()).with_context(|| self.context())
    }
}

fn netfilter(program: &Program, options: &NetfilterOptions) -> Result<Link> {
    net::expect_type(program, net::NETFILTER, "netfilter")?;
    let (pf, family) = match options.family {
        NetfilterFamily::Ipv4 => (2, "IPv4"),
        NetfilterFamily::Ipv6 => (10, "IPv6"),
    };
    let request = LinkCreate {
        prog: program.as_fd(),
        target: LinkTarget::None,
        attach_type: BPF_NETFILTER,
        flags: 0,
        args: LinkArgs::Netfilter {
            pf,
            hooknum: options.hook as u32,
            priority: options.priority,
            flags: match options.defrag {
                true => BPF_F_NETFILTER_IP_DEFRAG,
                false => 0,
            },
        },
    };
    net::link(&request, "netfilter", "a netfilter link", "6.4").with_context(|| {
        let NetfilterOptions { hook, priority, .. } = options;
        format!("{family} hook {hook:?} at priority {priority}")
    })
}

fn lirc(program: &Program, device: std::os::fd::BorrowedFd<'_>) -> Result<Link> {
    net::expect_type(program, net::LIRC_MODE2, "lirc_mode2")?;
    let attach = ProgAttach {
        prog: program.as_fd(),
        target: Some(device),
        attach_type: BPF_LIRC_MODE2,
        flags: 0,
        replace: None,
    };
    Attached::link(&attach, "lirc_mode2").with_context(|| opened("device", device))
}

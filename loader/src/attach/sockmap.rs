//! Programs of a map of sockets: sk_msg and sk_skb.

use super::link::Link;
use super::net::{self, Via};
use super::prog_attach::Attached;
use crate::error::{Error, Result, ResultExt};
use crate::map::Map;
use crate::program::Program;
use crate::sys::{self, LinkArgs, LinkCreate, LinkTarget, ProgAttach};
use std::os::fd::AsFd;

const BPF_SK_SKB_STREAM_VERDICT: u32 = 5;
const BPF_SK_MSG_VERDICT: u32 = 7;
const BPF_SK_SKB_VERDICT: u32 = 38;

/// How to attach a program to a map of sockets.
#[derive(Clone, Copy, Debug, Default)]
pub struct SockmapOptions {
    /// `BPF_SK_*` of `enum bpf_attach_type`; the section's where it is `None`,
    /// and for the section `sk_skb`, which names none, the stream verdict.
    pub attach_type: Option<u32>,
    /// By link or by BPF_PROG_ATTACH.
    pub via: Via,
}

impl Program {
    /// Attaches an sk_msg or sk_skb program to a SOCKMAP or SOCKHASH: it runs
    /// for the sockets that are put into it afterwards.
    ///
    /// # Errors
    /// `InvalidInput` for a program of another type; `Unsupported` for links
    /// alone before 6.10; what the kernel says otherwise (EBUSY where a link
    /// holds the place; without links a program there is replaced).
    ///
    /// Kernel: 4.14, sk_msg 4.17; `sk_skb/verdict` 5.13; by link 6.10
    pub fn attach_sockmap(&self, map: &Map, options: &SockmapOptions) -> Result<Link> {
        attach(self, map, options)
            .with_context(|| format!("map {}", map.name()))
            .with_context(|| self.context())
    }
}

fn attach(program: &Program, map: &Map, options: &SockmapOptions) -> Result<Link> {
    let own = match (program.prog_type(), program.expected_attach_type()) {
        (net::SK_MSG, _) => BPF_SK_MSG_VERDICT,
        (net::SK_SKB, 0) => BPF_SK_SKB_STREAM_VERDICT,
        (net::SK_SKB, own) => own,
        _ => return Err(net::wrong_type(program, "the sk_msg or sk_skb")),
    };
    let attach_type = options.attach_type.unwrap_or(own);
    if options.via != Via::Legacy {
        let request = LinkCreate {
            prog: program.as_fd(),
            target: LinkTarget::Fd(map.as_fd()),
            attach_type,
            flags: 0,
            args: LinkArgs::None,
        };
        let linked = net::link(&request, "sockmap/link", "a link of a socket map", "6.10");
        if options.via == Via::Link || !net::is_unsupported(&linked) {
            return linked;
        }
    }
    let attach = ProgAttach {
        prog: program.as_fd(),
        target: Some(map.as_fd()),
        attach_type,
        flags: 0,
        replace: None,
    };
    let attached = Attached::link(&attach, "sockmap/prog_attach");
    if attach_type == BPF_SK_SKB_VERDICT
        && attached.is_err()
        && !sys::knows_prog_attach(program.as_fd(), attach_type, 0)
    {
        return Err(Error::unsupported("BPF_SK_SKB_VERDICT", Some("5.13")));
    }
    attached
}

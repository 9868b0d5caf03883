//! XDP: by link, else by rtnetlink.

use super::link::{Link, Part, Undo};
use super::net::{Via, device};
use super::netlink::{ACK, Attributes, Request};
use super::prog_attach::kept;
use super::rtnetlink::{Connection, RTM_GETLINK, Refused};
use crate::error::{Error, Result, ResultExt};
use crate::program::Program;
use crate::sys::{self, Errno, LinkArgs, LinkCreate, LinkTarget};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

const BPF_XDP: u32 = 37;

const RTM_SETLINK: u16 = 19;
const IFLA_EXT_MASK: u16 = 29;
const IFLA_XDP: u16 = 43;
const RTEXT_FILTER_SKIP_STATS: u32 = 1 << 3;
const IFLA_XDP_FD: u16 = 1;
const IFLA_XDP_FLAGS: u16 = 3;
const IFLA_XDP_PROG_ID: u16 = 4;
const IFLA_XDP_DRV_PROG_ID: u16 = 5;
const IFLA_XDP_SKB_PROG_ID: u16 = 6;
const IFLA_XDP_HW_PROG_ID: u16 = 7;
const IFLA_XDP_EXPECTED_FD: u16 = 8;
const XDP_FLAGS_UPDATE_IF_NOEXIST: u32 = 1;
const XDP_FLAGS_REPLACE: u32 = 16;

/// Who runs an XDP program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum XdpMode {
    /// The driver if it can, else the network stack.
    #[default]
    Any,
    /// The network stack, after the packet has got an skb. Kernel: 4.12
    Skb,
    /// The driver. Kernel: 4.8
    Drv,
    /// The device itself; the program has to be loaded for it. Kernel: 4.13
    Hw,
}

impl XdpMode {
    fn flags(self) -> u32 {
        match self {
            Self::Any => 0,
            Self::Skb => 2,
            Self::Drv => 4,
            Self::Hw => 8,
        }
    }
}

/// How to attach an XDP program.
#[derive(Clone, Copy, Debug, Default)]
pub struct XdpOptions<'a> {
    /// Who runs it.
    pub mode: XdpMode,
    /// By link or by rtnetlink.
    pub via: Via,
    /// The program whose place it takes, which was attached by rtnetlink; so
    /// is this one then. A link changes its program by [`Link::update`].
    pub replace: Option<&'a Program>,
}

/// The XDP programs on an interface, by the kernel's numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct XdpAttached {
    /// The one that runs, where there is one alone.
    pub prog_id: Option<u32>,
    /// The network stack's.
    pub skb: Option<u32>,
    /// The driver's.
    pub drv: Option<u32>,
    /// The device's.
    pub hw: Option<u32>,
}

impl Program {
    /// Attaches an XDP program to an interface.
    ///
    /// # Errors
    /// `InvalidInput` for a program of another type; `Unsupported` for links
    /// alone before 5.9; what the kernel says otherwise (EBUSY or EEXIST where
    /// another program is, EOPNOTSUPP for a mode that the driver has not).
    ///
    /// Kernel: 4.8; by link 5.9
    pub fn attach_xdp(&self, ifindex: u32, options: &XdpOptions<'_>) -> Result<Link> {
        attach(self, ifindex, options).with_context(|| self.context())
    }
}

fn attach(program: &Program, ifindex: u32, options: &XdpOptions<'_>) -> Result<Link> {
    super::net::expect_type(program, super::net::XDP, "XDP")?;
    attach_to(program, ifindex, options).with_context(|| device(ifindex))
}

fn attach_to(program: &Program, ifindex: u32, options: &XdpOptions<'_>) -> Result<Link> {
    if options.via != Via::Legacy && options.replace.is_none() {
        let created = sys::link_create(&LinkCreate {
            prog: program.as_fd(),
            target: LinkTarget::Ifindex(ifindex),
            attach_type: BPF_XDP,
            flags: options.mode.flags(),
            args: LinkArgs::None,
        });
        match created {
            Ok(fd) => return Ok(Link::new(fd, "xdp/link")),
            // rtnetlink knows older kernels, and says more of what is wrong.
            Err(Errno::INVAL) if options.via == Via::Best => {}
            Err(Errno::INVAL) if !sys::knows_link_detach() => {
                return Err(Error::unsupported("an XDP link", Some("5.9")));
            }
            Err(errno) => return Err(explain(errno)),
        }
    }
    let mut attached = Attached {
        connection: Connection::open()?,
        prog: kept(program.as_fd())?,
        ifindex,
        mode: options.mode,
    };
    let expected = options.replace.map(AsFd::as_fd);
    attached
        .set(program.as_fd(), expected)
        .map_err(|refused| refused.error("RTM_SETLINK"))?;
    let parts = vec![Part::undo(attached)];
    Ok(Link::from_parts(parts, "xdp/netlink"))
}

fn explain(errno: Errno) -> Error {
    errno.error(match errno {
        Errno::BUSY => "BPF_LINK_CREATE: the interface has an XDP program",
        Errno::OPNOTSUPP => "BPF_LINK_CREATE: the driver has no XDP of this mode",
        _ => "BPF_LINK_CREATE",
    })
}

/// What the kernel says when our program is not attached any more: no such
/// interface, another program, a link.
const GONE: [Errno; 3] = [Errno::NODEV, Errno::EXIST, Errno::BUSY];

/// A program attached by rtnetlink.
#[derive(Debug)]
struct Attached {
    connection: Connection,
    prog: OwnedFd,
    ifindex: u32,
    mode: XdpMode,
}

impl Attached {
    /// Attaches `prog` in the place of `expected`, or of nothing.
    fn set(
        &mut self,
        prog: BorrowedFd<'_>,
        expected: Option<BorrowedFd<'_>>,
    ) -> Result<(), Refused> {
        let fd = number(prog);
        let request = set_link(self.ifindex, self.mode, fd, expected.map(number));
        self.connection.talk(request, |_| ())
    }
}

impl Undo for Attached {
    fn undo(&mut self) -> Result<()> {
        let ours = number(self.prog.as_fd());
        let request = set_link(self.ifindex, self.mode, u32::MAX, Some(ours));
        match self.connection.talk(request, |_| ()) {
            // The interface has gone, or another program has our place.
            Err(refused) if GONE.contains(&refused.errno) => Ok(()),
            Err(refused) => Err(refused.error("RTM_SETLINK").context(device(self.ifindex))),
            Ok(()) => Ok(()),
        }
    }

    fn replace(&mut self, new: &Program, old: Option<&Program>) -> Result<()> {
        let new = kept(new.as_fd())?;
        let old = match old {
            Some(old) => kept(old.as_fd())?,
            None => kept(self.prog.as_fd())?,
        };
        self.set(new.as_fd(), Some(old.as_fd()))
            .map_err(|refused| refused.error("RTM_SETLINK").context(device(self.ifindex)))?;
        self.prog = new;
        Ok(())
    }
}

/// A descriptor as a message carries it.
fn number(fd: BorrowedFd<'_>) -> u32 {
    fd.as_raw_fd() as u32
}

/// `struct ifinfomsg` for an interface.
fn ifinfomsg(ifindex: u32) -> [u8; 16] {
    let mut fixed = [0; 16];
    let (_, index) = fixed.split_at_mut(4);
    index[..4].copy_from_slice(&ifindex.to_ne_bytes());
    fixed
}

/// Puts `prog` (none is -1) where `expected` is, or where nothing is.
fn set_link(ifindex: u32, mode: XdpMode, prog: u32, expected: Option<u32>) -> Request {
    let condition = match expected {
        Some(_) => XDP_FLAGS_REPLACE,
        None => XDP_FLAGS_UPDATE_IF_NOEXIST,
    };
    let mut request = Request::new(RTM_SETLINK, ACK, &ifinfomsg(ifindex));
    request.nest(IFLA_XDP, |xdp| {
        xdp.put_u32(IFLA_XDP_FD, prog);
        xdp.put_u32(IFLA_XDP_FLAGS, mode.flags() | condition);
        if let Some(expected) = expected {
            xdp.put_u32(IFLA_XDP_EXPECTED_FD, expected);
        }
    });
    request
}

/// The XDP programs on an interface.
///
/// # Errors
/// What the kernel says, ENODEV without such an interface.
///
/// Kernel: 4.8; by mode 4.19
pub fn query_xdp(ifindex: u32) -> Result<XdpAttached> {
    let mut request = Request::new(RTM_GETLINK, ACK, &ifinfomsg(ifindex));
    request.put_u32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
    let mut found = XdpAttached::default();
    let talked = Connection::open()?.talk(request, |message| {
        if let Ok((_, attributes)) = message.split::<16>() {
            found = attached(attributes.nested(IFLA_XDP));
        }
    });
    talked
        .map_err(|refused| refused.error("RTM_GETLINK"))
        .with_context(|| device(ifindex))?;
    Ok(found)
}

fn attached(xdp: Attributes<'_>) -> XdpAttached {
    let id = |kind| xdp.u32(kind).filter(|&id| id != 0);
    XdpAttached {
        prog_id: id(IFLA_XDP_PROG_ID),
        skb: id(IFLA_XDP_SKB_PROG_ID),
        drv: id(IFLA_XDP_DRV_PROG_ID),
        hw: id(IFLA_XDP_HW_PROG_ID),
    }
}

#[cfg(test)]
mod tests {
    use super::super::netlink::Messages;
    use super::*;

    fn request(expected: Option<u32>) -> (Option<u32>, Option<u32>, Option<u32>) {
        let bytes = set_link(3, XdpMode::Skb, 7, expected).finish(1).unwrap();
        let message = Messages(&bytes).next().unwrap().unwrap();
        assert_eq!(message.kind, RTM_SETLINK);
        let (fixed, attributes) = message.split::<16>().unwrap();
        assert_eq!(fixed[4..8], 3u32.to_ne_bytes());
        let xdp = attributes.nested(IFLA_XDP);
        let get = |kind| xdp.u32(kind);
        (
            get(IFLA_XDP_FD),
            get(IFLA_XDP_FLAGS),
            get(IFLA_XDP_EXPECTED_FD),
        )
    }

    #[test]
    fn a_program_is_put_only_where_none_is() {
        assert_eq!(request(None), (Some(7), Some(2 | 1), None));
    }

    #[test]
    fn a_program_is_replaced_only_if_it_is_the_expected_one() {
        assert_eq!(request(Some(9)), (Some(7), Some(2 | 16), Some(9)));
    }

    #[test]
    fn no_program_has_the_number_zero() {
        let mut request = Request::new(16, 0, &[]);
        request.put_u32(IFLA_XDP_PROG_ID, 0);
        request.put_u32(IFLA_XDP_SKB_PROG_ID, 12);
        let bytes = request.finish(0).unwrap();
        let found = attached(Attributes(&bytes[16..]));
        assert_eq!((found.prog_id, found.skb), (None, Some(12)));
    }

    #[test]
    fn nothing_is_attached_to_the_loopback_interface() {
        let lo = super::super::net::ifindex("lo").unwrap();
        assert_eq!(query_xdp(lo).unwrap(), XdpAttached::default());
    }
}

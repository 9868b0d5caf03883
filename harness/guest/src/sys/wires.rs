//! Network namespaces, and the wires between them.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use super::check;
use super::net::{
    IFLA_IFNAME, IFLA_INFO_KIND, IFLA_LINKINFO, NLM_F_CREATE_EXCL, RTM_NEWLINK, attribute,
    interface_request, route, socket,
};

const IFLA_ADDRESS: u16 = 1;
const IFLA_NET_NS_FD: u16 = 28;
const IFLA_INFO_DATA: u16 = 2;
/// VETH_INFO_PEER and IFLA_NETKIT_PEER_INFO alike.
const PEER_INFO: u16 = 1;
const IFLA_NETKIT_MODE: u16 = 5;
const NETKIT_L2: u32 = 0;
/// `struct ifinfomsg`.
const NO_INTERFACE: [u8; 16] = [0; 16];

/// setns(2) of this thread into a network namespace.
///
/// # Errors
/// What setns(2) says.
pub fn enter_netns(namespace: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: plain integers.
    let entered = unsafe { libc::setns(namespace.as_raw_fd(), libc::CLONE_NEWNET) };
    check(entered).map(drop)
}

/// Makes a pair of Ethernet devices of a kind (`veth`, `netkit`), the second of
/// them in another network namespace.
///
/// # Errors
/// What the kernel says: `EOPNOTSUPP` without such devices.
pub fn new_pair(
    kind: &str,
    (name, mac): (&str, [u8; 6]),
    (peer, peer_mac): (&str, [u8; 6]),
    namespace: BorrowedFd<'_>,
) -> io::Result<()> {
    let text = |text: &str| [text.as_bytes(), &[0]].concat();
    // One end of netkit has its address from the kernel: it must not be asked for.
    let addressed = |mac: [u8; 6]| match kind {
        "netkit" => Vec::new(),
        _ => attribute(IFLA_ADDRESS, &mac),
    };
    let namespace = namespace.as_raw_fd().to_ne_bytes();
    let peer = [
        NO_INTERFACE.to_vec(),
        attribute(IFLA_IFNAME, &text(peer)),
        addressed(peer_mac),
        attribute(IFLA_NET_NS_FD, &namespace),
    ];
    let mut data = attribute(PEER_INFO, &peer.concat());
    if kind == "netkit" {
        data.extend(attribute(IFLA_NETKIT_MODE, &NETKIT_L2.to_ne_bytes()));
    }
    let info = [
        attribute(IFLA_INFO_KIND, &text(kind)),
        attribute(IFLA_INFO_DATA, &data),
    ];
    let attributes = [
        attribute(IFLA_IFNAME, &text(name)),
        addressed(mac),
        attribute(IFLA_LINKINFO, &info.concat()),
    ];
    let attributes = attributes.concat();
    route(RTM_NEWLINK, NLM_F_CREATE_EXCL, &NO_INTERFACE, &attributes)
}

/// Makes a device whose packets begin with the IP header: what is written to the
/// file comes in by it, what goes out is read from the file. It goes with the file.
///
/// # Errors
/// What the kernel says: `NotFound` without tun.
pub fn new_tun(name: &str) -> io::Result<File> {
    let file = File::options()
        .read(true)
        .write(true)
        .open("/dev/net/tun")?;
    let mut request = interface_request(name)?;
    request.ifr_ifru.ifru_flags = (libc::IFF_TUN | libc::IFF_NO_PI) as libc::c_short;
    // SAFETY: TUNSETIFF reads and writes one ifreq, which `request` is.
    check(unsafe { libc::ioctl(file.as_raw_fd(), libc::TUNSETIFF as _, &raw mut request) })?;
    Ok(file)
}

/// A socket for whole frames of one interface.
#[derive(Debug)]
pub struct Frames(OwnedFd);

impl Frames {
    /// Opens one in this thread's network namespace; what comes from now on waits
    /// to be received.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn open(ifindex: u32) -> io::Result<Self> {
        let all = i32::from(3_u16.to_be());
        let frames = Self(socket(libc::AF_PACKET, libc::SOCK_RAW, all)?);
        // SAFETY: plain data for which all zeroes is a value.
        let mut address: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
        address.sll_family = libc::AF_PACKET as libc::sa_family_t;
        address.sll_protocol = 3_u16.to_be();
        address.sll_ifindex = i32::try_from(ifindex).map_err(io::Error::other)?;
        // SAFETY: a live address whose size is passed with it.
        check(unsafe {
            libc::bind(
                frames.0.as_raw_fd(),
                (&raw const address).cast(),
                size_of::<libc::sockaddr_ll>() as libc::socklen_t,
            )
        })?;
        Ok(frames)
    }

    /// Sends one, header included.
    ///
    /// # Errors
    /// What the kernel says: `ENOBUFS` where it was dropped on the way.
    pub fn send(&self, frame: &[u8]) -> io::Result<()> {
        // SAFETY: a live slice whose length is passed with it.
        check(unsafe {
            libc::send(self.0.as_raw_fd(), frame.as_ptr().cast(), frame.len(), 0) as i64
        })
        .map(drop)
    }

    /// The next frame that has come in, not one that went out from here.
    ///
    /// # Errors
    /// `WouldBlock` where none comes in so long.
    pub fn receive(&self, patience: Duration) -> io::Result<Vec<u8>> {
        let wait_ms = i32::try_from(patience.as_millis()).unwrap_or(i32::MAX);
        loop {
            let fd = std::os::fd::AsFd::as_fd(&self.0);
            super::process::poll_in(&[fd], wait_ms)?;
            let mut frame = vec![0_u8; 2048];
            // SAFETY: plain data for which all zeroes is a value.
            let mut from: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
            let mut from_bytes = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
            // SAFETY: live buffers whose sizes are passed with them.
            let received = check(unsafe {
                libc::recvfrom(
                    self.0.as_raw_fd(),
                    frame.as_mut_ptr().cast(),
                    frame.len(),
                    libc::MSG_DONTWAIT,
                    (&raw mut from).cast(),
                    &raw mut from_bytes,
                ) as i64
            })?;
            frame.truncate(usize::try_from(received).map_err(io::Error::other)?);
            if from.sll_pkttype != libc::PACKET_OUTGOING {
                return Ok(frame);
            }
        }
    }
}

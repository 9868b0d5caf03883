//! Sockets and devices that the standard library does not make.

use std::io;
use std::net::{IpAddr, TcpStream};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use super::check;

/// `struct nlmsghdr` and `struct ifinfomsg` or `struct tcmsg` before attributes.
pub(super) const RTM_NEWLINK: u16 = 16;
const RTM_DELLINK: u16 = 17;
const RTM_NEWADDR: u16 = 20;
const RTM_NEWQDISC: u16 = 36;
const RTM_DELQDISC: u16 = 37;
const TCA_KIND: u16 = 1;
const NLM_F_REQUEST_ACK: u16 = 5;
pub(super) const NLM_F_CREATE_EXCL: u16 = 0x600;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
/// No waiting until the address is known to be nobody else's.
const IFA_F_NODAD: u8 = 2;
pub(super) const IFLA_IFNAME: u16 = 3;
pub(super) const IFLA_LINKINFO: u16 = 18;
pub(super) const IFLA_INFO_KIND: u16 = 1;
const CLSACT: u32 = 0xffff_fff1;
const CLSACT_HANDLE: u32 = 0xffff_0000;
const NLMSG_ERROR: u16 = 2;

pub(super) fn socket(domain: i32, kind: i32, protocol: i32) -> io::Result<OwnedFd> {
    // SAFETY: no memory is passed.
    let fd = check(unsafe { libc::socket(domain, kind | libc::SOCK_CLOEXEC, protocol) })?;
    // SAFETY: the kernel has just made this descriptor for us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

fn set_option(socket: &OwnedFd, option: i32, value: i32) -> io::Result<()> {
    // SAFETY: the value is a live int whose size is passed with it.
    check(unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            option,
            (&raw const value).cast(),
            size_of::<i32>() as libc::socklen_t,
        )
    })
    .map(drop)
}

/// A UDP socket on a port of the loopback interface that others may share.
///
/// # Errors
/// What the kernel says.
pub fn shared_udp(port: u16) -> io::Result<OwnedFd> {
    let socket = socket(libc::AF_INET, libc::SOCK_DGRAM, 0)?;
    set_option(&socket, libc::SO_REUSEPORT, 1)?;
    // SAFETY: plain data for which all zeroes is a value.
    let mut address: libc::sockaddr_in = unsafe { std::mem::zeroed() };
    address.sin_family = libc::AF_INET as libc::sa_family_t;
    address.sin_port = port.to_be();
    address.sin_addr.s_addr = u32::from(std::net::Ipv4Addr::LOCALHOST).to_be();
    // SAFETY: a live address whose size is passed with it.
    check(unsafe {
        libc::bind(
            socket.as_raw_fd(),
            (&raw const address).cast(),
            size_of::<libc::sockaddr_in>() as libc::socklen_t,
        )
    })?;
    Ok(socket)
}

/// Gives a TCP connection another congestion control.
///
/// # Errors
/// What the kernel says: ENOENT for one that is not registered.
pub fn set_congestion(connection: &TcpStream, name: &str) -> io::Result<()> {
    // SAFETY: live bytes whose length is passed with them.
    let set = unsafe {
        libc::setsockopt(
            connection.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_CONGESTION,
            name.as_ptr().cast(),
            name.len() as libc::socklen_t,
        )
    };
    check(set).map(drop)
}

/// Sends one frame out of an interface, header included, marked with `mark`.
///
/// # Errors
/// What the kernel says.
pub fn send_frame(ifindex: u32, mark: i32, frame: &[u8]) -> io::Result<()> {
    let socket = socket(libc::AF_PACKET, libc::SOCK_RAW, 0)?;
    set_option(&socket, libc::SO_MARK, mark)?;
    // SAFETY: plain data for which all zeroes is a value.
    let mut address: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
    address.sll_family = libc::AF_PACKET as libc::sa_family_t;
    address.sll_protocol = 0x0800_u16.to_be();
    address.sll_ifindex = i32::try_from(ifindex).map_err(io::Error::other)?;
    // SAFETY: a live frame and a live address whose sizes are passed with them.
    check(unsafe {
        libc::sendto(
            socket.as_raw_fd(),
            frame.as_ptr().cast(),
            frame.len(),
            0,
            (&raw const address).cast(),
            size_of::<libc::sockaddr_ll>() as libc::socklen_t,
        ) as i64
    })
    .map(drop)
}

/// Makes a pair of netkit devices, of which the primary one has this name.
///
/// # Errors
/// What the kernel says: `EOPNOTSUPP` without netkit.
pub fn new_netkit(name: &str) -> io::Result<()> {
    let mut named = name.as_bytes().to_vec();
    named.push(0);
    let kind = attribute(IFLA_INFO_KIND, b"netkit\0");
    let attributes = [
        attribute(IFLA_IFNAME, &named),
        attribute(IFLA_LINKINFO, &kind),
    ];
    route(
        RTM_NEWLINK,
        NLM_F_CREATE_EXCL,
        &[0; 16],
        &attributes.concat(),
    )
}

/// Removes a device, of a pair both.
///
/// # Errors
/// What the kernel says.
pub fn delete_device(ifindex: u32) -> io::Result<()> {
    let mut fixed = [0; 16];
    fixed[4..8].copy_from_slice(&ifindex.to_ne_bytes());
    route(RTM_DELLINK, 0, &fixed, &[])
}

/// Gives an interface the qdisc `ingress`, which clsact cannot be beside of.
///
/// # Errors
/// What the kernel says: `ENOENT` without its module.
pub fn new_ingress(ifindex: u32) -> io::Result<()> {
    let mut fixed = [0; 20];
    fixed[4..8].copy_from_slice(&ifindex.to_ne_bytes());
    fixed[8..12].copy_from_slice(&CLSACT_HANDLE.to_ne_bytes());
    fixed[12..16].copy_from_slice(&CLSACT.to_ne_bytes());
    let kind = attribute(TCA_KIND, b"ingress\0");
    route(RTM_NEWQDISC, NLM_F_CREATE_EXCL, &fixed, &kind)
}

/// Removes the clsact qdisc of an interface.
///
/// # Errors
/// What the kernel says: `ENOENT` or `EINVAL` where there is none.
pub fn delete_clsact(ifindex: u32) -> io::Result<()> {
    let mut fixed = [0; 20];
    fixed[4..8].copy_from_slice(&ifindex.to_ne_bytes());
    fixed[8..12].copy_from_slice(&CLSACT_HANDLE.to_ne_bytes());
    fixed[12..16].copy_from_slice(&CLSACT.to_ne_bytes());
    route(RTM_DELQDISC, 0, &fixed, &[])
}

/// Switches an interface on.
///
/// # Errors
/// What the kernel says.
pub fn set_up(ifindex: u32) -> io::Result<()> {
    let up = (libc::IFF_UP as u32).to_ne_bytes();
    let mut fixed = [0; 16];
    fixed[4..8].copy_from_slice(&ifindex.to_ne_bytes());
    fixed[8..12].copy_from_slice(&up);
    fixed[12..16].copy_from_slice(&up);
    route(RTM_NEWLINK, 0, &fixed, &[])
}

/// Gives an interface one more address.
///
/// # Errors
/// What the kernel says.
pub fn add_address(ifindex: u32, ip: IpAddr, prefix_bits: u8) -> io::Result<()> {
    let (family, bytes) = match ip {
        IpAddr::V4(ip) => (libc::AF_INET, ip.octets().to_vec()),
        IpAddr::V6(ip) => (libc::AF_INET6, ip.octets().to_vec()),
    };
    let mut fixed = [0; 8];
    fixed[0] = family as u8;
    fixed[1] = prefix_bits;
    fixed[2] = IFA_F_NODAD;
    fixed[4..8].copy_from_slice(&ifindex.to_ne_bytes());
    let attributes = [attribute(IFA_LOCAL, &bytes), attribute(IFA_ADDRESS, &bytes)];
    route(RTM_NEWADDR, NLM_F_CREATE_EXCL, &fixed, &attributes.concat())
}

pub(super) fn attribute(kind: u16, payload: &[u8]) -> Vec<u8> {
    let len = u16::try_from(payload.len() + 4).unwrap_or(u16::MAX);
    let mut bytes = [len.to_ne_bytes(), kind.to_ne_bytes()].concat();
    bytes.extend_from_slice(payload);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// Sends one request to rtnetlink and waits for the verdict.
pub(super) fn route(kind: u16, flags: u16, fixed: &[u8], attributes: &[u8]) -> io::Result<()> {
    let socket = socket(libc::AF_NETLINK, libc::SOCK_RAW, libc::NETLINK_ROUTE)?;
    let len = u32::try_from(16 + fixed.len() + attributes.len()).map_err(io::Error::other)?;
    let mut request = len.to_ne_bytes().to_vec();
    request.extend_from_slice(&kind.to_ne_bytes());
    request.extend_from_slice(&(flags | NLM_F_REQUEST_ACK).to_ne_bytes());
    request.extend_from_slice(&[0; 8]);
    request.extend_from_slice(fixed);
    request.extend_from_slice(attributes);
    // SAFETY: a live slice whose length is passed with it.
    check(unsafe {
        libc::send(
            socket.as_raw_fd(),
            request.as_ptr().cast(),
            request.len(),
            0,
        ) as i64
    })?;
    let mut answer = [0_u8; 4096];
    // SAFETY: a live buffer whose length is passed with it.
    let received = check(unsafe {
        libc::recv(
            socket.as_raw_fd(),
            answer.as_mut_ptr().cast(),
            answer.len(),
            0,
        ) as i64
    })?;
    let kind = u16::from_ne_bytes([answer[4], answer[5]]);
    if received < 20 || kind != NLMSG_ERROR {
        return Err(io::ErrorKind::InvalidData.into());
    }
    match i32::from_ne_bytes([answer[16], answer[17], answer[18], answer[19]]) {
        0 => Ok(()),
        errno => Err(io::Error::from_raw_os_error(-errno)),
    }
}

/// What ioctl(2) takes to name an interface; the rest is zero.
///
/// # Errors
/// `InvalidInput` for a name of 16 bytes or more.
pub(super) fn interface_request(name: &str) -> io::Result<libc::ifreq> {
    // SAFETY: ifreq is plain data for which all zeroes is a value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    if name.len() >= request.ifr_name.len() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *to = from as libc::c_char;
    }
    Ok(request)
}

/// The address of an Ethernet interface of this thread's network namespace.
///
/// # Errors
/// What the kernel says.
pub fn mac_of(name: &str) -> io::Result<[u8; 6]> {
    let socket = socket(libc::AF_INET, libc::SOCK_DGRAM, 0)?;
    let mut request = interface_request(name)?;
    // SAFETY: SIOCGIFHWADDR fills one ifreq, which `request` is.
    check(unsafe {
        libc::ioctl(
            socket.as_raw_fd(),
            libc::SIOCGIFHWADDR as _,
            &raw mut request,
        )
    })?;
    // SAFETY: the kernel has just filled this member of the union.
    let address = unsafe { request.ifr_ifru.ifru_hwaddr };
    let mut mac = [0; 6];
    for (to, from) in mac.iter_mut().zip(address.sa_data) {
        *to = from as u8;
    }
    Ok(mac)
}

//! A network for one workload alone: every address that it may use is on lo, and no port is chance.

use std::cell::Cell;
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::MetadataExt;

use crate::sys::{net, space};
use crate::workloads::failure::{Outcome, Tried};

/// An address of this machine.
pub const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
/// Another, which ends like the one that loopback begins with.
pub const HERE_127: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 127));
/// One of another network.
pub const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 1));
/// No route leads there.
pub const NOWHERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 1));
/// An address of this machine.
pub const HERE_V6: IpAddr = IpAddr::V6(std::net::Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1));

/// The first interface of every namespace.
const LO: u32 = 1;
/// Where the kernel takes ports from here, one after the other. The host tells by this range that
/// no workload chose them.
const FIRST_PORT: u16 = 40001;

/// The network namespace that this process is in.
#[derive(Debug)]
pub struct World {
    /// Its inode number.
    pub net_ns: u64,
    next_port: Cell<u16>,
}

/// One end of a flow.
#[must_use]
pub fn at(ip: IpAddr, port: u16) -> SocketAddr {
    SocketAddr::new(ip, port)
}

impl World {
    /// Leaves for a new namespace and makes it ready.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn enter() -> Outcome<Self> {
        space::unshare(libc::CLONE_NEWNET).tried("leave the network namespace")?;
        net::set_up(LO).tried("switch lo on")?;
        for (ip, prefix_bits) in [(HERE, 24), (HERE_127, 24), (THERE, 24), (HERE_V6, 64)] {
            net::add_address(LO, ip, prefix_bits).tried(format_args!("give lo {ip}"))?;
        }
        await_route()?;
        let net_ns = fs::metadata("/proc/self/ns/net").tried("look at the namespace")?;
        Ok(Self {
            net_ns: net_ns.ino(),
            next_port: Cell::new(FIRST_PORT),
        })
    }

    /// Decides which port the kernel will give to the next who asks for none: one that nobody had
    /// before, so that no two are the same by chance.
    ///
    /// # Errors
    /// What /proc says.
    pub fn choose_port(&self) -> Outcome<u16> {
        let port = self.next_port.get();
        self.next_port.set(port + 1);
        self.set("ipv4/ip_local_port_range", &format!("{port} {port}"))?;
        Ok(port)
    }

    /// Keeps what a child of this process will choose apart from what this process does.
    pub fn skip_ports(&self) {
        self.next_port.set(self.next_port.get() + 100);
    }

    /// Writes a setting below /proc/sys/net, of this namespace alone.
    ///
    /// # Errors
    /// What /proc says.
    pub fn set(&self, name: &str, value: &str) -> Outcome {
        let path = format!("/proc/sys/net/{name}");
        fs::write(&path, value).tried(&path)
    }

    /// The device number of an interface of this namespace that always is there.
    #[must_use]
    pub const fn lo(&self) -> u32 {
        LO
    }
}

/// Until the kernel knows the way to [`HERE_V6`]: unlike those of IPv4, it comes after the address.
fn await_route() -> Outcome {
    const ROUTES: &str = "/proc/thread-self/net/ipv6_route";
    const WAY: &str = "20010db8000000000000000000000001 80 ";
    loop {
        let routes = fs::read_to_string(ROUTES).tried(ROUTES)?;
        if routes.lines().any(|route| route.starts_with(WAY)) {
            return Ok(());
        }
        std::thread::yield_now();
    }
}

/// An IPv4 address as IPv6 writes it.
#[must_use]
pub fn mapped(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().into(),
        IpAddr::V6(_) => ip,
    }
}

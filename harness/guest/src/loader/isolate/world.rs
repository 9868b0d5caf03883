//! A host, what is outside, and the wires between them.

use std::fs::File;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::AsFd;

use trapline_loader::attach::ifindex;

use super::running::status;
use crate::loader::stage::{Failure, Tried};
use crate::sys::wires::{self, Frames};
use crate::sys::{boot, net, space};

/// Addresses of a wire: the host's is 1, the one outside 2.
pub const HOST4: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
pub const FAR4: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 2);
/// Of the same link, and of no rule's.
pub const STRANGER4: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 9);
pub const HOST6: Ipv6Addr = Ipv6Addr::new(0xfd77, 0, 0, 0, 0, 0, 0, 1);
pub const FAR6: Ipv6Addr = Ipv6Addr::new(0xfd77, 0, 0, 0, 0, 0, 0, 2);
pub const STRANGER6: Ipv6Addr = Ipv6Addr::new(0xfd77, 0, 0, 0, 0, 0, 0, 9);

/// The kinds of wires, the usual one first; some kernels come without its module.
const KINDS: [&str; 2] = ["veth", "netkit"];
const HOST_MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];
const FAR_MAC: [u8; 6] = [2, 0, 0, 0, 0, 2];

/// The outside, and one wire to it.
#[derive(Debug)]
pub struct World {
    outside: File,
    /// `veth` or `netkit`.
    pub kind: &'static str,
    /// The host's end of the wire.
    pub near: End,
    /// The other end.
    pub far: End,
}

/// One end of a wire.
#[derive(Clone, Debug)]
pub struct End {
    pub name: String,
    pub index: u32,
    pub mac: [u8; 6],
}

impl World {
    /// Makes it all.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn new() -> Result<Self, Failure> {
        let outside = new_namespace()?;
        let mut tried = Vec::new();
        for kind in KINDS {
            match wire(&outside, kind, "trap0") {
                Ok((near, far)) => {
                    let world = Self {
                        outside,
                        kind,
                        near,
                        far,
                    };
                    world.address()?;
                    return Ok(world);
                }
                Err(error) => tried.push(format!("{kind}: {error:?}")),
            }
        }
        Err(Failure::Other(format!("no wire: {}", tried.join("; "))))
    }

    fn address(&self) -> Result<(), Failure> {
        for (address, bits) in [(IpAddr::from(HOST4), 24), (HOST6.into(), 64)] {
            net::add_address(self.near.index, address, bits).tried("give it an address")?;
        }
        self.outside(|| {
            for (address, bits) in [(IpAddr::from(FAR4), 24), (FAR6.into(), 64)] {
                net::add_address(self.far.index, address, bits)?;
            }
            Ok(())
        })
    }

    /// One more wire to the outside.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn another(&self, name: &str) -> Result<(End, End), Failure> {
        wire(&self.outside, self.kind, name)
    }

    /// In which way isolation covers the wire, and what it is.
    ///
    /// # Errors
    /// Where it does not.
    pub fn how(&self) -> Result<String, Failure> {
        let said = status()?;
        let all = said["interfaces"].as_array().into_iter().flatten();
        let mut ours = all.filter(|one| one["name"] == self.near.name.as_str());
        let how = ours.find_map(|one| one["ingress"]["how"].as_str());
        let how = how.ok_or_else(|| Failure::Other(format!("not covered: {said}")))?;
        Ok(format!("{how} over {}", self.kind))
    }

    /// Does something outside; what it opens stays outside.
    ///
    /// # Errors
    /// What it says.
    pub fn outside<T: Send>(
        &self,
        act: impl FnOnce() -> io::Result<T> + Send,
    ) -> Result<T, Failure> {
        in_namespace(&self.outside, act).tried("outside")
    }

    /// What comes out of a wire.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn frames_outside(&self, far: &End) -> Result<Frames, Failure> {
        self.outside(|| Frames::open(far.index))
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // Of a pair both go; what is left ends with the machine.
        let _ = net::delete_device(self.near.index);
    }
}

fn in_namespace<T: Send>(
    namespace: &File,
    act: impl FnOnce() -> io::Result<T> + Send,
) -> io::Result<T> {
    std::thread::scope(|scope| {
        let acting = scope.spawn(|| {
            wires::enter_netns(namespace.as_fd())?;
            act()
        });
        let panicked = |_| Err(io::Error::other("a panic outside"));
        acting.join().unwrap_or_else(panicked)
    })
}

fn new_namespace() -> Result<File, Failure> {
    let making = std::thread::spawn(|| {
        space::unshare(libc::CLONE_NEWNET)?;
        File::open("/proc/thread-self/ns/net")
    });
    let panicked = |_| Err(io::Error::other("a panic"));
    making
        .join()
        .unwrap_or_else(panicked)
        .tried("make a network namespace")
}

/// Two ends, both up. Netkit is up only while both are.
fn wire(outside: &File, kind: &'static str, name: &str) -> Result<(End, End), Failure> {
    let far_name = format!("far{name}");
    let (near, far) = ((name, HOST_MAC), (far_name.as_str(), FAR_MAC));
    wires::new_pair(kind, near, far, outside.as_fd()).tried(kind)?;
    let far = in_namespace(outside, || {
        boot::interface_up(&far_name)?;
        end(&far_name)
    })
    .tried("bring it up")?;
    boot::interface_up(name).tried("bring it up")?;
    let near = end(name).tried("its end")?;
    Ok((near, far))
}

fn end(name: &str) -> io::Result<End> {
    Ok(End {
        name: name.to_owned(),
        index: ifindex(name).map_err(|error| io::Error::other(error.to_string()))?,
        mac: net::mac_of(name)?,
    })
}

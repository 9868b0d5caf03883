//! Addresses of odd lengths and kinds, and sockets that are bound to an interface.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::os::fd::AsFd;

use super::sock::Sock;
use super::world::{HERE, HERE_V6, World, at};
use crate::sys::sockets::{self, Address};
use crate::workloads::failure::{Outcome, Tried, ensure};
use crate::workloads::scene::Scene;

/// sizeof(struct sockaddr_storage)
const STORAGE_BYTES: usize = 128;

fn long(address: SocketAddr) -> Address {
    Address::from(address).with_len(STORAGE_BYTES)
}

/// Given with more bytes than they have: the kernel takes that.
pub fn long_addresses(_: &Scene) -> Outcome {
    let world = World::enter()?;
    for ip in [HERE, HERE_V6] {
        let to = at(ip, 8080);
        let mut server = Sock::tcp(&world, to)?;
        sockets::bind(server.as_fd(), &long(to)).tried("bind")?;
        let told = server.told_now("bind")?;
        server.say(told)?;
        server.listen(4)?;
        let mut client = Sock::tcp(&world, to)?;
        client.prepare(to)?;
        sockets::connect(client.as_fd(), &long(to)).tried("connect")?;
        let told = client.told_now("connect")?;
        client.say(told)?;
        server.accept()?.close()?;
        client.close()?;
        server.close()?;
        let mut datagrams = Sock::udp(&world, to)?;
        datagrams.prepare(to)?;
        let sent = sockets::send(datagrams.as_fd(), b"hello", 0, Some(&long(to))).tried("send")?;
        ensure(sent == 5, || format!("{sent} bytes were sent"))?;
        datagrams.has_sent(b"hello", Some(to))?;
        datagrams.close()?;
    }
    Ok(())
}

/// A socket of IPv6 sends to an address of IPv4, once written as such, once as IPv6 writes it.
pub fn both_kinds(_: &Scene) -> Outcome {
    let world = World::enter()?;
    let mut server = Sock::udp(&world, at(HERE, 0))?;
    server.bind(at(HERE, 9000))?;
    let mut socket = Sock::udp(&world, at(IpAddr::V6(Ipv6Addr::UNSPECIFIED), 0))?;
    socket.bind(at(IpAddr::V6(Ipv6Addr::UNSPECIFIED), 9001))?;
    socket.send_to(b"as IPv4", at(HERE, 9000))?;
    server.receive(b"as IPv4")?;
    socket.send_to(b"as IPv6", at(super::world::mapped(HERE), 9000))?;
    server.receive(b"as IPv6")?;
    server.send_to(b"answer", at(HERE, 9001))?;
    socket.receive(b"answer")?;
    socket.close()?;
    server.close()
}

/// Of one interface alone.
pub fn of_interface(_: &Scene) -> Outcome {
    let world = World::enter()?;
    let to = at(HERE, 8080);
    let mut server = Sock::listening(&world, to, 4)?;
    let mut client = Sock::tcp(&world, to)?;
    let (level, option) = (libc::SOL_SOCKET, libc::SO_BINDTODEVICE);
    sockets::set_bytes(client.as_fd(), level, option, b"lo\0").tried("SO_BINDTODEVICE")?;
    client.about.interface = world.lo();
    client.connect(to)?;
    let mut accepted = server.accept()?;
    client.send(b"hello")?;
    accepted.receive(b"hello")?;
    client.close()?;
    accepted.close()?;
    server.close()
}

//! Connections that do not come about, and addresses that are not to be had.

use super::sock::Sock;
use super::world::{HERE, NOWHERE, World, at};
use crate::sys::sockets;
use crate::workloads::failure::Outcome;
use crate::workloads::scene::Scene;
use std::os::fd::AsFd;

/// Nobody waits there.
pub fn refused(_: &Scene) -> Outcome {
    let world = World::enter()?;
    let mut socket = Sock::tcp(&world, at(HERE, 0))?;
    let port = socket.prepare(at(HERE, 8080))?;
    socket.connect_fails(at(HERE, port), at(HERE, 8080), libc::ECONNREFUSED)?;
    socket.close()
}

/// No way leads there: the kernel knows before it has chosen an address.
pub fn unreachable(_: &Scene) -> Outcome {
    let world = World::enter()?;
    let to = at(NOWHERE, 8080);
    for new in [Sock::tcp, Sock::udp] {
        let mut socket = new(&world, to)?;
        let result = sockets::connect(socket.as_fd(), &to.into());
        let told = socket.told("connect")?.remote(Some(to));
        let told = told.fails(result, libc::ENETUNREACH)?;
        socket.about.has_failed = true;
        socket.say(told)?;
        socket.close()?;
    }
    Ok(())
}

/// Others are there already, or it is not ours.
pub fn bind(_: &Scene) -> Outcome {
    let world = World::enter()?;
    let taken = at(HERE, 8080);
    let first = Sock::listening(&world, taken, 1)?;
    let mut second = Sock::tcp(&world, taken)?;
    for (to, errno) in [
        (taken, libc::EADDRINUSE),
        (at(NOWHERE, 8080), libc::EADDRNOTAVAIL),
    ] {
        let result = sockets::bind(second.as_fd(), &to.into());
        let told = second.told("bind")?.local(Some(to)).remote(None);
        let told = told.fails(result, errno)?;
        second.say(told)?;
    }
    second.close()?;
    first.close()
}

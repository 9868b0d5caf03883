//! Unix sockets: who connects to which name.

use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;

use super::sock::Sock;
use super::world::World;
use crate::sys::sockets::{self, Address};
use crate::workloads::failure::{Outcome, Tried};
use crate::workloads::scene::Scene;

const ABSTRACT: &[u8] = b"\0trapline abstract";

/// A socket at a name, which waits if it can.
fn bound<'a>(world: &'a World, kind: i32, name: &[u8]) -> Outcome<Sock<'a>> {
    let mut socket = Sock::new(world, libc::AF_UNIX, kind, 0)?;
    sockets::bind(socket.as_fd(), &Address::unix(name)).tried("bind")?;
    let told = socket.told("bind")?.local(None).remote(None).path(name);
    socket.say(told)?;
    if kind != libc::SOCK_DGRAM {
        sockets::listen(socket.as_fd(), 4).tried("listen")?;
        let told = socket.told("listen")?.local(None).remote(None).path(name);
        socket.say(told.detail(4))?;
    }
    Ok(socket)
}

/// Connects to a name: with this errno, 0: it is there.
fn connect(world: &World, kind: i32, name: &[u8], errno: i32) -> Outcome {
    let mut socket = Sock::new(world, libc::AF_UNIX, kind, 0)?;
    let result = sockets::connect(socket.as_fd(), &Address::unix(name));
    let told = socket.told("connect")?.local(None).remote(None).path(name);
    let told = if errno == 0 {
        result.tried("connect")?;
        told
    } else {
        told.fails(result, errno)?
    };
    socket.say(told)?;
    socket.close()
}

/// By path and by an abstract name, of this type.
fn both(scene: &Scene, kind: i32) -> Outcome {
    let world = World::enter()?;
    let path = scene.path("socket");
    let path = path.as_os_str().as_bytes();
    for name in [path, ABSTRACT] {
        let server = bound(&world, kind, name)?;
        connect(&world, kind, name, 0)?;
        server.close()?;
        // The path is still there, but nobody is behind it.
        connect(&world, kind, name, libc::ECONNREFUSED)?;
    }
    connect(&world, kind, b"/nowhere/socket", libc::ENOENT)
}

/// Streams.
pub fn streams(scene: &Scene) -> Outcome {
    both(scene, libc::SOCK_STREAM)
}

/// Datagrams.
pub fn datagrams(scene: &Scene) -> Outcome {
    both(scene, libc::SOCK_DGRAM)
}

/// Packets in their order.
pub fn packets(scene: &Scene) -> Outcome {
    both(scene, libc::SOCK_SEQPACKET)
}

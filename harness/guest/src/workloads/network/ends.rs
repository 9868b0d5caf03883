//! How connections end, and that the next one begins anew.

use std::os::fd::AsFd;

use super::sock::Sock;
use super::world::{HERE, World, at};
use crate::sys::sockets;
use crate::workloads::failure::{Outcome, Tried, ensure};
use crate::workloads::scene::Scene;

/// One side says that it has said all; the other answers still.
pub fn shut_down(_: &Scene) -> Outcome {
    let world = World::enter()?;
    let (mut client, mut server) = Sock::pair(&world, at(HERE, 8080))?;
    client.send(b"that is all")?;
    sockets::shutdown(client.as_fd(), libc::SHUT_WR).tried("shutdown")?;
    server.receive(b"that is all")?;
    server.receive(b"")?;
    server.send(b"understood")?;
    client.receive(b"understood")?;
    sockets::shutdown(client.as_fd(), libc::SHUT_RDWR).tried("shutdown")?;
    client.close()?;
    server.close()
}

/// Closed with a reset: the other side fails then.
pub fn reset(_: &Scene) -> Outcome {
    let world = World::enter()?;
    let (mut client, mut server) = Sock::pair(&world, at(HERE, 8080))?;
    client.send(b"hello")?;
    server.receive(b"hello")?;
    // struct linger: on, no time.
    let linger = [1_i32.to_ne_bytes(), 0_i32.to_ne_bytes()].concat();
    let level = libc::SOL_SOCKET;
    sockets::set_bytes(client.as_fd(), level, libc::SO_LINGER, &linger).tried("SO_LINGER")?;
    client.close()?;
    let mut bytes = [0; 8];
    let received = sockets::receive(server.as_fd(), &mut bytes, 0);
    let errno = received.err().and_then(|error| error.raw_os_error());
    ensure(errno == Some(libc::ECONNRESET), || {
        format!("after a reset: {errno:?}")
    })?;
    server.about.has_failed = true;
    server.close()
}

/// What came and was never read has come all the same.
pub fn unread(_: &Scene) -> Outcome {
    let world = World::enter()?;
    let (mut client, mut server) = Sock::pair(&world, at(HERE, 8080))?;
    client.send(b"read")?;
    client.send(b" and not read")?;
    server.has_come(17)?;
    server.receive(b"read")?;
    server.close()?;
    client.about.has_failed = true;
    client.close()
}

/// Looked at before it is taken: received once.
pub fn looked_at(_: &Scene) -> Outcome {
    let world = World::enter()?;
    let (mut client, mut server) = Sock::pair(&world, at(HERE, 8080))?;
    client.send(b"once")?;
    let mut bytes = [0; 4];
    sockets::receive(server.as_fd(), &mut bytes, libc::MSG_PEEK).tried("look")?;
    server.has_come(4)?;
    server.has_received(b"once", None)?;
    sockets::receive(server.as_fd(), &mut bytes, 0).tried("receive")?;
    server.close()?;
    client.close()
}

/// One after the other in the same memory: nothing of the one is the next one's.
pub fn again(_: &Scene) -> Outcome {
    let world = World::enter()?;
    let to = at(HERE, 8080);
    let mut server = Sock::listening(&world, to, 4)?;
    for round in 0..20_u8 {
        let mut client = Sock::tcp(&world, to)?;
        client.connect(to)?;
        let mut accepted = server.accept()?;
        let said = vec![b'a' + round; 1 + usize::from(round)];
        client.send(&said)?;
        accepted.receive(&said)?;
        client.close()?;
        accepted.close()?;
        let mut datagrams = Sock::udp(&world, to)?;
        datagrams.send_to(&said, at(HERE, 9000))?;
        datagrams.close()?;
    }
    server.close()
}

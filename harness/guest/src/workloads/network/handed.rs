//! Sockets that more than one process has held, and sockets that nobody closes.

use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;

use super::about::About;
use super::sock::Sock;
use super::world::{HERE, World, at};
use crate::sys::process::Ended;
use crate::sys::{rights, space};
use crate::workloads::failure::{Outcome, Tried};
use crate::workloads::kit::{self, Birth};
use crate::workloads::scene::Scene;

/// Opened and connected by one process, sent through a Unix socket, used and closed by another. Who
/// opened it stays its owner.
pub fn over(_: &Scene) -> Outcome {
    let world = World::enter()?;
    let to = at(HERE, 8080);
    let mut server = Sock::listening(&world, to, 4)?;
    let (here, there) = UnixStream::pair().tried("socketpair")?;
    let opener = kit::start(Birth::Fork, &mut |_| {
        let mut socket = Sock::tcp(&world, to)?;
        socket.connect(to)?;
        rights::send_fd(&there, socket.as_fd()).tried("send it away")?;
        socket.let_go();
        Ok(0)
    })?;
    let owner = opener.pid;
    opener.ends(Ended::Exit(0))?;
    let mut accepted = server.accept()?;
    let fd = rights::receive_fd(&here).tried("receive it")?;
    let mut socket = adopted(fd, &world, owner)?;
    socket.send(b"by another")?;
    accepted.receive(b"by another")?;
    socket.close()?;
    accepted.close()?;
    server.close()
}

/// What another process has opened and said something of.
fn adopted(fd: OwnedFd, world: &World, owner: i32) -> Outcome<Sock<'_>> {
    let mut about = About::of(fd.as_fd(), world, false)?;
    about.owner = owner;
    about.has_events = true;
    Ok(Sock::with(fd, world, about))
}

/// The child has it from its parent, uses it, and lets go last.
pub fn inherited(_: &Scene) -> Outcome {
    let world = World::enter()?;
    let (client, server) = Sock::pair(&world, at(HERE, 8080))?;
    used_by_child(&world, client, server)
}

/// A socket of this process is used by a child, which lets go of it last; what it sends comes to
/// `server`.
pub(super) fn used_by_child(world: &World, client: Sock<'_>, mut server: Sock<'_>) -> Outcome {
    let (fd, about) = client.into_parts();
    let mut child = kit::start(Birth::Fork, &mut |inside| {
        inside.wait()?;
        let own = fd.try_clone().tried("dup")?;
        // The copy that came with the fork goes first: it is not the last.
        let mut socket = Sock::with(own, world, about.clone());
        socket.send(b"from the child")?;
        inside.ready()?;
        inside.wait()?;
        // Both of this process's go when it ends.
        socket.leave()?;
        Ok(0)
    })?;
    drop(fd);
    child.tell(0)?;
    child.await_ready()?;
    server.receive(b"from the child")?;
    child.tell(0)?;
    child.ends(Ended::Exit(0))?;
    server.close()
}

/// The end of a process closes what it has left open, be it killed or not.
pub fn at_exit(_: &Scene) -> Outcome {
    let world = World::enter()?;
    let to = at(HERE, 8080);
    let mut server = Sock::listening(&world, to, 4)?;
    let mut leaves = kit::start(Birth::Fork, &mut |inside| {
        let mut socket = Sock::tcp(&world, to)?;
        socket.connect(to)?;
        inside.ready()?;
        inside.wait()?;
        socket.leave()?;
        Ok(5)
    })?;
    leaves.await_ready()?;
    let first = server.accept()?;
    leaves.tell(0)?;
    leaves.ends(Ended::Exit(5))?;
    world.skip_ports();
    let mut killed = kit::start(Birth::Fork, &mut |inside| {
        let mut socket = Sock::tcp(&world, to)?;
        socket.connect(to)?;
        inside.ready()?;
        inside.wait()?;
        socket.leave()?;
        inside.ready()?;
        inside.wait()
    })?;
    killed.await_ready()?;
    let second = server.accept()?;
    killed.tell(0)?;
    killed.await_ready()?;
    killed.killed_by(libc::SIGKILL, false)?;
    first.close()?;
    second.close()?;
    server.close()
}

/// Two descriptors of one socket: one end.
pub fn duplicates(_: &Scene) -> Outcome {
    let world = World::enter()?;
    let (mut client, server) = Sock::pair(&world, at(HERE, 8080))?;
    let second = client.as_fd().try_clone_to_owned().tried("dup")?;
    client.send(b"one")?;
    let (first, about) = client.into_parts();
    drop(first);
    let mut client = Sock::with(second, &world, about);
    client.send(b"other")?;
    client.close()?;
    let mut server = server;
    server.receive(b"oneother")?;
    server.close()
}

/// A socket stays in the network that it was opened in, wherever its process goes.
pub fn elsewhere(_: &Scene) -> Outcome {
    let world = World::enter()?;
    let to = at(HERE, 8080);
    let mut server = Sock::listening(&world, to, 4)?;
    let mut client = kit::start(Birth::Fork, &mut |inside| {
        let mut socket = Sock::tcp(&world, to)?;
        socket.prepare(to)?;
        space::unshare(libc::CLONE_NEWNET).tried("leave the network namespace")?;
        socket.connect(to)?;
        inside.ready()?;
        inside.wait()?;
        socket.close()?;
        Ok(0)
    })?;
    client.await_ready()?;
    let accepted = server.accept()?;
    client.tell(0)?;
    client.ends(Ended::Exit(0))?;
    accepted.close()?;
    server.close()
}

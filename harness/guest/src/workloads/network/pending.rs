//! Connections that are not decided when connect(2) returns, or only after a while.

use std::net::SocketAddr;
use std::os::fd::AsFd;

use super::sock::Sock;
use super::soon;
use super::steps::PATIENCE;
use super::world::{HERE, World, at};
use crate::sys::alarm;
use crate::sys::sockets::{self, Filtering};
use crate::workloads::failure::{Outcome, Tried, ensure};
use crate::workloads::scene::Scene;

/// Keeps nothing.
pub const DEAF: &[Filtering] = &[(6, 0, 0, 0)];
/// Keeps what neither asks for a connection nor resets one: by the flags of a segment.
const ONLY_ANSWERS: &[Filtering] = &[
    (0x30, 0, 0, 13),
    (0x15, 2, 0, 0x02),
    (0x45, 1, 0, 0x04),
    (6, 0, 0, u32::MAX),
    (6, 0, 0, 0),
];
/// After this time nobody waits any more.
const USER_TIMEOUT_MS: i32 = 1;

/// A server that hears nothing until [`hears`].
fn deaf(world: &World, to: SocketAddr) -> Outcome<Sock<'_>> {
    let server = Sock::listening(world, to, 4)?;
    sockets::filter(server.as_fd(), DEAF).tried("attach a filter")?;
    Ok(server)
}

fn hears(server: &Sock<'_>) -> Outcome {
    server.set(libc::SOL_SOCKET, libc::SO_DETACH_FILTER, 0)
}

/// A socket that does not wait, which has asked for a connection; and where it is.
fn asking(world: &World, to: SocketAddr) -> Outcome<(Sock<'_>, SocketAddr)> {
    let kind = libc::SOCK_STREAM | libc::SOCK_NONBLOCK;
    let mut socket = Sock::new(world, libc::AF_INET, kind, 0)?;
    let from = at(HERE, socket.prepare(to)?);
    socket.connect_begins(from, to, libc::EINPROGRESS)?;
    Ok((socket, from))
}

/// In progress, then there.
pub fn established(_: &Scene) -> Outcome {
    let world = World::enter()?;
    let to = at(HERE, 8080);
    let server = Sock::listening(&world, to, 4)?;
    let (mut client, from) = asking(&world, to)?;
    client.connect_ends(from, to, 0)?;
    taken_and_closed(client, server)
}

/// In progress, then refused.
pub fn refused(_: &Scene) -> Outcome {
    let world = World::enter()?;
    let to = at(HERE, 8080);
    let (mut client, from) = asking(&world, to)?;
    client.connect_ends(from, to, libc::ECONNREFUSED)?;
    client.close()
}

/// Nobody answers: to who waits, and to who does not.
pub fn timed_out(_: &Scene) -> Outcome {
    soon::within(timed_out_soon)
}

fn timed_out_soon(world: &World) -> Outcome {
    let to = at(HERE, 8080);
    let server = deaf(world, to)?;
    let mut waits = Sock::tcp(world, to)?;
    waits.set(libc::IPPROTO_TCP, libc::TCP_USER_TIMEOUT, USER_TIMEOUT_MS)?;
    let from = at(HERE, waits.prepare(to)?);
    waits.connect_fails(from, to, libc::ETIMEDOUT)?;
    waits.close()?;
    let kind = libc::SOCK_STREAM | libc::SOCK_NONBLOCK;
    let mut goes_on = Sock::new(world, libc::AF_INET, kind, 0)?;
    goes_on.set(libc::IPPROTO_TCP, libc::TCP_USER_TIMEOUT, USER_TIMEOUT_MS)?;
    let from = at(HERE, goes_on.prepare(to)?);
    goes_on.connect_begins(from, to, libc::EINPROGRESS)?;
    goes_on.connect_ends(from, to, libc::ETIMEDOUT)?;
    goes_on.close()?;
    server.close()
}

/// Who waits, but not for long (`SO_SNDTIMEO`), goes on without an answer; it comes later.
pub fn impatient(_: &Scene) -> Outcome {
    soon::within(impatient_soon)
}

fn impatient_soon(world: &World) -> Outcome {
    let to = at(HERE, 8080);
    let server = deaf(world, to)?;
    let mut client = Sock::tcp(world, to)?;
    // struct timeval: no seconds, 20,000 microseconds.
    let patience = [0_i64.to_ne_bytes(), 20_000_i64.to_ne_bytes()].concat();
    let level = libc::SOL_SOCKET;
    sockets::set_bytes(client.as_fd(), level, libc::SO_SNDTIMEO, &patience).tried("SO_SNDTIMEO")?;
    let from = at(HERE, client.prepare(to)?);
    client.connect_begins(from, to, libc::EINPROGRESS)?;
    hears(&server)?;
    client.connect_ends(from, to, 0)?;
    taken_and_closed(client, server)
}

/// What was connected is accepted, and everything closed.
fn taken_and_closed(client: Sock<'_>, mut server: Sock<'_>) -> Outcome {
    let accepted = server.accept()?;
    client.close()?;
    accepted.close()?;
    server.close()
}

/// A signal comes while it waits; the connection comes about all the same.
pub fn interrupted(_: &Scene) -> Outcome {
    soon::within(interrupted_soon)
}

fn interrupted_soon(world: &World) -> Outcome {
    let to = at(HERE, 8080);
    let server = deaf(world, to)?;
    let mut client = Sock::tcp(world, to)?;
    let from = at(HERE, client.prepare(to)?);
    alarm::interrupt_every(20).tried("set an alarm")?;
    client.connect_begins(from, to, libc::EINTR)?;
    alarm::interrupt_every(0).tried("stop the alarm")?;
    hears(&server)?;
    client.connect_ends(from, to, 0)?;
    taken_and_closed(client, server)
}

/// Asked again while it is under way (EALREADY), to fetch the result, and once more (EISCONN): only
/// the first and the last are events.
pub fn asked_again(_: &Scene) -> Outcome {
    soon::within(asked_again_soon)
}

fn asked_again_soon(world: &World) -> Outcome {
    let to = at(HERE, 8080);
    let server = deaf(world, to)?;
    let (mut client, from) = asking(world, to)?;
    let again = sockets::connect(client.as_fd(), &to.into());
    let errno = again.err().and_then(|error| error.raw_os_error());
    ensure(errno == Some(libc::EALREADY), || {
        format!("asked again: {errno:?}")
    })?;
    hears(&server)?;
    client.connect_ends(from, to, 0)?;
    sockets::connect(client.as_fd(), &to.into()).tried("fetch the result")?;
    let too_often = sockets::connect(client.as_fd(), &to.into());
    let told = client
        .told_now("connect")?
        .fails(too_often, libc::EISCONN)?;
    client.say(told)?;
    taken_and_closed(client, server)
}

/// Closed before anybody answered.
pub fn abandoned(_: &Scene) -> Outcome {
    let world = World::enter()?;
    let to = at(HERE, 8080);
    let server = deaf(&world, to)?;
    let (client, from) = asking(&world, to)?;
    let end = client.end()?;
    let (fd, about) = client.into_parts();
    drop(fd);
    let ended = super::told::Told::by(about.owner, "connect", &about);
    ended
        .local(Some(from))
        .remote(Some(to))
        .error(libc::ECONNABORTED)
        .flags(&["by_owner", "outcome"])
        .say()?;
    end.map_or(Ok(()), |end| end.without("local").without("remote").say())?;
    server.close()
}

/// No room for one more at the server: asked for, and not answered before another was accepted.
pub fn half_open(_: &Scene) -> Outcome {
    soon::within(half_open_soon)
}

fn half_open_soon(world: &World) -> Outcome {
    let to = at(HERE, 8080);
    let mut server = Sock::listening(world, to, 0)?;
    let mut first = Sock::tcp(world, to)?;
    first.connect(to)?;
    let (mut second, from) = asking(world, to)?;
    let accepted = server.accept()?;
    second.connect_ends(from, to, 0)?;
    let other = server.accept()?;
    for socket in [first, second, accepted, other, server] {
        socket.close()?;
    }
    Ok(())
}

/// Each asks the other; nobody waits for anybody.
///
/// TCP asks again after its usual second: by then the other has asked, however slow the machine.
pub fn simultaneous(_: &Scene) -> Outcome {
    let world = &World::enter()?;
    let (one, other) = (at(HERE, 7001), at(HERE, 7002));
    let kind = libc::SOCK_STREAM | libc::SOCK_NONBLOCK;
    let mut second = Sock::new(world, libc::AF_INET, kind, 0)?;
    second.bind(other)?;
    // It must not hear that nobody is there yet, nor what the other asks: then its own second
    // asking meets who asks as well, and no first one is chance.
    sockets::filter(second.as_fd(), ONLY_ANSWERS).tried("attach a filter")?;
    second.connect_begins(other, one, libc::EINPROGRESS)?;
    let mut first = Sock::new(world, libc::AF_INET, kind, 0)?;
    first.bind(one)?;
    first.connect_begins(one, other, libc::EINPROGRESS)?;
    second.connect_ends(other, one, 0)?;
    first.connect_ends(one, other, 0)?;
    first.send(b"hello")?;
    // It does not wait by itself, and a busy machine delivers later.
    sockets::poll(second.as_fd(), libc::POLLIN, PATIENCE).tried("wait to read")?;
    second.receive(b"hello")?;
    first.close()?;
    second.close()
}

/// With itself: sent and received by one socket.
pub fn with_itself(_: &Scene) -> Outcome {
    let world = World::enter()?;
    let own = at(HERE, 7001);
    let mut socket = Sock::tcp(&world, own)?;
    socket.bind(own)?;
    socket.connect(own)?;
    // Whether it comes before the call that sends it returns is chance. So it comes by the second
    // sending, when it is heard.
    sockets::filter(socket.as_fd(), DEAF).tried("attach a filter")?;
    socket.send(b"hello")?;
    hears(&socket)?;
    socket.receive(b"hello")?;
    socket.close()
}

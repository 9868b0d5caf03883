//! TCP otherwise: Fast Open, and several paths for one connection.

use std::os::fd::AsFd;

use super::sock::Sock;
use super::world::{HERE, World, at};
use crate::sys::sockets;
use crate::workloads::failure::{Outcome, Tried, ensure};
use crate::workloads::scene::Scene;

/// Client and server, neither of them asks for a cookie: 1 | 2 | 4 | 0x200.
const FAST_OPEN: &str = "519";
/// Since Linux 5.6, where it was built in.
const IPPROTO_MPTCP: i32 = 262;

/// A server that takes data with the first segment.
fn fast_server(world: &World) -> Outcome<Sock<'_>> {
    world.set("ipv4/tcp_fastopen", FAST_OPEN)?;
    let server = Sock::listening(world, at(HERE, 8080), 4)?;
    server.set(libc::IPPROTO_TCP, libc::TCP_FASTOPEN, 4)?;
    Ok(server)
}

/// Connected by sending.
pub fn fast_open(_: &Scene) -> Outcome {
    let world = World::enter()?;
    let to = at(HERE, 8080);
    let server = fast_server(&world)?;
    let mut client = Sock::tcp(&world, to)?;
    client.prepare(to)?;
    let sent = sockets::send(
        client.as_fd(),
        b"early",
        libc::MSG_FASTOPEN,
        Some(&to.into()),
    );
    ensure(sent.tried("send")? == 5, || "not all was sent".into())?;
    let told = client.told_now("connect")?.flags(&["fast_open"]);
    client.say(told.without("sent"))?;
    early_has_come(client, server)
}

/// What was sent with the asking is there when the connection is accepted.
fn early_has_come(mut client: Sock<'_>, mut server: Sock<'_>) -> Outcome {
    client.has_sent(b"early", None)?;
    let mut accepted = server.accept_with(5)?;
    accepted.receive(b"early")?;
    client.close()?;
    accepted.close()?;
    server.close()
}

/// connect(2) returns before anything was sent; what is sent connects.
pub fn fast_open_later(_: &Scene) -> Outcome {
    let world = World::enter()?;
    let to = at(HERE, 8080);
    let server = fast_server(&world)?;
    let mut client = Sock::tcp(&world, to)?;
    client.set(libc::IPPROTO_TCP, libc::TCP_FASTOPEN_CONNECT, 1)?;
    let from = at(HERE, client.prepare(to)?);
    sockets::connect(client.as_fd(), &to.into()).tried("connect")?;
    let told = client.told("connect")?.local(Some(from)).remote(Some(to));
    client.say(told.error(libc::EINPROGRESS).flags(&["in_progress"]))?;
    let sent = sockets::send(client.as_fd(), b"early", 0, None).tried("send")?;
    ensure(sent == 5, || format!("{sent} bytes were sent"))?;
    let told = client.told_now("connect")?.flags(&["by_owner", "outcome"]);
    client.say(told.without("sent"))?;
    early_has_come(client, server)
}

/// A connection of MPTCP, or of TCP where the kernel has none.
pub fn mptcp(_: &Scene) -> Outcome {
    let world = World::enter()?;
    let to = at(HERE, 8080);
    let unknown = [libc::EPROTONOSUPPORT, libc::ENOPROTOOPT];
    let probe = sockets::socket(libc::AF_INET, libc::SOCK_STREAM, IPPROTO_MPTCP);
    let protocol = match probe {
        Err(error) if error.raw_os_error().is_some_and(|it| unknown.contains(&it)) => 0,
        other => other.map(|_| IPPROTO_MPTCP).tried("socket")?,
    };
    let new = || Sock::new(&world, libc::AF_INET, libc::SOCK_STREAM, protocol);
    let mut server = new()?;
    server.bind(to)?;
    server.listen(4)?;
    let mut client = new()?;
    client.connect(to)?;
    let mut accepted = server.accept()?;
    client.send(b"over any path")?;
    accepted.receive(b"over any path")?;
    client.close()?;
    accepted.close()?;
    server.close()
}

//! Connections that come about, carry something and end.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::sock::Sock;
use super::world::{HERE, HERE_127, HERE_V6, World, at};
use crate::sys::process::Ended;
use crate::workloads::failure::Outcome;
use crate::workloads::kit::{self, Birth};
use crate::workloads::scene::Scene;

/// A child asks, this process answers: every event of a connection, of each its own.
fn conversation(bound: SocketAddr, asked: SocketAddr) -> Outcome {
    let world = World::enter()?;
    let mut server = Sock::listening(&world, bound, 4)?;
    let mut client = kit::start(Birth::Fork, &mut |inside| {
        let mut socket = Sock::tcp(&world, asked)?;
        socket.connect(asked)?;
        inside.ready()?;
        inside.wait()?;
        socket.send(b"a question")?;
        inside.ready()?;
        inside.wait()?;
        socket.receive(b"an answer")?;
        socket.close()?;
        Ok(0)
    })?;
    client.await_ready()?;
    let mut accepted = server.accept()?;
    client.tell(0)?;
    client.await_ready()?;
    accepted.receive(b"a question")?;
    accepted.send(b"an answer")?;
    client.tell(0)?;
    client.ends(Ended::Exit(0))?;
    accepted.close()?;
    server.close()
}

/// IPv4.
pub fn over_ipv4(_: &Scene) -> Outcome {
    conversation(at(HERE, 8080), at(HERE, 8080))
}

/// IPv6.
pub fn over_ipv6(_: &Scene) -> Outcome {
    conversation(at(HERE_V6, 8080), at(HERE_V6, 8080))
}

/// A socket of IPv6 that waits for both, asked over IPv4.
pub fn dual_stack(_: &Scene) -> Outcome {
    let any = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
    conversation(at(any, 8080), at(HERE, 8080))
}

/// An IPv4 address asked for through a socket of IPv6.
pub fn mapped(_: &Scene) -> Outcome {
    let here = at(super::world::mapped(HERE), 8080);
    conversation(at(HERE, 8080), here)
}

/// Addresses that end in .127 are no loopback.
pub fn ends_in_127(_: &Scene) -> Outcome {
    conversation(at(HERE_127, 8080), at(HERE_127, 8080))
}

/// Within loopback nothing is told, however its addresses are written.
pub fn loopback(_: &Scene) -> Outcome {
    let v4 = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let far = IpAddr::V4(Ipv4Addr::new(127, 255, 255, 254));
    let world = World::enter()?;
    for (port, ip) in (8081..).zip([
        v4,
        far,
        IpAddr::V6(Ipv6Addr::LOCALHOST),
        super::world::mapped(v4),
    ]) {
        let (mut client, mut server) = Sock::pair(&world, at(ip, port))?;
        client.send(b"unheard")?;
        server.receive(b"unheard")?;
        client.close()?;
        server.close()?;
        let (mut asks, mut answers) =
            (Sock::udp(&world, at(ip, 0))?, Sock::udp(&world, at(ip, 0))?);
        answers.bind(at(ip, port))?;
        asks.send_to(b"unheard", at(ip, port))?;
        answers.receive(b"unheard")?;
        asks.close()?;
        answers.close()?;
    }
    Ok(())
}

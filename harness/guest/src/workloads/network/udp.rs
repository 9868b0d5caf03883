//! Datagrams, with and without a connection.

use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::os::fd::AsFd;

use super::data::DNS_PORT;
use super::handed::used_by_child;
use super::sock::Sock;
use super::world::{HERE, HERE_V6, THERE, World, at};
use crate::sys::sockets::{self, Address};
use crate::workloads::failure::{Outcome, Tried, ensure};
use crate::workloads::scene::Scene;

/// A query for the address of `trapline.example`, and the answer 192.0.2.1.
const QUERY: &[u8] =
    b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x08trapline\x07example\x00\x00\x01\x00\x01";
const ANSWER: &[u8] = b"\x12\x34\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00\x08trapline\x07example\x00\x00\x01\x00\x01\xc0\x0c\x00\x01\x00\x01\x00\x00\x0e\x10\x00\x04\xc0\x00\x02\x01";

/// Connected at both ends: the first datagram each way is told.
pub fn connected(_: &Scene) -> Outcome {
    let world = World::enter()?;
    for (port, ip) in (9000..).zip([HERE, HERE_V6]) {
        let mut asks = Sock::udp(&world, at(ip, 0))?;
        let mut answers = Sock::udp(&world, at(ip, 0))?;
        answers.bind(at(ip, port))?;
        asks.connect(at(ip, port))?;
        asks.send(b"first")?;
        answers.receive(b"first")?;
        let asked_from = super::sock::known(asks.ends()?.0)?;
        answers.connect(asked_from)?;
        answers.send(b"reply")?;
        asks.receive(b"reply")?;
        asks.send(b"second")?;
        answers.receive(b"second")?;
        answers.close()?;
        asks.close()?;
    }
    Ok(())
}

/// One socket and two peers: the first datagram to each is told, and from each.
pub fn unconnected(_: &Scene) -> Outcome {
    let world = World::enter()?;
    let mut asks = Sock::udp(&world, at(HERE, 0))?;
    let peers = [at(HERE, 9000), at(THERE, 9001)];
    let mut sockets = Vec::new();
    for peer in peers {
        let mut socket = Sock::udp(&world, peer)?;
        socket.bind(peer)?;
        sockets.push(socket);
    }
    let mut from = None;
    for round in [&b"first"[..], b"second"] {
        for (socket, peer) in sockets.iter_mut().zip(peers) {
            asks.send_to(round, peer)?;
            socket.receive(round)?;
        }
        from = asks.ends()?.0;
    }
    // The port was the kernel's choice, the address is whichever the way there has.
    let port = super::sock::known(from)?.port();
    for (socket, ip) in sockets.iter_mut().zip([HERE, THERE]) {
        socket.send_to(b"reply", at(ip, port))?;
        asks.receive(b"reply")?;
        socket.send_to(b"again", at(ip, port))?;
        asks.receive(b"again")?;
    }
    sockets.into_iter().try_for_each(Sock::close)?;
    asks.close()
}

/// A server of any address: from whom something came is the real peer.
pub fn server(_: &Scene) -> Outcome {
    let world = World::enter()?;
    let mut server = Sock::udp(&world, at(HERE, 0))?;
    server.bind(at(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 9000))?;
    for (from, to) in [(at(HERE, 9100), HERE), (at(THERE, 9101), THERE)] {
        let mut asks = Sock::udp(&world, from)?;
        asks.bind(from)?;
        asks.send_to(b"question", at(to, 9000))?;
        server.receive(b"question")?;
        server.send_to(b"answer", from)?;
        asks.receive(b"answer")?;
        asks.close()?;
    }
    server.close()
}

/// Each datagram to port 53 and from there is told whole.
pub fn dns(_: &Scene) -> Outcome {
    let world = World::enter()?;
    let resolver = at(HERE, DNS_PORT);
    let mut server = Sock::udp(&world, resolver)?;
    server.bind(resolver)?;
    let mut client = Sock::udp(&world, resolver)?;
    client.connect(resolver)?;
    let asked_from = super::sock::known(client.ends()?.0)?;
    for _ in 0..2 {
        client.send(QUERY)?;
        server.receive(QUERY)?;
        server.send_to(ANSWER, asked_from)?;
        client.receive(ANSWER)?;
    }
    client.close()?;
    server.close()
}

/// Nobody is there: the first datagram was sent all the same, the next call fails, and a failure is
/// no event.
pub fn refused(_: &Scene) -> Outcome {
    let world = World::enter()?;
    let to = at(HERE, 9000);
    let mut socket = Sock::udp(&world, to)?;
    socket.connect(to)?;
    socket.send(b"anybody?")?;
    let failed = sockets::send(socket.as_fd(), b"still nobody?", 0, None);
    let errno = failed.err().and_then(|error| error.raw_os_error());
    ensure(errno == Some(libc::ECONNREFUSED), || {
        format!("sent to nobody: {errno:?}")
    })?;
    socket.close()
}

/// Many peers in turn: each is told once.
pub fn many_peers(_: &Scene) -> Outcome {
    let world = World::enter()?;
    let mut server = Sock::udp(&world, at(HERE, 0))?;
    server.bind(at(HERE, 9000))?;
    let mut peers = Vec::new();
    for port in 9100..9112 {
        let mut socket = Sock::udp(&world, at(HERE, port))?;
        socket.bind(at(HERE, port))?;
        peers.push((socket, at(HERE, port)));
    }
    for _ in 0..2 {
        for (socket, from) in &mut peers {
            socket.send_to(b"ping", at(HERE, 9000))?;
            server.receive(b"ping")?;
            server.send_to(b"pong", *from)?;
            socket.receive(b"pong")?;
        }
    }
    for (socket, _) in peers {
        socket.close()?;
    }
    server.close()
}

/// Connected, no longer connected, which is no event, and connected elsewhere.
pub fn reconnected(_: &Scene) -> Outcome {
    let world = World::enter()?;
    let mut socket = Sock::udp(&world, at(HERE, 0))?;
    socket.bind(at(HERE, 9100))?;
    socket.connect(at(HERE, 9000))?;
    sockets::connect(socket.as_fd(), &Address::none()).tried("dissolve")?;
    socket.connect(at(HERE, 9001))?;
    socket.close()
}

/// Each call that sends datagrams, and one of nothing, which is a datagram.
pub fn calls(_: &Scene) -> Outcome {
    let world = World::enter()?;
    let mut server = Sock::udp(&world, at(HERE, 0))?;
    server.bind(at(HERE, 9000))?;
    let peers: Vec<_> = (9001..9004).map(|port| at(HERE, port)).collect();
    let mut socket = Sock::udp(&world, at(HERE, 0))?;
    socket.bind(at(HERE, 9100))?;
    let to = |peer| Address::from(peer);
    let parts: [&[u8]; 3] = [b"by ", b"", b"sendmsg"];
    sockets::send_parts(socket.as_fd(), &parts, 0, Some(&to(peers[0]))).tried("sendmsg")?;
    socket.has_sent(&parts.concat(), Some(peers[0]))?;
    let (second, third) = (to(peers[1]), to(peers[2]));
    let many: [(&[u8], _); 2] = [(b"by sendmmsg", Some(&second)), (b"", Some(&third))];
    let sent = sockets::send_many(socket.as_fd(), &many).tried("sendmmsg")?;
    ensure(sent == 2, || format!("{sent} datagrams were sent"))?;
    socket.has_sent(b"by sendmmsg", Some(peers[1]))?;
    socket.has_sent(b"", Some(peers[2]))?;
    socket.connect(at(HERE, 9000))?;
    sockets::write(socket.as_fd(), b"by write").tried("write")?;
    socket.has_sent(b"by write", None)?;
    server.receive(b"by write")?;
    socket.close()?;
    server.close()
}

/// Used before it was connected and after: what went between the same ends is one flow, whose
/// address here is that of its beginning.
pub fn connected_later(_: &Scene) -> Outcome {
    let world = World::enter()?;
    let mut server = Sock::udp(&world, at(HERE, 0))?;
    server.bind(at(HERE, 9000))?;
    let mut socket = Sock::udp(&world, at(HERE, 0))?;
    socket.send_to(b"before", at(HERE, 9000))?;
    server.receive(b"before")?;
    socket.connect(at(HERE, 9000))?;
    socket.send(b"and after")?;
    server.receive(b"and after")?;
    socket.close()?;
    server.close()
}

/// Opened by a parent, used by its child: the flow is told as what the child began, of a socket that
/// is its parent's.
pub fn inherited(_: &Scene) -> Outcome {
    let world = World::enter()?;
    let mut server = Sock::udp(&world, at(HERE, 0))?;
    server.bind(at(HERE, 9000))?;
    let mut client = Sock::udp(&world, at(HERE, 0))?;
    client.connect(at(HERE, 9000))?;
    used_by_child(&world, client, server)
}

/// One socket, peers here and elsewhere: what stays within this machine is no flow.
pub fn within_and_without(_: &Scene) -> Outcome {
    let world = World::enter()?;
    let mut server = Sock::udp(&world, at(HERE, 0))?;
    server.bind(at(HERE, 9000))?;
    let within = UdpSocket::bind((Ipv4Addr::LOCALHOST, 9001)).tried("bind within")?;
    let mut socket = Sock::udp(&world, at(HERE, 0))?;
    socket.send_to(b"without", at(HERE, 9000))?;
    server.receive(b"without")?;
    let to = at(Ipv4Addr::LOCALHOST.into(), 9001);
    sockets::send(socket.as_fd(), b"within", 0, Some(&to.into())).tried("send within")?;
    // Its socket counts it all the same.
    socket.about.sent += 6;
    socket.about.sent_packets += 1;
    socket.close()?;
    drop(within);
    server.close()
}

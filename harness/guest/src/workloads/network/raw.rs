//! Sockets that see whole packets: made, used and refused.

use super::sock::Sock;
use super::told::Told;
use super::world::World;
use crate::sys::{sockets, space};
use crate::workloads::failure::{Failure, Outcome, Tried, ensure};
use crate::workloads::kit::{self, Birth};
use crate::workloads::scene::Scene;

/// Of all protocols of Ethernet.
const ETH_P_ALL: u16 = 3;

/// Family, type, protocol as asked for, protocol as told.
const KINDS: [(i32, i32, i32, u64); 4] = [
    (libc::AF_INET, libc::SOCK_RAW, libc::IPPROTO_ICMP, 1),
    (libc::AF_INET6, libc::SOCK_RAW, libc::IPPROTO_ICMPV6, 58),
    (
        libc::AF_PACKET,
        libc::SOCK_RAW,
        ETH_P_ALL.to_be() as i32,
        ETH_P_ALL as u64,
    ),
    (
        libc::AF_PACKET,
        libc::SOCK_DGRAM,
        ETH_P_ALL.to_be() as i32,
        ETH_P_ALL as u64,
    ),
];

/// By root.
pub fn made(_: &Scene) -> Outcome {
    let world = World::enter()?;
    for (family, kind, protocol, told_protocol) in KINDS {
        let mut socket = Sock::new(&world, family, kind, protocol)?;
        // It was made before anybody could ask for its cookie. A packet socket says no protocol.
        socket.about.is_late = true;
        socket.about.protocol = told_protocol;
        let told = socket.told("socket")?;
        socket.say(told)?;
        let end = socket
            .end()?
            .ok_or_else(|| Failure("nothing was told".into()))?;
        socket.let_go();
        end.without("local").without("remote").say()?;
    }
    Ok(())
}

/// By somebody who may not: there is no socket then.
pub fn refused(_: &Scene) -> Outcome {
    let world = World::enter()?;
    // What is told of a socket that never was: as of one that is like it.
    let pattern = Sock::new(&world, libc::AF_INET, libc::SOCK_STREAM, 0)?.about;
    let child = kit::start(Birth::Fork, &mut |inside| {
        space::setresuid(1000, 1000, 1000).tried("change the user")?;
        for (family, kind, protocol, told_protocol) in KINDS {
            let mut about = pattern.clone();
            about.family = family as u64;
            about.kind = kind as u64;
            about.protocol = told_protocol;
            let made = sockets::socket(family, kind, protocol);
            let told = Told::new("socket", &about)?.fails(made, libc::EPERM)?;
            told.without("cookie").without("owner").say()?;
        }
        // What everybody may make is no event.
        let plain = sockets::socket(libc::AF_INET, libc::SOCK_DGRAM, 0);
        ensure(plain.is_ok(), || "a plain socket was refused".into())?;
        inside.wait()
    })?;
    child.finish(1)
}

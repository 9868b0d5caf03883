//! Packets that try to get around the rules, and those without which an allowed
//! flow would not work: each sent as a frame, from outside and by the host, and
//! found again in the counters.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde_json::Value;

use super::frames::{IPV4, IPV6, ethernet};
use super::packets_in::incoming;
use super::packets_out::{answers, outgoing};
use super::running::{Running, release, status};
use super::world::{FAR4, FAR6, HOST4, HOST6, STRANGER4, STRANGER6, World};
use crate::loader::checks::Checks;
use crate::loader::stage::{Failure, Tried};
use crate::loader::{Outcome, Stage};
use crate::sys::wires::Frames;

/// A port of a rule, by TCP and UDP, for the far end.
pub const PORT: u16 = 4660;
/// A peer that may use all ports.
const FRIEND4: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 4);
pub const LINK_LOCAL: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 2);
const RULES: [&str; 5] = [
    "10.77.0.2:4660/tcp",
    "10.77.0.2:4660/udp",
    "[fd77::2]:4660/tcp",
    "[fd77::2]:4660/udp",
    "10.77.0.4",
];

pub const HOST: IpAddr = IpAddr::V4(HOST4);
pub const FAR: IpAddr = IpAddr::V4(FAR4);
pub const STRANGER: IpAddr = IpAddr::V4(STRANGER4);
pub const FRIEND: IpAddr = IpAddr::V4(FRIEND4);
pub const HOST_SIX: IpAddr = IpAddr::V6(HOST6);
pub const FAR_SIX: IpAddr = IpAddr::V6(FAR6);
pub const STRANGER_SIX: IpAddr = IpAddr::V6(STRANGER6);

/// A frame and the counter that it has to be found in: a rule, what passes
/// besides, or a reason.
pub struct Sent {
    what: &'static str,
    frame: Vec<u8>,
    counter: &'static str,
}

/// The two MACs, from the sender's side.
#[derive(Clone, Copy)]
pub struct Way {
    pub to: [u8; 6],
    pub from: [u8; 6],
}

impl Way {
    pub fn four(self, packet: &[u8]) -> Vec<u8> {
        ethernet(self.to, self.from, IPV4, packet)
    }

    pub fn six(self, packet: &[u8]) -> Vec<u8> {
        ethernet(self.to, self.from, IPV6, packet)
    }
}

pub fn packets(_: &mut Stage<'_>) -> Outcome {
    let mut checks = Checks::default();
    let world = World::new()?;
    let outside = world.frames_outside(&world.far)?;
    let inside = Frames::open(world.near.index).tried("a socket for frames")?;
    let words: Vec<&str> = RULES.iter().flat_map(|rule| ["--allow", rule]).collect();
    let running = Running::start(&words)?;
    let (near, far) = (world.near.mac, world.far.mac);
    let in_way = Way {
        to: near,
        from: far,
    };
    let out_way = Way {
        to: far,
        from: near,
    };
    // The host first: what it asks for may be answered.
    each(&inside, &outgoing(out_way), "out", &mut checks)?;
    each(&outside, &incoming(in_way), "in", &mut checks)?;
    each(&inside, &answers(out_way), "out", &mut checks)?;
    let how = world.how()?;
    running.end(libc::SIGINT)?;
    release()?;
    Ok(checks.report(&how))
}

/// Sends each, and finds it in its counter.
fn each(
    frames: &Frames,
    all: &[Sent],
    direction: &str,
    checks: &mut Checks,
) -> Result<(), Failure> {
    for sent in all {
        let before = counters(&status()?, direction);
        // That it was dropped on the way out, the kernel says here.
        let _ = frames.send(&sent.frame);
        let after = counters(&status()?, direction);
        let grown: Vec<&String> = after
            .iter()
            .filter(|(name, count)| **count > before.get(*name).copied().unwrap_or(0))
            .map(|(name, _)| name)
            // The two kernels themselves look for their neighbours.
            .filter(|name| *name == sent.counter || !is_own(name))
            .collect();
        let what = format!("{direction}: {}", sent.what);
        checks.equal(&what, &grown, &vec![&sent.counter.to_owned()])?;
    }
    Ok(())
}

/// What the two kernels say by themselves meanwhile: that nobody listens, that a
/// neighbour was not found.
fn is_own(name: &str) -> bool {
    let own = [
        "arp",
        "neighbour-discovery",
        "multicast-listeners",
        "address",
        "icmp",
    ];
    own.contains(&name)
}

/// All counters of a direction by name; of what was dropped, at interfaces alone.
fn counters(said: &Value, direction: &str) -> BTreeMap<String, u64> {
    let list = |name: &str| said[name].as_array().cloned().unwrap_or_default();
    let packets = |of: &Value| of["packets"].as_u64().unwrap_or(0);
    let text = |of: &Value| of.as_str().unwrap_or_default().to_owned();
    let mut all = BTreeMap::new();
    for rule in list("rules") {
        all.insert(text(&rule["rule"]), packets(&rule[direction]));
    }
    for besides in list("besides") {
        all.insert(text(&besides["what"]), packets(&besides[direction]));
    }
    for dropped in list("dropped") {
        if dropped["direction"] == direction && dropped["at"] == "interface" {
            *all.entry(text(&dropped["reason"])).or_insert(0) += packets(&dropped);
        }
    }
    all
}

pub fn sent(what: &'static str, frame: Vec<u8>, counter: &'static str) -> Sent {
    Sent {
        what,
        frame,
        counter,
    }
}

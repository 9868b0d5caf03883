//! Allowed and forbidden flows, before, under and after isolation.

use std::io::{Read, Write};
use std::net::{IpAddr, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

use super::frames::{self, SYN};
use super::running::{self, Running, release, status};
use super::world::{FAR4, FAR6, HOST4, HOST6, STRANGER4, STRANGER6, World};
use crate::loader::checks::Checks;
use crate::loader::stage::{Failure, Tried};
use crate::loader::trapline::trapline;
use crate::loader::{Outcome, Stage};
use crate::sys::wires::Frames;

/// Services that rules allow: outside, on the host, by UDP outside.
const OUT: u16 = 4660;
const IN: u16 = 4661;
const DATAGRAMS: u16 = 4662;
/// The same that none allows.
const NOT_OUT: u16 = 4666;
const NOT_IN: u16 = 4667;
const NOT_DATAGRAMS: u16 = 4668;

/// For what comes.
const PATIENCE: Duration = Duration::from_secs(8);
/// For what must not come.
const SILENCE: Duration = Duration::from_millis(400);

/// One family's addresses, and the network that holds both ends.
struct Family {
    host: IpAddr,
    far: IpAddr,
    stranger: IpAddr,
    both: &'static str,
}

/// IPv4.
pub fn four(_: &mut Stage<'_>) -> Outcome {
    flows(&Family {
        host: HOST4.into(),
        far: FAR4.into(),
        stranger: STRANGER4.into(),
        both: "10.77.0.0/30",
    })
}

/// IPv6.
pub fn six(_: &mut Stage<'_>) -> Outcome {
    flows(&Family {
        host: HOST6.into(),
        far: FAR6.into(),
        stranger: STRANGER6.into(),
        both: "[fd77::/126]",
    })
}

impl Family {
    /// Rules that allow the services, for both ends.
    fn rules(&self) -> Vec<String> {
        let services = [(OUT, "tcp"), (IN, "tcp"), (DATAGRAMS, "udp")];
        let rules = services
            .iter()
            .map(|(port, protocol)| format!("{}:{port}/{protocol}", self.both));
        rules.collect()
    }
}

/// All that listens.
struct Services {
    out: TcpListener,
    not_out: TcpListener,
    r#in: TcpListener,
    datagrams: UdpSocket,
    not_datagrams: UdpSocket,
}

impl Services {
    fn open(world: &World, family: &Family) -> Result<Self, Failure> {
        let (host, far) = (family.host, family.far);
        let not_datagrams = UdpSocket::bind((host, NOT_DATAGRAMS)).tried("bind")?;
        not_datagrams
            .set_read_timeout(Some(SILENCE))
            .tried("SO_RCVTIMEO")?;
        let datagrams = world.outside(|| UdpSocket::bind((far, DATAGRAMS)))?;
        datagrams
            .set_read_timeout(Some(PATIENCE))
            .tried("SO_RCVTIMEO")?;
        Ok(Self {
            out: world.outside(|| TcpListener::bind((far, OUT)))?,
            not_out: world.outside(|| TcpListener::bind((far, NOT_OUT)))?,
            r#in: TcpListener::bind((host, IN)).tried("listen")?,
            datagrams,
            not_datagrams,
        })
    }
}

/// A connection: who asked, who took it.
struct Pair(TcpStream, TcpStream);

impl Pair {
    fn new(
        connect: impl FnOnce() -> Result<TcpStream, Failure>,
        listener: &TcpListener,
    ) -> Result<Self, Failure> {
        let asked = connect()?;
        let (taken, _) = listener.accept().tried("accept")?;
        Ok(Self(asked, taken))
    }

    /// Both ends can say something to the other.
    fn talks(&self, what: &str, checks: &mut Checks) -> Result<(), Failure> {
        self.both_ways(what, (PATIENCE, true), checks)
    }

    /// Neither can.
    fn is_silent(&self, what: &str, checks: &mut Checks) -> Result<(), Failure> {
        self.both_ways(what, (SILENCE, false), checks)
    }

    fn both_ways(
        &self,
        what: &str,
        (patience, arrives): (Duration, bool),
        checks: &mut Checks,
    ) -> Result<(), Failure> {
        let there = says(&self.0, &self.1, patience);
        checks.equal(&format!("{what}, there"), &there, &arrives)?;
        let back = says(&self.1, &self.0, patience);
        checks.equal(&format!("{what}, back"), &back, &arrives)
    }
}

/// One byte; does it arrive?
fn says(mut from: &TcpStream, mut to: &TcpStream, patience: Duration) -> bool {
    let set = to.set_read_timeout(Some(patience));
    set.is_ok() && from.write_all(b"x").is_ok() && to.read_exact(&mut [0]).is_ok()
}

fn flows(family: &Family) -> Outcome {
    let mut checks = Checks::default();
    let world = World::new()?;
    let services = Services::open(&world, family)?;
    let connect = |port: u16| TcpStream::connect((family.far, port)).tried("connect");
    let allowed = Pair::new(|| connect(OUT), &services.out)?;
    let forbidden = Pair::new(|| connect(NOT_OUT), &services.not_out)?;
    allowed.talks("what will be allowed, before", &mut checks)?;
    forbidden.talks("what will be forbidden, before", &mut checks)?;
    let outside = world.frames_outside(&world.far)?;
    let inside = Frames::open(world.near.index).tried("a socket for frames")?;
    strangers(
        &world,
        family,
        &services,
        (&inside, &outside),
        true,
        &mut checks,
    )?;

    let rules = family.rules();
    let words: Vec<&str> = rules.iter().flat_map(|rule| ["--allow", rule]).collect();
    let running = Running::start(&words)?;
    let is_told = running
        .said
        .contains("3 rules allowed; until it is released");
    checks.holds(&running.said, is_told)?;
    let outside = world.frames_outside(&world.far)?;
    under(&world, family, &services, &allowed, &forbidden, &mut checks)?;
    strangers(
        &world,
        family,
        &services,
        (&inside, &outside),
        false,
        &mut checks,
    )?;
    counted(&world, &mut checks)?;

    let how = world.how()?;
    running.end(libc::SIGKILL)?;
    let said = status()?;
    checks.equal("in force after kill -9", &said["in_force"], &true.into())?;
    checks.equal("watched after kill -9", &said["is_watched"], &false.into())?;
    under(&world, family, &services, &allowed, &forbidden, &mut checks)?;
    only_allowed(&outside, &mut checks)?;

    release()?;
    forbidden.talks("what was forbidden, afterwards", &mut checks)?;
    allowed.talks("what was allowed, afterwards", &mut checks)?;
    strangers(
        &world,
        family,
        &services,
        (&inside, &outside),
        true,
        &mut checks,
    )?;
    let left = std::path::Path::new(running::PINS).exists();
    checks.holds_not("pins that are left", left)?;
    Ok(checks.report(&how))
}

/// What passes under isolation, and what does not.
fn under(
    world: &World,
    family: &Family,
    services: &Services,
    allowed: &Pair,
    forbidden: &Pair,
    checks: &mut Checks,
) -> Result<(), Failure> {
    allowed.talks("allowed, established before", checks)?;
    forbidden.is_silent("forbidden, established before", checks)?;
    let connect = || TcpStream::connect((family.far, OUT)).tried("connect");
    Pair::new(connect, &services.out)?.talks("allowed, opened by the host", checks)?;
    let connect = || world.outside(|| TcpStream::connect((family.host, IN)));
    Pair::new(connect, &services.r#in)?.talks("allowed, opened from outside", checks)?;
    let refused = TcpStream::connect_timeout(&(family.far, NOT_OUT).into(), SILENCE).is_err();
    checks.holds("forbidden, opened by the host: refused", refused)?;
    let asking = UdpSocket::bind((family.host, 0)).tried("bind")?;
    asking
        .set_read_timeout(Some(PATIENCE))
        .tried("SO_RCVTIMEO")?;
    asking
        .send_to(b"question", (family.far, DATAGRAMS))
        .tried("ask")?;
    let mut buffer = [0; 16];
    let (_, from) = services
        .datagrams
        .recv_from(&mut buffer)
        .tried("be asked")?;
    services
        .datagrams
        .send_to(b"answer", from)
        .tried("answer")?;
    let answered = asking.recv(&mut buffer).tried("be answered")?;
    checks.equal("an allowed answer", &answered, &6)
}

/// What strangers say to the host and the host to them, past the sockets: it
/// passes, or it does not.
fn strangers(
    world: &World,
    family: &Family,
    services: &Services,
    (inside, outside): (&Frames, &Frames),
    passes: bool,
    checks: &mut Checks,
) -> Result<(), Failure> {
    let kind = frames::kind_of(family.host);
    let (near, far) = (world.near.mac, world.far.mac);
    let to_host = |packet: &[u8]| frames::ethernet(near, far, kind, packet);
    let (host, stranger) = (family.host, family.stranger);
    let datagram = frames::udp((stranger, 9), (host, NOT_DATAGRAMS), b"let me in");
    outside.send(&to_host(&datagram)).tried("send a frame")?;
    let received = services.not_datagrams.recv(&mut [0; 16]).is_ok();
    checks.equal("a stranger's datagram arrives", &received, &passes)?;
    // From an allowed port, to one that is not.
    let datagram = frames::udp((family.far, DATAGRAMS), (host, NOT_DATAGRAMS), b"let me in");
    outside.send(&to_host(&datagram)).tried("send a frame")?;
    let received = services.not_datagrams.recv(&mut [0; 16]).is_ok();
    checks.equal(
        "a datagram from an allowed port arrives",
        &received,
        &passes,
    )?;
    for packet in [
        frames::tcp((stranger, 9), (host, IN), SYN),
        frames::tcp((family.far, OUT), (host, NOT_IN), SYN),
        frames::echo(family.far, host),
        frames::echo(stranger, host),
    ] {
        outside.send(&to_host(&packet)).tried("send a frame")?;
    }
    let out = frames::udp((host, 9), (stranger, 53), b"let me out");
    let out = frames::ethernet(far, near, kind, &out);
    let is_sent = inside.send(&out).is_ok();
    let seen = all(outside)?;
    let is_out = seen.iter().any(|seen| seen == "udp 9 53");
    checks.equal(
        &format!("a frame of the host's gets out (sent: {is_sent})"),
        &is_out,
        &passes,
    )?;
    if passes {
        return Ok(());
    }
    is_allowed(&seen, checks)
}

/// What comes out of the wire until nothing more does.
fn all(outside: &Frames) -> Result<Vec<String>, Failure> {
    let mut seen = Vec::new();
    loop {
        match outside.receive(SILENCE) {
            Ok(frame) => seen.push(frames::describe(&frame)),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Ok(seen),
            Err(error) => return Err(Failure::other("receive a frame", error)),
        }
    }
}

fn only_allowed(outside: &Frames, checks: &mut Checks) -> Result<(), Failure> {
    is_allowed(&all(outside)?, checks)
}

/// Nothing but the allow list, and what it takes to reach a neighbour.
fn is_allowed(seen: &[String], checks: &mut Checks) -> Result<(), Failure> {
    let is_one = |seen: &&String| {
        let mut words = seen.split(' ');
        let (what, ports) = (
            words.next().unwrap_or_default(),
            words.filter_map(|w| w.parse().ok()),
        );
        let ports: Vec<u16> = ports.collect();
        match what {
            "arp" | "nd" | "mld" => true,
            "tcp" => ports.contains(&OUT) || ports.contains(&IN),
            "udp" => ports.contains(&DATAGRAMS),
            _ => false,
        }
    };
    let others: Vec<&String> = seen.iter().filter(|seen| !is_one(seen)).collect();
    checks.equal("what got out besides", &others, &Vec::new())
}

/// Each rule has let something pass both ways, and what was dropped was counted.
fn counted(world: &World, checks: &mut Checks) -> Result<(), Failure> {
    let said = status()?;
    checks.equal(
        &format!("all is covered: {said}"),
        &said["is_whole"],
        &true.into(),
    )?;
    checks.equal("sockets are covered", &said["covers_sockets"], &true.into())?;
    for rule in said["rules"].as_array().into_iter().flatten() {
        for way in ["in", "out"] {
            let is_some = rule[way]["packets"]
                .as_u64()
                .is_some_and(|packets| packets > 0);
            checks.holds(&format!("{way} by {rule}"), is_some)?;
        }
    }
    let text = trapline(&["isolate", "status"])?.good()?.out;
    for part in [
        "isolated for ",
        "; until it is released",
        "left alone",
        "address",
        ":4660/tcp",
    ] {
        checks.holds(&format!("{part} in {text}"), text.contains(part))?;
    }
    let dropped = |reason: &str, direction: &str| {
        let all = said["dropped"].as_array().into_iter().flatten();
        let ours = all.filter(|one| {
            one["reason"] == reason
                && one["direction"] == direction
                && one["interface"] == world.near.name.as_str()
                && one["at"] == "interface"
        });
        ours.filter_map(|one| one["packets"].as_u64()).sum::<u64>()
    };
    // The datagram, the segment and the ping of a stranger; then those of the peer.
    checks.holds(&format!("strangers: {said}"), dropped("address", "in") >= 3)?;
    checks.holds("to other ports", dropped("port", "in") >= 2)?;
    checks.holds("pings", dropped("icmp", "in") >= 1)?;
    checks.holds("to strangers", dropped("address", "out") >= 1)
}

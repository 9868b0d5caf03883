//! What changes while a host is isolated: interfaces that come, another policy, the
//! end of the program; and how to see what gets through.

use std::io::ErrorKind;
use std::net::UdpSocket;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;
use trapline_loader::attach::query::query_tcx;
use trapline_loader::attach::{IngressQdisc, TcDirection, query_filters, query_ingress_qdisc};

use super::frames;
use super::running::{PINS, Running, release, status, until};
use super::world::{End, FAR4, HOST4, STRANGER4, World};
use crate::loader::checks::Checks;
use crate::loader::stage::{Failure, Tried};
use crate::loader::trapline::trapline;
use crate::loader::{Outcome, Stage};
use crate::sys::net;
use crate::sys::wires::Frames;

pub const SILENCE: Duration = Duration::from_millis(300);
/// A rule of somebody who is not there.
pub const NOBODY: [&str; 2] = ["--allow", "192.0.2.1"];

/// Does a frame of the host's to a stranger get out of this end?
pub fn leaks(world: &World, near: &End, far: &End) -> Result<bool, Failure> {
    let (outside, inside) = (
        world.frames_outside(far)?,
        Frames::open(near.index).tried("a socket for frames")?,
    );
    let packet = frames::udp((HOST4.into(), 9), (STRANGER4.into(), 53), b"out");
    let frame = frames::ethernet(far.mac, near.mac, frames::IPV4, &packet);
    let _ = inside.send(&frame);
    let until = Instant::now() + SILENCE;
    while Instant::now() < until {
        match outside.receive(SILENCE) {
            Ok(frame) if frames::describe(&frame) == "udp 9 53" => return Ok(true),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(Failure::other("receive a frame", error)),
        }
    }
    Ok(false)
}

pub fn interface(said: &Value, name: &str) -> Value {
    let mut all = said["interfaces"]
        .as_array()
        .cloned()
        .unwrap_or_default()
        .into_iter();
    all.find(|one| one["name"] == name).unwrap_or_default()
}

/// Waits until both ends of an interface are covered and first.
pub fn covered(name: &str) -> Result<Duration, Failure> {
    let find = || Ok(interface(&status()?, name));
    until(name, find, |found| {
        found["ingress"]["before"] == 0 && found["egress"]["before"] == 0
    })
}

/// An interface that comes is covered; with the program gone, the sockets of those
/// that come are. A new policy takes over without a gap; a release leaves nothing.
pub fn later(stage: &mut Stage<'_>) -> Outcome {
    let mut checks = Checks::default();
    let world = World::new()?;
    checks.holds("a leak before", leaks(&world, &world.near, &world.far)?)?;
    let mut first = Running::start(&NOBODY)?;
    checks.holds_not("a leak", leaks(&world, &world.near, &world.far)?)?;
    let (near, far) = world.another("trap1")?;
    let took = covered("trap1")?;
    stage.spend(
        "covered_ms",
        u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
    );
    checks.holds_not("a leak by what came", leaks(&world, &near, &far)?)?;
    let how = world.how()?;
    let second = Running::start(&["--allow", "192.0.2.2", "--allow", "192.0.2.3"])?;
    let told = first.wait()?;
    checks.holds(&told, told.contains("replaced"))?;
    let said = status()?;
    let rules = said["rules"].as_array().map_or(0, Vec::len);
    checks.equal("rules of the second", &rules, &2)?;
    checks.holds_not("a leak after the change", leaks(&world, &near, &far)?)?;
    net::delete_device(near.index).tried("remove it")?;
    until("its pins", || Ok(pins(near.index)), |pins| *pins == 0)?;
    second.end(libc::SIGKILL)?;
    let (near, far) = world.another("trap2")?;
    let said = status()?;
    checks.equal(
        "not covered",
        &interface(&said, "trap2")["egress"],
        &Value::Null,
    )?;
    checks.equal(
        "the code then",
        &trapline(&["isolate", "status"])?.code,
        &Some(1),
    )?;
    checks.equal("sockets", &said["covers_sockets"], &true.into())?;
    // Its frames get out; what a socket sends does not.
    checks.holds("a frame by it", leaks(&world, &near, &far)?)?;
    let sent = UdpSocket::bind((HOST4, 0))
        .tried("bind")?
        .send_to(b"x", (FAR4, 7));
    let refused = sent.err().and_then(|error| error.raw_os_error());
    checks.equal("a datagram of a socket", &refused, &Some(libc::EPERM))?;
    release()?;
    checks.holds("a leak afterwards", leaks(&world, &world.near, &world.far)?)?;
    is_clean(&world.near, &mut checks)?;
    net::delete_device(near.index).tried("remove it")?;
    Ok(checks.report(&how))
}

/// Names of links of an interface.
fn pins(index: u32) -> usize {
    let runs = std::fs::read_dir(PINS).into_iter().flatten().flatten();
    let links = runs.flat_map(|run| {
        std::fs::read_dir(run.path().join("links"))
            .into_iter()
            .flatten()
    });
    let names = links
        .flatten()
        .map(|link| link.file_name().to_string_lossy().into_owned());
    names
        .filter(|name| name.starts_with(&format!("{index}-")))
        .count()
}

/// Nothing of ours is left at an interface, nor pinned.
pub fn is_clean(end: &End, checks: &mut Checks) -> Result<(), Failure> {
    checks.holds_not("pins are left", Path::new(PINS).exists())?;
    for direction in [TcDirection::Ingress, TcDirection::Egress] {
        let left = at(end.index, direction)?;
        checks.equal("programs are left", &left, &Vec::new())?;
    }
    let qdisc = query_ingress_qdisc(end.index)?;
    checks.equal("the qdisc", &qdisc, &IngressQdisc::None)
}

/// The programs at one end, first to last.
pub fn at(index: u32, direction: TcDirection) -> Result<Vec<u32>, Failure> {
    match query_tcx(index, direction) {
        Ok(found) => Ok(found.programs.iter().map(|one| one.prog_id).collect()),
        Err(_) => {
            let filters = query_filters(index, direction)?;
            Ok(filters.iter().filter_map(|filter| filter.prog_id).collect())
        }
    }
}

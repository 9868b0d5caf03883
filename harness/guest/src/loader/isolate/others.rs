//! Programs and qdiscs of others at the same hooks.

use std::path::Path;

use serde_json::Value;
use trapline_loader::attach::{
    Anchor, IngressQdisc, Link, TcDirection, TcOptions, TcxOptions, Via, XdpOptions, query_filters,
    query_ingress_qdisc,
};
use trapline_loader::program::Program;

use super::changes::{NOBODY, at, covered, interface, is_clean, leaks};
use super::running::{PINS, Running, release, status};
use super::world::World;
use crate::loader::checks::Checks;
use crate::loader::stage::{Failure, Tried, spec_of};
use crate::loader::trapline::trapline;
use crate::loader::{Outcome, Stage};
use crate::sys::net;

/// Another's program before all others, or after.
fn other(program: &Program, index: u32, first: bool) -> Result<Link, Failure> {
    let direction = Some(TcDirection::Egress);
    let options = TcxOptions {
        direction,
        anchor: if first { Anchor::First } else { Anchor::Last },
        ..TcxOptions::default()
    };
    match program.attach_tcx(index, &options) {
        Ok(link) => Ok(link),
        Err(_) => {
            let options = TcOptions {
                direction,
                via: Via::Legacy,
                priority: if first { 1 } else { 7 },
                ..TcOptions::default()
            };
            Ok(program.attach_tc(index, &options)?)
        }
    }
}

/// Another's program, which lets everything pass and asks nobody further: it is
/// overtaken where it was first, and left alone.
pub fn others(stage: &mut Stage<'_>) -> Outcome {
    let mut checks = Checks::default();
    let object = stage.load()?;
    let program = object.program("on_packet")?;
    let id = program.info()?.id;
    let world = World::new()?;
    let last = other(program, world.near.index, false)?;
    let running = Running::start(&NOBODY)?;
    let found = at(world.near.index, TcDirection::Egress)?;
    checks.equal(
        "programs, ours first",
        &(found.len(), found.last()),
        &(2, Some(&id)),
    )?;
    checks.holds_not("a leak", leaks(&world, &world.near, &world.far)?)?;
    last.detach()?;
    let first = other(program, world.near.index, true)?;
    let took = covered("trap0")?;
    stage.spend(
        "first_again_ms",
        u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
    );
    let found = at(world.near.index, TcDirection::Egress)?;
    checks.equal(
        "programs, ours first again",
        &(found.len(), found.last()),
        &(2, Some(&id)),
    )?;
    checks.holds_not("a leak behind it", leaks(&world, &world.near, &world.far)?)?;
    // Newer netkit takes no XDP programs.
    if world.kind == "veth" {
        early(stage, &world, &mut checks)?;
    }
    let how = world.how()?;
    running.end(libc::SIGTERM)?;
    checks.equal("in force", &status()?["in_force"], &true.into())?;
    release()?;
    let found = at(world.near.index, TcDirection::Egress)?;
    checks.equal("the other is left alone", &found, &vec![id])?;
    first.detach()?;
    is_clean(&world.near, &mut checks)?;
    if how.starts_with("clsact") {
        half(&world, &mut checks)?;
    }
    Ok(checks.report(&how))
}

/// An XDP program comes before all others, and that is said.
fn early(stage: &mut Stage<'_>, world: &World, checks: &mut Checks) -> Result<(), Failure> {
    let object = stage.load_spec(spec_of("attach_xdp")?)?;
    let program = object.program("on_xdp")?;
    let link = program.attach_xdp(world.near.index, &XdpOptions::default())?;
    let found = interface(&status()?, "trap0");
    checks.equal("an XDP program", &found["xdp"], &program.info()?.id.into())?;
    link.detach()?;
    let found = interface(&status()?, "trap0");
    checks.equal("no XDP program", &found["xdp"], &Value::Null)
}

/// Another's qdisc `ingress` has no filters for what goes out: that is said, what
/// comes in is covered, and the qdisc is left alone.
fn half(world: &World, checks: &mut Checks) -> Result<(), Failure> {
    net::new_ingress(world.near.index).tried("a qdisc")?;
    let refused = trapline(&[&["isolate"], &NOBODY[..]].concat())?;
    let is_right = refused.code == Some(1) && refused.err.contains("another's ingress qdisc");
    checks.holds(&refused.err, is_right)?;
    checks.holds_not("pins after that", Path::new(PINS).exists())?;
    let (near, _) = world.another("trap1")?;
    let running = Running::start(&NOBODY)?;
    let is_told = running.said.contains("1 of 2 interfaces covered");
    checks.holds(&running.said, is_told)?;
    let found = interface(&status()?, "trap0");
    checks.equal("what comes in", &found["ingress"]["how"], &"clsact".into())?;
    checks.equal("what goes out", &found["egress"], &Value::Null)?;
    let told = running.end(libc::SIGTERM)?;
    checks.holds(&told, told.contains("trap0 is not covered: what goes out"))?;
    release()?;
    let left = query_ingress_qdisc(world.near.index)?;
    checks.equal("the qdisc of another", &left, &IngressQdisc::Other)?;
    let left = query_filters(world.near.index, TcDirection::Ingress)?;
    checks.equal("filters that are left", &left.len(), &0)?;
    net::delete_device(near.index).tried("remove it").map(drop)
}

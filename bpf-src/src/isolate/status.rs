//! What is in force, read from any process.

use std::time::Duration;

use trapline_loader::attach::{TcDirection, interfaces, query_xdp};
use trapline_loader::error::ResultExt;
use trapline_loader::map::Map;

use super::abi::{
    self, AT_SOCKET, BESIDES_ARP, Config, Count, Drop, OUT, PassedCount, STATE_STAYS, StoredRule,
};
use super::cover::{self, DIRECTIONS};
use super::place::{Place, Run};
use super::policy::Rule;
use super::release::{self, is_running};
use super::{Result, caller, maps, sockets};
use crate::clock;

/// What is in force.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Status {
    /// For so long.
    pub since: Duration,
    /// And so long to come; `None`: until it is released.
    pub remaining: Option<Duration>,
    /// It ends with its program.
    pub while_running: bool,
    /// The program that put it into force.
    pub pid: u32,
    /// That program still runs, and so interfaces that come will be covered.
    pub is_watched: bool,
    /// The caller is in another network namespace, and cannot see the interfaces.
    pub is_elsewhere: bool,
    /// Programs for the sockets of all control groups are attached.
    pub covers_sockets: bool,
    /// All interfaces but the loopback one.
    pub interfaces: Vec<InterfaceStatus>,
    /// In the order of the command line.
    pub rules: Vec<RuleStatus>,
    /// What passed besides.
    pub passed: Vec<Passed>,
    /// What did not pass; only what has happened.
    pub dropped: Vec<Dropped>,
}

impl Status {
    /// Is every interface covered, and first, at both ends?
    pub fn is_whole(&self) -> bool {
        let ends = self
            .interfaces
            .iter()
            .flat_map(|one| [&one.ingress, &one.egress]);
        let mut ends = ends.map(|end| end.as_ref().is_some_and(|end| end.before == 0));
        !self.is_elsewhere && ends.all(|is_first| is_first)
    }
}

/// An interface.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InterfaceStatus {
    /// Its number.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// Its packets are not understood, so none passes.
    pub is_closed: bool,
    /// An XDP program, which sees what comes in before ours, and can lead it past.
    pub xdp: Option<u32>,
    /// What comes in; `None`: not covered.
    pub ingress: Option<End>,
    /// What goes out; `None`: not covered.
    pub egress: Option<End>,
}

/// A program at one end of an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// `tcx` or `clsact`.
    pub how: &'static str,
    /// Programs or filters of others that run before ours, and could let pass what
    /// ours would not.
    pub before: usize,
}

/// Packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// How many.
    pub packets: u64,
    /// Their size, with what comes before the IP header.
    pub bytes: u64,
}

impl From<Count> for Traffic {
    fn from(count: Count) -> Self {
        let Count { packets, bytes } = count;
        Self { packets, bytes }
    }
}

/// A rule and what it let pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleStatus {
    /// The rule.
    pub rule: Rule,
    /// To the host.
    pub r#in: Traffic,
    /// From the host.
    pub out: Traffic,
}

/// What passes besides the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum What {
    Arp,
    NeighbourDiscovery,
    MulticastListeners,
    Dhcp,
    LinkControl,
}

impl What {
    /// In the order of their counters.
    const ALL: [Self; 5] = [
        Self::Arp,
        Self::NeighbourDiscovery,
        Self::MulticastListeners,
        Self::Dhcp,
        Self::LinkControl,
    ];

    /// A word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Arp => "arp",
            Self::NeighbourDiscovery => "neighbour-discovery",
            Self::MulticastListeners => "multicast-listeners",
            Self::Dhcp => "dhcp",
            Self::LinkControl => "link-control",
        }
    }
}

/// What passed besides the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passed {
    /// What.
    pub what: What,
    /// To the host.
    pub r#in: Traffic,
    /// From the host.
    pub out: Traffic,
}

/// What did not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dropped {
    /// The interface's number; 0 where there were too many to tell apart.
    pub index: u32,
    /// Its name, if it is still there.
    pub interface: Option<String>,
    /// It was going out.
    pub is_out: bool,
    /// Dropped at a socket, before it came to the interface or after.
    pub at_socket: bool,
    /// Why.
    pub reason: &'static str,
    /// How much.
    pub traffic: Traffic,
}

/// A word for a reason.
fn reason_name(reason: u16) -> &'static str {
    match reason {
        abi::REASON_ADDRESS => "address",
        abi::REASON_PORT => "port",
        abi::REASON_PROTOCOL => "protocol",
        abi::REASON_ICMP => "icmp",
        abi::REASON_FRAGMENT => "fragment",
        abi::REASON_OPTIONS => "ip-options",
        abi::REASON_EXTENSION => "ipv6-extension",
        abi::REASON_VLAN => "vlan",
        abi::REASON_ETHERTYPE => "not-ip",
        abi::REASON_LINK_LAYER => "link-layer",
        _ => "malformed",
    }
}

/// What is in force; `None`: nothing is. Removes what is left of what is over.
///
/// # Errors
/// `PermissionDenied` for whoever may not look; what the kernel says otherwise.
pub fn status(place: &Place) -> Result<Option<Status>> {
    release::clean(place).with_context(|| "removing what an earlier run left")?;
    // The last one takes the place of those before.
    let Some(run) = place.runs()?.pop() else {
        return Ok(None);
    };
    of_run(&run).map(Some)
}

fn of_run(run: &Run) -> Result<Status> {
    let config = maps::config(run)?;
    let now = clock::boot_ns()?;
    let after = |ns: u64, earlier: u64| Duration::from_nanos(ns.saturating_sub(earlier));
    let stays = config.state == STATE_STAYS;
    let is_watched = is_running(&config);
    let is_elsewhere = config.netns != caller::netns();
    let interfaces = match is_elsewhere {
        true => Vec::new(),
        false => interface_states(run)?,
    };
    let (rules, passed) = passed(run, &config)?;
    Ok(Status {
        since: after(now, config.started_ns),
        remaining: (config.deadline_ns != 0).then(|| after(config.deadline_ns, now)),
        while_running: !stays,
        pid: config.pid,
        is_watched,
        is_elsewhere,
        covers_sockets: match stays {
            true => sockets::are_pinned(run)?,
            false => sockets_are_shut(&config),
        },
        dropped: dropped(run, &interfaces)?,
        interfaces,
        rules,
        passed,
    })
}

/// What is held by a program has no name; its gates are filled where it attached.
fn sockets_are_shut(config: &Config) -> bool {
    let [_, sockets @ ..] = config.gate_ids;
    sockets.iter().all(|id| {
        let gate = Map::from_id(*id);
        gate.is_ok_and(|gate| matches!(gate.lookup(&[0; 4]), Ok(Some(_))))
    })
}

fn interface_states(run: &Run) -> Result<Vec<InterfaceStatus>> {
    let ids = run.program_ids()?;
    let mut states = Vec::new();
    for interface in interfaces()? {
        if interface.is_loopback() {
            continue;
        }
        let [ingress, egress] = DIRECTIONS.map(|direction: TcDirection| {
            let found = cover::find(interface.index, direction, &ids)?;
            Ok(found.map(|found| End {
                how: found.how,
                before: found.before,
            }))
        });
        let xdp = query_xdp(interface.index)?;
        states.push(InterfaceStatus {
            index: interface.index,
            xdp: xdp.prog_id.or(xdp.drv).or(xdp.skb).or(xdp.hw),
            is_closed: cover::link_of(&interface) == abi::LINK_OTHER,
            ingress: ingress?,
            egress: egress?,
            name: interface.name,
        });
    }
    Ok(states)
}

/// The rules, and what passes besides.
fn passed(run: &Run, config: &Config) -> Result<(Vec<RuleStatus>, Vec<Passed>)> {
    let (stored, counts) = (run.map("rules")?, run.map("passed")?);
    let mut rules = Vec::new();
    for index in 0..config.rules.min(abi::RULES) {
        let value = stored.lookup(&index.to_ne_bytes())?.unwrap_or_default();
        let rule = Rule::from(&maps::read::<StoredRule>(&value)?);
        let (r#in, out) = count_of(&counts, index)?;
        rules.push(RuleStatus { rule, r#in, out });
    }
    let mut besides = Vec::new();
    for (index, what) in (BESIDES_ARP..).zip(What::ALL) {
        let (r#in, out) = count_of(&counts, index)?;
        besides.push(Passed { what, r#in, out });
    }
    Ok((rules, besides))
}

fn count_of(counts: &Map, index: u32) -> Result<(Traffic, Traffic)> {
    let (mut r#in, mut out) = (Traffic::default(), Traffic::default());
    let values = counts.lookup_per_cpu(&index.to_ne_bytes())?;
    for value in values.unwrap_or_default() {
        let count: PassedCount = maps::read(&value)?;
        add(&mut r#in, count.r#in);
        add(&mut out, count.out);
    }
    Ok((r#in, out))
}

fn add(sum: &mut Traffic, count: Count) {
    sum.packets += count.packets;
    sum.bytes += count.bytes;
}

fn dropped(run: &Run, interfaces: &[InterfaceStatus]) -> Result<Vec<Dropped>> {
    let map = run.map("dropped")?;
    let mut all = Vec::new();
    let keys: Result<Vec<_>> = map.keys().collect();
    for key in keys? {
        let Drop {
            ifindex,
            reason,
            direction,
            place,
        } = maps::read(&key)?;
        let mut traffic = Traffic::default();
        for value in map.lookup_per_cpu(&key)?.unwrap_or_default() {
            add(&mut traffic, maps::read(&value)?);
        }
        if traffic.packets > 0 {
            let interface = interfaces.iter().find(|one| one.index == ifindex);
            all.push(Dropped {
                index: ifindex,
                interface: interface.map(|one| one.name.clone()),
                is_out: direction == OUT,
                at_socket: place == AT_SOCKET,
                reason: reason_name(reason),
                traffic,
            });
        }
    }
    all.sort_by_key(|one| (one.index, one.is_out, one.at_socket, one.reason));
    Ok(all)
}

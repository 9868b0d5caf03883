//! The maps of a run: filling them, and reading them from any process.

use trapline_loader::ErrorKind;
use trapline_loader::map::{Map, UpdateFlag};
use trapline_loader::object::Object;

use super::abi::{self, Config, Count, DIRECTIONS, Drop, GATES, LINKS, REASONS, StoredRule};
use super::place::{MAPS, Run};
use super::policy::Rule;
use super::tables::Tables;
use super::{Error, Result};
use crate::abi::Wire;

const FIRST: [u8; 4] = [0; 4];
/// The maps that anybody who asks needs.
const SHOWN: [&str; 5] = ["config", "passed", "dropped", "rules", "interfaces"];
/// The maps by which a run is switched, in the order of `Config::gate_ids`.
pub(super) const GATE_NAMES: [&str; GATES] = ["gate", "gate_socket_in", "gate_socket_out"];

/// Fills what does not change any more.
pub(super) fn fill(object: &Object, rules: &[Rule], tables: &Tables) -> Result<()> {
    let (four, six) = (object.map("peers4")?, object.map("peers6")?);
    for (key, set) in tables.peers4() {
        four.update(&abi::bytes(&key), &abi::bytes(&set), UpdateFlag::Any)?;
    }
    for (key, set) in tables.peers6() {
        six.update(&abi::bytes(&key), &abi::bytes(&set), UpdateFlag::Any)?;
    }
    let ports = object.map("ports")?;
    for (key, set) in tables.ports() {
        ports.update(&abi::bytes(&key), &abi::bytes(&set), UpdateFlag::Any)?;
    }
    let stored = object.map("rules")?;
    for (index, rule) in (0u32..).zip(rules) {
        let value = abi::bytes(&StoredRule::from(rule));
        stored.update(&index.to_ne_bytes(), &value, UpdateFlag::Any)?;
    }
    reserve_drops(object.map("dropped")?)
}

/// Has a place for every reason, whatever else fills the map.
fn reserve_drops(dropped: &Map) -> Result<()> {
    let none = abi::bytes(&Count::default());
    let cpus = trapline_loader::map::possible_cpu_numbers()?;
    let all = vec![none.as_slice(); cpus as usize];
    for reason in 1..REASONS {
        for direction in [abi::IN, abi::OUT] {
            for place in [abi::AT_INTERFACE, abi::AT_SOCKET] {
                let key = Drop {
                    ifindex: 0,
                    reason,
                    direction,
                    place,
                };
                dropped.update_per_cpu(&abi::bytes(&key), &all, UpdateFlag::Any)?;
            }
        }
    }
    Ok(())
}

/// Pins the maps that are shown; with `stays` also what keeps it in force.
pub(super) fn pin(object: &Object, run: &Run, stays: bool) -> Result<()> {
    let gates = GATE_NAMES.iter().filter(|_| stays);
    for name in SHOWN.iter().chain(gates) {
        object.map(name)?.pin(run.path(MAPS, name))?;
    }
    Ok(())
}

/// The numbers of the gates.
pub(super) fn gate_ids(object: &Object) -> Result<[u32; GATES]> {
    let mut ids = [0; GATES];
    for (id, name) in ids.iter_mut().zip(GATE_NAMES) {
        *id = object.map(name)?.id()?;
    }
    Ok(ids)
}

/// Writes the configuration, which the programs read.
pub(super) fn write_config(object: &Object, config: &Config) -> Result<()> {
    object
        .map("config")?
        .update(&FIRST, &abi::bytes(config), UpdateFlag::Any)
}

/// The configuration of a run.
pub(super) fn config(run: &Run) -> Result<Config> {
    let map = run.map("config")?;
    let value = map.lookup(&FIRST)?.unwrap_or_default();
    read(&value)
}

/// A value of a map.
pub(super) fn read<T: Wire>(bytes: &[u8]) -> Result<T> {
    T::read(bytes).ok_or_else(|| {
        let cause = format!(
            "{} bytes instead of {}: another version's",
            bytes.len(),
            T::SIZE
        );
        Error::malformed(cause)
    })
}

/// The gates of a run: those that are still there.
fn gates(config: &Config) -> Result<Vec<Map>> {
    let opened = config.gate_ids.iter().map(|id| match Map::from_id(*id) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        other => other.map(Some),
    });
    opened.filter_map(Result::transpose).collect()
}

/// Is there anything behind the gates?
pub(super) fn is_shut(config: &Config) -> Result<bool> {
    for gate in gates(config)? {
        for index in 0..gate.max_entries() {
            if gate.lookup(&index.to_ne_bytes())?.is_some() {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Lets everything pass, everywhere, from now on.
pub(super) fn open(config: &Config) -> Result<()> {
    for gate in gates(config)? {
        for index in 0..gate.max_entries() {
            gate.delete(&index.to_ne_bytes())?;
        }
    }
    Ok(())
}

/// The slot of the gate for interfaces.
pub(super) fn slot(direction: u8, link: u32) -> [u8; 4] {
    debug_assert!(u32::from(direction) < DIRECTIONS && link < LINKS);
    (u32::from(direction) * LINKS + link).to_ne_bytes()
}

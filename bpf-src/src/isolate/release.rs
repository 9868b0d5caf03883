//! Ending what is in force, from any process.

use trapline_loader::ErrorKind;
use trapline_loader::attach::query::query_tcx;
use trapline_loader::attach::{Link, delete_clsact, interfaces};

use super::abi::{Config, STATE_STARTING};
use super::caller;
use super::cover::{DIRECTIONS, remove_filters};
use super::hold::has_made_qdisc;
use super::maps;
use super::place::{LINKS, Place, Run};
use super::{Error, Result};
use crate::clock;

/// What a release ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Released {
    /// Runs that were in force.
    pub in_force: usize,
    /// Runs that were over already, of which only pins and filters were left.
    pub left_over: usize,
}

/// Ends whatever is in force and removes what it left: only what is ours.
///
/// # Errors
/// The first thing that could not be removed; everything passes all the same.
pub fn release(place: &Place) -> Result<Released> {
    let mut released = Released::default();
    let mut first: Option<Error> = None;
    for run in place.runs()? {
        match is_over(&run) {
            Ok(false) => released.in_force += 1,
            _ => released.left_over += 1,
        }
        if let Err(error) = release_run(&run) {
            first.get_or_insert(error);
        }
    }
    place.remove();
    first.map_or(Ok(released), Err)
}

/// Removes what is left of runs that are over.
///
/// # Errors
/// As [`release`].
pub(super) fn clean(place: &Place) -> Result<()> {
    for run in place.runs()? {
        if is_over(&run)? {
            release_run(&run)?;
        }
    }
    place.remove();
    Ok(())
}

/// Has its time passed, or its program gone that it was bound to?
fn is_over(run: &Run) -> Result<bool> {
    let config = match maps::config(run) {
        Ok(config) => config,
        // It has not come so far, or is just being removed.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(error),
    };
    if config.state == STATE_STARTING {
        return Ok(!is_running(&config));
    }
    let is_late = config.deadline_ns != 0 && clock::boot_ns()? >= config.deadline_ns;
    Ok(is_late || !maps::is_shut(&config)?)
}

/// Is the program still running that set it up?
pub(super) fn is_running(config: &Config) -> bool {
    caller::started_ticks(config.pid) == Some(config.pid_start)
}

/// Ends one run and removes all that is its.
pub(super) fn release_run(run: &Run) -> Result<()> {
    let config = match maps::config(run) {
        Ok(config) => config,
        Err(error) if error.kind() == ErrorKind::NotFound => return run.remove(),
        Err(error) => return Err(error),
    };
    // From here on everything passes; the rest is tidying up.
    maps::open(&config)?;
    for name in run.names(LINKS)? {
        Link::from_pin(run.path(LINKS, &name))?.detach()?;
    }
    let ids = run.program_ids()?;
    if config.netns == caller::netns() {
        for interface in interfaces()?.iter().filter(|one| !one.is_loopback()) {
            let made_qdisc = has_made_qdisc(run, interface.index);
            release_interface(interface.index, &ids, made_qdisc)?;
        }
    }
    // Elsewhere filters cannot be reached; they let everything pass.
    run.remove()
}

/// Takes our programs, and the qdisc if it was made for them, from an interface.
fn release_interface(ifindex: u32, ids: &[u32], made_qdisc: bool) -> Result<()> {
    let mut is_any_left = false;
    for direction in DIRECTIONS {
        if let Ok(attached) = query_tcx(ifindex, direction) {
            let ours = attached
                .programs
                .iter()
                .filter(|one| ids.contains(&one.prog_id));
            // Of links that are not pinned, and whose program still runs.
            for link in ours.filter_map(|one| one.link_id) {
                let detached = Link::from_id(link).and_then(|link| link.force_detach());
                match detached {
                    Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
            }
        } else {
            is_any_left |= remove_filters(ifindex, direction, ids)?;
        }
    }
    if made_qdisc && !is_any_left {
        delete_clsact(ifindex)?;
    }
    Ok(())
}

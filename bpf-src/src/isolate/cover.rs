//! Programs at the two ends of an interface: which, in what way, and whether they
//! are still there and the first.

use std::path::PathBuf;

use trapline_loader::ErrorKind;
use trapline_loader::attach::query::query_tcx;
use trapline_loader::attach::{
    Anchor, IngressQdisc, Interface, Link, TcDirection, TcOptions, TcxOptions, Via, delete_filter,
    query_filters, query_ingress_qdisc,
};
use trapline_loader::error::ResultExt;
use trapline_loader::program::Program;

use super::abi::{IN, LINK_ETHERNET, LINK_IP, LINK_OTHER, OUT};
use super::{Error, Result};

/// `ARPHRD_ETHER`.
const ETHERNET: u16 = 1;
/// `ARPHRD_RAWIP`, `_PPP`, `_TUNNEL`, `_TUNNEL6`, `_SIT`, `_IPGRE`, `_IP6GRE`,
/// `_NONE`: the IP header comes first.
const BARE_IP: [u16; 8] = [519, 512, 768, 769, 776, 778, 823, 0xfffe];
/// How far behind others a filter is tried to be put.
const LAST_PRIORITY: u16 = 64;

/// Both directions.
pub(super) const DIRECTIONS: [TcDirection; 2] = [TcDirection::Ingress, TcDirection::Egress];

/// What an interface's packets begin with.
pub(super) fn link_of(interface: &Interface) -> u32 {
    match interface.link_type {
        ETHERNET => LINK_ETHERNET,
        kind if BARE_IP.contains(&kind) => LINK_IP,
        _ => LINK_OTHER,
    }
}

/// The direction's number in C.
pub(super) fn number_of(direction: TcDirection) -> u8 {
    match direction {
        TcDirection::Ingress => IN,
        TcDirection::Egress => OUT,
    }
}

/// The name of what judges.
pub(super) fn judge_name(direction: TcDirection, link: u32) -> &'static str {
    match (direction, link) {
        (TcDirection::Ingress, LINK_ETHERNET) => "in_ethernet",
        (TcDirection::Ingress, LINK_IP) => "in_ip",
        (TcDirection::Ingress, _) => "in_other",
        (TcDirection::Egress, LINK_ETHERNET) => "out_ethernet",
        (TcDirection::Egress, LINK_IP) => "out_ip",
        (TcDirection::Egress, _) => "out_other",
    }
}

/// One of our programs at an interface, as the kernel tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) how: &'static str,
    pub(super) prog_id: u32,
    /// What runs before it.
    pub(super) before: usize,
}

/// Looks for the first of these programs at one end of an interface.
///
/// # Errors
/// What the kernel says.
pub(super) fn find(ifindex: u32, direction: TcDirection, ids: &[u32]) -> Result<Option<Found>> {
    match query_tcx(ifindex, direction) {
        Ok(attached) => {
            let mut programs = attached.programs.iter().enumerate();
            let ours = programs.find(|(_, program)| ids.contains(&program.prog_id));
            return Ok(ours.map(|(before, program)| Found {
                how: "tcx",
                prog_id: program.prog_id,
                before,
            }));
        }
        Err(error) if !matches!(error.kind(), ErrorKind::Unsupported { .. }) => return Err(error),
        Err(_) => {}
    }
    // Filters for what goes out would be found at the other end.
    if query_ingress_qdisc(ifindex)? == IngressQdisc::Other && direction == TcDirection::Egress {
        return Ok(None);
    }
    let filters = query_filters(ifindex, direction)?;
    let mut filters = filters.iter().enumerate();
    Ok(filters.find_map(|(before, filter)| {
        let prog_id = filter.prog_id.filter(|id| ids.contains(id))?;
        Some(Found {
            how: "clsact",
            prog_id,
            before,
        })
    }))
}

/// A program that was put at one end of an interface.
#[derive(Debug)]
pub(super) struct Attached {
    /// A link of the kernel; none for a filter, which stays by itself.
    pub(super) link: Option<Link>,
    /// The qdisc was made for it.
    pub(super) made_qdisc: bool,
}

/// Puts a program before all others at one end of an interface.
///
/// # Errors
/// `NotFound`, with the remedy, where the kernel lacks what it takes; what the
/// kernel says otherwise.
pub(super) fn attach(
    program: &Program,
    interface: &Interface,
    direction: TcDirection,
    pin: Option<PathBuf>,
) -> Result<Attached> {
    let options = TcxOptions {
        direction: Some(direction),
        anchor: Anchor::First,
        ..TcxOptions::default()
    };
    match program.attach_tcx(interface.index, &options) {
        Ok(mut link) => {
            if let Some(path) = pin {
                replace_pin(&mut link, path)?;
            }
            Ok(Attached {
                link: Some(link),
                made_qdisc: false,
            })
        }
        Err(error) if matches!(error.kind(), ErrorKind::Unsupported { .. }) => {
            attach_filter(program, interface, direction)
        }
        Err(error) => Err(error),
    }
}

/// Pins a link in the place of one that is about to go.
fn replace_pin(link: &mut Link, path: PathBuf) -> Result<()> {
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io(&path, &error)),
        _ => link.pin(path),
    }
}

fn attach_filter(
    program: &Program,
    interface: &Interface,
    direction: TcDirection,
) -> Result<Attached> {
    let before = query_ingress_qdisc(interface.index)?;
    if before == IngressQdisc::Other && direction == TcDirection::Egress {
        let cause = "another's ingress qdisc is in the place of clsact: what goes out can be \
                     filtered once it is removed (tc qdisc del dev NAME ingress)";
        return Err(Error::invalid_input(cause)).with_context(|| interface.name.clone());
    }
    let mut options = TcOptions {
        direction: Some(direction),
        via: Via::Legacy,
        priority: 1,
        ..TcOptions::default()
    };
    // Filters of one priority are of one kind; among bpf filters the newest is
    // the first.
    let link = loop {
        match program.attach_tc(interface.index, &options) {
            Ok(link) => break link,
            Err(error) if error.errno() == Some(ENOENT) => {
                let line = "this kernel has no tcx (6.6), and filters need modules: \
                            modprobe sch_ingress cls_bpf";
                return Err(error.context(line));
            }
            Err(error) if options.priority == LAST_PRIORITY || !is_taken(&error) => {
                return Err(error);
            }
            Err(_) => options.priority += 1,
        }
    };
    // A filter stays where it is; it is found by its program.
    link.disconnect().map_err(|(_, error)| error)?;
    Ok(Attached {
        link: None,
        made_qdisc: before == IngressQdisc::None,
    })
}

const ENOENT: i32 = 2;
const EEXIST: i32 = 17;
const EINVAL: i32 = 22;

/// Is it the refusal of a priority that filters of another kind have?
fn is_taken(error: &Error) -> bool {
    matches!(error.errno(), Some(EEXIST | EINVAL))
}

/// Removes the filters of these programs from one end of an interface. Says
/// whether any filter is left there.
///
/// # Errors
/// What the kernel says.
pub(super) fn remove_filters(ifindex: u32, direction: TcDirection, ids: &[u32]) -> Result<bool> {
    let mut is_any_left = false;
    for filter in query_filters(ifindex, direction)? {
        match filter.prog_id {
            Some(id) if ids.contains(&id) => delete_filter(ifindex, direction, &filter)?,
            _ => is_any_left = true,
        }
    }
    Ok(is_any_left)
}

//! The filters of an interface's clsact qdisc, whoever put them there.
//!
//! Source: net/sched/cls_api.c, net/sched/sch_api.c

use super::clsact::{
    CLSACT_HANDLE, Filter, RTM_DELQDISC, RTM_DELTFILTER, RTM_GETTFILTER, RTM_NEWQDISC,
    RTM_NEWTFILTER, TC_H_CLSACT, TCA_BPF_ID, TCA_KIND, TCA_OPTIONS, parent, tcmsg,
};
use super::mprog::TcDirection;
use super::net::device;
use super::netlink::{ACK, DUMP, Message, Request};
use super::rtnetlink::Connection;
use crate::error::{Result, ResultExt};
use crate::sys::Errno;

const RTM_GETQDISC: u16 = 38;

/// One filter.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AttachedFilter {
    /// 1 runs first.
    pub priority: u16,
    /// Its number within the priority.
    pub handle: u32,
    /// `bpf`, `flower` and so on.
    pub kind: String,
    /// The kernel's number for its program, where it is a bpf filter of direct
    /// action.
    pub prog_id: Option<u32>,
}

impl AttachedFilter {
    fn of(message: &Message<'_>) -> Option<Self> {
        if message.kind != RTM_NEWTFILTER {
            return None;
        }
        let (fixed, attributes) = message.split::<20>().ok()?;
        let [_, _, _, _, _, _, _, _, h0, h1, h2, h3, ..] = *fixed;
        let [.., i0, i1, i2, i3] = *fixed;
        let handle = u32::from_ne_bytes([h0, h1, h2, h3]);
        let info = u32::from_ne_bytes([i0, i1, i2, i3]);
        let kind = attributes.text(TCA_KIND)?;
        // The head of a priority is told of as well, as a filter without a number.
        if handle == 0 {
            return None;
        }
        let options = attributes.nested(TCA_OPTIONS);
        let prog_id = options.u32(TCA_BPF_ID).filter(|_| kind == "bpf");
        Some(Self {
            priority: (info >> 16) as u16,
            handle,
            kind,
            prog_id,
        })
    }
}

/// The filters of an interface, in the order in which they run; none where there
/// is no qdisc for them.
///
/// # Errors
/// `PermissionDenied`, or `System` with the errno of RTM_GETTFILTER: EBADMSG for an answer that
/// is none.
///
/// Kernel: 4.5 for clsact
pub fn query_filters(ifindex: u32, direction: TcDirection) -> Result<Vec<AttachedFilter>> {
    let fixed = tcmsg(ifindex, 0, parent(direction), 0);
    let mut found = Vec::new();
    let request = Request::new(RTM_GETTFILTER, DUMP, &fixed);
    let talked = Connection::open()?.talk(request, |message| {
        found.extend(AttachedFilter::of(message));
    });
    match talked {
        Ok(()) => Ok(found),
        Err(refused) if refused.errno == Errno::INVAL => Ok(Vec::new()),
        Err(refused) => Err(refused.error("RTM_GETTFILTER")).with_context(|| device(ifindex)),
    }
}

/// Removes a bpf filter.
///
/// # Errors
/// `PermissionDenied` without CAP_NET_ADMIN; `System` with the errno of RTM_DELTFILTER:
/// ENOENT for one that is not there.
///
/// Kernel: 4.5 for clsact
pub fn delete_filter(ifindex: u32, direction: TcDirection, filter: &AttachedFilter) -> Result<()> {
    let place = Filter {
        ifindex,
        direction,
        priority: filter.priority,
        handle: filter.handle,
        is_action: false,
    };
    let mut request = Request::new(RTM_DELTFILTER, ACK, &place.tcmsg());
    request.put_text(TCA_KIND, "bpf");
    let talked = Connection::open()?.talk(request, |_| ());
    talked
        .map_err(|refused| refused.error("RTM_DELTFILTER"))
        .with_context(|| device(ifindex))
}

/// The qdisc in the place that clsact takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IngressQdisc {
    /// There is none.
    None,
    /// It has filters of both directions.
    Clsact,
    /// Another, which has filters for what comes in alone: those for what goes
    /// out would end up there, too.
    Other,
}

/// Which qdisc an interface has for filters.
///
/// # Errors
/// `PermissionDenied`, or `System` with the errno of RTM_GETQDISC: EBADMSG for an answer that
/// is none.
pub fn query_ingress_qdisc(ifindex: u32) -> Result<IngressQdisc> {
    let mut found = IngressQdisc::None;
    let request = Request::new(RTM_GETQDISC, DUMP, &tcmsg(0, 0, 0, 0));
    let talked = Connection::open()?.talk(request, |message| {
        let Ok((fixed, attributes)) = message.split::<20>() else {
            return;
        };
        let [_, _, _, _, i0, i1, i2, i3, _, _, _, _, p0, p1, p2, p3, ..] = *fixed;
        let is_its = u32::from_ne_bytes([i0, i1, i2, i3]) == ifindex;
        let is_there = u32::from_ne_bytes([p0, p1, p2, p3]) == TC_H_CLSACT;
        if message.kind == RTM_NEWQDISC && is_its && is_there {
            found = match attributes.text(TCA_KIND).as_deref() {
                Some("clsact") => IngressQdisc::Clsact,
                _ => IngressQdisc::Other,
            };
        }
    });
    talked
        .map_err(|refused| refused.error("RTM_GETQDISC"))
        .with_context(|| device(ifindex))?;
    Ok(found)
}

/// Removes the clsact qdisc of an interface, with all filters that are left.
///
/// # Errors
/// `PermissionDenied` without CAP_NET_ADMIN; `System` with the errno of RTM_DELQDISC.
///
/// Kernel: 4.5
pub fn delete_clsact(ifindex: u32) -> Result<()> {
    let fixed = tcmsg(ifindex, CLSACT_HANDLE, TC_H_CLSACT, 0);
    let mut request = Request::new(RTM_DELQDISC, ACK, &fixed);
    request.put_text(TCA_KIND, "clsact");
    let talked = Connection::open()?.talk(request, |_| ());
    talked
        .map_err(|refused| refused.error("RTM_DELQDISC"))
        .with_context(|| device(ifindex))
}

#[cfg(test)]
mod tests {
    use super::super::netlink::Messages;
    use super::*;

    fn filter(handle: u32, kind: &str, prog_id: u32) -> Option<AttachedFilter> {
        let fixed = tcmsg(3, handle, 0xffff_fff2, 7 << 16 | 0x300);
        let mut request = Request::new(RTM_NEWTFILTER, 0, &fixed);
        request.put_text(TCA_KIND, kind);
        request.nest(TCA_OPTIONS, |options| options.put_u32(TCA_BPF_ID, prog_id));
        let bytes = request.finish(1).unwrap();
        AttachedFilter::of(&Messages(&bytes).next().unwrap().unwrap())
    }

    #[test]
    fn a_filter_is_read_with_its_place_and_program() {
        let read = filter(5, "bpf", 77).unwrap();
        assert_eq!((read.priority, read.handle), (7, 5));
        assert_eq!((read.kind.as_str(), read.prog_id), ("bpf", Some(77)));
    }

    #[test]
    fn the_head_of_a_priority_is_no_filter_and_other_kinds_have_no_program() {
        assert_eq!(filter(0, "bpf", 77), None);
        assert_eq!(filter(1, "flower", 77).unwrap().prog_id, None);
    }

    #[test]
    fn the_loopback_interface_has_no_filters_here() {
        assert_eq!(query_filters(1, TcDirection::Egress).unwrap(), []);
        assert_eq!(query_ingress_qdisc(1).unwrap(), IngressQdisc::None);
    }
}

//! Filters of a clsact qdisc, by rtnetlink.
//!
//! The qdisc is a place at each end of an interface for filters; it queues
//! nothing. Ours are bpf filters with direct action: the program's return value
//! is the verdict.
//!
//! Source: net/sched/cls_bpf.c, net/sched/sch_ingress.c, net/sched/act_bpf.c

use super::link::{Link, Part, Undo};
use super::mprog::TcDirection;
use super::net::device;
use super::netlink::{ACK, Attributes, CREATE, ECHO, EXCL, Message, REPLACE, Request};
use super::rtnetlink::{Connection, Refused};
use crate::error::{Error, Result, ResultExt};
use crate::program::Program;
use crate::sys::{self, Errno};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::sync::{Mutex, PoisonError};

pub(super) const RTM_NEWQDISC: u16 = 36;
pub(super) const RTM_DELQDISC: u16 = 37;
pub(super) const RTM_NEWTFILTER: u16 = 44;
pub(super) const RTM_DELTFILTER: u16 = 45;
pub(super) const RTM_GETTFILTER: u16 = 46;

pub(super) const TC_H_CLSACT: u32 = 0xffff_fff1;
pub(super) const CLSACT_HANDLE: u32 = 0xffff_0000;
const TC_H_MIN_INGRESS: u32 = 0xfff2;
const TC_H_MIN_EGRESS: u32 = 0xfff3;
const ETH_P_ALL: u16 = 3;

pub(super) const TCA_KIND: u16 = 1;
pub(super) const TCA_OPTIONS: u16 = 2;
const TCA_BPF_ACT: u16 = 1;
const TCA_BPF_OPS_LEN: u16 = 4;
const TCA_BPF_OPS: u16 = 5;
const TCA_BPF_FD: u16 = 6;
const TCA_BPF_NAME: u16 = 7;
const TCA_BPF_FLAGS: u16 = 8;
pub(super) const TCA_BPF_ID: u16 = 11;
const TCA_BPF_FLAG_ACT_DIRECT: u32 = 1;
const TCA_ACT_KIND: u16 = 1;
const TCA_ACT_OPTIONS: u16 = 2;
const TCA_ACT_BPF_PARMS: u16 = 2;
const TCA_ACT_BPF_FD: u16 = 5;
const TCA_ACT_BPF_NAME: u16 = 6;
const TCA_ACT_BPF_ID: u16 = 9;
const TC_ACT_PIPE: u32 = 3;

/// `struct sock_filter` that returns -1, BPF_RET | BPF_K: every packet.
const TAKE_ALL: [u16; 2] = [6, 0];

/// A filter's place. What is 0 the kernel chooses.
#[derive(Clone, Copy, Debug)]
pub(super) struct Filter {
    pub(super) ifindex: u32,
    pub(super) direction: TcDirection,
    pub(super) priority: u16,
    pub(super) handle: u32,
    /// The program is a filter's action, not the filter.
    pub(super) is_action: bool,
}

impl Filter {
    fn parent(&self) -> u32 {
        parent(self.direction)
    }

    /// `struct tcmsg` of the filter.
    pub(super) fn tcmsg(&self) -> [u8; 20] {
        let info = u32::from(self.priority) << 16 | u32::from(ETH_P_ALL.to_be());
        tcmsg(self.ifindex, self.handle, self.parent(), info)
    }

    /// The request that puts a program here.
    fn new_request(&self, prog: BorrowedFd<'_>, name: &str, flags: u16) -> Request {
        let mut request = Request::new(RTM_NEWTFILTER, ACK | ECHO | flags, &self.tcmsg());
        request.put_text(TCA_KIND, "bpf");
        let fd = prog.as_raw_fd() as u32;
        request.nest(TCA_OPTIONS, |options| match self.is_action {
            false => {
                options.put_u32(TCA_BPF_FD, fd);
                options.put_text(TCA_BPF_NAME, name);
                options.put_u32(TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
            }
            true => put_action(options, fd, name),
        });
        request
    }

    /// The place and the program of a filter that the kernel told of.
    fn told(&mut self, message: &Message<'_>) -> Option<u32> {
        if message.kind != RTM_NEWTFILTER {
            return None;
        }
        let (fixed, attributes) = message.split::<20>().ok()?;
        let word = |at: usize| {
            let bytes = fixed
                .get(at..at + 4)
                .and_then(|bytes| bytes.try_into().ok());
            bytes.map_or(0, u32::from_ne_bytes)
        };
        self.handle = word(8);
        self.priority = (word(16) >> 16) as u16;
        let options = attributes.nested(TCA_OPTIONS);
        match self.is_action {
            false => options.u32(TCA_BPF_ID),
            true => action_id(options),
        }
    }
}

/// A filter that takes every packet, and its action.
fn put_action(options: &mut Request, fd: u32, name: &str) {
    let [code, jumps] = TAKE_ALL.map(u16::to_ne_bytes);
    let all = u32::MAX.to_ne_bytes();
    options.put(TCA_BPF_OPS_LEN, &1u16.to_ne_bytes());
    options.put(
        TCA_BPF_OPS,
        &[code, jumps, [all[0], all[1]], [all[2], all[3]]].concat(),
    );
    options.nest(TCA_BPF_ACT, |actions| {
        // The first of at most 32.
        actions.nest(1, |action| {
            action.put_text(TCA_ACT_KIND, "bpf");
            action.nest(TCA_ACT_OPTIONS, |options| {
                // struct tc_act_bpf: index, capab, action, refcnt, bindcnt.
                let parameters = [0, 0, TC_ACT_PIPE, 0, 0].map(u32::to_ne_bytes);
                options.put(TCA_ACT_BPF_PARMS, &parameters.concat());
                options.put_u32(TCA_ACT_BPF_FD, fd);
                options.put_text(TCA_ACT_BPF_NAME, name);
            });
        });
    });
}

/// The program of a filter's first action.
fn action_id(options: Attributes<'_>) -> Option<u32> {
    let action = options.nested(TCA_BPF_ACT).nested(1);
    action.nested(TCA_ACT_OPTIONS).u32(TCA_ACT_BPF_ID)
}

/// Where the filters of a direction hang.
pub(super) fn parent(direction: TcDirection) -> u32 {
    CLSACT_HANDLE
        | match direction {
            TcDirection::Ingress => TC_H_MIN_INGRESS,
            TcDirection::Egress => TC_H_MIN_EGRESS,
        }
}

pub(super) fn tcmsg(ifindex: u32, handle: u32, parent: u32, info: u32) -> [u8; 20] {
    let mut fixed = [0; 20];
    let words = [ifindex, handle, parent, info];
    for (place, word) in fixed.chunks_exact_mut(4).skip(1).zip(words) {
        place.copy_from_slice(&word.to_ne_bytes());
    }
    fixed
}

/// Makes a program a filter, and the qdisc before it where there is none.
pub(super) fn attach(program: &Program, filter: Filter, replace: bool) -> Result<Link> {
    let mut attached = Attached {
        qdisc: Qdisc::open(filter.ifindex)?,
        prog_id: program.info()?.id,
        name: program.name().to_owned(),
        filter,
    };
    let flags = CREATE | if replace { 0 } else { EXCL };
    if let Err(refused) = attached.set(program.as_fd(), flags) {
        attached.qdisc.close();
        return Err(refused.error("RTM_NEWTFILTER"));
    }
    let how = match (filter.is_action, filter.direction) {
        (false, TcDirection::Ingress) => "clsact/ingress",
        (false, TcDirection::Egress) => "clsact/egress",
        (true, TcDirection::Ingress) => "action/ingress",
        (true, TcDirection::Egress) => "action/egress",
    };
    Ok(Link::from_parts(vec![Part::undo(attached)], how))
}

/// A program attached as a filter.
#[derive(Debug)]
struct Attached {
    qdisc: Qdisc,
    prog_id: u32,
    name: String,
    filter: Filter,
}

impl Attached {
    /// Puts a program into the place and learns where the kernel put it.
    fn set(&mut self, prog: BorrowedFd<'_>, flags: u16) -> Result<(), Refused> {
        let request = self.filter.new_request(prog, &self.name, flags);
        let mut told = self.filter;
        self.qdisc.connection.talk(request, |message| {
            told.told(message);
        })?;
        self.filter = told;
        Ok(())
    }

    /// The program in our place now.
    fn current(&mut self) -> Result<Option<u32>, Refused> {
        let mut request = Request::new(RTM_GETTFILTER, ACK, &self.filter.tcmsg());
        request.put_text(TCA_KIND, "bpf");
        let (mut found, mut seen) = (None, self.filter);
        self.qdisc.connection.talk(request, |message| {
            found = seen.told(message).or(found);
        })?;
        Ok(found)
    }

    /// Is it still ours? Our place may have been given to another program, or
    /// be gone with its qdisc or its interface.
    fn is_ours(&mut self) -> Result<bool> {
        match self.current() {
            Ok(id) => Ok(id == Some(self.prog_id)),
            Err(Refused {
                errno: Errno::NOENT | Errno::INVAL | Errno::NODEV,
                ..
            }) => Ok(false),
            Err(refused) => Err(self.refused(refused, "RTM_GETTFILTER")),
        }
    }

    fn refused(&self, refused: Refused, what: &str) -> Error {
        refused.error(what).context(device(self.filter.ifindex))
    }
}

impl Undo for Attached {
    fn undo(&mut self) -> Result<()> {
        if self.is_ours()? {
            let mut request = Request::new(RTM_DELTFILTER, ACK, &self.filter.tcmsg());
            request.put_text(TCA_KIND, "bpf");
            let talked = self.qdisc.connection.talk(request, |_| ());
            talked.map_err(|refused| self.refused(refused, "RTM_DELTFILTER"))?;
        }
        self.qdisc.close();
        Ok(())
    }

    fn replace(&mut self, new: &Program, old: Option<&Program>) -> Result<()> {
        let expected = match old {
            Some(old) => old.info()?.id,
            None => self.prog_id,
        };
        if expected != self.prog_id || !self.is_ours()? {
            let error = Errno::PERM.error("another program is attached in this place");
            return Err(error.context(device(self.filter.ifindex)));
        }
        let id = new.info()?.id;
        self.set(new.as_fd(), CREATE | REPLACE)
            .map_err(|refused| self.refused(refused, "RTM_NEWTFILTER"))?;
        self.prog_id = id;
        Ok(())
    }
}

/// The qdiscs that this process made, by network namespace and interface.
static MADE: Mutex<Vec<(u64, u32)>> = Mutex::new(Vec::new());

/// The clsact qdisc of an interface.
#[derive(Debug)]
struct Qdisc {
    connection: Connection,
    key: (u64, u32),
}

impl Qdisc {
    /// Makes it, if it is not there.
    fn open(ifindex: u32) -> Result<Self> {
        let mut connection = Connection::open()?;
        let fixed = tcmsg(ifindex, CLSACT_HANDLE, TC_H_CLSACT, 0);
        let mut request = Request::new(RTM_NEWQDISC, ACK | CREATE | EXCL, &fixed);
        request.put_text(TCA_KIND, "clsact");
        let key = (sys::netns_inode().unwrap_or(0), ifindex);
        match connection.talk(request, |_| ()) {
            Ok(()) => made().push(key),
            Err(refused) if refused.errno == Errno::EXIST => {}
            Err(refused) => {
                return Err(refused.error("RTM_NEWQDISC")).with_context(
                    || "a clsact qdisc (older kernels may need the module sch_ingress)",
                );
            }
        }
        Ok(Self { connection, key })
    }

    /// Removes it, if this process made it and no filter is left. What the
    /// kernel says against it changes nothing for the caller.
    fn close(&mut self) {
        if made().contains(&self.key) && !self.has_filters() {
            let fixed = tcmsg(self.key.1, CLSACT_HANDLE, TC_H_CLSACT, 0);
            let mut request = Request::new(RTM_DELQDISC, ACK, &fixed);
            request.put_text(TCA_KIND, "clsact");
            let _ = self.connection.talk(request, |_| ());
            made().retain(|key| *key != self.key);
        }
    }

    /// Where that cannot be found out, it has.
    fn has_filters(&mut self) -> bool {
        [TC_H_MIN_INGRESS, TC_H_MIN_EGRESS].iter().any(|end| {
            let fixed = tcmsg(self.key.1, 0, CLSACT_HANDLE | end, 0);
            self.connection
                .has_any(RTM_GETTFILTER, &fixed)
                .unwrap_or(true)
        })
    }
}

fn made() -> std::sync::MutexGuard<'static, Vec<(u64, u32)>> {
    MADE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::super::netlink::Messages;
    use super::*;

    fn filter(is_action: bool) -> Filter {
        Filter {
            ifindex: 3,
            direction: TcDirection::Egress,
            priority: 5,
            handle: 1,
            is_action,
        }
    }

    fn new_request(is_action: bool) -> Vec<u8> {
        let file = std::fs::File::open("/").unwrap();
        let request = filter(is_action).new_request(file.as_fd(), "count", CREATE | EXCL);
        request.finish(1).unwrap()
    }

    #[test]
    fn a_filter_names_its_place() {
        let bytes = new_request(false);
        let message = Messages(&bytes).next().unwrap().unwrap();
        let (fixed, _) = message.split::<20>().unwrap();
        let word = |at: usize| u32::from_ne_bytes(fixed[at..at + 4].try_into().unwrap());
        assert_eq!((word(4), word(8), word(12)), (3, 1, 0xffff_fff3));
        // Priority and, in network order, all protocols.
        assert_eq!(word(16), 5 << 16 | u32::from(3u16.to_be()));
        let mut found = filter(false);
        (found.priority, found.handle) = (0, 0);
        assert_eq!(found.told(&message), None);
        assert_eq!((found.priority, found.handle), (5, 1));
    }

    #[test]
    fn a_filter_acts_directly() {
        let bytes = new_request(false);
        let message = Messages(&bytes).next().unwrap().unwrap();
        let (_, attributes) = message.split::<20>().unwrap();
        let options = attributes.nested(TCA_OPTIONS);
        assert_eq!(attributes.text(TCA_KIND).as_deref(), Some("bpf"));
        assert_eq!(options.u32(TCA_BPF_FLAGS), Some(1));
        assert_eq!(options.text(TCA_BPF_NAME).as_deref(), Some("count"));
    }

    #[test]
    fn an_action_belongs_to_a_filter_that_takes_all() {
        let bytes = new_request(true);
        let message = Messages(&bytes).next().unwrap().unwrap();
        let (_, attributes) = message.split::<20>().unwrap();
        let options = attributes.nested(TCA_OPTIONS);
        let code = 6u16.to_ne_bytes();
        let takes_all = [&code[..], &[0, 0, 255, 255, 255, 255]].concat();
        assert_eq!(options.get(TCA_BPF_OPS), Some(&*takes_all));
        let action = options.nested(TCA_BPF_ACT).nested(1);
        assert_eq!(action.text(TCA_ACT_KIND).as_deref(), Some("bpf"));
        assert_eq!(action_id(options), None);
        let parameters = action.nested(TCA_ACT_OPTIONS).get(TCA_ACT_BPF_PARMS);
        assert_eq!(parameters.map(<[u8]>::len), Some(20));
    }
}

//! Programs of traffic control: by tcx, else as a filter of a clsact qdisc.

use super::clsact::{self, Filter};
use super::link::Link;
use super::mprog::{self, TcDirection, TcxOptions};
use super::net::{self, Via, device};
use crate::error::{Error, Result, ResultExt};
use crate::program::Program;

/// How to attach a program to traffic control.
#[derive(Clone, Copy, Debug, Default)]
pub struct TcOptions {
    /// The direction; the section's where it is `None`.
    pub direction: Option<TcDirection>,
    /// By tcx, or as a filter.
    pub via: Via,
    /// The filter's priority, 1 the first to run; 0 lets the kernel choose one.
    /// Another than 0 means a filter.
    pub priority: u16,
    /// The filter's handle within its priority; 0 lets the kernel choose one.
    /// Another than 0 means a filter.
    pub handle: u32,
    /// Take the place of the filter with this priority and handle, if there is
    /// one; else that is an error.
    pub replace: bool,
}

impl TcOptions {
    fn wants_filter(&self) -> bool {
        self.priority != 0 || self.handle != 0 || self.replace
    }
}

impl Program {
    /// Attaches the program to traffic control on an interface: by tcx, after
    /// the programs that are there, or before 6.6 as a filter of a clsact
    /// qdisc, with direct action. An `action` program becomes the action of a
    /// filter that takes every packet.
    ///
    /// The qdisc is made where there is none. The last filter of ours to go
    /// takes it away again, if we made it and nobody else uses it.
    ///
    /// # Errors
    /// `Unsupported` for tcx alone before 6.6; `InvalidInput` for a program of
    /// another type; what the kernel says otherwise, in its own words: EEXIST
    /// for a filter that is there, ENOENT without the modules sch_ingress and
    /// cls_bpf (and act_bpf for an `action`).
    ///
    /// Kernel: 4.5
    pub fn attach_tc(&self, ifindex: u32, options: &TcOptions) -> Result<Link> {
        attach(self, ifindex, options).with_context(|| self.context())
    }
}

fn attach(program: &Program, ifindex: u32, options: &TcOptions) -> Result<Link> {
    let is_action = program.prog_type() == net::SCHED_ACT;
    if !is_action {
        net::expect_type(program, net::SCHED_CLS, "tc")?;
    }
    let direction = TcDirection::of(program, options.direction)?;
    let filter_only = is_action || options.wants_filter();
    if filter_only && options.via == Via::Link {
        let cause = "only a filter has a priority, a handle or an action";
        return Err(Error::invalid_input(cause));
    }
    if options.via != Via::Legacy && !filter_only {
        let tcx = TcxOptions {
            direction: Some(direction),
            ..TcxOptions::default()
        };
        let attached = mprog::tcx(program, ifindex, &tcx);
        if options.via == Via::Link || !net::is_unsupported(&attached) {
            return attached;
        }
    }
    let filter = Filter {
        ifindex,
        direction,
        priority: options.priority,
        handle: options.handle,
        is_action,
    };
    clsact::attach(program, filter, options.replace).with_context(|| device(ifindex))
}

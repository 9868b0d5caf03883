//! Cases of `trapline watch`: what it tells, how it ends, what it does while nobody
//! reads, and which rights it needs.

mod acts;
mod cost;
mod cycles;
mod defence;
mod ends;
mod filters;
mod kinds;
mod policy;
mod privileges;
mod running;
mod service;
mod slow;
mod start;

use super::Case;

/// Where they play.
const FOLDER: &str = "/tmp/watched";

pub(super) const CASES: &[Case] = &[
    Case {
        name: "watch_kinds_by_program",
        object: None,
        run: kinds::kinds,
    },
    Case {
        name: "watch_filters_by_program",
        object: None,
        run: filters::filters,
    },
    Case {
        name: "watch_policy_by_program",
        object: None,
        run: policy::policy,
    },
    Case {
        name: "watch_policy_writable_by_program",
        object: None,
        run: policy::writable,
    },
    Case {
        name: "watch_privileges_by_program",
        object: None,
        run: privileges::privileges,
    },
    Case {
        name: "watch_defence_by_program",
        object: None,
        run: defence::defence,
    },
    Case {
        name: "watch_ends_by_program",
        object: None,
        run: ends::ends,
    },
    Case {
        name: "watch_slow_by_program",
        object: None,
        run: slow::slow,
    },
    Case {
        name: "watch_cost_by_program",
        object: None,
        run: cost::cost,
    },
    Case {
        name: "watch_cycles_by_program",
        object: None,
        run: cycles::cycles,
    },
    Case {
        name: "watch_service_by_program",
        object: None,
        run: service::service,
    },
    Case {
        name: "watch_start_by_program",
        object: None,
        run: start::start,
    },
];

/// What takes longer than any other case.
pub(super) const LONG: &[Case] = &[Case {
    name: "watch_thousand_by_program",
    object: None,
    run: cycles::thousand,
}];

//! Cases of `trapline isolate`: a host and, in another network namespace, what is
//! outside, joined by a wire.
//!
//! The programs for sockets cover all control groups and so what is outside, too:
//! flows that are to pass are allowed for both ends, and what is not to pass is
//! sent as frames, which no socket program sees, and counted as frames.

mod changes;
mod craft;
mod ends;
mod flows;
mod frames;
mod others;
mod packets;
mod packets_in;
mod packets_out;
mod running;
mod tun;
mod world;

use super::{Case, Outcome, Stage};

pub(super) const CASES: &[Case] = &[
    Case {
        name: "isolate_flows_by_program",
        object: None,
        run: |stage| alone(flows::four, stage),
    },
    Case {
        name: "isolate_flows6_by_program",
        object: None,
        run: |stage| alone(flows::six, stage),
    },
    Case {
        name: "isolate_packets_by_program",
        object: None,
        run: |stage| alone(packets::packets, stage),
    },
    Case {
        name: "isolate_later_by_program",
        object: None,
        run: |stage| alone(changes::later, stage),
    },
    Case {
        name: "isolate_others_by_program",
        // Another's program at the same hooks; it lets everything pass.
        object: Some("attach_tc"),
        run: |stage| alone(others::others, stage),
    },
    Case {
        name: "isolate_tun_by_program",
        object: None,
        run: |stage| alone(tun::tun, stage),
    },
    Case {
        name: "isolate_ends_by_program",
        object: None,
        run: |stage| alone(ends::ends, stage),
    },
];

/// Runs a case where nothing is in force, and leaves nothing so: what one that
/// failed left would isolate all that come after it.
fn alone(run: fn(&mut Stage<'_>) -> Outcome, stage: &mut Stage<'_>) -> Outcome {
    running::release()?;
    let outcome = run(stage);
    let released = running::release();
    outcome.and_then(|report| released.map(|_| report))
}

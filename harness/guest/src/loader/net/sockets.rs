//! Cases on sockets, maps of sockets and network namespaces, and programs that
//! are called.

use std::fs::File;
use std::os::fd::AsRawFd;

use trapline_loader::attach::{Link, SockmapOptions, Via, ifindex};
use trapline_loader::map::UpdateFlag;
use trapline_loader::object::Object;
use trapline_loader::program::Program;
use trapline_loader::test_run::TestRun;

use super::super::stage::{Failure, Report, Tried};
use super::super::{Case, Outcome, Stage};
use super::traffic::{self, datagram};
use crate::sys::net;

pub(in super::super) const CASES: &[Case] = &[
    Case {
        name: "attach_sk_lookup",
        object: Some("attach_sk_lookup"),
        run: |stage| namespace(stage, Via::Best, datagram),
    },
    Case {
        name: "attach_flow_dissector",
        object: Some("attach_flow_dissector"),
        run: |stage| flow_dissector(stage, Via::Best),
    },
    Case {
        name: "attach_flow_dissector_prog_attach",
        object: Some("attach_flow_dissector"),
        run: |stage| flow_dissector(stage, Via::Legacy),
    },
    Case {
        name: "attach_sk_msg",
        object: Some("attach_sk_msg"),
        run: |stage| sockmap(stage, Via::Best, End::Sender),
    },
    Case {
        name: "attach_sk_msg_prog_attach",
        object: Some("attach_sk_msg"),
        run: |stage| sockmap(stage, Via::Legacy, End::Sender),
    },
    Case {
        name: "attach_sk_skb",
        object: Some("attach_sk_skb"),
        run: |stage| sockmap(stage, Via::Best, End::Receiver),
    },
    Case {
        name: "attach_sk_skb_verdict",
        object: Some("attach_sk_skb_verdict"),
        run: |stage| sockmap(stage, Via::Best, End::Receiver),
    },
    Case {
        name: "attach_sk_reuseport",
        object: Some("attach_sk_reuseport"),
        run: reuseport,
    },
    Case {
        name: "attach_sk_reuseport_migrate",
        object: Some("attach_sk_reuseport_migrate"),
        run: reuseport,
    },
    Case {
        name: "attach_socket_filter",
        object: Some("attach_socket_filter"),
        run: socket_filter,
    },
    Case {
        name: "attach_syscall",
        object: Some("attach_syscall"),
        run: syscall,
    },
];

/// Attached to the network namespace of this process.
fn namespace(
    stage: &mut Stage<'_>,
    via: Via,
    trigger: impl FnMut() -> Result<(), Failure>,
) -> Outcome {
    let netns = File::open("/proc/self/ns/net").tried("open the network namespace")?;
    let attach = |program: &Program| Ok(program.attach_netns(&netns, via)?);
    stage.attached_by(attach, trigger)
}

/// What is sent past the network stack has to be dissected.
fn flow_dissector(stage: &mut Stage<'_>, via: Via) -> Outcome {
    let lo = ifindex("lo")?;
    namespace(stage, via, || traffic::frame(lo))
}

/// Which end of a connection is put into the map.
#[derive(Clone, Copy)]
enum End {
    Sender,
    Receiver,
}

/// A new connection each time: a socket that is in the map keeps the programs
/// that the map had when it came.
fn sockmap(stage: &mut Stage<'_>, via: Via, end: End) -> Outcome {
    let object = stage.load()?;
    let options = SockmapOptions {
        via,
        ..SockmapOptions::default()
    };
    let attach = || {
        let map = object.map("sockets")?;
        let programs = object.programs().iter();
        let links: Result<Vec<Link>, _> = programs
            .map(|program| program.attach_sockmap(map, &options))
            .collect();
        Ok(links?)
    };
    stage.protocol(&object, attach, || one_byte(&object, end))
}

fn one_byte(object: &Object, end: End) -> Result<(), Failure> {
    let (client, server) = traffic::connection()?;
    let kept = match end {
        End::Sender => &client,
        End::Receiver => &server,
    };
    let value = kept.as_raw_fd().to_le_bytes();
    let map = object.map("sockets")?;
    map.update(&[0; 4], &value, UpdateFlag::Any)?;
    traffic::byte(&client, &server)
}

/// Two sockets share the port.
fn reuseport(stage: &mut Stage<'_>) -> Outcome {
    let sockets = [
        net::shared_udp(traffic::PORT),
        net::shared_udp(traffic::PORT),
    ];
    let [first, second] = sockets;
    let (first, _second) = (first.tried("bind")?, second.tried("bind")?);
    let attach = |program: &Program| Ok(program.attach_reuseport(&first)?);
    stage.attached_by(attach, traffic::send_datagram)
}

fn socket_filter(stage: &mut Stage<'_>) -> Outcome {
    let receiver = traffic::receiver()?;
    let attach = |program: &Program| Ok(program.attach_socket_filter(&receiver)?);
    stage.attached_by(attach, traffic::send_datagram)
}

/// Called with two numbers, it leaves their sum in its context.
fn syscall(stage: &mut Stage<'_>) -> Outcome {
    let object = stage.load()?;
    let program = object.program("on_call")?;
    let mut right = 0;
    for round in 0..3_u64 {
        let mut context = [round.to_le_bytes(), 40_u64.to_le_bytes(), [0; 8]].concat();
        let ran = program.test_run(&mut TestRun {
            ctx_in: &mut context,
            ..TestRun::default()
        })?;
        let sum = context.get(16..) == Some(&(round + 40).to_le_bytes()[..]);
        right += u64::from(sum && ran.retval == 7);
    }
    let hits = stage.hits(&object)?;
    Ok(Report {
        how: "test_run".to_owned(),
        expected: 3,
        counted: right,
        after_detach: Some(hits),
    })
}

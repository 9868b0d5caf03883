//! Cases on network devices: XDP, traffic control, netkit, netfilter.

use std::collections::BTreeSet;
use std::io;

use trapline_loader::attach::query::query_tcx;
use trapline_loader::attach::{
    Anchor, NetfilterOptions, NetkitOptions, Relative, TcDirection, TcOptions, TcxOptions, Via,
    XdpMode, XdpOptions, ifindex, query_xdp,
};
use trapline_loader::program::Program;

use super::super::stage::{Failure, Report, Tried};
use super::super::{Case, Outcome, Stage};
use super::traffic::{self, datagram};
use crate::sys::{boot, net};

pub(in super::super) const CASES: &[Case] = &[
    Case {
        name: "attach_xdp",
        object: Some("attach_xdp"),
        run: |stage| xdp(stage, XdpOptions::default()),
    },
    Case {
        name: "attach_xdp_netlink",
        object: Some("attach_xdp"),
        run: |stage| {
            let via = Via::Legacy;
            let mode = XdpMode::Skb;
            let options = XdpOptions {
                via,
                mode,
                ..XdpOptions::default()
            };
            xdp(stage, options)
        },
    },
    Case {
        name: "attach_xdp_frags",
        object: Some("attach_xdp_frags"),
        run: |stage| xdp(stage, XdpOptions::default()),
    },
    Case {
        name: "xdp_map_programs",
        object: Some("attach_xdp_map"),
        run: xdp_map_programs,
    },
    Case {
        name: "attach_tc",
        object: Some("attach_tc"),
        run: |stage| tc(stage, TcDirection::Egress, Via::Best),
    },
    Case {
        name: "attach_tcx",
        object: Some("attach_tc"),
        run: |stage| tc(stage, TcDirection::Ingress, Via::Link),
    },
    Case {
        name: "attach_tcx_anchors",
        object: Some("attach_tcx"),
        run: tcx_anchors,
    },
    Case {
        name: "attach_tc_clsact",
        object: Some("attach_tc"),
        run: |stage| clsact(stage, TcDirection::Ingress),
    },
    Case {
        name: "attach_tc_clsact_egress",
        object: Some("attach_tc"),
        run: |stage| clsact(stage, TcDirection::Egress),
    },
    Case {
        name: "attach_tc_action",
        object: Some("attach_tc_action"),
        run: |stage| clsact(stage, TcDirection::Ingress),
    },
    Case {
        name: "attach_netkit",
        object: Some("attach_netkit"),
        run: netkit,
    },
    Case {
        name: "attach_netfilter",
        object: Some("attach_netfilter"),
        run: |stage| {
            let attach =
                |program: &Program| Ok(program.attach_netfilter(&NetfilterOptions::default())?);
            stage.attached_by(attach, datagram)
        },
    },
];

fn xdp(stage: &mut Stage<'_>, options: XdpOptions<'_>) -> Outcome {
    let lo = ifindex("lo")?;
    let attach = |program: &Program| {
        let link = program.attach_xdp(lo, &options)?;
        let (id, attached) = (program.info()?.id, query_xdp(lo)?);
        if attached.prog_id != Some(id) {
            let said = format!("program {id} is attached, the kernel says {attached:?}");
            return Err(Failure::Other(said));
        }
        Ok(link)
    };
    stage.attached_by(attach, datagram)
}

/// Two programs become entries of maps. Where the kernel shows entries to user
/// space it shows the program's number there.
fn xdp_map_programs(stage: &mut Stage<'_>) -> Outcome {
    let object = stage.load()?;
    let lo = ifindex("lo")?;
    let mut right = 0;
    let entries = [("devices", "on_device", lo), ("cpus", "on_cpu", 192)];
    for (map, program, target) in entries {
        let (map, program) = (object.map(map)?, object.program(program)?);
        map.update_redirect(0, target, program)?;
        let entry = map.lookup(&[0; 4])?.unwrap_or_default();
        let expected = [target.to_le_bytes(), program.info()?.id.to_le_bytes()];
        right += u64::from(entry == expected.concat());
    }
    Ok(Report::checked("map entries", 2, right))
}

fn tc(stage: &mut Stage<'_>, direction: TcDirection, via: Via) -> Outcome {
    let options = TcOptions {
        direction: Some(direction),
        via,
        ..TcOptions::default()
    };
    let lo = ifindex("lo")?;
    let attached = stage.attached_by(|program| Ok(program.attach_tc(lo, &options)?), datagram);
    without_module(attached)
}

/// As a filter; the qdisc has to go with the last one.
fn clsact(stage: &mut Stage<'_>, direction: TcDirection) -> Outcome {
    let report = tc(stage, direction, Via::Legacy)?;
    match net::delete_clsact(ifindex("lo")?) {
        Ok(()) => Err(Failure::Other("the qdisc was left behind".to_owned())),
        Err(_) => Ok(report),
    }
}

/// What the kernel says of a qdisc, filter or action whose module is not loaded.
fn without_module(outcome: Outcome) -> Outcome {
    match outcome {
        Err(Failure::Loader(error)) if error.errno() == Some(libc::ENOENT) => {
            Err(Failure::Absent(format!("{error:#}")))
        }
        other => other,
    }
}

/// Three programs, attached out of order, run in the order that was asked for.
fn tcx_anchors(stage: &mut Stage<'_>) -> Outcome {
    let object = stage.load()?;
    let lo = ifindex("lo")?;
    let at = |anchor| TcxOptions {
        anchor,
        ..TcxOptions::default()
    };
    let third = object.program("third")?;
    let third_link = third.attach_tcx(lo, &TcxOptions::default())?;
    let first = object.program("first")?;
    let first_link = first.attach_tcx(lo, &at(Anchor::First))?;
    let second = object.program("second")?;
    let stale = TcxOptions {
        anchor: Anchor::First,
        expected_revision: Some(1),
        ..TcxOptions::default()
    };
    let refused = second.attach_tcx(lo, &stale);
    let before = at(Anchor::Before(Relative::Link(&third_link)));
    let second_link = second.attach_tcx(lo, &before)?;
    let found = query_tcx(lo, TcDirection::Ingress)?;
    let ids: Vec<_> = found.programs.iter().map(|found| found.prog_id).collect();
    let expected = [first, second, third];
    let expected: Result<Vec<_>, _> = expected.iter().map(|one| Ok(one.info()?.id)).collect();
    let links = [&first_link, &second_link, &third_link];
    let link_ids: Result<Vec<_>, Failure> = links.iter().map(|link| Ok(link.id()?)).collect();
    let said: Vec<_> = found.programs.iter().map(|found| found.link_id).collect();
    datagram()?;
    let order = stage.hits(&object)?;
    let right = [
        refused.is_err_and(|error| error.errno() == Some(libc::ESTALE)),
        ids == expected.map_err(|error: trapline_loader::Error| Failure::from(error))?,
        said == link_ids?,
        // One, two, three in the base 8.
        order == 0o123,
    ];
    let right = right.iter().filter(|&&right| right).count() as u64;
    let how = first_link.how().to_owned();
    drop((first_link, second_link, third_link));
    datagram()?;
    Ok(Report {
        how,
        expected: 4,
        counted: right,
        after_detach: Some(right + stage.hits(&object)? - order),
    })
}

fn netkit(stage: &mut Stage<'_>) -> Outcome {
    const NAME: &str = "trapnk";
    let object = stage.load()?;
    let program = object.program("on_packet")?;
    let before = device_names()?;
    let made = net::new_netkit(NAME);
    if made.as_ref().err().and_then(io::Error::raw_os_error) == Some(libc::EOPNOTSUPP) {
        // There is no device to attach to. Any other does to hear whether the
        // kernel has such links at all.
        program.attach_netkit(ifindex("lo")?, &NetkitOptions::default())?;
    }
    made.tried("make a netkit pair")?;
    let index = ifindex(NAME)?;
    // The primary device sends only while its peer, whatever its name, is up.
    for name in device_names()?.difference(&before) {
        boot::interface_up(name).tried("bring it up")?;
    }
    let attached = stage.protocol(
        &object,
        || Ok(program.attach_netkit(index, &NetkitOptions::default())?),
        || traffic::frame(index),
    );
    let removed: io::Result<()> = net::delete_device(index);
    removed.tried("remove the netkit pair")?;
    attached
}

fn device_names() -> Result<BTreeSet<String>, Failure> {
    let entries = std::fs::read_dir("/sys/class/net").tried("list the devices")?;
    let names = entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    names.collect::<io::Result<_>>().tried("list the devices")
}

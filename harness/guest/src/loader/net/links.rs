//! Cases on what may be done to a link besides holding it.

use std::net::{Ipv4Addr, UdpSocket};
use std::path::Path;

use trapline_loader::attach::{CgroupOptions, Link, LinkedTo, TcOptions, Via, ifindex};
use trapline_loader::error::ErrorKind;
use trapline_loader::program::Program;

use super::super::stage::{Failure, Report, Tried};
use super::super::{Case, Outcome, Stage};
use super::traffic::{self, Cgroup};

pub(in super::super) const CASES: &[Case] = &[
    Case {
        name: "link_pin",
        object: Some("attach_cgroup_connect4"),
        run: pin,
    },
    Case {
        name: "link_update",
        object: Some("attach_cgroup_connect4"),
        run: |stage| update(stage, Via::Link),
    },
    Case {
        name: "link_update_prog_attach",
        object: Some("attach_cgroup_connect4"),
        run: |stage| update(stage, Via::Legacy),
    },
    Case {
        name: "link_info",
        object: Some("attach_cgroup_connect4"),
        run: info,
    },
    Case {
        name: "link_detach",
        object: Some("attach_cgroup_connect4"),
        run: force_detach,
    },
    Case {
        name: "prog_pin",
        object: Some("attach_cgroup_connect4"),
        run: prog_pin,
    },
    Case {
        name: "error_says_what_is_missing",
        object: Some("attach_tc"),
        run: says_what_is_missing,
    },
];

const PIN: &str = "/sys/fs/bpf/trapline-case";

fn connect() -> Result<(), Failure> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).tried("bind")?;
    let to = (Ipv4Addr::LOCALHOST, traffic::PORT);
    socket.connect(to).tried("connect")
}

/// Of several things, how many were as they should be.
fn checked(how: &str, right: &[bool]) -> Outcome {
    let count = right.iter().filter(|&&right| right).count();
    Ok(Report::checked(how, right.len() as u64, count as u64))
}

/// A pinned link stays when it is dropped, can be opened again, and goes with
/// the pin.
fn pin(stage: &mut Stage<'_>) -> Outcome {
    let object = stage.load()?;
    let cgroup = Cgroup::enter("trapline-case")?;
    let program = object.program("on_connect")?;
    let mut link = program.attach_cgroup(cgroup.folder(), &CgroupOptions::default())?;
    link.pin(PIN)?;
    drop(link);
    connect()?;
    let while_pinned = stage.hits(&object)?;
    let mut link = Link::from_pin(PIN)?;
    let opened = link.info()?.map(|info| info.prog_id) == Some(program.info()?.id);
    let as_program = Program::from_pin(PIN).err().map(|error| error.kind());
    link.unpin()?;
    let gone = !Path::new(PIN).exists();
    connect()?;
    let while_held = stage.hits(&object)?;
    link.pin(PIN)?;
    link.detach()?;
    let gone = gone && !Path::new(PIN).exists();
    connect()?;
    let right = [
        while_pinned == 1,
        opened,
        as_program == Some(ErrorKind::InvalidInput),
        gone,
        while_held == 2,
        stage.hits(&object)? == 2,
    ];
    checked("cgroup/link", &right)
}

/// Another program takes the place; it counts as 8.
fn update(stage: &mut Stage<'_>, via: Via) -> Outcome {
    let mut object = stage.load()?;
    object.load_program("on_connect_too")?;
    let cgroup = Cgroup::enter("trapline-case")?;
    let (one, eight) = (
        object.program("on_connect")?,
        object.program("on_connect_too")?,
    );
    let options = CgroupOptions {
        via,
        ..CgroupOptions::default()
    };
    let mut link = one.attach_cgroup(cgroup.folder(), &options)?;
    connect()?;
    let before = stage.hits(&object)?;
    let refused = link.update(one, Some(eight)).is_err();
    link.update(eight, Some(one))?;
    connect()?;
    let after = stage.hits(&object)?;
    let how = link.how();
    link.detach()?;
    connect()?;
    let right = [before == 1, refused, after == 9, stage.hits(&object)? == 9];
    checked(how, &right)
}

/// The kernel says what the link is of.
fn info(stage: &mut Stage<'_>) -> Outcome {
    const BPF_CGROUP_INET4_CONNECT: u32 = 10;
    let object = stage.load()?;
    let cgroup = Cgroup::enter("trapline-case")?;
    let program = object.program("on_connect")?;
    let link = program.attach_cgroup(cgroup.folder(), &CgroupOptions::default())?;
    let id = link.id()?.unwrap_or(0);
    let same = Link::from_id(id)?;
    let info = same.info()?;
    let metadata = cgroup.folder().metadata().tried("fstat")?;
    let target = LinkedTo::Cgroup {
        cgroup_id: std::os::unix::fs::MetadataExt::ino(&metadata),
        attach_type: BPF_CGROUP_INET4_CONNECT,
    };
    let right = [
        info.map(|info| info.id) == Some(id),
        info.map(|info| info.type_name()) == Some("cgroup"),
        info.map(|info| info.prog_id) == Some(program.info()?.id),
        info.map(|info| info.target) == Some(target),
    ];
    checked("cgroup/link", &right)
}

/// A link that others hold is detached all the same.
fn force_detach(stage: &mut Stage<'_>) -> Outcome {
    let object = stage.load()?;
    let cgroup = Cgroup::enter("trapline-case")?;
    let program = object.program("on_connect")?;
    let link = program.attach_cgroup(cgroup.folder(), &CgroupOptions::default())?;
    let other = Link::from_id(link.id()?.unwrap_or(0))?;
    connect()?;
    other.force_detach()?;
    connect()?;
    let again = link.force_detach();
    checked("cgroup/link", &[stage.hits(&object)? == 1, again.is_ok()])
}

/// A pinned program can be opened, and attached once its section is known.
fn prog_pin(stage: &mut Stage<'_>) -> Outcome {
    let object = stage.load()?;
    let cgroup = Cgroup::enter("trapline-case")?;
    let program = object.program("on_connect")?;
    program.pin(PIN)?;
    let opened = Program::from_pin(PIN)?;
    let same = opened.info()?.id == program.info()?.id && opened.name() == "on_connect";
    let wrong = Program::from_pin(PIN)?.with_section("xdp").is_err();
    let opened = opened.with_section("cgroup/connect4")?;
    let link = opened.attach_cgroup(cgroup.folder(), &CgroupOptions::default())?;
    connect()?;
    drop(link);
    opened.unpin(PIN)?;
    let no_more = Program::from_pin(PIN).is_err_and(|error| error.kind() == ErrorKind::NotFound);
    checked("pin", &[same, wrong, stage.hits(&object)? == 1, no_more])
}

/// Errors name the method that is needed, the interface and the direction.
fn says_what_is_missing(stage: &mut Stage<'_>) -> Outcome {
    let object = stage.load()?;
    let program = object.program("on_packet")?;
    let text = |result: Result<Link, trapline_loader::Error>| {
        result
            .err()
            .map(|error| format!("{error:#}"))
            .unwrap_or_default()
    };
    let by_section = text(program.attach());
    let no_direction = text(program.attach_tc(ifindex("lo")?, &TcOptions::default()));
    let wrong_kind = text(program.attach_xdp(1, &trapline_loader::attach::XdpOptions::default()));
    let right = [
        by_section.contains("Program::attach_tc"),
        no_direction.contains("says no direction"),
        wrong_kind.contains("is not one of XDP programs"),
    ];
    checked("errors", &right)
}

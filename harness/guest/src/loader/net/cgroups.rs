//! Cases on control groups: one for each kind of program that they take.

use std::fs::File;
use std::io::Read;
use std::net::{Ipv4Addr, Ipv6Addr, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use trapline_loader::attach::query::query_cgroup;
use trapline_loader::attach::{Anchor, CgroupOptions, Link, Relative, Via};
use trapline_loader::object::Object;

use super::super::stage::{Failure, Report, Tried};
use super::super::{Case, Outcome, Stage};
use super::traffic::{self, Cgroup, datagram};

pub(in super::super) const CASES: &[Case] = &[
    Case {
        name: "attach_cgroup_skb",
        object: Some("attach_cgroup_skb"),
        run: |stage| attached(stage, datagram),
    },
    Case {
        name: "attach_cgroup_skb_ingress",
        object: Some("attach_cgroup_skb_ingress"),
        run: |stage| attached(stage, datagram),
    },
    Case {
        name: "attach_cgroup_sock",
        object: Some("attach_cgroup_sock"),
        run: |stage| attached(stage, bind),
    },
    Case {
        name: "attach_cgroup_sock_release",
        object: Some("attach_cgroup_sock_release"),
        run: |stage| attached(stage, bind),
    },
    Case {
        name: "attach_cgroup_post_bind",
        object: Some("attach_cgroup_post_bind"),
        run: |stage| times(attached(stage, bind_both), 2),
    },
    Case {
        name: "attach_cgroup_connect4",
        object: Some("attach_cgroup_connect4"),
        run: |stage| attached(stage, connect),
    },
    Case {
        name: "attach_cgroup_prog_attach",
        object: Some("attach_cgroup_connect4"),
        run: prog_attach,
    },
    Case {
        name: "attach_cgroup_addr4",
        object: Some("attach_cgroup_addr4"),
        // Two sockets are bound; all else happens once.
        run: |stage| times(attached(stage, addresses4), 0x01_01_01_01_01_02),
    },
    Case {
        name: "attach_cgroup_addr6",
        object: Some("attach_cgroup_addr6"),
        run: |stage| times(attached(stage, addresses6), 0x01_01_01_01_01_02),
    },
    Case {
        name: "attach_cgroup_unix",
        object: Some("attach_cgroup_unix"),
        run: |stage| times(attached(stage, addresses_unix), 0x01_01_01_01_01),
    },
    Case {
        name: "attach_cgroup_sysctl",
        object: Some("attach_cgroup_sysctl"),
        run: |stage| attached(stage, sysctl),
    },
    Case {
        name: "attach_cgroup_device",
        object: Some("attach_cgroup_device"),
        run: |stage| attached(stage, || File::open("/dev/null").tried("open").map(drop)),
    },
    Case {
        name: "attach_cgroup_sockopt",
        object: Some("attach_cgroup_sockopt"),
        run: |stage| times(attached(stage, options), 1 | 1 << 32),
    },
    Case {
        name: "attach_cgroup_sock_ops",
        object: Some("attach_cgroup_sock_ops"),
        run: |stage| attached(stage, || traffic::connection().map(drop)),
    },
    Case {
        name: "attach_cgroup_anchors",
        object: Some("attach_cgroup_order"),
        run: anchors,
    },
    Case {
        name: "attach_cgroup_preorder",
        object: Some("attach_cgroup_order"),
        run: preorder,
    },
];

/// The whole protocol for all programs of the object, on a group of this
/// process's own.
fn attached(stage: &mut Stage<'_>, trigger: impl FnMut() -> Result<(), Failure>) -> Outcome {
    by(stage, &CgroupOptions::default(), trigger)
}

fn by(
    stage: &mut Stage<'_>,
    options: &CgroupOptions<'_>,
    trigger: impl FnMut() -> Result<(), Failure>,
) -> Outcome {
    let object = stage.load()?;
    let cgroup = Cgroup::enter("trapline-case")?;
    let attach = || attach_all(&object, &cgroup, options);
    stage.protocol(&object, attach, trigger)
}

fn attach_all(
    object: &Object,
    cgroup: &Cgroup,
    options: &CgroupOptions<'_>,
) -> Result<Vec<Link>, Failure> {
    let mut links = Vec::new();
    for program in object.programs() {
        links.push(program.attach_cgroup(cgroup.folder(), options)?);
        let found = query_cgroup(cgroup.folder(), program.expected_attach_type(), false)?;
        let id = program.info()?.id;
        if !found.programs.iter().any(|found| found.prog_id == id) {
            let said = format!("program {id} is attached, the kernel says {found:?}");
            return Err(Failure::Other(said));
        }
    }
    Ok(links)
}

/// What a trigger counts for, where that is not one.
fn times(outcome: Outcome, count: u64) -> Outcome {
    outcome.map(|mut report| {
        report.expected *= count;
        report
    })
}

fn prog_attach(stage: &mut Stage<'_>) -> Outcome {
    let options = CgroupOptions {
        via: Via::Legacy,
        ..CgroupOptions::default()
    };
    by(stage, &options, connect)
}

/// The second program is attached before the first, and runs before it.
fn anchors(stage: &mut Stage<'_>) -> Outcome {
    let object = stage.load()?;
    let cgroup = Cgroup::enter("trapline-case")?;
    let (first, second) = (object.program("first")?, object.program("second")?);
    let last = first.attach_cgroup(cgroup.folder(), &CgroupOptions::default())?;
    let revision = query_cgroup(cgroup.folder(), first.expected_attach_type(), false)?.revision;
    let before = |expected_revision| CgroupOptions {
        anchor: Anchor::Before(Relative::Link(&last)),
        expected_revision,
        ..CgroupOptions::default()
    };
    let stale = before(revision.map(|revision| revision + 1));
    let stale = second.attach_cgroup(cgroup.folder(), &stale);
    let link = second.attach_cgroup(cgroup.folder(), &before(revision))?;
    connect()?;
    let hits = stage.hits(&object)?;
    // Two, one in the base 8.
    let refused = stale.is_err_and(|error| error.errno() == Some(libc::ESTALE));
    let right = u64::from(refused) + u64::from(hits == 0o21);
    ended(stage, &object, vec![link, last], right, 2)
}

/// The program of the group above runs first all the same.
fn preorder(stage: &mut Stage<'_>) -> Outcome {
    let object = stage.load()?;
    let cgroup = Cgroup::enter("trapline-case")?;
    let above = File::open("/sys/fs/cgroup").tried("open the cgroup above")?;
    let (first, second) = (object.program("first")?, object.program("second")?);
    let options = CgroupOptions {
        preorder: true,
        ..CgroupOptions::default()
    };
    let above = first.attach_cgroup(&above, &options)?;
    let below = second.attach_cgroup(cgroup.folder(), &CgroupOptions::default())?;
    connect()?;
    // One, two in the base 8.
    let right = u64::from(stage.hits(&object)? == 0o12);
    ended(stage, &object, vec![above, below], right, 1)
}

/// Detaches; nothing runs any more.
fn ended(
    stage: &Stage<'_>,
    object: &Object,
    links: Vec<Link>,
    right: u64,
    expected: u64,
) -> Outcome {
    let hits = stage.hits(object)?;
    let how = links.first().map_or("", Link::how).to_owned();
    drop(links);
    connect()?;
    Ok(Report {
        how,
        expected,
        counted: right,
        after_detach: Some(right + stage.hits(object)? - hits),
    })
}

fn bind() -> Result<(), Failure> {
    UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))
        .tried("bind")
        .map(drop)
}

fn bind_both() -> Result<(), Failure> {
    bind()?;
    UdpSocket::bind((Ipv6Addr::LOCALHOST, 0))
        .tried("bind")
        .map(drop)
}

fn connect() -> Result<(), Failure> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).tried("bind")?;
    socket
        .connect((Ipv4Addr::LOCALHOST, traffic::PORT))
        .tried("connect")
}

fn addresses4() -> Result<(), Failure> {
    addresses((Ipv4Addr::LOCALHOST, traffic::PORT).into())
}

fn addresses6() -> Result<(), Failure> {
    addresses((Ipv6Addr::LOCALHOST, traffic::PORT).into())
}

fn addresses(to: std::net::SocketAddr) -> Result<(), Failure> {
    let receiver = UdpSocket::bind(to).tried("bind")?;
    let sender = UdpSocket::bind((to.ip(), 0)).tried("bind")?;
    sender.send_to(b"x", to).tried("send")?;
    receiver.recv_from(&mut [0]).tried("receive")?;
    sender.connect(to).tried("connect")?;
    sender.peer_addr().tried("getpeername")?;
    sender.local_addr().tried("getsockname").map(drop)
}

fn addresses_unix() -> Result<(), Failure> {
    let to = SocketAddr::from_abstract_name("trapline-case").tried("a name")?;
    let receiver = UnixDatagram::bind_addr(&to).tried("bind")?;
    let sender = UnixDatagram::unbound().tried("socket")?;
    sender.send_to_addr(b"x", &to).tried("send")?;
    receiver.recv_from(&mut [0]).tried("receive")?;
    sender.connect_addr(&to).tried("connect")?;
    sender.peer_addr().tried("getpeername")?;
    // A socket without a name is not asked about.
    receiver.local_addr().tried("getsockname").map(drop)
}

/// One read: a second one, for the end of the file, would count too.
fn sysctl() -> Result<(), Failure> {
    let mut file = File::open("/proc/sys/kernel/ostype").tried("open")?;
    file.read(&mut [0; 16]).tried("read").map(drop)
}

fn options() -> Result<(), Failure> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).tried("bind")?;
    socket.set_ttl(64).tried("setsockopt")?;
    socket.ttl().tried("getsockopt").map(drop)
}

//! Cases about tables of functions that the kernel calls.

use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};

use super::checks::Checks;
use super::objects::global;
use super::stage::{Attached, Failure, Tried};
use super::{Case, Outcome, Report, Stage};
use crate::sys::net;

pub(super) const CASES: &[Case] = &[
    Case {
        name: "attach_struct_ops",
        object: Some("struct_ops_cong"),
        run: |stage| struct_ops(stage, "trapline_cong"),
    },
    Case {
        name: "attach_struct_ops_link",
        object: Some("struct_ops_link"),
        run: |stage| struct_ops(stage, "trapline_link"),
    },
    Case {
        name: "struct_ops_update",
        object: Some("struct_ops_update"),
        run: struct_ops_update,
    },
];

/// Is a congestion control of this name registered?
fn is_registered(name: &str) -> Result<u64, Failure> {
    let path = "/proc/sys/net/ipv4/tcp_available_congestion_control";
    let names = fs::read_to_string(path).tried(path)?;
    Ok(names
        .split_ascii_whitespace()
        .any(|found| found == name)
        .into())
}

/// Registers the table, sees it, unregisters it, and sees it no more.
fn struct_ops(stage: &mut Stage<'_>, name: &str) -> Outcome {
    let object = stage.load()?;
    if is_registered(name)? != 0 {
        return Err(Failure::Other(
            "registered before it was attached".to_owned(),
        ));
    }
    let link = object.attach_struct_ops("cong")?;
    let counted = is_registered(name)?;
    let how = link.how().to_owned();
    Attached::detach(link)?;
    Ok(Report {
        how,
        expected: 1,
        counted,
        after_detach: Some(counted + is_registered(name)?),
    })
}

/// One table takes the place of another while connections can be begun with it.
fn struct_ops_update(stage: &mut Stage<'_>) -> Outcome {
    let object = stage.load()?;
    let mut checks = Checks::default();
    let link = object.attach_struct_ops("first")?;
    let inits = |checks: &mut Checks, first: u64, second: u64| {
        let found = (
            global(&object, "first_inits")?,
            global(&object, "second_inits")?,
        );
        checks.equal("connections begun", &found, &(first, second))
    };
    begin_connection()?;
    inits(&mut checks, 1, 0)?;
    object.update_struct_ops(&link, "second")?;
    begin_connection()?;
    inits(&mut checks, 1, 1)?;
    checks.equal("registered", &is_registered("trapline_both")?, &1)?;
    let again = object.update_struct_ops(&link, "third");
    checks.refused("a table that is not there", again)?;
    link.detach()?;
    checks.equal("unregistered", &is_registered("trapline_both")?, &0)?;
    Ok(checks.report("struct_ops/link"))
}

/// Gives a new connection of this process with itself the tables' congestion
/// control.
fn begin_connection() -> Result<(), Failure> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).tried("listen")?;
    let address = listener.local_addr().tried("the listener's address")?;
    let connection = TcpStream::connect(address).tried("connect")?;
    net::set_congestion(&connection, "trapline_both").tried("TCP_CONGESTION")
}

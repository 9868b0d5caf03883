//! A device whose packets begin with the IP header.

use std::io::{self, Write};
use std::net::{IpAddr, UdpSocket};

use trapline_loader::attach::ifindex;

use super::changes::{SILENCE, interface};
use super::frames;
use super::running::{Running, release, status};
use super::world::{FAR4, HOST4, STRANGER4};
use crate::loader::checks::Checks;
use crate::loader::stage::{Failure, Tried};
use crate::loader::{Outcome, Stage};
use crate::sys::wires::new_tun;
use crate::sys::{boot, net};

/// A device without Ethernet: the IP header comes first.
pub fn tun(_: &mut Stage<'_>) -> Outcome {
    let mut checks = Checks::default();
    let mut tun = match new_tun("traptun") {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(Failure::Absent(format!("tun: {error}")));
        }
        other => other.tried("make a tun device")?,
    };
    boot::interface_up("traptun").tried("bring it up")?;
    let index = ifindex("traptun")?;
    net::add_address(index, HOST4.into(), 24).tried("give it an address")?;
    let services = [HOST4.into(), STRANGER4.into(), FAR4.into()];
    let [host, stranger, far]: [IpAddr; 3] = services;
    let socket = UdpSocket::bind((HOST4, 4660)).tried("bind")?;
    socket
        .set_read_timeout(Some(SILENCE))
        .tried("SO_RCVTIMEO")?;
    let mut comes_in = |from: IpAddr| {
        let packet = frames::udp((from, 4660), (host, 4660), b"x");
        tun.write_all(&packet).tried("write a packet")?;
        Ok::<_, Failure>(socket.recv(&mut [0; 16]).is_ok())
    };
    checks.holds("a stranger before", comes_in(stranger)?)?;
    let running = Running::start(&["--allow", "10.77.0.2:4660/udp"])?;
    checks.holds_not("a stranger", comes_in(stranger)?)?;
    checks.holds("an allowed one", comes_in(far)?)?;
    let said = status()?;
    let rule = &said["rules"][0];
    checks.equal(&format!("in by {rule}"), &rule["in"]["packets"], &1.into())?;
    let found = interface(&said, "traptun");
    checks.equal("closed", &found["is_closed"], &false.into())?;
    let how = found["egress"]["how"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    running.end(libc::SIGTERM)?;
    release()?;
    checks.holds("a stranger afterwards", comes_in(stranger)?)?;
    Ok(checks.report(&format!("{how} over tun")))
}

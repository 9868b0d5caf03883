//! Traffic of this process to itself, of a known amount.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::loader::stage::{Failure, Tried};
use crate::sys::net;

/// The port that the objects look for.
pub const PORT: u16 = 4660;
/// The mark that the netkit object looks for.
pub const MARK: i32 = 4660;
/// The length that the netfilter object looks for.
const DATAGRAM: [u8; 101] = [7; 101];
/// Nothing here takes this long, however slow the machine.
const PATIENCE: Duration = Duration::from_secs(5);

/// A UDP socket on the tests' port.
///
/// # Errors
/// What the kernel says.
pub fn receiver() -> Result<UdpSocket, Failure> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, PORT)).tried("bind")?;
    socket
        .set_read_timeout(Some(PATIENCE))
        .tried("SO_RCVTIMEO")?;
    Ok(socket)
}

/// One datagram to the tests' port, received.
///
/// # Errors
/// What the kernel says.
pub fn datagram() -> Result<(), Failure> {
    let receiver = receiver()?;
    send_datagram()?;
    let mut buffer = [0; 256];
    receiver.recv(&mut buffer).tried("receive").map(drop)
}

/// One datagram to the tests' port.
///
/// # Errors
/// What the kernel says.
pub fn send_datagram() -> Result<(), Failure> {
    let sender = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).tried("bind")?;
    let sent = sender.send_to(&DATAGRAM, (Ipv4Addr::LOCALHOST, PORT));
    sent.tried("send").map(drop)
}

/// A datagram to the tests' port as a frame, sent past the network stack.
///
/// # Errors
/// What the kernel says.
pub fn frame(ifindex: u32) -> Result<(), Failure> {
    let mut frame = vec![0; 12];
    frame.extend_from_slice(&[8, 0]);
    // IPv4, 28 bytes, UDP, from and to this machine.
    frame.extend_from_slice(&[0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0]);
    frame.extend_from_slice(&[127, 0, 0, 1, 127, 0, 0, 1]);
    let [high, low] = PORT.to_be_bytes();
    frame.extend_from_slice(&[0x30, 0x39, high, low, 0, 8, 0, 0]);
    net::send_frame(ifindex, MARK, &frame).tried("send a frame")
}

/// Two ends of a connection: who asked for it, and who took it.
///
/// # Errors
/// What the kernel says.
pub fn connection() -> Result<(TcpStream, TcpStream), Failure> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).tried("listen")?;
    let address = listener.local_addr().tried("getsockname")?;
    let client = TcpStream::connect(address).tried("connect")?;
    let (server, _) = listener.accept().tried("accept")?;
    server
        .set_read_timeout(Some(PATIENCE))
        .tried("SO_RCVTIMEO")?;
    Ok((client, server))
}

/// One byte from one end to the other.
///
/// # Errors
/// What the kernel says.
pub fn byte(mut from: &TcpStream, mut to: &TcpStream) -> Result<(), Failure> {
    from.write_all(b"x").tried("write")?;
    to.read_exact(&mut [0]).tried("read")
}

/// A control group with this process in it; left and removed on drop.
#[derive(Debug)]
pub struct Cgroup {
    path: PathBuf,
    folder: File,
    home: PathBuf,
}

impl Cgroup {
    /// Makes one and enters it.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn enter(name: &str) -> Result<Self, Failure> {
        let root = Path::new("/sys/fs/cgroup");
        let own = fs::read_to_string("/proc/self/cgroup").tried("read /proc/self/cgroup")?;
        let own = own.trim().strip_prefix("0::/").unwrap_or_default();
        let path = root.join(name);
        fs::create_dir(&path).tried("make a cgroup")?;
        let folder = File::open(&path).tried("open the cgroup")?;
        let cgroup = Self {
            path,
            folder,
            home: root.join(own),
        };
        fs::write(cgroup.path.join("cgroup.procs"), "0").tried("enter the cgroup")?;
        Ok(cgroup)
    }

    /// Its folder, to attach to.
    pub fn folder(&self) -> &File {
        &self.folder
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        let _ = fs::write(self.home.join("cgroup.procs"), "0");
        let _ = fs::remove_dir(&self.path);
    }
}

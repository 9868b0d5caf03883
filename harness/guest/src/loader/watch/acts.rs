//! Something of every kind.

use std::fs::{self, File, Permissions};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use crate::loader::stage::{Failure, Tried};
use crate::loader::trapline::PROGRAM;
use crate::sys::contents::Mapped;
use crate::sys::{boot, mounts, sockets, space};

/// Does all of it below a folder, which is made.
///
/// # Errors
/// What could not be done.
pub fn all(folder: &str) -> Result<(), Failure> {
    fs::create_dir_all(folder).tried(folder)?;
    let mut ran = Command::new(PROGRAM);
    ran.env("SECRET", "hunter2").arg("--version");
    ran.output().tried(PROGRAM)?;
    let failed = Command::new(format!("{folder}/nothing")).status();
    if failed.is_ok() {
        return Err(Failure::Other("what is not there runs".to_owned()));
    }
    files(folder)?;
    mounting(folder)?;
    connection()?;
    sockets::socket(libc::AF_INET, libc::SOCK_RAW, libc::IPPROTO_ICMP).tried("raw socket")?;
    Ok(())
}

/// Starts a program and waits for its end.
///
/// # Errors
/// When it cannot be started.
pub fn another() -> Result<(), Failure> {
    let mut command = Command::new("/trapline-guest");
    let listed = command.arg("list").stdout(Stdio::null()).status();
    listed.map(drop).tried("another program")
}

fn files(folder: &str) -> Result<(), Failure> {
    let at = |name: &str| format!("{folder}/{name}");
    let options = || File::options().read(true).write(true).clone();
    let mut file = options().create_new(true).open(at("a")).tried("create")?;
    file.write_all(&[b'x'; 5000]).tried("write")?;
    file.set_len(4096).tried("truncate")?;
    {
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let mapping = Mapped::new(file.as_fd(), protection, libc::MAP_SHARED).tried("map")?;
        mapping.write(7);
    }
    drop(file);
    let mut bytes = [0; 16];
    File::open(at("a"))
        .tried("open")?
        .read_exact(&mut bytes)
        .tried("read")?;
    fs::set_permissions(at("a"), Permissions::from_mode(0o600)).tried("chmod")?;
    fs::hard_link(at("a"), at("b")).tried("link")?;
    fs::rename(at("b"), at("c")).tried("rename")?;
    fs::remove_file(at("c")).tried("delete")?;
    fs::remove_file(at("a")).tried("delete")
}

fn mounting(folder: &str) -> Result<(), Failure> {
    let (one, other) = (format!("{folder}/one"), format!("{folder}/other"));
    for place in [&one, &other] {
        fs::create_dir_all(place).tried(place)?;
    }
    boot::mount("tmpfs", &one, "tmpfs", "").tried("mount")?;
    let text =
        |place: &str| std::ffi::CString::new(place).map_err(|error| Failure::other(place, error));
    let (from, to) = (text(&one)?, text(&other)?);
    space::bind_or_mount(&from, &to, c"", libc::MS_MOVE).tried("move")?;
    let flags = libc::MS_REMOUNT | libc::MS_BIND | libc::MS_RDONLY;
    space::bind_or_mount(c"none", &to, c"", flags).tried("remount")?;
    mounts::unmount(&to, 0).tried("umount")
}

/// What goes within this machine: both ends of a connection, and a datagram.
///
/// # Errors
/// What could not be done.
pub fn connection() -> Result<(), Failure> {
    let server = TcpListener::bind(("127.0.0.1", 0)).tried("bind")?;
    let to = server.local_addr().tried("its address")?;
    let mut client = TcpStream::connect(to).tried("connect")?;
    let (mut accepted, _) = server.accept().tried("accept")?;
    client.write_all(b"hello").tried("send")?;
    accepted.read_exact(&mut [0; 5]).tried("receive")?;
    // And a flow of datagrams, which ends when its sockets are closed.
    let (one, other) = (udp()?, udp()?);
    let to = other.local_addr().tried("its address")?;
    one.send_to(b"x", to).tried("send")?;
    other.recv(&mut [0]).tried("receive").map(drop)
}

fn udp() -> Result<UdpSocket, Failure> {
    UdpSocket::bind(("127.0.0.1", 0)).tried("bind")
}

/// Mounts something and takes it away, so often; quickly. The mount sensors are the
/// quickest to load.
///
/// # Errors
/// What could not be done.
pub fn storm(folder: &str, times: u32) -> Result<(), Failure> {
    let place = format!("{folder}/storm");
    fs::create_dir_all(&place).tried(&place)?;
    let target = std::ffi::CString::new(place.as_str());
    let target = target.map_err(|error| Failure::other(&place, error))?;
    for _ in 0..times {
        boot::mount("tmpfs", &place, "tmpfs", "").tried("mount")?;
        mounts::unmount(&target, 0).tried("umount")?;
    }
    Ok(())
}

//! Ways to send: the payload is what the kernel took, however it was given.

use std::fs::{self, File};
use std::io::Write;
use std::os::fd::AsFd;

use super::data::PAYLOAD_BYTES;
use super::sock::Sock;
use super::world::{HERE, World, at};
use crate::sys::sockets;
use crate::workloads::failure::{Outcome, Tried, ensure};
use crate::workloads::scene::Scene;

/// Bytes of which each place shows itself.
pub fn pattern(bytes: usize) -> Vec<u8> {
    let lines = (0..).flat_map(|line: u32| format!("{line:07}\n").into_bytes());
    lines.take(bytes).collect()
}

/// Sends through a connection by `send`, and receives it all at the other end.
fn through(expected: &[u8], send: impl FnOnce(&mut Sock<'_>) -> Outcome) -> Outcome {
    let world = World::enter()?;
    let (mut client, mut server) = Sock::pair(&world, at(HERE, 8080))?;
    send(&mut client)?;
    drain(&mut server, expected)?;
    client.close()?;
    server.close()
}

/// Receives just these bytes, in as many calls as it takes, when all have come.
pub fn drain(socket: &mut Sock<'_>, expected: &[u8]) -> Outcome {
    socket.has_come(expected.len())?;
    let mut rest = expected;
    while !rest.is_empty() {
        let mut bytes = vec![0; rest.len()];
        let received = sockets::read(socket.as_fd(), &mut bytes).tried("read")?;
        ensure(received > 0 && rest.starts_with(&bytes[..received]), || {
            format!("{received} other bytes were received")
        })?;
        socket.has_received(&bytes[..received], None)?;
        rest = &rest[received..];
    }
    Ok(())
}

fn all(sent: std::io::Result<usize>, bytes: usize) -> Outcome {
    let sent = sent.tried("send")?;
    ensure(sent == bytes, || {
        format!("{sent} of {bytes} bytes were sent")
    })
}

/// Each call that writes.
pub fn calls(_: &Scene) -> Outcome {
    through(
        b"by write by writev in parts by sendto first second",
        |socket| {
            all(sockets::write(socket.as_fd(), b"by write "), 9)?;
            socket.has_sent(b"by write ", None)?;
            let parts: [&[u8]; 3] = [b"by writev ", b"in ", b"parts "];
            all(sockets::write_parts(socket.as_fd(), &parts), 19)?;
            socket.has_sent(&parts.concat(), None)?;
            socket.send(b"by sendto ")?;
            let many: [(&[u8], _); 2] = [(b"first ", None), (b"second", None)];
            all(sockets::send_many(socket.as_fd(), &many), many.len())?;
            many.iter()
                .try_for_each(|(bytes, _)| socket.has_sent(bytes, None))
        },
    )
}

/// Twenty pieces.
pub fn pieces(_: &Scene) -> Outcome {
    let bytes = pattern(20 * 37);
    through(&bytes, |socket| {
        let parts: Vec<&[u8]> = bytes.chunks(37).collect();
        all(
            sockets::send_parts(socket.as_fd(), &parts, 0, None),
            bytes.len(),
        )?;
        socket.has_sent(&bytes, None)
    })
}

/// Pieces of nothing in front, between and at the end.
pub fn empty_pieces(_: &Scene) -> Outcome {
    through(b"not nothing", |socket| {
        let parts: [&[u8]; 5] = [b"", b"not ", b"", b"nothing", b""];
        all(sockets::send_parts(socket.as_fd(), &parts, 0, None), 11)?;
        socket.has_sent(b"not nothing", None)?;
        // Nothing at all is no event.
        all(sockets::send(socket.as_fd(), b"", 0, None), 0)
    })
}

/// More at once than is told.
pub fn large(_: &Scene) -> Outcome {
    let bytes = pattern(20_000);
    through(&bytes, |socket| socket.send(&bytes))
}

/// More than is told, little by little; one call goes over the end.
pub fn many(_: &Scene) -> Outcome {
    let bytes = pattern(24_000);
    through(&bytes, |socket| {
        bytes.chunks(6000).try_for_each(|part| socket.send(part))
    })
}

/// Just as much as is told.
pub fn to_the_end(_: &Scene) -> Outcome {
    let bytes = pattern(PAYLOAD_BYTES + 4);
    through(&bytes, |socket| {
        let (told, rest) = bytes.split_at(PAYLOAD_BYTES);
        told.chunks(PAYLOAD_BYTES / 2)
            .try_for_each(|part| socket.send(part))?;
        socket.send(rest)
    })
}

/// More than the kernel takes from who does not wait: what it took is told, what it refused is not.
pub fn partial(_: &Scene) -> Outcome {
    let world = World::enter()?;
    let (mut client, mut server) = Sock::pair(&world, at(HERE, 8080))?;
    // Received beforehand, as how much had come when the first is read is chance.
    client.send(b"first")?;
    server.receive(b"first")?;
    client.set(libc::SOL_SOCKET, libc::SO_SNDBUF, 64 << 10)?;
    let bytes = pattern(512 << 10);
    let flags = libc::MSG_DONTWAIT;
    let mut rest = &bytes[..];
    let mut has_been_full = false;
    while !rest.is_empty() {
        match sockets::send(client.as_fd(), rest, flags, None) {
            Ok(sent) => {
                let (taken, left) = rest.split_at(sent);
                client.has_sent(taken, None)?;
                rest = left;
            }
            Err(error) => {
                ensure(error.raw_os_error() == Some(libc::EAGAIN), || {
                    error.to_string()
                })?;
                has_been_full = true;
                read_some(&mut server)?;
            }
        }
    }
    ensure(has_been_full, || "the kernel took all at once".into())?;
    while server.about.received < client.about.sent {
        read_some(&mut server)?;
    }
    client.close()?;
    server.close()
}

fn read_some(server: &mut Sock<'_>) -> Outcome {
    let mut bytes = vec![0; 1 << 20];
    let received = sockets::read(server.as_fd(), &mut bytes).tried("read")?;
    server.has_received(&bytes[..received], None)
}

/// From a file, without the program's memory.
pub fn from_file(scene: &Scene) -> Outcome {
    let bytes = pattern(3000);
    fs::write(scene.path("file"), &bytes).tried("write a file")?;
    let file = File::open(scene.path("file")).tried("open it")?;
    through(&bytes, |socket| {
        all(sockets::sendfile(socket.as_fd(), file.as_fd(), 3000), 3000)?;
        socket.has_sent(&bytes, None)
    })
}

/// From a pipe.
pub fn from_pipe(_: &Scene) -> Outcome {
    let bytes = pattern(3000);
    through(&bytes, |socket| {
        let (reads, mut writes) = std::io::pipe().tried("make a pipe")?;
        writes.write_all(&bytes).tried("write to a pipe")?;
        all(sockets::splice(reads.as_fd(), socket.as_fd(), 3000), 3000)?;
        socket.has_sent(&bytes, None)
    })
}

/// From the program's own pages.
pub fn zero_copy(_: &Scene) -> Outcome {
    let bytes = pattern(3000);
    through(&bytes, |socket| {
        socket.set(libc::SOL_SOCKET, libc::SO_ZEROCOPY, 1)?;
        all(
            sockets::send(socket.as_fd(), &bytes, libc::MSG_ZEROCOPY, None),
            3000,
        )?;
        socket.has_sent(&bytes, None)
    })
}

/// What is received goes into a pipe.
pub fn received_into_pipe(_: &Scene) -> Outcome {
    let world = World::enter()?;
    let (mut client, mut server) = Sock::pair(&world, at(HERE, 8080))?;
    client.send(b"hello")?;
    let (_reads, writes) = std::io::pipe().tried("make a pipe")?;
    all(sockets::splice(server.as_fd(), writes.as_fd(), 5), 5)?;
    server.has_received(b"hello", None)?;
    client.close()?;
    server.close()
}

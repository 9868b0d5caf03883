//! Sockets through io_uring: told as the process's own that asked.

use std::os::fd::AsFd;
use std::thread;
use std::time::Duration;

use super::sock::Sock;
use super::world::{HERE, World, at};
use crate::sys::process::Ended;
use crate::sys::uring::Uring;
use crate::workloads::failure::{Outcome, Tried, ensure};
use crate::workloads::kit::{self, Birth};
use crate::workloads::scene::Scene;

/// A worker that has answered is free long before.
const WORKER_IDLES: Duration = Duration::from_millis(50);

/// Connected, accepted, sent and received by requests alone.
pub fn all(_: &Scene) -> Outcome {
    let world = World::enter()?;
    let to = at(HERE, 8080);
    let mut server = Sock::listening(&world, to, 4)?;
    let mut client = kit::start(Birth::Fork, &mut |inside| {
        let mut ring = Uring::new(false).tried("io_uring_setup")?;
        let mut socket = Sock::tcp(&world, to)?;
        let from = at(HERE, socket.prepare(to)?);
        ring.connect(socket.as_fd(), &to.into()).tried("connect")?;
        // The request waits; the call within it does not.
        socket.connect_begun(from, to, libc::EINPROGRESS)?;
        socket.connect_ended(from, to, 0)?;
        let sent = ring.send(socket.as_fd(), b"by request").tried("send")?;
        ensure(sent == 10, || format!("{sent} bytes were sent"))?;
        socket.has_sent(b"by request", None)?;
        inside.ready()?;
        inside.wait()?;
        socket.close()?;
        Ok(0)
    })?;
    client.await_ready()?;
    let mut answers = kit::start(Birth::Fork, &mut |inside| {
        let mut ring = Uring::new(false).tried("io_uring_setup")?;
        let fd = ring.accept(server.as_fd()).tried("accept")?;
        let mut accepted = server.has_accepted_with(fd, 10)?;
        // The ring's worker has answered before it is free again: asked meanwhile,
        // the kernel has another one do it.
        thread::sleep(WORKER_IDLES);
        let mut bytes = [0; 10];
        let received = ring
            .receive(accepted.as_fd(), &mut bytes)
            .tried("receive")?;
        ensure(received == 10 && bytes == *b"by request", || {
            format!("{received} bytes were received")
        })?;
        accepted.has_received(&bytes, None)?;
        accepted.close()?;
        inside.ready()?;
        inside.wait()
    })?;
    answers.await_ready()?;
    answers.finish(0)?;
    client.tell(0)?;
    client.ends(Ended::Exit(0))?;
    server.close()
}

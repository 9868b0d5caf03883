//! Servers: how they wait, and who takes what came.

use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::{fs, thread};

use super::sock::Sock;
use super::world::{HERE, World, at};
use crate::sys::{process, schedule, sockets, space};
use crate::workloads::failure::{Failure, Outcome, Tried, ensure};
use crate::workloads::kit::{self, Birth};
use crate::workloads::scene::Scene;

const ANY: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// listen(2) alone: the kernel finds a port. A backlog is at most the system's own; another listen(2)
/// changes it.
pub fn unbound(_: &Scene) -> Outcome {
    let world = World::enter()?;
    world.set("core/somaxconn", "100")?;
    let mut socket = Sock::tcp(&world, at(ANY, 0))?;
    let port = world.choose_port()?;
    for (asked, backlog) in [(7, 7), (5000, 100), (-1, 100)] {
        sockets::listen(socket.as_fd(), asked).tried("listen")?;
        let told = socket.told("listen")?.local(Some(at(ANY, port)));
        socket.say(told.remote(None).detail(backlog))?;
    }
    socket.close()
}

/// Two sockets share a port; only one of them waits.
pub fn shared_port(_: &Scene) -> Outcome {
    let world = World::enter()?;
    let to = at(HERE, 8080);
    let mut sharing = Vec::new();
    for _ in 0..2 {
        let mut socket = Sock::tcp(&world, to)?;
        socket.set(libc::SOL_SOCKET, libc::SO_REUSEPORT, 1)?;
        socket.bind(to)?;
        sharing.push(socket);
    }
    let mut client = Sock::tcp(&world, to)?;
    for socket in sharing.iter_mut().skip(1) {
        socket.listen(4)?;
        client.connect(to)?;
        socket.accept()?.close()?;
    }
    client.close()?;
    sharing.into_iter().try_for_each(Sock::close)
}

/// A connection that nobody ever takes: it was there for who asked, and for nobody else.
pub fn untaken(_: &Scene) -> Outcome {
    let world = World::enter()?;
    let to = at(HERE, 8080);
    let mut server = Sock::new(
        &world,
        libc::AF_INET,
        libc::SOCK_STREAM | libc::SOCK_NONBLOCK,
        0,
    )?;
    server.bind(to)?;
    server.listen(4)?;
    let none = sockets::accept(server.as_fd());
    ensure(none.is_err(), || "there was a connection before".into())?;
    let mut client = Sock::tcp(&world, to)?;
    client.connect(to)?;
    server.close()?;
    // The server's end has reset it.
    client.about.has_failed = true;
    client.close()
}

/// A port below 1024 is not for everybody.
pub fn privileged(_: &Scene) -> Outcome {
    let world = World::enter()?;
    let child = kit::start(Birth::Fork, &mut |inside| {
        space::setresuid(1000, 1000, 1000).tried("change the user")?;
        let mut socket = Sock::tcp(&world, at(HERE, 80))?;
        let result = sockets::bind(socket.as_fd(), &at(HERE, 80).into());
        let told = socket.told("bind")?.local(Some(at(HERE, 80))).remote(None);
        socket.say(told.fails(result, libc::EACCES)?)?;
        socket.close()?;
        inside.wait()
    })?;
    child.finish(1)
}

/// How many threads wait for connections at once: more than a kernel can see return by itself.
const WAITING: usize = 40;

/// A thread that waits for one connection: its id first, then what it accepted.
fn waiter(server: &OwnedFd, said: &Sender<Waited>) -> Outcome {
    let gone = |_| Failure("nobody listens".into());
    said.send(Waited::Thread(process::gettid())).map_err(gone)?;
    let accepted = sockets::accept(server.as_fd()).tried("accept")?;
    let tid = process::gettid();
    said.send(Waited::Accepted(tid, accepted)).map_err(gone)
}

enum Waited {
    Thread(i32),
    Accepted(i32, OwnedFd),
}

/// Forty threads wait, then as many connections come, and twice as many as there is room for.
pub fn many_waiting(_: &Scene) -> Outcome {
    let world = World::enter()?;
    let to = at(HERE, 8080);
    let mut server = Sock::listening(&world, to, 4)?;
    let shared = server.as_fd().try_clone_to_owned().tried("dup")?;
    // All on one processor, those that wait among them: so it is known who runs first.
    schedule::pin_to(schedule::processor()).tried("stay on a processor")?;
    let (says, said) = channel();
    let clients = thread::scope(|scope| -> Outcome<Vec<Sock<'_>>> {
        for _ in 0..WAITING {
            let (says, shared) = (says.clone(), &shared);
            scope.spawn(move || waiter(shared, &says));
            let tid = match said.recv().tried("hear of a thread")? {
                Waited::Thread(tid) => tid,
                Waited::Accepted(..) => return Err(Failure("nobody has asked yet".into())),
            };
            await_accept(tid)?;
        }
        connect_all(&world, &mut server, &said)
    })?;
    drop(shared);
    for client in clients {
        client.close()?;
    }
    server.close()
}

/// One after the other, so that it is known who took what.
fn connect_all<'a>(
    world: &'a World,
    server: &mut Sock<'a>,
    said: &Receiver<Waited>,
) -> Outcome<Vec<Sock<'a>>> {
    let to = at(HERE, 8080);
    let mut ends = Vec::new();
    for _ in 0..WAITING {
        let mut client = Sock::tcp(world, to)?;
        // Who waits is woken in the middle of it, and must not run before its end.
        schedule::run_first(true).tried("run before all others")?;
        client.connect(to)?;
        schedule::run_first(false).tried("run among others")?;
        let Waited::Accepted(tid, fd) = said.recv().tried("hear of a connection")? else {
            return Err(Failure("a thread began too late".into()));
        };
        ends.push(client);
        ends.push(server.has_accepted_by(fd, tid)?);
    }
    // Now nobody waits: what there is room for is there at once, and one more.
    for _ in 0..5 {
        let mut client = Sock::tcp(world, to)?;
        client.connect(to)?;
        ends.push(client);
    }
    for _ in 0..5 {
        ends.push(server.accept()?);
    }
    Ok(ends)
}

/// Until a thread of this process stands in accept4(2).
fn await_accept(tid: i32) -> Outcome {
    let path = format!("/proc/self/task/{tid}/syscall");
    let in_accept = format!("{} ", libc::SYS_accept4);
    loop {
        let now = fs::read_to_string(&path).tried(&path)?;
        if now.starts_with(&in_accept) {
            return Ok(());
        }
        thread::yield_now();
    }
}

//! Random writes through random calls into TCP connections: what the sensors tell of
//! each, put together, is what its stream begins with, byte for byte, to the limit.
//!
//! What differs is made smaller for as long as something still differs.

use std::fmt::{self, Write as _};
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::thread;

use trapline_loader::kernel_btf::KernelBtf;
use trapline_sensors::event::{Kind, Socket, SocketOperation};
use trapline_sensors::sensors::Flavour;
use trapline_sensors::{Family, abi};

use super::super::stage::{Failure, Tried};
use super::tree::Random;
use super::{Heard, Listening, Outcome, Report, Stage};
use crate::sys::{process, sockets};

const SEEDS: [u64; 3] = [0x7061_796c, 0x6f61_6473, 0x2027];
/// With each seed.
const CONNECTIONS: usize = 40;
/// What is told of each.
const TOLD_BYTES: usize = 16 << 10;
/// What a pipe holds.
const PIPE_BYTES: usize = 64 << 10;

/// The ways into a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Write,
    Writev,
    Send,
    SendMore,
    Sendmsg,
    Sendmmsg,
    Sendfile,
    Splice,
    ZeroCopy,
}

const WAYS: [(Way, &str); 9] = [
    (Way::Write, "write"),
    (Way::Writev, "writev"),
    (Way::Send, "send"),
    (Way::SendMore, "send_more"),
    (Way::Sendmsg, "sendmsg"),
    (Way::Sendmmsg, "sendmmsg"),
    (Way::Sendfile, "sendfile"),
    (Way::Splice, "splice"),
    (Way::ZeroCopy, "zero_copy"),
];

/// One call, and the sizes of the pieces that it is given.
#[derive(Clone, Debug)]
struct Call {
    way: Way,
    sizes: Vec<usize>,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = WAYS.iter().find(|(way, _)| *way == self.way);
        f.write_str(name.map_or("?", |(_, name)| name))?;
        for size in &self.sizes {
            write!(f, " {size}")?;
        }
        Ok(())
    }
}

impl Call {
    fn random(random: &mut Random) -> Self {
        let (way, _) = WAYS[random.below(WAYS.len())];
        let pieces = match way {
            Way::Writev | Way::Sendmsg | Way::Sendmmsg => 1 + random.below(20),
            _ => 1,
        };
        let sizes = (0..pieces).map(|_| match random.below(10) {
            0 => 0,
            1..6 => 1 + random.below(64),
            6..8 => random.below(2_000),
            8 => 4_090 + random.below(12),
            _ => random.below(20_000),
        });
        let mut sizes: Vec<usize> = sizes.collect();
        // Of nothing at all these make an error, or an event of no bytes.
        if sizes.iter().all(|size| *size == 0) {
            sizes[0] = 1;
        }
        if way == Way::Sendmmsg {
            sizes.retain(|size| *size != 0);
        }
        Self { way, sizes }
    }

    /// Makes the call; returns how much was taken. `whole` is the pieces in one, which with
    /// `MSG_ZEROCOPY` the kernel may read as long as the connection lives.
    fn perform(
        &self,
        socket: BorrowedFd<'_>,
        pieces: &[Vec<u8>],
        whole: &[u8],
    ) -> io::Result<usize> {
        let parts: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
        match self.way {
            Way::Write => sockets::write(socket, whole),
            Way::Writev => sockets::write_parts(socket, &parts),
            Way::Send => sockets::send(socket, whole, libc::MSG_NOSIGNAL, None),
            Way::SendMore => sockets::send(socket, whole, libc::MSG_MORE, None),
            Way::Sendmsg => sockets::send_parts(socket, &parts, libc::MSG_NOSIGNAL, None),
            Way::Sendmmsg => {
                let messages: Vec<_> = parts.iter().map(|part| (*part, None)).collect();
                let sent = sockets::send_many(socket, &messages)?;
                Ok(parts.iter().take(sent).map(|part| part.len()).sum())
            }
            Way::Sendfile => {
                let mut file = memory_file(whole)?;
                file.rewind()?;
                sockets::sendfile(socket, file.as_fd(), whole.len())
            }
            Way::Splice => {
                let (reader, mut writer) = io::pipe()?;
                let size = whole.len().min(PIPE_BYTES);
                writer.write_all(&whole[..size])?;
                sockets::splice(reader.as_fd(), socket, size)
            }
            Way::ZeroCopy => sockets::send(socket, whole, libc::MSG_ZEROCOPY, None),
        }
    }
}

fn memory_file(content: &[u8]) -> io::Result<File> {
    let mut file = File::from(process::memfd_create(c"payload", true)?);
    file.write_all(content)?;
    Ok(file)
}

pub(super) fn payload(stage: &mut Stage<'_>) -> Outcome {
    let mut right = 0;
    for flavour in [Flavour::Fentry, Flavour::Kprobe] {
        let mut play = Play::begin(stage.kernel(), flavour)?;
        for seed in SEEDS {
            let mut random = Random::new(seed);
            for _ in 0..CONNECTIONS {
                let calls: Vec<Call> = (0..1 + random.below(8))
                    .map(|_| Call::random(&mut random))
                    .collect();
                // Bytes of its own: those of another connection would not pass for them.
                let content = random.below(usize::MAX) as u64;
                right += match play.differs(content, &calls)? {
                    Ok(bytes) => bytes,
                    Err(difference) => return Err(play.smaller(content, calls, difference)?),
                };
            }
        }
    }
    Ok(Report::checked("fentry, kprobe", right, right))
}

struct Play {
    listening: Listening,
    flavour: Flavour,
}

/// How many bytes were told and right, or the first thing that was not.
type Played = Result<u64, String>;

impl Play {
    fn begin(kernel: &mut KernelBtf, flavour: Flavour) -> Result<Self, Failure> {
        let listening = Listening::begin(kernel, flavour, |options| {
            options.families = &[Family::Network];
            options.network.loopback = true;
        })?;
        Ok(Self { listening, flavour })
    }

    /// Makes these calls on a new connection.
    fn differs(&mut self, seed: u64, calls: &[Call]) -> Result<Played, Failure> {
        self.listening.hear()?;
        let (port, stream) = send_all(seed, calls)?;
        let mut told = Vec::new();
        for heard in self.listening.hear()? {
            let event = match heard {
                Heard::Event(event) => event,
                Heard::Lost { records, .. } => return Ok(Err(format!("{records} records lost"))),
            };
            let Kind::Socket(socket) = &event.kind else {
                continue;
            };
            let is_ours = socket.local.is_some_and(|local| local.port == port);
            if socket.operation != SocketOperation::Send || !is_ours {
                continue;
            }
            if let Err(difference) = add(socket, &mut told) {
                return Ok(Err(difference));
            }
        }
        let should = &stream[..stream.len().min(TOLD_BYTES)];
        if told == should {
            return Ok(Ok(told.len() as u64));
        }
        let same = told.iter().zip(should).take_while(|(a, b)| a == b).count();
        Ok(Err(format!(
            "{} bytes told of {}, of which {} should be; the first {same} are right",
            told.len(),
            stream.len(),
            should.len()
        )))
    }

    /// As few of the calls as still differ.
    fn smaller(
        &mut self,
        seed: u64,
        mut calls: Vec<Call>,
        mut difference: String,
    ) -> Result<Failure, Failure> {
        let mut at = 0;
        while at < calls.len() {
            let mut fewer = calls.clone();
            fewer.remove(at);
            match self.differs(seed, &fewer)? {
                Err(still) => (calls, difference) = (fewer, still),
                Ok(_) => at += 1,
            }
        }
        let mut line = String::new();
        for call in &calls {
            let _ = write!(line, "; {call}");
        }
        let flavour = self.flavour.name();
        Ok(Failure::Other(format!(
            "{flavour}, bytes of the seed {seed:#x}, made smaller: {difference}: {}",
            line.trim_start_matches("; ")
        )))
    }
}

/// Adds what an event tells, which has to follow what was told before it.
fn add(socket: &Socket, told: &mut Vec<u8>) -> Result<(), String> {
    let payload = socket.payload.as_ref().ok_or("a send without payload")?;
    if payload.offset_bytes != told.len() as u64 {
        return Err(format!(
            "{} bytes told, and then from byte {}",
            told.len(),
            payload.offset_bytes
        ));
    }
    let flags = payload.data.flags;
    if flags.0 & !abi::TEXT_CUT_END != 0 {
        let names: Vec<&str> = flags.names().collect();
        return Err(format!("a payload flagged {names:?}"));
    }
    told.extend_from_slice(&payload.data.bytes);
    let is_end = told.len() >= TOLD_BYTES;
    if socket.flags.has(abi::SOCKET_PAYLOAD_ENDS) != is_end {
        return Err(format!(
            "payload_ends is {} after {} bytes",
            !is_end,
            told.len()
        ));
    }
    Ok(())
}

/// Sends it all through a connection within this machine: the sender's port, and the
/// stream as it was taken and received.
fn send_all(seed: u64, calls: &[Call]) -> Result<(u16, Vec<u8>), Failure> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).tried("listen")?;
    let client = TcpStream::connect(listener.local_addr().tried("getsockname")?);
    let client = client.tried("connect")?;
    let (mut server, _) = listener.accept().tried("accept")?;
    let port = client.local_addr().tried("getsockname")?.port();
    sockets::set(client.as_fd(), libc::SOL_SOCKET, libc::SO_ZEROCOPY, 1).tried("SO_ZEROCOPY")?;
    // It must not wait for us when we wait for it.
    let reads = thread::spawn(move || {
        let mut received = Vec::new();
        server.read_to_end(&mut received).map(|_| received)
    });
    let mut random = Random::new(seed);
    let mut stream = Vec::new();
    let mut kept = Vec::new();
    for call in calls {
        let piece = |size: &usize| (0..*size).map(|_| random.below(256) as u8).collect();
        let pieces: Vec<Vec<u8>> = call.sizes.iter().map(piece).collect();
        let whole = pieces.concat();
        let taken = call.perform(client.as_fd(), &pieces, &whole).tried(call)?;
        stream.extend(whole.iter().take(taken));
        kept.push(whole);
    }
    drop(client);
    let received = reads
        .join()
        .map_err(|_| Failure::Other("the reader panicked".into()))?;
    if received.tried("read")? != stream {
        return Err(Failure::Other(
            "another stream came out than was sent".into(),
        ));
    }
    Ok((port, stream))
}

//! When flows of datagrams end: after their socket, after a while, and sooner where many
//! others wait for room; and what is told where there is none.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, UdpSocket};
use std::time::{Duration, Instant};

use trapline_loader::kernel_btf::KernelBtf;
use trapline_sensors::Family;
use trapline_sensors::abi::CPU_READER;
use trapline_sensors::event::{Kind, SocketOperation};
use trapline_sensors::sensors::{Flavour, Options};

use super::super::checks::Checks;
use super::super::stage::{Failure, Tried};
use super::{Heard, Listening, Outcome, Stage};

/// A time that is not over before the case is.
const NEVER: Duration = Duration::from_secs(3600);
/// How long an end may take to be told before it counts as missing.
const PATIENCE: Duration = Duration::from_secs(20);
/// Nobody listens on these ports.
const FIRST_PORT: u16 = 20_000;
/// More than are told after one look.
const MANY: u16 = 600;
/// Room for so many.
const FEW: u16 = 16;

pub(super) fn flows(stage: &mut Stage<'_>) -> Outcome {
    let mut checks = Checks::default();
    closed(stage.kernel(), &mut checks)?;
    idle(stage.kernel(), &mut checks)?;
    full(stage.kernel(), &mut checks)?;
    Ok(checks.report("fentry"))
}

fn begin(kernel: &mut KernelBtf, set: impl FnOnce(&mut Options)) -> Result<Listening, Failure> {
    Listening::begin(kernel, Flavour::Fentry, |options| {
        options.families = &[Family::Network];
        options.network.loopback = true;
        options.network.flow_look = Duration::from_millis(20);
        set(options);
    })
}

fn open() -> Result<UdpSocket, Failure> {
    UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).tried("open a socket")
}

/// So many ports, each once.
fn send_to_each(socket: &UdpSocket, ports: u16) -> Result<(), Failure> {
    for port in FIRST_PORT..FIRST_PORT + ports {
        let sent = socket.send_to(b"four", (Ipv4Addr::LOCALHOST, port));
        sent.tried("send a datagram")?;
    }
    Ok(())
}

/// What was told: the ports of first datagrams, and of flows that have ended, each with
/// its datagrams and bytes.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    sent: Vec<u16>,
    ended: Vec<(u16, u64, u64)>,
}

impl Told {
    fn take(&mut self, heard: Vec<Heard>, checks: &mut Checks) -> Result<(), Failure> {
        for heard in heard {
            let event = match heard {
                Heard::Lost { cpu, records } => {
                    checks.equal("records lost", &(cpu, records), &(cpu, 0))?;
                    continue;
                }
                Heard::Event(event) => event,
            };
            let Kind::Socket(socket) = &event.kind else {
                continue;
            };
            let port = socket.remote.map_or(0, |remote| remote.port);
            match socket.operation {
                SocketOperation::Send => self.sent.push(port),
                SocketOperation::FlowEnd => {
                    checks.equal("the processor of a flow's end", &event.cpu, &CPU_READER)?;
                    let totals = &socket.totals;
                    let told = (port, totals.sent_packets, totals.sent_bytes);
                    self.ended.push(told);
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Reads on until so many flows have ended.
    fn until(
        listening: &mut Listening,
        checks: &mut Checks,
        ended: usize,
    ) -> Result<Self, Failure> {
        let started = Instant::now();
        let mut told = Self::default();
        while told.ended.len() < ended {
            if started.elapsed() > PATIENCE {
                let cause = format!("{} of {ended} after {PATIENCE:?}", told.ended.len());
                return Err(Failure::other("flows that end", cause));
            }
            listening.sensors.poll(Some(Duration::from_millis(100)))?;
            told.take(listening.hear()?, checks)?;
        }
        Ok(told)
    }

    fn now(listening: &mut Listening, checks: &mut Checks) -> Result<Self, Failure> {
        let mut told = Self::default();
        listening.sensors.look_at_flows()?;
        told.take(listening.hear()?, checks)?;
        Ok(told)
    }
}

/// As it should be after datagrams of four bytes, so many to each port.
fn each(ports: u16, packets: u64) -> Vec<(u16, u64, u64)> {
    let all = FIRST_PORT..FIRST_PORT + ports;
    all.map(|port| (port, packets, 4 * packets)).collect()
}

fn balances(listening: &Listening, checks: &mut Checks) -> Result<u64, Failure> {
    let account = listening.sensors.account()?;
    let lost = account.lost_total();
    checks.equal("records sent", &account.sent, &(account.received + lost))?;
    Ok(account.poorer.get("state_full").copied().unwrap_or(0))
}

/// As long as a socket is open its flows are not over; then all are, in their order, and
/// are told as often as they are looked for.
fn closed(kernel: &mut KernelBtf, checks: &mut Checks) -> Result<(), Failure> {
    let mut listening = begin(kernel, |options| {
        options.network.flow_idle = NEVER;
    })?;
    let socket = open()?;
    send_to_each(&socket, MANY)?;
    send_to_each(&socket, MANY)?;
    let told = Told::now(&mut listening, checks)?;
    let ports: Vec<u16> = (FIRST_PORT..FIRST_PORT + MANY).collect();
    checks.equal("what is sent first", &told.sent, &ports)?;
    checks.equal("ends while it is open", &told.ended, &Vec::new())?;
    drop(socket);
    let told = Told::until(&mut listening, checks, MANY.into())?;
    checks.equal("ends of all flows", &told.ended, &each(MANY, 2))?;
    let full = balances(&listening, checks)?;
    checks.equal("flows without room", &full, &0)
}

/// After a while a flow is over; what comes then is another.
fn idle(kernel: &mut KernelBtf, checks: &mut Checks) -> Result<(), Failure> {
    let mut listening = begin(kernel, |options| {
        options.network.flow_idle = Duration::from_millis(200);
    })?;
    let socket = open()?;
    for _ in 0..2 {
        send_to_each(&socket, 1)?;
        let told = Told::until(&mut listening, checks, 1)?;
        let expected = Told {
            sent: vec![FIRST_PORT],
            ended: each(1, 1),
        };
        checks.equal("a flow that is idle", &told, &expected)?;
    }
    balances(&listening, checks).map(drop)
}

/// Without room nothing is passed over: each datagram is told, and counted as poorer. A
/// crowd ends sooner, an eighth of the time being over.
fn full(kernel: &mut KernelBtf, checks: &mut Checks) -> Result<(), Failure> {
    let mut listening = begin(kernel, |options| {
        options.network.flows = FEW.into();
        options.network.flow_idle = PATIENCE * 2;
        options.network.flow_look = NEVER;
    })?;
    let socket = open()?;
    send_to_each(&socket, FEW + 4)?;
    send_to_each(&socket, FEW + 4)?;
    let told = Told::now(&mut listening, checks)?;
    let all = FIRST_PORT..FIRST_PORT + FEW + 4;
    let again = FIRST_PORT + FEW..FIRST_PORT + FEW + 4;
    let expected: Vec<u16> = all.chain(again).collect();
    checks.equal("what is sent", &told.sent, &expected)?;
    let without_room = balances(&listening, checks)?;
    checks.equal("datagrams without room", &without_room, &8)?;
    let started = Instant::now();
    let mut ended = BTreeSet::new();
    while ended.len() < FEW.into() && started.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(200));
        ended.extend(Told::now(&mut listening, checks)?.ended);
    }
    let ended: Vec<_> = ended.into_iter().collect();
    checks.equal("a crowd that is idle", &ended, &each(FEW, 2))
}

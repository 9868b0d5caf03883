//! Random operations on sockets, by several processes and threads, against a model
//! that knows only what was asked for: what each call returns, and every event's kind,
//! ends, outcome, actor and totals, no event missing and none too many.
//!
//! They go from one processor to the other, and one comes after the other, as the model
//! has them.

mod actor;
mod crew;
mod model;
mod operation;
mod place;
mod telling;

use std::fs;
use std::thread;
use std::time::Duration;

use trapline_loader::kernel_btf::KernelBtf;
use trapline_sensors::event::Kind;
use trapline_sensors::sensors::Flavour;
use trapline_sensors::{Event, Family};

use super::super::stage::{Failure, Tried};
use super::play::{self, Difference, Due, Play, Played};
use super::tree::Random;
use super::{Heard, Listening, Outcome, Stage};
use crew::Crew;
use model::{Model, Told};
use operation::{Act, Operation};
use telling::Telling;

/// With each seed.
const OPERATIONS: usize = 1_500;
/// Where names of UNIX sockets are.
const PATHS: &str = "/tmp/sensing.sockets";
/// Until what was told meanwhile is read, so that the ring never fills.
const HEAR_EVERY: Duration = Duration::from_millis(20);

pub(super) fn sockets(stage: &mut Stage<'_>) -> Outcome {
    play::all::<Sockets>(stage)
}

/// One flavour of sensors.
struct Sockets {
    listening: Listening,
}

impl Play for Sockets {
    type Operation = Operation;
    const SEEDS: [u64; 3] = [0x736f_636b, 0x6574_7320, 0x2028];
    const NAME: &str = "sockets";

    fn begin(kernel: &mut KernelBtf, flavour: Flavour) -> Result<Self, Failure> {
        let listening = Listening::begin(kernel, flavour, |options| {
            options.families = &[Family::Network];
            // When flows end has a case of its own.
            options.network.flow_look = Duration::MAX;
        })?;
        Ok(Self { listening })
    }

    /// The model says what makes sense.
    fn made_of(seed: u64) -> Vec<Operation> {
        let (mut random, mut model) = (Random::new(seed), Model::new(""));
        let mut operations = Vec::new();
        while operations.len() < OPERATIONS {
            let operation = Operation::random(&mut random, &model.met());
            if model.apply(operations.len(), &operation).is_some() {
                operations.push(operation);
            }
        }
        operations
    }

    fn read(text: &str) -> Option<Operation> {
        operation::read(text)
    }

    /// Does them in a new network. What is told meanwhile is read meanwhile.
    fn differs(&mut self, operations: &[Operation]) -> Result<Played, Failure> {
        let _ = fs::remove_dir_all(PATHS);
        fs::create_dir_all(PATHS).tried("make a folder")?;
        let mut crew = Crew::muster(PATHS)?;
        self.listening.hear()?;
        let mut heard = Vec::new();
        let driven = thread::scope(|scope| {
            let driver = scope.spawn(|| drive(&mut crew, operations));
            while !driver.is_finished() {
                self.listening.sensors.poll(Some(HEAR_EVERY))?;
                heard.extend(self.listening.hear()?);
            }
            let panicked = |_| Failure::Other("the driver panicked".to_owned());
            driver.join().map_err(panicked)?
        })?;
        heard.extend(self.listening.hear()?);
        let played = compare(&crew, driven, &heard, operations);
        crew.dismiss()?;
        Ok(played)
    }
}

/// What became of the operations.
struct Driven {
    due: Due<Told>,
    /// Who did each.
    tids: Vec<i32>,
    /// What was not as the model has it, apart from events.
    difference: Option<Difference>,
}

fn drive(crew: &mut Crew, operations: &[Operation]) -> Result<Driven, Failure> {
    let mut model = Model::new(PATHS);
    let mut driven = Driven {
        due: Due::default(),
        tids: vec![0; operations.len()],
        difference: None,
    };
    for (step, operation) in operations.iter().enumerate() {
        let Some(must) = model.apply(step, operation) else {
            continue;
        };
        let answer = crew.does(operation, must.port)?;
        driven.tids[step] = answer.tid;
        if answer.result != must.result {
            let what = format!("{:?}, by the model {:?}", answer.result, must.result);
            driven.difference = Some(Difference::at(step, operation, what));
            return Ok(driven);
        }
        for (actor, slot, settled) in must.settled {
            let seen = crew.settles(actor, slot, settled)?;
            if seen != Ok(0) {
                let what = format!("{slot} stays {seen:x?}, by the model {settled:?}");
                driven.difference = Some(Difference::at(step, operation, what));
                return Ok(driven);
            }
        }
        driven.due.add(step, must.events);
    }
    Ok(driven)
}

/// What was heard against what had to be.
fn compare(crew: &Crew, driven: Driven, heard: &[Heard], operations: &[Operation]) -> Played {
    let Driven {
        mut due,
        tids,
        difference,
    } = driven;
    let mut telling = Telling::new(&crew.births, &tids);
    let mut right = 0;
    for heard in heard {
        let event = match heard {
            Heard::Event(event) => event,
            Heard::Lost { records, .. } => {
                return Err(Difference::of(format!("{records} records lost")));
            }
        };
        let Some(socket) = socket_of(event).filter(|it| it.net_ns == crew.net_ns) else {
            continue;
        };
        if difference.is_some() && due.next().is_none() {
            break;
        }
        let told = telling.told(event, socket, &due);
        due.meets(&told, operations, |it| it.act == Act::Exit)?;
        right += 1;
    }
    match difference {
        Some(difference) => Err(difference),
        None => due.is_over(operations).map(|()| right),
    }
}

fn socket_of(event: &Event) -> Option<&trapline_sensors::event::Socket> {
    match &event.kind {
        Kind::Socket(socket) => Some(socket),
        _ => None,
    }
}

//! Processes of one network: each does what it is told, and says what came of it.
//!
//! The first enters the network; any may fork another, which has all that it has.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::os::fd::{AsFd, OwnedFd};

use super::super::super::stage::{Failure, Tried};
use super::actor::Actor;
use super::model::Settled;
use super::operation::{ACTORS, Act, Operation, Slot};
use crate::sys::{birth, process};

/// Nothing takes longer, whatever the machine.
const PATIENCE_MS: i32 = 60_000;

/// All processes, for whoever tells them what to do.
pub struct Crew {
    commands: Vec<File>,
    answers: BufReader<File>,
    /// Each that came into being: its pid.
    pub births: Vec<i32>,
    actors: [Option<(i32, OwnedFd)>; ACTORS],
    /// The inode number of their network namespace.
    pub net_ns: u32,
}

/// What came of something: what the call returned or its errno, and who called.
#[derive(Debug)]
pub struct Answer {
    pub result: Result<u64, i32>,
    pub tid: i32,
}

impl Crew {
    /// Begins with one process, in a network of its own.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn muster(folder: &str) -> Result<Self, Failure> {
        let (answers, answer) = io::pipe().tried("make a pipe")?;
        let mut commands = Vec::new();
        let mut orders = Vec::new();
        for _ in 0..ACTORS {
            let (order, command) = io::pipe().tried("make a pipe")?;
            commands.push(File::from(OwnedFd::from(command)));
            orders.push(File::from(OwnedFd::from(order)));
        }
        let answer = File::from(OwnedFd::from(answer));
        let mut actor = Actor::new(orders, answer, folder);
        let pid = birth::fork(&mut || actor.begin()).tried("fork")?;
        let mut crew = Self {
            commands,
            answers: BufReader::new(File::from(OwnedFd::from(answers))),
            births: Vec::new(),
            actors: Default::default(),
            net_ns: 0,
        };
        crew.born(0, pid)?;
        let inode = crew.answer()?.result;
        let inode = inode.map_err(|errno| Failure::other("enter a network", errno))?;
        crew.net_ns = u32::try_from(inode).map_err(|error| Failure::other("namespace", error))?;
        Ok(crew)
    }

    fn born(&mut self, actor: usize, pid: i32) -> Result<(), Failure> {
        self.actors[actor] = Some((pid, process::pidfd_open(pid).tried("pidfd_open")?));
        self.births.push(pid);
        Ok(())
    }

    /// Has an operation done; the kernel has this port alone to choose from, if one is given.
    ///
    /// # Errors
    /// When nobody answers.
    pub fn does(&mut self, operation: &Operation, port: Option<u16>) -> Result<Answer, Failure> {
        let actor = operation.actor;
        self.tell(actor, &format!("{} {operation}", port.unwrap_or(0)))?;
        match operation.act {
            Act::Exit => {
                let (pid, pidfd) = self.actors[actor]
                    .take()
                    .ok_or_else(|| Failure::Other(format!("no actor {actor}")))?;
                process::poll_in(&[pidfd.as_fd()], PATIENCE_MS).tried("wait for its end")?;
                Ok(Answer {
                    result: Ok(0),
                    tid: pid,
                })
            }
            Act::Fork(new) => {
                let answer = self.answer()?;
                if let Ok(pid) = answer.result {
                    self.born(new, i32::try_from(pid).unwrap_or(0))?;
                }
                Ok(Answer {
                    result: answer.result.map(|_| 0),
                    ..answer
                })
            }
            _ => self.answer(),
        }
    }

    /// Waits until a socket is as it has to be; otherwise says how it is.
    ///
    /// # Errors
    /// When nobody answers.
    pub fn settles(
        &mut self,
        actor: usize,
        slot: Slot,
        settled: Settled,
    ) -> Result<Result<u64, i32>, Failure> {
        let how = match settled {
            Settled::Tcp(state, waiting) => format!("tcp {state} {waiting}"),
            Settled::Taken => "taken 0 0".to_owned(),
            Settled::Polled(events) => format!("polled {events} 0"),
        };
        self.tell(actor, &format!("settle {slot} {how}"))?;
        Ok(self.answer()?.result)
    }

    fn tell(&mut self, actor: usize, line: &str) -> Result<(), Failure> {
        let line = format!("{line}\n");
        self.commands[actor]
            .write_all(line.as_bytes())
            .tried("tell an actor")
    }

    fn answer(&mut self) -> Result<Answer, Failure> {
        process::poll_in(&[self.answers.get_ref().as_fd()], PATIENCE_MS).tried("wait")?;
        let mut line = String::new();
        self.answers.read_line(&mut line).tried("hear an actor")?;
        let numbers: Option<Vec<i64>> = line.split_whitespace().map(|it| it.parse().ok()).collect();
        match numbers.as_deref() {
            Some([value, tid]) => Ok(Answer {
                result: u64::try_from(*value).map_err(|_| -*value as i32),
                tid: *tid as i32,
            }),
            _ => Err(Failure::Other(format!("an actor says {line:?}"))),
        }
    }

    /// Ends all.
    ///
    /// # Errors
    /// What stays.
    pub fn dismiss(self) -> Result<(), Failure> {
        for (pid, pidfd) in self.actors.iter().flatten() {
            process::kill(*pid, libc::SIGKILL).tried("kill")?;
            process::poll_in(&[pidfd.as_fd()], PATIENCE_MS).tried("wait for an end")?;
        }
        // The others are children of those that have ended.
        let first = self.births.first().copied();
        process::wait(first).tried("wait for the first")?;
        Ok(())
    }
}

//! Putting a policy into force, and keeping it so.

use std::time::Duration;

use trapline_loader::attach::{InterfaceWatch, Link};
use trapline_loader::error::ResultExt;
use trapline_loader::kernel_btf::KernelBtf;
use trapline_loader::object::{LoadOptions, Object};
use trapline_loader::spec::ObjectSpec;

use super::abi::{Config, STATE_STARTING, STATE_STAYS, STATE_WHILE_RUNNING};
use super::hold::{CoveredCount, Hold};
use super::place::{Place, Run};
use super::policy::Rule;
use super::tables::Tables;
use super::{Error, Result, caller, maps, release, sockets};
use crate::{clock, objects};

/// Who may talk to the host, and for how long nobody else may.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// The first that matches is the one that is counted.
    pub rules: Vec<Rule>,
    /// After this everything passes, also when this process is gone.
    pub duration: Option<Duration>,
    /// It ends with this process, however that ends.
    pub while_running: bool,
    /// Where to pin.
    pub place: Place,
}

/// How things are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tended {
    /// It is in force.
    InForce,
    /// Somebody has released it, or put another in its place.
    Released,
    /// Its time is over, and it is released.
    Expired,
}

/// What is in force, and what it takes to cover interfaces that come.
#[derive(Debug)]
pub struct Isolation {
    place: Place,
    run: Run,
    config: Config,
    hold: Hold,
    watch: InterfaceWatch,
    /// Held, or pinned.
    _sockets: Vec<Link>,
    no_sockets: Option<Error>,
}

impl Isolation {
    /// Covers all interfaces and the sockets, and then shuts everything at once.
    /// What was in force before ends after that, so that there is no gap.
    ///
    /// # Errors
    /// Where not one interface could be covered, the reason for the first; what
    /// the kernel says otherwise. Nothing has changed then.
    pub fn start(policy: &Policy) -> Result<Self> {
        let tables = Tables::of(&policy.rules)?;
        policy.place.check()?;
        release::clean(&policy.place).with_context(|| "removing what an earlier run left")?;
        let old = policy.place.runs()?;
        let run = policy.place.new_run();
        let run = run.with_context(|| "isolating a host needs root")?;
        let started = Self::prepare(policy, &tables, run.clone());
        let started = started.and_then(|mut isolation| {
            let shut = isolation.shut(policy, &old);
            shut.map(|()| isolation)
        });
        if started.is_err() {
            // The error that led here says more.
            let _ = release::release_run(&run);
            policy.place.remove();
        }
        started
    }

    /// Loads and pins; nothing is attached yet.
    fn prepare(policy: &Policy, tables: &Tables, run: Run) -> Result<Self> {
        let mut spec = ObjectSpec::parse("isolate.bpf.o", &objects::ISOLATE.unpack()?)?;
        for program in &mut spec.programs {
            program.kind.autoload = false;
        }
        // Before the list is asked for: what comes after it is noticed.
        let watch = InterfaceWatch::open()?;
        let object = Object::load(spec, &mut KernelBtf::running(), &LoadOptions::default())?;
        maps::fill(&object, &policy.rules, tables)?;
        let pid = std::process::id();
        let config = Config {
            any_port: tables.any_port,
            started_ns: clock::boot_ns()?,
            state: STATE_STARTING,
            pid,
            pid_start: caller::started_ticks(pid).unwrap_or(0),
            rules: policy.rules.len() as u32,
            netns: caller::netns(),
            gate_ids: maps::gate_ids(&object)?,
            ..Config::default()
        };
        maps::write_config(&object, &config)?;
        let stays = !policy.while_running;
        maps::pin(&object, &run, stays)?;
        Ok(Self {
            place: policy.place.clone(),
            hold: Hold::new(object, run.clone(), stays)?,
            run,
            config,
            watch,
            _sockets: Vec::new(),
            no_sockets: None,
        })
    }

    /// Covers what there is, shuts the gates, and ends what was there before.
    fn shut(&mut self, policy: &Policy, old: &[Run]) -> Result<()> {
        self.hold.cover_all(old)?;
        if self.hold.count.whole == 0 {
            if let Some(error) = self.failures().into_iter().next() {
                return Err(error.context("no interface could be covered"));
            }
        }
        match sockets::cover(&mut self.hold.object, &self.run, !policy.while_running) {
            Ok(links) => self._sockets = links,
            Err(error) => self.no_sockets = Some(error),
        }
        if let Some(duration) = policy.duration {
            let ns = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
            self.config.deadline_ns = clock::boot_ns()?.saturating_add(ns);
        }
        // Before anything is shut, so that it ends whatever becomes of us.
        maps::write_config(&self.hold.object, &self.config)?;
        if self.no_sockets.is_none() {
            sockets::shut(&self.hold.object)?;
        }
        self.hold.shut()?;
        // After it is: else it would look like something that is left over.
        self.config.state = match policy.while_running {
            true => STATE_WHILE_RUNNING,
            false => STATE_STAYS,
        };
        maps::write_config(&self.hold.object, &self.config)?;
        for run in old {
            release::release_run(run).with_context(|| "ending what was in force before")?;
        }
        Ok(())
    }

    /// Waits for interfaces that come or go, at most so long, and looks whether
    /// everything is as it should be: covers what is new, goes before programs that
    /// have come before ours, attaches again what was detached.
    ///
    /// # Errors
    /// What the kernel says; an interface that cannot be covered is none, but one
    /// of [`failures`](Self::failures).
    pub fn tend(&mut self, wait: Duration) -> Result<Tended> {
        self.watch.wait(wait)?;
        if !self.run.exists() {
            return Ok(Tended::Released);
        }
        if self.config.deadline_ns != 0 && clock::boot_ns()? >= self.config.deadline_ns {
            self.release()?;
            return Ok(Tended::Expired);
        }
        if !maps::is_shut(&self.config)? {
            return Ok(Tended::Released);
        }
        self.hold.cover_all(&[])?;
        if self.run.exists() {
            return Ok(Tended::InForce);
        }
        // It was released in this very moment: what was put back lets everything
        // pass, but whoever released it may not have seen it.
        self.hold.uncover()?;
        Ok(Tended::Released)
    }

    /// Ends it.
    ///
    /// # Errors
    /// What could not be removed; everything passes all the same.
    pub fn release(&mut self) -> Result<()> {
        release::release_run(&self.run)?;
        self.place.remove();
        Ok(())
    }

    /// What could not be covered, since this was last asked.
    pub fn failures(&mut self) -> Vec<Error> {
        core::mem::take(&mut self.hold.failures)
    }

    /// How many interfaces there were when they were last looked at.
    pub fn covered(&self) -> CoveredCount {
        self.hold.count
    }

    /// Why sockets are not covered, where they are not.
    pub fn no_sockets(&self) -> Option<&Error> {
        self.no_sockets.as_ref()
    }
}
